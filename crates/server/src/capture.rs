//! The ledger as the sink of surfaces that run inside of the server.

use std::sync::{Arc, atomic::AtomicBool};

use capture::{
    gateway::Destination,
    recorder::{Outlet, SpoolSettings},
    sink::{Receipts, Rejected, Sink, SinkError},
};
use event::{Batch, BatchFormat, Limits, Prepared, Submitter, TrailId};
use ledger::{AppendError, Outcome, Trail};
use tokio::runtime::Handle;

use crate::node::{DEFAULT_TRAIL, Node};

/// Most events that the recorder hands over at once; it stays far below.
const MAX_EVENTS: usize = 1_000_000;

/// In the data directory.
const SPOOL_DIR: &str = "spool";

/// Why surfaces cannot run inside of a node.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The node has no trail.
    #[error("the node has no trail {DEFAULT_TRAIL}")]
    NoTrail,
}

/// Records into a trail, as a gateway does.
struct LedgerSink {
    trail: Arc<Trail>,
    runtime: Handle,
}

impl Node {
    /// Whether surfaces inside of a process recorded here at some time.
    #[must_use]
    pub fn has_capture_spool(&self) -> bool {
        self.dir().join(SPOOL_DIR).is_dir()
    }

    /// Where surfaces inside of this process record: the default trail, with a spool of at most so many bytes in front of it,
    /// which outlives the process if it is killed before the ledger has an event. Blocks.
    ///
    /// # Errors
    /// [`CaptureError`].
    pub fn capture_destination(
        &self,
        runtime: Handle,
        spool_limit_bytes: u64,
    ) -> Result<Destination, CaptureError> {
        let id = TrailId::new(DEFAULT_TRAIL).map_err(|_| CaptureError::NoTrail)?;
        let trail = self.ledger().trail(&id).ok_or(CaptureError::NoTrail)?;
        let redaction_key = trail.dedup_key().redaction_key();
        let spool = SpoolSettings {
            dir: self.dir().join(SPOOL_DIR),
            limit_bytes: spool_limit_bytes,
            vouches: Arc::new(AtomicBool::new(true)),
        };
        Ok(Destination {
            outlet: Outlet(spool, Arc::new(LedgerSink { trail, runtime })),
            redaction_key,
            ask: None,
        })
    }
}

impl LedgerSink {
    fn prepare(&self, lines: &[u8]) -> Result<(Vec<Prepared>, Vec<usize>, Receipts), SinkError> {
        let by = Submitter {
            gateway: true,
            ..Submitter::default()
        };
        let limits = Limits::default();
        let batch = Batch::read(lines, BatchFormat::Ndjson, MAX_EVENTS);
        let batch = batch.map_err(|_| SinkError::Stopped)?;
        let mut receipts = Receipts::default();
        let (mut events, mut places) = (Vec::with_capacity(batch.len()), Vec::new());
        for (index, event) in batch.events().enumerate() {
            match event.and_then(|event| event.prepare(&by, self.trail.dedup_key(), &limits)) {
                Ok(event) => {
                    events.push(event);
                    places.push(index);
                }
                Err(reject) => receipts.rejected.push(Rejected {
                    index,
                    code: reject.code.to_owned(),
                }),
            }
        }
        Ok((events, places, receipts))
    }
}

impl Sink for LedgerSink {
    fn send(&self, lines: &[u8]) -> Result<Receipts, SinkError> {
        let (events, places, mut receipts) = self.prepare(lines)?;
        if events.is_empty() {
            return Ok(receipts);
        }
        let recorded = self
            .runtime
            .block_on(async { self.trail.submit(events).await?.outcomes().await });
        let outcomes = recorded.map_err(|error| match error {
            AppendError::Busy => SinkError::Busy { retry_after: None },
            AppendError::Stopped => SinkError::Stopped,
        })?;
        let conflicts = places
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| matches!(outcome, Outcome::IdConflict { .. }));
        receipts
            .rejected
            .extend(conflicts.map(|(index, _)| Rejected {
                index: *index,
                code: "id_conflict".to_owned(),
            }));
        Ok(receipts)
    }
}
