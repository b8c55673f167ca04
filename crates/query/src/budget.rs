//! What one question may cost.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use event::Seq;

use crate::QueryError;

/// What one question may cost: bytes of events that are read to judge them, and time. Shared by the threads
/// that answer it.
#[derive(Debug)]
pub struct Budget {
    bytes: AtomicU64,
    most_bytes: u64,
    until: Option<Instant>,
}

impl Budget {
    /// No limits.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(u64::MAX, None)
    }

    /// So many bytes before compression, and until a point in time.
    #[must_use]
    pub fn new(most_bytes: u64, until: Option<Instant>) -> Self {
        Self {
            bytes: AtomicU64::new(0),
            most_bytes,
            until,
        }
    }

    pub(crate) fn spend(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Fails when it is used up. `after`: the position up to which everything was looked at.
    pub(crate) fn check(&self, after: Option<Seq>) -> Result<(), QueryError> {
        let is_over = self.bytes.load(Ordering::Relaxed) > self.most_bytes
            || self.until.is_some_and(|until| Instant::now() >= until);
        if is_over {
            return Err(QueryError::OutOfBudget { after });
        }
        Ok(())
    }
}
