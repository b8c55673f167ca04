//! The append-only ledger of a node: one write-ahead log, one sequencer, one Merkle tree for each trail.
//!
//! In scope: sequence numbers and server time, group commit, receipts, idempotency of unsealed events,
//! epoch secrets, tree files, signed checkpoints and their history, recovery, the hot tail.
//!
//! Out of scope: segments and manifests (`store`), queries (`query`), keys and HTTP (`server`),
//! the meaning of an event (`event`).
//!
//! Two threads own the write path. The sequencer decides (duplicate, sequence number, time, bytes,
//! hashes) and the committer makes it durable (append, fdatasync, publish, acknowledge); while one
//! group is being synced the next one is being built. A third thread, the integrator, extends the
//! tree files and signs.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test that panics has failed"
    )
)]

mod checkpoints;
mod chunk;
mod committer;
mod config;
mod env;
mod epochs;
mod error;
mod frame;
mod integrator;
mod keys;
mod ledger;
pub mod offline;
mod outcome;
mod recovery;
mod room;
mod sequencer;
mod tail;
mod trail;
mod tree;

pub use checkpoints::{KeptCheckpoint, SignedCheckpoint};
pub use chunk::{Chunk, Hot, HotEvent};
pub use config::Config;
pub use env::{Clock, Entropy, Env, OsEntropy, SystemClock};
pub use error::{AppendError, LedgerError, NoCheckpoint};
pub use ledger::{History, HistoryError, Known, Ledger, SealedEnd};
pub use outcome::{Outcome, Receipt, Ticket};
pub use trail::Trail;
