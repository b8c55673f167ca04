//! The thread that moves unsealed events into segments, merges small ones and makes missing indexes.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use event::TrailId;
use ledger::{Chunk, Clock, Hot, Ledger, Trail};

use crate::{error::StoreError, segments::Segments, writer::NewRow};

/// How often the thread looks at the unsealed events.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// When events are sealed.
#[derive(Clone, Debug)]
pub struct SealerConfig {
    /// Record and content bytes of a trail that make one segment.
    pub segment_raw_bytes: u64,
    /// Age of the oldest unsealed event at which a smaller segment is made, microseconds.
    pub segment_age_us: u64,
}

impl Default for SealerConfig {
    /// 64 MiB, ten minutes.
    fn default() -> Self {
        Self {
            segment_raw_bytes: 64 << 20,
            segment_age_us: 600_000_000,
        }
    }
}

/// How sealing goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealerHealth {
    /// Failures of sealing in a row; 0 is healthy. Unsealed events stay in the write-ahead log and in memory.
    pub sealing_failures: u32,
    /// Failures of merging small segments, or of making an index, in a row; 0 is healthy.
    pub merging_failures: u32,
    /// The last failure, if the same did not succeed since.
    pub last_error: Option<String>,
}

/// The running thread. Dropping it stops it without sealing the rest, which stays in the write-ahead log.
#[derive(Debug)]
pub struct Sealer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stop: bool,
    /// Flushes asked for and done.
    asked: u64,
    done: u64,
    health: SealerHealth,
}

impl Sealer {
    /// Removes leftovers of interrupted writes and starts the thread.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a trail's segments cannot be read, or the thread not be started.
    pub fn start(
        segments: Arc<Segments>,
        ledger: Arc<Ledger>,
        clock: Arc<dyn Clock>,
        config: SealerConfig,
    ) -> Result<Self, StoreError> {
        for trail in ledger.trails() {
            segments.clean(trail.id())?;
        }
        let shared = Arc::new(Shared::default());
        let work = Work {
            segments,
            clock,
            config,
            shared: Arc::clone(&shared),
            sealing: Attempts::default(),
            merging: Attempts::default(),
        };
        let path = ledger.dir().to_path_buf();
        let thread = std::thread::Builder::new()
            .name("sealer".to_owned())
            .spawn(move || work.run(&ledger))
            .map_err(|source| StoreError::Io { path, source })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// How sealing goes.
    #[must_use]
    pub fn health(&self) -> SealerHealth {
        self.shared.lock().health.clone()
    }

    /// Seals everything that is unsealed now, whatever its size, and waits for it.
    ///
    /// Returns whether it is all sealed; if not, [`Sealer::health`] tells why.
    pub fn flush(&self) -> bool {
        let mut state = self.shared.lock();
        state.asked += 1;
        let wanted = state.asked;
        self.shared.changed.notify_all();
        while state.done < wanted && !state.stop {
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.done >= wanted && state.health.sealing_failures == 0
    }

    /// Seals the rest and stops. Returns whether everything is sealed; what is not stays in the write-ahead log.
    #[must_use = "what is not sealed is worth a warning"]
    pub fn shutdown(mut self) -> bool {
        let sealed = self.flush();
        self.stop();
        sealed
    }

    fn stop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sealer panicked");
        }
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Work {
    segments: Arc<Segments>,
    clock: Arc<dyn Clock>,
    config: SealerConfig,
    shared: Arc<Shared>,
    sealing: Attempts,
    /// Apart, so that a damaged old segment does not slow sealing down.
    merging: Attempts,
}

/// Failures in a row, and until when nothing is tried.
#[derive(Debug, Default)]
struct Attempts {
    failures: u32,
    last_error: Option<String>,
    until: Option<Instant>,
}

impl Attempts {
    fn are_due(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() >= until)
    }

    fn note(&mut self, outcome: Result<(), StoreError>) {
        let Err(error) = outcome else {
            *self = Self::default();
            return;
        };
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.last_error = Some(error.to_string());
        self.until = Some(Instant::now() + pause.min(LONGEST_PAUSE));
    }
}

/// Which events a pass seals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Due,
    All,
}

impl Work {
    fn run(mut self, ledger: &Ledger) {
        while let Some(asked) = self.wait() {
            if asked.is_some() || self.sealing.are_due() {
                let what = if asked.is_some() {
                    What::All
                } else {
                    What::Due
                };
                let outcome = for_all(ledger, |trail| self.seal(trail, what));
                self.sealing.note(outcome);
            }
            if asked.is_none() && self.sealing.failures == 0 && self.merging.are_due() {
                let outcome = for_all(ledger, |trail| self.tidy(ledger, trail.id()));
                self.merging.note(outcome);
            }
            self.tell(asked);
        }
    }

