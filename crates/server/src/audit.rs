//! The server's own events: changed settings at once, reads gathered by key and minute.

mod reads;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use event::{Limits, Prepared, Submitter, SystemEvent, TrailId};
use ledger::{AppendError, Ledger, Outcome, Receipt, Trail};
use reads::Reads;

use crate::keys::Key;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// Records: action `records.read`.
    Records,
    /// Contents: action `contents.read`.
    Contents,
}

/// Reads that are not recorded yet. As many entries as keys were used since the last flush.
#[derive(Default)]
pub(crate) struct Audit {
    reads: Mutex<BTreeMap<(TrailId, String, What), Noted>>,
}

/// Reads with one key.
struct Noted {
    by: Arc<Key>,
    reads: Reads,
}

impl Audit {
    /// Notes that a key read events, found by a filter or asked for by name.
    pub(crate) fn note(
        &self,
        key: &Arc<Key>,
        what: What,
        filter: Option<&str>,
        seqs: impl IntoIterator<Item = u64>,
    ) {
        let place = (key.trail.clone(), key.id.clone(), what);
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = reads.entry(place).or_insert_with(|| Noted {
            by: Arc::clone(key),
            reads: Reads::default(),
        });
        noted.reads.note(filter, seqs);
    }

    /// Hands what was noted to the log. What a stopped log refuses is lost, which the server's own log says.
    pub(crate) fn flush(&self, ledger: &Ledger) {
        let reads = std::mem::take(&mut *self.reads.lock().unwrap_or_else(PoisonError::into_inner));
        for ((trail, _, what), Noted { by: key, reads }) in reads {
            let Some(log) = ledger.trail(&trail) else {
                continue;
            };
            let meta = reads.to_meta();
            let event = SystemEvent {
                meta: Some(&meta),
                ..by(&key, what.action())
            };
            if let Err(error) = submit(&log, &event) {
                tracing::error!(%error, reads = reads.count(), "reads could not be recorded");
            }
        }
    }
}

impl What {
    fn action(self) -> &'static str {
        match self {
            Self::Records => "records.read",
            Self::Contents => "contents.read",
        }
    }
}

/// Why an event of the server was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is not a valid event.
    #[error("the event is not valid: {}", .0.detail)]
    Refused(event::Reject),
    /// The log does not accept it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// An event of the server for what somebody did with a key.
pub(crate) fn by<'a>(key: &'a Key, action: &'a str) -> SystemEvent<'a> {
    SystemEvent {
        actor_type: "user",
        actor_id: &key.id,
        actor_name: (!key.name.is_empty()).then_some(&key.name),
        ..SystemEvent::new(action)
    }
}

/// Records an event of the server and waits until it is durable. Blocks.
pub(crate) fn record(trail: &Arc<Trail>, event: &SystemEvent<'_>) -> Result<(), RecordError> {
    recorded(trail, event).map(|_| ())
}

/// The same, and where it stands in the log.
pub(crate) fn recorded(
    trail: &Arc<Trail>,
    event: &SystemEvent<'_>,
) -> Result<Receipt, RecordError> {
    let prepared = prepare(trail, event)?;
    let outcome = trail.submit_now(vec![prepared])?.wait()?.into_iter().next();
    match outcome {
        Some(Outcome::Recorded(receipt) | Outcome::Duplicate(receipt)) => Ok(receipt),
        // An event without an id of its own conflicts with none.
        Some(Outcome::IdConflict { .. }) | None => Err(AppendError::Stopped.into()),
    }
}

fn submit(trail: &Arc<Trail>, event: &SystemEvent<'_>) -> Result<(), RecordError> {
    trail.submit_now(vec![prepare(trail, event)?])?;
    Ok(())
}

fn prepare(trail: &Trail, event: &SystemEvent<'_>) -> Result<Prepared, RecordError> {
    let by = Submitter {
        system: true,
        ..Submitter::default()
    };
    event::prepare(&event.to_json(), &by, trail.dedup_key(), &Limits::default())
        .map_err(RecordError::Refused)
}
