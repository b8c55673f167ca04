//! Bound on the memory that queued and unsealed events hold.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

use crate::error::AppendError;

/// How long a submitter waits for room before it is refused: long enough to ride out one seal.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counts bytes held and lets submitters wait until there are fewer.
#[derive(Debug)]
pub(crate) struct Room {
    limit: usize,
    held: AtomicUsize,
    freed: Notify,
}

impl Room {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: AtomicUsize::new(0),
            freed: Notify::new(),
        }
    }

    /// Waits until less than the limit is held, then takes `bytes`. One batch may overshoot, so that a
    /// batch larger than the limit is not refused for ever.
    pub(crate) async fn take(&self, bytes: usize) -> Result<(), AppendError> {
        let wait = async {
            loop {
                let freed = self.freed.notified();
                if self.try_take(bytes) {
                    return;
                }
                freed.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .map_err(|_| AppendError::Busy)
    }

    /// Takes `bytes` if less than the limit is held.
    pub(crate) fn try_take(&self, bytes: usize) -> bool {
        self.held
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
                (held < self.limit).then(|| held.saturating_add(bytes))
            })
            .is_ok()
    }

    /// Takes `bytes` whatever is held: they are in memory already.
    pub(crate) fn take_anyway(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::AcqRel);
        self.freed.notify_waiters();
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }
}
