//! What can go wrong, and which of it stops the log.

use std::path::PathBuf;

use event::{Seq, TrailId};
use journal::{FrameNo, FsError, JournalError};

use crate::{frame::FrameError, ledger::HistoryError};

/// Why a ledger does not open, or a trail cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The write-ahead log or a checkpoint journal cannot be recovered.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system has no randomness for a new key.
    #[error("no randomness for a new key")]
    Entropy(#[source] std::io::Error),
    /// A thread of the ledger could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// A frame has a good checksum and a payload that is not ours.
    #[error("frame {frame} of {dir} is not a group of events: {source}", dir = dir.display())]
    Frame {
        /// Directory of the write-ahead log.
        dir: PathBuf,
        /// Number of the frame.
        frame: FrameNo,
        /// What is wrong with it.
        source: FrameError,
    },
    /// The write-ahead log names a trail whose directory is gone.
    #[error("frame {frame} belongs to trail {trail}, which has no directory")]
    TrailGone {
        /// The trail.
        trail: TrailId,
        /// Number of the frame.
        frame: FrameNo,
    },
    /// Events are missing between the segments and the write-ahead log, or inside the latter.
    #[error("trail {trail}: events {expected} to {found} are missing from the write-ahead log")]
    Hole {
        /// The trail.
        trail: TrailId,
        /// Next sequence number wanted.
        expected: Seq,
        /// Next sequence number there is.
        found: Seq,
    },
    /// The log is shorter than a checkpoint that it signed.
    #[error(
        "trail {trail}: a checkpoint of {signed} events was signed, only {found} are here: the log was cut or an old copy restored"
    )]
    Cut {
        /// The trail.
        trail: TrailId,
        /// Size in the newest signed checkpoint.
        signed: u64,
        /// Size of the log found.
        found: u64,
    },
    /// The stored tree does not have the root that was signed.
    #[error("trail {trail}: the stored tree of {size} events does not have the signed root")]
    Root {
        /// The trail.
        trail: TrailId,
        /// Size of the tree.
        size: u64,
    },
    /// A stored hash is not that of the hashes below it, or not that of the event.
    #[error("{path}: hash {index} is not that of what it stands for", path = path.display())]
    TreeHash {
        /// The file.
        path: PathBuf,
        /// Index of the hash within its level.
        index: u64,
    },
    /// A file of the trail is not in its format.
    #[error("{path}: {what}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A tree file is shorter than the log.
    #[error("{path}: hash {index} is missing", path = path.display())]
    TreeShort {
        /// The file.
        path: PathBuf,
        /// Index of the hash within its level.
        index: u64,
    },
    /// A proof was asked for beyond the tree, or its tiles cannot be read.
    #[error(transparent)]
    Proof(Box<tlog::ReadError<LedgerError>>),
    /// A checkpoint could not be signed.
    #[error(transparent)]
    Sign(#[from] tlog::CheckpointError),
    /// A kept checkpoint could not be read back.
    #[error("a journal of checkpoints is damaged")]
    Visit(#[source] journal::VisitError),
    /// The right edge of the stored tree does not fit its size.
    #[error(transparent)]
    Frontier(#[from] tlog::FrontierError),
    /// The trail exists already.
    #[error("trail {0} exists already")]
    TrailExists(TrailId),
    /// Sealed events cannot be looked up.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The first event of a new trail was refused.
    #[error("the event trail.created was refused: {}", .0.detail)]
    Refused(event::Reject),
    /// The first event of a new trail could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl From<tlog::ReadError<LedgerError>> for LedgerError {
    fn from(error: tlog::ReadError<LedgerError>) -> Self {
        match error {
            tlog::ReadError::Read { source, .. } => source,
            other => Self::Proof(Box::new(other)),
        }
    }
}

impl From<event::Reject> for LedgerError {
    fn from(reject: event::Reject) -> Self {
        Self::Refused(reject)
    }
}

/// Why events were not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Too much is waiting to be sealed; nothing of the batch was recorded, try again.
    #[error("the server cannot keep up; nothing was recorded")]
    Busy,
    /// The log stopped, by a disk error or a shutdown; nothing is acknowledged.
    #[error("the log has stopped and accepts nothing")]
    Stopped,
}

/// There is no kept checkpoint of that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no checkpoint of that size is kept")]
pub struct NoCheckpoint {
    /// The next larger size that has one.
    pub next: Option<u64>,
}
