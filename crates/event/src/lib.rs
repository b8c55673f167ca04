//! The event and record model: what a producer may send, the exact bytes that are kept of it, and
//! what is committed to the log.
//!
//! In scope: exact-bytes JSON compaction, validation of an event and the record made of it, content
//! and its cut, commitments, salts and leaf, reading a stored record, the filter language, the times
//! and names that these need. Bytes in, bytes out.
//!
//! Out of scope: input and output, the clock, randomness, sequence numbers (`ledger` gives them),
//! the tree over the leaves (`tlog`), storage. Formats: `docs/format.md` §1 to §3.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test that panics has failed, which is what it is for"
    )
)]

mod batch;
pub mod filter;
pub mod json;
mod leaf;
mod prepare;
mod record;
mod reject;
mod salt;
mod seq;
mod system;
mod time;
mod trail;

pub use batch::{Batch, BatchFormat, Event};
pub use leaf::{Leaf, LeafError, commit_content, commit_record, commit_whole};
pub use prepare::{ActorAuth, Limits, Prepared, Submitter, cut, prepare};
pub use record::{
    Actor, Approval, ContentInfo, Initiator, Producer, RecordError, RecordView, Resource, Usage,
    Via,
};
pub use reject::{Reject, code};
pub use salt::{DedupKey, EpochSecret, Salter, Salts};
pub use seq::Seq;
pub use system::SystemEvent;
pub use time::{Micros, TimeError, instant_micros};
pub use trail::{TrailId, TrailIdError};
