//! Files below the rest of the system: a file system that tests can replace, and a write-ahead journal on top of it.
//!
//! In scope: durable bytes. [`Fs`] and [`FsFile`] are the only way in which the upper floors touch the disk on their
//! commit path; [`RealFs`] is the operating system and [`sim::SimFs`] a disk in memory that fails on request.
//! [`Journal`] stores numbered frames of bytes in numbered files, recovers them after a crash and says exactly which
//! file and offset is damaged when it cannot.
//!
//! Out of scope: what the bytes mean (events, trees, spools), threads, clocks, retries. A failed write is never
//! retried here: the caller learns the first error and the journal refuses everything after it.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "tests"
    )
)]

mod error;
mod frame;
mod fs;
mod journal;
pub mod sim;

pub use error::JournalError;
pub use frame::{FrameNo, MAX_FRAME_BYTES};
pub use fs::{Fs, FsError, FsFile, FsLock, RealFs, TEMP_SUFFIX};
pub use journal::{DroppedTail, Journal, Location, Options, Reader, Recovery, VisitError, Visitor};
