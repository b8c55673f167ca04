//! What a submitter gets back.

use event::{Micros, Seq};
use tlog::Hash;
use tokio::sync::oneshot;

use crate::error::AppendError;

/// Where an event stands in the log, for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The producer's id, or the one given by the server.
    pub id: String,
    /// Position in the log.
    pub seq: Seq,
    /// Server time of the commit.
    pub recorded_at: Micros,
    /// RFC 6962 hash of the event's leaf.
    pub leaf_hash: Hash,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log and durable.
    Recorded(Receipt),
    /// The same event was recorded before; its first receipt.
    Duplicate(Receipt),
    /// Another event has this id.
    IdConflict {
        /// The id that is taken.
        id: String,
    },
}

/// A promise of outcomes, one for each event submitted, in order.
#[derive(Debug)]
pub struct Ticket(pub(crate) oneshot::Receiver<Result<Vec<Outcome>, AppendError>>);

impl Ticket {
    /// Waits until the events are durable.
    ///
    /// # Errors
    /// [`AppendError::Stopped`] if the log stopped before it could say so: the events may or may not be recorded.
    pub async fn outcomes(self) -> Result<Vec<Outcome>, AppendError> {
        self.0.await.unwrap_or(Err(AppendError::Stopped))
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// As [`Self::outcomes`].
    pub fn wait(self) -> Result<Vec<Outcome>, AppendError> {
        self.0.blocking_recv().unwrap_or(Err(AppendError::Stopped))
    }
}
