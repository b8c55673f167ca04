//! What could not be recorded, until that itself is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::draft::Source;

/// Why an event was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The recorder could not keep up.
    QueueFull,
    /// The spool held as much as it may.
    SpoolFull,
    /// The spool's disk failed, or the ledger stopped.
    WriteFailed,
    /// The server refused it.
    Rejected,
    /// What makes the event of the traffic failed.
    DecoderFailed,
}

/// Lost events by surface and cause; each is taken once, to be recorded.
#[derive(Debug, Default)]
pub struct Losses {
    counts: [[AtomicU64; Cause::ALL.len()]; Source::ALL.len()],
    total: AtomicU64,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::QueueFull,
        Self::SpoolFull,
        Self::WriteFailed,
        Self::Rejected,
        Self::DecoderFailed,
    ];

    /// Its name in a `gap` event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::SpoolFull => "spool_full",
            Self::WriteFailed => "write_failed",
            Self::Rejected => "rejected",
            Self::DecoderFailed => "decoder_failed",
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Losses {
    /// Counts events that were lost.
    pub fn add(&self, source: Source, cause: Cause, events: u64) {
        if let Some(count) = self.count(source, cause) {
            count.fetch_add(events, Ordering::Relaxed);
            self.total.fetch_add(events, Ordering::Relaxed);
        }
    }

    /// Whether something waits to be recorded.
    pub(super) fn is_any(&self) -> bool {
        let all = self.counts.iter().flatten();
        all.into_iter()
            .any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// Events lost since the start.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Takes the counts of a surface: they are the caller's to record.
    pub(super) fn take(&self, source: Source) -> Vec<(Cause, u64)> {
        let counts = Cause::ALL.map(|cause| {
            let count = self.count(source, cause);
            (
                cause,
                count.map_or(0, |count| count.swap(0, Ordering::Relaxed)),
            )
        });
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// Gives back what could not be recorded after all.
    pub(super) fn give_back(&self, source: Source, counts: &[(Cause, u64)]) {
        for (cause, events) in counts {
            if let Some(count) = self.count(source, *cause) {
                count.fetch_add(*events, Ordering::Relaxed);
            }
        }
    }

    fn count(&self, source: Source, cause: Cause) -> Option<&AtomicU64> {
        self.counts.get(source as usize)?.get(cause as usize)
    }
}
