//! Start-up: replays the write-ahead log over what the segments and the tree already hold.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use event::{Leaf, Seq, TrailId, commit_content, commit_record};
use journal::{Journal, JournalError, Location, Options};
use tlog::Hash;

use crate::{
    chunk::Chunk, config::Config, env::Env, epochs::Epochs, error::LedgerError, frame::Frame,
    ledger::History, trail::Trail,
};

pub(crate) fn wal_dir(dir: &Path) -> PathBuf {
    dir.join("wal")
}

/// Replays the write-ahead log into the trails and returns it ready for appending.
pub(crate) fn recover(
    config: &Config,
    env: &Env,
    trails: &BTreeMap<TrailId, Arc<Trail>>,
    history: &dyn History,
) -> Result<Journal, LedgerError> {
    let dir = wal_dir(&config.dir);
    let mut replays = BTreeMap::new();
    for (id, trail) in trails {
        replays.insert(id.clone(), Replay::open(trail, history)?);
    }
    let options = Options {
        rotate_bytes: config.wal_file_bytes,
    };
    let opened = Journal::open(Arc::clone(&env.fs), &dir, options, &mut |at, payload| {
        replay(&dir, &mut replays, at, payload).map_err(Into::into)
    });
    let (journal, recovery) = opened.map_err(unwrap_visit)?;
    if let Some(torn) = recovery.dropped {
        tracing::warn!(path = %torn.path.display(), offset = torn.offset, bytes = torn.bytes,
            "dropped the torn end of the write-ahead log: it was never acknowledged");
    }
    for replay in replays.into_values() {
        replay.finish()?;
    }
    Ok(journal)
}

/// Our own error back out of the journal's.
pub(crate) fn unwrap_visit(error: JournalError) -> LedgerError {
    match error {
        JournalError::Visit { source, .. } => match source.downcast::<LedgerError>() {
            Ok(ours) => *ours,
            Err(source) => LedgerError::Visit(source),
        },
        other => LedgerError::Journal(other),
    }
}

fn replay(
    dir: &Path,
    replays: &mut BTreeMap<TrailId, Replay>,
    at: Location,
    payload: &[u8],
) -> Result<(), LedgerError> {
    let frame = Frame::parse(payload).map_err(|source| LedgerError::Frame {
        dir: dir.to_owned(),
        frame: at.frame,
        source,
    })?;
    let Some(replay) = replays.get_mut(&frame.trail) else {
        return Err(LedgerError::TrailGone {
            trail: frame.trail,
            frame: at.frame,
        });
    };
    replay.frame(at, frame, payload)
}

/// One trail's progress.
struct Replay {
    trail: Arc<Trail>,
    sealed: u64,
    /// Size of the newest checkpoint: the leaves below are in the tree.
    signed: u64,
    /// End of the frames seen; none before the first.
    next: Option<Seq>,
}

impl Replay {
    fn open(trail: &Arc<Trail>, history: &dyn History) -> Result<Self, LedgerError> {
        let sealed = history.sealed(trail.id())?;
        let mut sequence = trail.sequence();
        sequence.restore(Seq(sealed.size), sealed.recorded_at);
        trail.restore_size(sealed.size);
        trail.mark_sealed(sealed.size);
        Ok(Self {
            sealed: sealed.size,
            signed: trail.checkpoint().map_or(0, |newest| newest.size),
            next: None,
            trail: Arc::clone(trail),
        })
    }

    fn frame(&mut self, at: Location, frame: Frame, payload: &[u8]) -> Result<(), LedgerError> {
        let needed_from = Seq(self.sealed.min(self.signed));
        let expected = self.next.unwrap_or(needed_from);
        let gap = match self.next {
            Some(next) => frame.first != next,
            None => frame.first > needed_from,
        };
        if gap {
            return Err(LedgerError::Hole {
                trail: self.trail.id().clone(),
                expected,
                found: frame.first,
            });
        }
        let end = Seq(frame.first.0 + frame.entries.len() as u64);
        self.next = Some(end);
        if end <= needed_from {
            return Ok(());
        }
        let mut chunk = Chunk {
            first: frame.first,
            recorded_at: frame.recorded_at,
            bytes: payload.to_vec(),
            leaves: Vec::new(),
            entries: frame.entries,
        };
        chunk.leaves = leaves(&self.trail.epochs, &chunk)?;
        self.compare(&chunk)?;
        let mut sequence = self.trail.sequence();
        sequence.learn(&chunk);
        if end > sequence.next() {
            sequence.restore(end, chunk.recorded_at);
        }
        drop(sequence);
        self.trail.publish(at.frame, Arc::new(chunk));
        Ok(())
    }

    /// Compares the leaves that were signed with the stored tree: a frame with a good checksum may still have
    /// been exchanged.
    fn compare(&self, chunk: &Chunk) -> Result<(), LedgerError> {
        let mut index = chunk.first.0;
        let mut leaves = chunk.leaves.as_slice();
        while index < self.signed && !leaves.is_empty() {
            let count = (self.signed - index).min(leaves.len() as u64);
            let stored = self.trail.tree().run(0, index, count)?;
            let (now, later) = leaves.split_at(stored.len().min(leaves.len()));
            if let Some(at) = now
                .iter()
                .zip(&stored)
                .position(|(ours, theirs)| ours != theirs)
            {
                let index = index + at as u64;
                return Err(LedgerError::TreeHash {
                    path: self.trail.tree().path(0, index),
                    index,
                });
            }
            index += stored.len() as u64;
            leaves = later;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), LedgerError> {
        let size = self
            .next
            .map_or(self.sealed, |next| next.0.max(self.sealed));
        if self.signed > size {
            return Err(LedgerError::Cut {
                trail: self.trail.id().clone(),
                signed: self.signed,
                found: size,
            });
        }
        if self.next.is_none_or(|next| next.0 < size) && self.signed < size {
            // Sealed events whose leaves are in no tree: their frames were needed and are gone.
            return Err(LedgerError::Hole {
                trail: self.trail.id().clone(),
                expected: Seq(self.signed),
                found: Seq(size),
            });
        }
        self.trail.restore_size(size);
        Ok(())
    }
}

/// Leaf hashes of a recovered chunk.
pub(crate) fn leaves(epochs: &Epochs, chunk: &Chunk) -> Result<Vec<Hash>, LedgerError> {
    let mut leaves = Vec::with_capacity(chunk.entries.len());
    for (seq, entry) in (chunk.first.0..).zip(&chunk.entries) {
        let salts = epochs.salts(Seq(seq))?;
        let record = chunk.bytes.get(entry.record()).unwrap_or_default();
        let content = entry.content().and_then(|range| chunk.bytes.get(range));
        let leaf = Leaf {
            recorded_at: chunk.recorded_at,
            c_r: commit_record(&salts.record, record),
            c_c: commit_content(&salts.content, content),
        };
        leaves.push(tlog::leaf_hash(&leaf.to_bytes()));
    }
    Ok(leaves)
}
