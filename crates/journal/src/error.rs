//! What can go wrong with a journal.

use std::path::PathBuf;
use std::sync::Arc;

use crate::frame::FrameNo;
use crate::fs::FsError;
use crate::journal::VisitError;

/// A journal that could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Opening or reading failed; nothing was damaged by it.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A write or fsync failed. Nothing since the last successful sync may be acknowledged; the journal is poisoned.
    #[error("the journal stopped: {0}")]
    Write(Arc<FsError>),
    /// Refused because of an earlier failure, which is the source.
    #[error("the journal has stopped after an earlier error: {0}")]
    Poisoned(Arc<FsError>),
    /// An empty frame, or one above `max`; nothing was written.
    #[error("a frame of {bytes} bytes is outside 1..={max}")]
    FrameSize {
        /// Payload bytes that were passed in.
        bytes: u64,
        /// Most that are allowed.
        max: u64,
    },
    /// The beginning of a file is not what this version writes.
    #[error("damaged journal file {path}, offset 0: {reason}", path = path.display())]
    BadHeader {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// The header of a file names another first frame than its name.
    #[error("damaged journal file {path}, offset 0: its header says frame {actual}, its name {expected}", path = path.display())]
    WrongFirst {
        /// The file.
        path: PathBuf,
        /// The number in the file name.
        expected: FrameNo,
        /// The number in the header.
        actual: FrameNo,
    },
    /// A frame that was durable once cannot be read.
    #[error("damaged journal file {path}, offset {offset}: frame {frame} is unreadable but {proof}", path = path.display())]
    BadFrame {
        /// The file.
        path: PathBuf,
        /// Offset of the frame in bytes.
        offset: u64,
        /// The frame that belongs there.
        frame: FrameNo,
        /// Why it is not just the torn end of the last write.
        proof: String,
    },
    /// A file is absent from the sequence, or there twice.
    #[error("journal file out of sequence: {path}, offset 0, begins with frame {actual}, but frame {expected} comes next", path = path.display())]
    OutOfSequence {
        /// The first file behind the gap.
        path: PathBuf,
        /// The frame that should come next.
        expected: FrameNo,
        /// The number in the file name.
        actual: FrameNo,
    },
    /// No intact frame with this number is at the location (any more).
    #[error("{path}, offset {offset}: frame {frame} is not there", path = path.display())]
    NotThere {
        /// The file.
        path: PathBuf,
        /// Offset of the frame in bytes.
        offset: u64,
        /// The frame that was asked for.
        frame: FrameNo,
    },
    /// The visitor refused a frame.
    #[error("{path}, offset {offset}: frame {frame}: {source}", path = path.display())]
    Visit {
        /// The file.
        path: PathBuf,
        /// Offset of the frame in bytes.
        offset: u64,
        /// The refused frame.
        frame: FrameNo,
        /// The visitor's error.
        source: VisitError,
    },
}
