use event::{RecordError, Seq};
use ledger::LedgerError;
use store::StoreError;

/// Why events could not be read. The caller's fault only where that is said.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A segment is damaged, missing or cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tree or a secret of the trail cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What is stored of an event is not a record.
    #[error("event {seq} cannot be read")]
    Record {
        /// Position in the log.
        seq: Seq,
        /// What is wrong with it.
        source: RecordError,
    },
    /// What is stored of an event is not what was put into the log.
    #[error("event {seq} is damaged: its leaf does not have the hash that is in the tree")]
    Leaf {
        /// Position in the log.
        seq: Seq,
    },
    /// Answering would cost more than is allowed. The caller's fault.
    #[error("the question costs more than its budget")]
    OutOfBudget {
        /// The position, in the order of a walk, up to which everything was looked at, if there was a walk.
        after: Option<Seq>,
    },
    /// An event that was recorded is neither unsealed nor in a segment.
    #[error("event {seq} is missing")]
    Missing {
        /// Position in the log.
        seq: Seq,
    },
}

/// A view was asked for that lies in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log has {size} events, a view of {at} does not exist yet")]
pub struct AtError {
    /// Size of the log.
    pub size: u64,
    /// Size that was asked for.
    pub at: u64,
}
