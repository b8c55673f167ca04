//! The queue between surfaces and the recorder, bounded in jobs and in bytes.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::SyncSender,
    },
    task::{Context, Poll, Waker},
    thread::Thread,
};

use tokio::sync::oneshot;

use super::{Losses, NotRecorded, Work};
use crate::draft::Source;

/// Jobs that may wait: at 14,000 requests a second, half a second's.
pub(super) const MAX_JOBS: usize = 16_384;
/// Bytes of traffic that jobs may hold.
const MAX_BYTES: usize = 64 << 20;
/// Bytes above which bodies wait for the recorder, so that one large body does not push out other events.
const ROOM_BYTES: usize = 16 << 20;
/// Jobs above which new requests wait for it, too: what is not begun cannot be lost.
const ROOM_JOBS: usize = MAX_JOBS / 4;

/// One piece of work.
pub(super) struct Job {
    pub(super) source: Source,
    pub(super) work: Work,
    pub(super) bytes: usize,
    /// Wants to know when everything written is durable.
    pub(super) done: Option<oneshot::Sender<Result<(), NotRecorded>>>,
}

/// The queue is full, or closed.
#[derive(Debug)]
pub(super) struct Full;

#[derive(Debug)]
pub(super) struct Queue {
    /// `None` once it is closed.
    sender: RwLock<Option<SyncSender<Job>>>,
    bytes: AtomicUsize,
    jobs: AtomicUsize,
    /// Somebody waits for durability: no time to gather more.
    is_urgent: AtomicBool,
    thread: Mutex<Option<Thread>>,
    waiting: Mutex<Vec<Waker>>,
    losses: Arc<Losses>,
}

impl Job {
    pub(super) fn new(
        source: Source,
        work: Work,
        bytes: usize,
        done: Option<oneshot::Sender<Result<(), NotRecorded>>>,
    ) -> Self {
        Self {
            source,
            work,
            bytes,
            done,
        }
    }
}

impl Queue {
    pub(super) fn new(sender: SyncSender<Job>) -> Self {
        Self {
            sender: RwLock::new(Some(sender)),
            bytes: AtomicUsize::new(0),
            jobs: AtomicUsize::new(0),
            is_urgent: AtomicBool::new(false),
            thread: Mutex::default(),
            waiting: Mutex::default(),
            losses: Arc::default(),
        }
    }

    pub(super) fn losses(&self) -> &Arc<Losses> {
        &self.losses
    }

    /// The recorder's thread, which urgent jobs wake.
    pub(super) fn set_thread(&self, thread: Thread) {
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    }

    pub(super) fn put(&self, job: Job) -> Result<(), Full> {
        let bytes = job.bytes;
        let is_urgent = job.done.is_some();
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.jobs.fetch_add(1, Ordering::Relaxed);
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        let is_full = before.saturating_add(bytes) > MAX_BYTES;
        let sent = sender
            .as_ref()
            .filter(|_| !is_full)
            .is_some_and(|sender| sender.try_send(job).is_ok());
        drop(sender);
        if !sent {
            self.release(bytes);
            return Err(Full);
        }
        if is_urgent {
            self.hurry();
        }
        Ok(())
    }

    fn hurry(&self) {
        self.is_urgent.store(true, Ordering::Release);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.as_ref() {
            thread.unpark();
        }
    }

    /// Whether a job is urgent; asked once for each group.
    pub(super) fn take_urgent(&self) -> bool {
        self.is_urgent.swap(false, Ordering::AcqRel)
    }

    /// Whether more of large bodies is welcome.
    fn has_room(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) <= ROOM_BYTES
    }

    /// Whether new requests are.
    pub(super) fn has_room_to_begin(&self) -> bool {
        self.has_room() && self.jobs.load(Ordering::Relaxed) <= ROOM_JOBS
    }

    pub(super) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.poll(context, Self::has_room)
    }

    pub(super) fn poll_room_to_begin(&self, context: &mut Context<'_>) -> Poll<()> {
        self.poll(context, Self::has_room_to_begin)
    }

    fn poll(&self, context: &mut Context<'_>, is_there: impl Fn(&Self) -> bool) -> Poll<()> {
        if is_there(self) {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at again under the lock, which is taken after room was made.
        if is_there(self) {
            return Poll::Ready(());
        }
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        Poll::Pending
    }

    /// A job is done, or was not taken.
    pub(super) fn release(&self, bytes: usize) {
        let bytes_before = self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let jobs_before = self.jobs.fetch_sub(1, Ordering::Relaxed);
        let has_room = bytes_before > ROOM_BYTES && self.has_room();
        let may_begin = jobs_before > ROOM_JOBS && self.has_room_to_begin();
        if has_room || may_begin {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.drain(..).for_each(Waker::wake);
        }
    }

    /// Nothing is taken any more; the recorder ends when it has done what is there.
    pub(super) fn close(&self) {
        *self.sender.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.hurry();
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
