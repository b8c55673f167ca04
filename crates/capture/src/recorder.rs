//! From a surface to the disk: a bounded queue, and one thread that makes events and keeps them.
//!
//! A surface hands over work, not events: decoding, redaction and encoding run on the recorder's thread, so that traffic
//! does not wait for them. What does not fit into the queue or the spool is counted, and the count is recorded as soon as
//! there is room again.

mod forward;
mod loss;
mod outlet;
mod queue;
mod thread;

use std::{
    sync::{Arc, mpsc},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{draft::Source, env::Env, redact::Redactor, sink::Sink, spool::SpoolError};

pub use loss::{Cause, Losses};
pub use outlet::{Outlet, SpoolSettings};
use queue::{Job, Queue};
pub use thread::Scribe;
pub(crate) use thread::gap;

/// Longest wait for the recorder when a gateway stops: what is in the queue by then is a matter of milliseconds.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits for the recorder before it begins.
const BEGIN_PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at what a stop waits for.
const PAUSE: Duration = Duration::from_millis(1);
/// How long a server that does not answer is tried when a gateway stops: what waits in the spool is safe there.
const AWAY_PATIENCE: Duration = Duration::from_secs(1);

/// Work of a surface: it decodes, and writes events.
pub type Work = Box<dyn FnOnce(&mut Scribe<'_>) + Send>;

/// The surfaces' handle to the recorder; cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: Arc<Queue>,
    redactor: Arc<Redactor>,
    env: Env,
}

/// The running recorder; stopped and waited for by [`Running::stop`].
#[derive(Debug)]
pub struct Running {
    recorder: Recorder,
    thread: std::thread::JoinHandle<thread::Worker>,
    forwarder: forward::Forwarder,
}

/// An event was not made durable, so that what it is about must not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event could not be recorded: {0}")]
pub struct NotRecorded(pub Cause);

/// Why a recorder does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The spool cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The operating system gave no thread.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl Recorder {
    /// Starts the recorder, and what delivers from its spool.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start(env: Env, redactor: Arc<Redactor>, outlet: Outlet) -> Result<Running, StartError> {
        let (sender, receiver) = mpsc::sync_channel(queue::MAX_JOBS);
        let queue = Arc::new(Queue::new(sender));
        let recorder = Self {
            queue: Arc::clone(&queue),
            redactor,
            env,
        };
        let (opened, forwarder) = outlet.open(&recorder.env, queue.losses())?;
        let thread = thread::start(recorder.clone(), receiver, opened)?;
        Ok(Running {
            recorder,
            thread,
            forwarder,
        })
    }

    /// Hands over work that would write `events` events and holds `bytes` of memory. Does not wait; what is refused is
    /// counted as lost.
    pub fn submit(&self, source: Source, events: u64, bytes: usize, work: Work) {
        let _ = self.offer(source, events, bytes, work);
    }

    /// The same; says whether it was taken.
    #[must_use]
    pub fn offer(&self, source: Source, events: u64, bytes: usize, work: Work) -> bool {
        let job = Job::new(source, work, bytes, None);
        let is_taken = self.queue.put(job).is_ok();
        if !is_taken {
            self.queue.losses().add(source, Cause::QueueFull, events);
        }
        is_taken
    }

    /// The same, and waits until everything that the work writes is durable.
    ///
    /// # Errors
    /// [`NotRecorded`] if it is not, and may not be later either. Nothing is counted as lost.
    pub async fn submit_durable(
        &self,
        source: Source,
        bytes: usize,
        work: Work,
    ) -> Result<(), NotRecorded> {
        let (done, answer) = oneshot::channel();
        let job = Job::new(source, work, bytes, Some(done));
        let full = NotRecorded(Cause::QueueFull);
        self.queue.put(job).map_err(|_| full)?;
        answer.await.unwrap_or(Err(full))
    }

    /// Waits a while for the recorder if it has much to do already. A request that is only then begun is slower; begun at once,
    /// it would soon be one that is counted as lost.
    pub async fn room(&self) {
        if !self.queue.has_room_to_begin() {
            let room = std::future::poll_fn(|context| self.queue.poll_room_to_begin(context));
            // Nobody is kept from working for longer.
            let _ = tokio::time::timeout(BEGIN_PATIENCE, room).await;
        }
    }

    /// Whether there is room for more bytes of a body; if not, the task is woken when there is.
    pub fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.queue.poll_room(context)
    }

    /// What was lost.
    #[must_use]
    pub fn losses(&self) -> &Arc<Losses> {
        self.queue.losses()
    }

    /// Takes secrets out.
    #[must_use]
    pub fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }

    /// Clock and randomness.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.env
    }
}

impl Running {
    /// The handle for surfaces.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Records what is in the queue and tries for a while to deliver what is in the spool. Blocks. Says whether nothing is
    /// left behind in this process or on its disk.
    #[must_use]
    pub fn stop(self, patience: Duration) -> bool {
        self.recorder.queue.close();
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(PAUSE);
        }
        let worker = self
            .thread
            .is_finished()
            .then(|| self.thread.join().ok())
            .flatten();
        self.forwarder.hurry();
        let deadline = Instant::now() + patience;
        let away_deadline = Instant::now() + patience.min(AWAY_PATIENCE);
        let is_given_up = || self.forwarder.is_away() && Instant::now() >= away_deadline;
        while self.forwarder.has_more() && Instant::now() < deadline && !is_given_up() {
            std::thread::sleep(PAUSE);
        }
        let is_written = worker.is_some();
        if let Some(mut worker) = worker {
            // What the server refused at last.
            worker.record_gaps();
        }
        let deadline = if is_given_up() {
            away_deadline
        } else {
            deadline
        };
        let left = deadline.saturating_duration_since(Instant::now());
        self.forwarder.stop(left) && is_written
    }
}

/// A sink shared by threads.
pub(crate) type SharedSink = Arc<dyn Sink>;

#[cfg(test)]
mod tests;
