//! A ledger in memory and segments in a temporary folder.

use std::{path::Path, sync::Arc};

use event::{Limits, Submitter, TrailId};
use indelible_query::Engine;
use journal::sim::SimFs;
use ledger::{Config, Env, Ledger, SignedCheckpoint, Trail};
use store::{NewRow, Segments};
use tempfile::TempDir;

pub(crate) struct Node {
    pub(crate) dir: TempDir,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) trail: Arc<Trail>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) engine: Engine,
}

impl Node {
    /// With one trail, which holds `trail.created`.
    pub(crate) fn new() -> Self {
        Self::with_checkpoints_every(500)
    }

    pub(crate) fn with_checkpoints_every(checkpoint_interval_ms: u64) -> Self {
        let dir = TempDir::new().unwrap();
        let segments = Segments::open(dir.path(), store::Config::default()).unwrap();
        let segments = Arc::new(segments);
        let env = Env::system(SimFs::new(1).handle());
        let config = Config {
            checkpoint_interval_ms,
            ..Config::new(dir.path())
        };
        let ledger = Ledger::open(config, env, Arc::clone(&segments) as _);
        let ledger = Arc::new(ledger.unwrap());
        let trail = ledger.create_trail(&TrailId::new("main").unwrap()).unwrap();
        Self {
            engine: Engine::new(Arc::clone(&trail), Arc::clone(&segments)),
            dir,
            ledger,
            trail,
            segments,
        }
    }

    pub(crate) fn record<S: AsRef<str>>(&self, events: &[S]) {
        record(&self.trail, events);
    }

    pub(crate) fn seal(&self, end: u64) {
        seal(&self.trail, &self.segments, end, |_| None);
    }

    /// Merges until nothing is left to merge.
    pub(crate) fn compact(&self) {
        while self.segments.compact(self.trail.id(), &|| false).unwrap() {}
    }

    /// Waits for a checkpoint that covers `size` events.
    pub(crate) fn wait_integrated(&self, size: u64) -> Arc<SignedCheckpoint> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let covered = self.trail.wait_integrated(size);
        runtime.build().unwrap().block_on(covered).unwrap()
    }

    /// The same trail, its segments read anew from another folder.
    pub(crate) fn with_segments(&self, dir: &Path) -> Engine {
        let segments = Segments::open_read_only(dir, store::Config::default()).unwrap();
        Engine::new(Arc::clone(&self.trail), Arc::new(segments))
    }
}

pub(crate) fn record<S: AsRef<str>>(trail: &Arc<Trail>, events: &[S]) {
    let by = Submitter::default();
    let prepare = |event: &S| {
        let json = event.as_ref().as_bytes();
        event::prepare(json, &by, trail.dedup_key(), &Limits::default()).unwrap()
    };
    let events = events.iter().map(prepare).collect();
    trail.submit_now(events).unwrap().wait().unwrap();
}

/// Seals what is unsealed below `end`, a record replaced where `replace` gives one.
pub(crate) fn seal(
    trail: &Trail,
    segments: &Segments,
    end: u64,
    replace: impl Fn(u64) -> Option<&'static [u8]>,
) {
    let hot = trail.hot();
    let sealed = segments.snapshot(trail.id()).unwrap().size();
    let events = hot.chunks.iter().flat_map(|chunk| chunk.iter());
    let rows: Vec<NewRow<'_>> = events
        .filter(|event| (sealed..end).contains(&event.seq.0))
        .map(|event| NewRow {
            seq: event.seq.0,
            recorded_at: event.recorded_at.0,
            record: replace(event.seq.0).unwrap_or(event.record),
            content: event.content,
            digest: event.digest,
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let snapshot = segments.seal(trail.id(), &rows).unwrap();
    trail.mark_sealed(snapshot.size());
}
