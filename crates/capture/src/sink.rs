//! Where events end up: a server over HTTP, or the ledger of this process.

mod commands;
mod remote;

use std::time::Duration;

use crate::spool::SpoolError;
pub use commands::commands_redaction_key;
pub use remote::{Address, Remote, RemoteError};

/// Takes events for good. Called by one thread at a time.
pub trait Sink: Send + Sync {
    /// Hands over events, one JSON text a line, in their order; they are durable when it returns. Blocks.
    ///
    /// # Errors
    /// [`SinkError`] if nothing is known of any of them: they are to be sent again, whatever had arrived.
    fn send(&self, lines: &[u8]) -> Result<Receipts, SinkError>;
}

/// What became of events that were handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipts {
    /// Those that will never be recorded; the others are.
    pub rejected: Vec<Rejected>,
}

/// An event that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place among those sent.
    pub index: usize,
    /// Why, for programs.
    pub code: String,
}

/// Why events have to be sent again.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Nobody answers.
    #[error("no server answers at {url}: {reason}")]
    Unreachable {
        /// Address of the server.
        url: String,
        /// What happened.
        reason: String,
    },
    /// There is no room now.
    #[error("the server cannot keep up")]
    Busy {
        /// When to try again, if it said so.
        retry_after: Option<Duration>,
    },
    /// The key may not do this, or the server is not one.
    #[error("the server answered {status}: {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words.
        detail: String,
    },
    /// The spool of this machine takes nothing.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The log accepts nothing any more.
    #[error("the log has stopped")]
    Stopped,
}
