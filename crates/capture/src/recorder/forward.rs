//! Delivers what waits in the spool, oldest first, until the sink has taken it.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    SharedSink,
    outlet::{Rejections, SharedSpool},
};
use crate::{
    draft::Source,
    sink::SinkError,
    spool::{Batch, Spool, SpoolError},
};

/// First pause after a failed delivery; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often it looks without being woken.
const IDLE: Duration = Duration::from_secs(1);

/// How long the delivering thread may take to end when the server is away. One that still waits for a connection is left
/// behind.
const HANGING: Duration = Duration::from_millis(500);
/// How often the one who stops it looks whether it is over.
const LOOK: Duration = Duration::from_millis(1);

/// The delivering thread.
#[derive(Debug)]
pub(super) struct Forwarder {
    spool: Arc<SharedSpool>,
    signal: Arc<Signal>,
    thread: Option<JoinHandle<bool>>,
}

/// Wakes the delivering thread.
#[derive(Clone, Debug)]
pub(super) struct Wake(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    has_more: bool,
    /// Until when to go on trying; set when the gateway stops.
    stop_at: Option<Instant>,
    /// Whether somebody waits for the end.
    is_hurried: bool,
    /// Whether the server did not answer last time.
    is_away: bool,
}

struct Worker {
    spool: Arc<SharedSpool>,
    sink: SharedSink,
    rejections: Rejections,
    signal: Arc<Signal>,
    pause: Duration,
    is_warned: bool,
}

pub(super) fn start(
    spool: Arc<SharedSpool>,
    sink: SharedSink,
    rejections: Rejections,
) -> std::io::Result<Forwarder> {
    let signal = Arc::new(Signal::default());
    let worker = Worker {
        spool: Arc::clone(&spool),
        sink,
        rejections,
        signal: Arc::clone(&signal),
        pause: FIRST_PAUSE,
        is_warned: false,
    };
    let thread = std::thread::Builder::new()
        .name("forwarder".to_owned())
        .spawn(move || worker.run())?;
    Ok(Forwarder {
        spool,
        signal,
        thread: Some(thread),
    })
}

impl Forwarder {
    /// For the one who puts events into the spool.
    pub(super) fn wake(&self) -> Wake {
        Wake(Arc::clone(&self.signal))
    }

    /// Whether something waits to be delivered.
    pub(super) fn has_more(&self) -> bool {
        self.spool
            .lock()
            .as_ref()
            .is_some_and(|spool| !spool.is_empty())
    }

    /// Somebody waits: pauses are short from now on.
    pub(super) fn hurry(&self) {
        self.signal.change(|state| state.is_hurried = true);
    }

    /// Whether the server did not answer last time.
    pub(super) fn is_away(&self) -> bool {
        self.signal.now().is_away
    }

    /// Goes on for at most this long, and waits. Says whether everything was delivered.
    pub(super) fn stop(mut self, patience: Duration) -> bool {
        let stop_at = Instant::now() + patience;
        self.signal.change(|state| state.stop_at = Some(stop_at));
        let Some(thread) = self.thread.take() else {
            return true;
        };
        while !thread.is_finished() {
            if self.is_away() && Instant::now() >= stop_at + HANGING {
                // What it has not delivered waits in the spool.
                return false;
            }
            std::thread::sleep(LOOK);
        }
        thread.join().unwrap_or(false)
    }
}

impl Wake {
    /// Says that something waits.
    pub(super) fn wake(&self) {
        let state = self.0.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if !state.has_more {
            state.has_more = true;
            self.0.changed.notify_one();
        }
    }
}

impl Signal {
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        self.changed.notify_one();
    }

    fn now(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something waits to be delivered or the gateway stops, at most for `timeout`.
    fn wait(&self, timeout: Duration) -> State {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |state: &mut State| !state.has_more && state.stop_at.is_none();
        let waited = self.changed.wait_timeout_while(state, timeout, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let seen = *state;
        state.has_more = false;
        seen
    }

    /// Waits for a pause, or until somebody waits for the end.
    fn pause(&self, pause: Duration) -> State {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = |state: &mut State| state.stop_at.is_none() && !state.is_hurried;
        let waited = self.changed.wait_timeout_while(state, pause, goes_on);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *state
    }
}

impl Worker {
    fn run(mut self) -> bool {
        loop {
            let batch = self.spool.lock().as_ref().and_then(Spool::batch);
            let Some(batch) = batch else {
                let state = self.signal.wait(IDLE);
                if state.stop_at.is_some() && !state.has_more {
                    return self.spool.lock().as_ref().is_some_and(Spool::is_empty);
                }
                continue;
            };
            if self.deliver(&batch) {
                self.pause = FIRST_PAUSE;
                continue;
            }
            let state = self.signal.pause(self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            if state.stop_at.is_some_and(|at| Instant::now() >= at) {
                return false;
            }
            if state.is_hurried || state.stop_at.is_some() {
                // A short pause that nothing cuts short.
                std::thread::sleep(FIRST_PAUSE);
            }
        }
    }

    /// Whether the events of a batch have left.
    fn deliver(&mut self, batch: &Batch) -> bool {
        let lines = match batch.lines() {
            Ok(lines) => lines,
            Err(error) => return self.failed(&error),
        };
        let sent = self.sink.send(&lines);
        let is_away = matches!(sent, Err(SinkError::Unreachable { .. }));
        self.signal.change(|state| state.is_away = is_away);
        match sent {
            Ok(receipts) => {
                if !receipts.rejected.is_empty() {
                    let sources: Vec<_> = lines.split(|byte| *byte == b'\n').map(source).collect();
                    self.rejections.count(&receipts, &sources);
                }
                if self.is_warned {
                    tracing::warn!("the server takes events again");
                    self.is_warned = false;
                }
                self.forget(batch)
            }
            Err(error) => {
                if let SinkError::Busy {
                    retry_after: Some(pause),
                } = &error
                {
                    self.pause = (*pause).min(LONGEST_PAUSE);
                }
                self.warn(&error);
                false
            }
        }
    }

    fn forget(&mut self, batch: &Batch) -> bool {
        let mut spool = self.spool.lock();
        let Some(open) = spool.as_mut() else {
            return false;
        };
        match open.delivered(batch) {
            Ok(()) => true,
            Err(error) => {
                *spool = None;
                drop(spool);
                self.failed(&error)
            }
        }
    }

    /// The recorder opens the spool again.
    fn failed(&mut self, error: &SpoolError) -> bool {
        tracing::error!(%error, "the spool failed");
        *self.spool.lock() = None;
        false
    }

    /// Once for each time that the server goes away.
    fn warn(&mut self, error: &SinkError) {
        if !self.is_warned {
            tracing::warn!(%error, "events wait in the spool");
            self.is_warned = true;
        }
    }
}

/// The surface of an event, found in its text.
fn source(line: &[u8]) -> Source {
    let rest = memchr::memmem::find(line, b"\"source\":\"")
        .and_then(|at| line.get(at + 10..))
        .unwrap_or_default();
    Source::ALL
        .into_iter()
        .find(|source| rest.starts_with(source.as_str().as_bytes()))
        .unwrap_or(Source::Otlp)
}