    /// Waits for something to do: `None` to stop, else the flush asked for, if any.
    #[expect(clippy::option_option, reason = "stop, look, flush: read in one place")]
    fn wait(&self) -> Option<Option<u64>> {
        let state = self.shared.lock();
        let idle = |state: &mut State| !state.stop && state.asked == state.done;
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, LOOK_EVERY, idle)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stop {
            return None;
        }
        Some((state.asked > state.done).then_some(state.asked))
    }

    fn tell(&self, asked: Option<u64>) {
        let mut state = self.shared.lock();
        state.health = SealerHealth {
            sealing_failures: self.sealing.failures,
            merging_failures: self.merging.failures,
            last_error: [&self.sealing, &self.merging]
                .into_iter()
                .find_map(|attempts| attempts.last_error.clone()),
        };
        if let Some(asked) = asked {
            state.done = asked;
        }
        self.shared.changed.notify_all();
    }

    /// Seals what is due of one trail, segment by segment.
    fn seal(&self, trail: &Trail, what: What) -> Result<(), StoreError> {
        loop {
            let hot = trail.hot();
            let sealed = self.segments.snapshot(trail.id())?.size();
            let full = unsealed_bytes(&hot, sealed) >= self.config.segment_raw_bytes;
            if !full && what == What::Due && self.age_us(&hot, sealed) < self.config.segment_age_us
            {
                return Ok(());
            }
            let rows = take(&hot, sealed, self.config.segment_raw_bytes);
            if rows.is_empty() {
                return Ok(());
            }
            let snapshot = self.segments.seal(trail.id(), &rows)?;
            trail.mark_sealed(snapshot.size());
        }
    }

    /// Age of the oldest unsealed event, 0 if there is none.
    fn age_us(&self, hot: &Hot, sealed: u64) -> u64 {
        let oldest = unsealed(hot, sealed).next();
        oldest.map_or(0, |chunk| {
            self.clock.now().0.saturating_sub(chunk.recorded_at().0)
        })
    }

    /// Merges small segments, or makes an index that is missing. Gives way to a flush, to a stop, and to
    /// events that are waiting to be sealed.
    fn tidy(&self, ledger: &Ledger, trail: &TrailId) -> Result<(), StoreError> {
        let wanted_elsewhere = || {
            let state = self.shared.lock();
            let asked = state.stop || state.asked > state.done;
            drop(state);
            asked
                || ledger.trails().iter().any(|trail| {
                    let bytes = unsealed_bytes(&trail.hot(), trail.sealed());
                    bytes >= 2 * self.config.segment_raw_bytes
                })
        };
        let done = match self.segments.compact(trail, &wanted_elsewhere) {
            Ok(false) => self.segments.mend(trail, &wanted_elsewhere),
            merged => merged,
        };
        match done {
            Ok(_) | Err(StoreError::Cancelled) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Does the work for every trail, whatever happens with another. The first failure is returned, each one logged.
fn for_all(
    ledger: &Ledger,
    work: impl Fn(&Trail) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    for trail in ledger.trails() {
        if let Err(error) = work(&trail) {
            let cause = std::error::Error::source(&error).map(tracing::field::display);
            tracing::error!(trail = %trail.id(), %error, cause, "events could not be moved into segments, or segments not be merged; nothing is lost");
            outcome = outcome.and(Err(error));
        }
    }
    outcome
}

fn unsealed(hot: &Hot, sealed: u64) -> impl Iterator<Item = &Arc<Chunk>> {
    hot.chunks
        .iter()
        .filter(move |chunk| chunk.end().0 > sealed)
}

fn unsealed_bytes(hot: &Hot, sealed: u64) -> u64 {
    unsealed(hot, sealed)
        .map(|chunk| chunk.size_bytes() as u64)
        .sum()
}

/// Unsealed events up to the bytes of one segment.
fn take(hot: &Hot, sealed: u64, raw_bytes: u64) -> Vec<NewRow<'_>> {
    let mut rows = Vec::new();
    let mut taken = 0;
    for event in unsealed(hot, sealed).flat_map(|chunk| chunk.iter()) {
        if event.seq.0 < sealed {
            continue;
        }
        let row = NewRow {
            seq: event.seq.0,
            recorded_at: event.recorded_at.0,
            record: event.record,
            content: event.content,
            digest: event.digest,
        };
        taken += row.raw_bytes();
        rows.push(row);
        if taken >= raw_bytes {
            break;
        }
    }
    rows
}
