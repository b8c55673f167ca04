//! What the handlers share, and its bounds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use query::Budget;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{
    api::events::Turns,
    metrics::Metrics,
    node::Node,
    openapi,
    problem::{Code, Problem},
    redactors::Redactors,
    web::Throttle,
};

/// Reads that run at once; each may hold decoded pages of a segment in memory.
const READS_AT_ONCE: usize = 8;
/// How long a read waits for its turn.
const READ_PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of events, before compression, that one read may look at because no index or column decides.
const READ_BYTES: u64 = 16 << 30;
/// How long one read may take.
const READ_TIME: Duration = Duration::from_secs(20);
/// Streams of events at once; each may hold a few hundred records in memory.
const MAX_STREAMS: usize = 512;
/// Files of exports that are sent at once; each has a thread of its own.
const MAX_DOWNLOADS: usize = 16;

/// The HTTP face of a node.
pub(crate) struct App {
    node: Arc<Node>,
    metrics: Metrics,
    /// Bytes of request bodies that may be in memory.
    bodies: Arc<Semaphore>,
    reads: Semaphore,
    streams: Arc<Semaphore>,
    turns: Turns,
    downloads: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    sign_ins: Throttle,
    redactors: Redactors,
    requests: AtomicU64,
    openapi: Bytes,
}

impl App {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        let bodies = node.config().http.max_bodies_mib << 20;
        Self {
            metrics: Metrics::new(),
            bodies: Arc::new(Semaphore::new(bodies.min(Semaphore::MAX_PERMITS))),
            reads: Semaphore::new(READS_AT_ONCE),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            turns: Turns::default(),
            downloads: Arc::new(Semaphore::new(MAX_DOWNLOADS)),
            stopping: watch::Sender::new(false),
            sign_ins: Throttle::default(),
            redactors: Redactors::new(node.config().gateway.redaction_rules_file.clone()),
            // The start's time in the upper half: ids of two runs differ.
            requests: AtomicU64::new(node.now().0 << 20),
            openapi: openapi::document().into(),
            node,
        }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn bodies(&self) -> &Arc<Semaphore> {
        &self.bodies
    }

    pub(crate) fn sign_ins(&self) -> &Throttle {
        &self.sign_ins
    }

    /// Those that take secrets out of telemetry.
    pub(crate) fn redactors(&self) -> &Redactors {
        &self.redactors
    }

    pub(crate) fn openapi(&self) -> Bytes {
        self.openapi.clone()
    }

    /// Room for one more stream of events, for as long as it is held.
    pub(crate) fn stream_slot(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let slot = Arc::clone(&self.streams).try_acquire_owned();
        slot.map_err(|_| Problem::new(Code::Busy, "too many streams are open"))
    }

    /// The turns of those streams.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Room for one more download, for as long as it is held.
    pub(crate) fn download_slot(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let slot = Arc::clone(&self.downloads).try_acquire_owned();
        slot.map_err(|_| Problem::new(Code::Busy, "too many exports are sent"))
    }

    /// Turns true when what never ends by itself has to end.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(crate) fn next_request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("req_{number:016x}")
    }

    /// Runs a read on a thread that may block.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(READ_PATIENCE, self.reads.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(Problem::new(Code::Busy, "too many reads are running"));
        };
        blocking(read).await
    }
}

/// What a read that begins now may cost.
pub(crate) fn read_budget() -> Budget {
    Budget::new(READ_BYTES, Some(Instant::now() + READ_TIME))
}

/// Runs a change of keys or trails on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .unwrap_or_else(|error| Err(Problem::internal(&error)))
}
