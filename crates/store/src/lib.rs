//! Sealed events: segments in Parquet, the manifests that name them, the threads that write and merge
//! them.
//!
//! In scope: the columns of a segment, its checksums and id table; numbered manifests; sealing and
//! compaction; reading events and columns back, every byte checked.
//!
//! Out of scope: events that are not sealed yet (`ledger`), the meaning of filters (`event`, `query`),
//! proofs (`tlog`).
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "a test that panics has failed"
    )
)]

mod cache;
mod checked;
mod column;
mod columns;
mod error;
mod fields;
mod ids;
mod index;
mod manifest;
mod numbering;
mod objects;
mod rollup;
mod sealer;
mod segment;
mod segments;
mod source;
mod sums;
mod writer;

pub use column::{Column, Kind};
pub use columns::Columns;
pub use error::StoreError;
pub use index::{Hits, Index, Part, Sought};
pub use manifest::{Manifest, SegmentInfo};
pub use numbering::Numbering;
pub use rollup::{Cuboid, Labels, Measure, Rollup, Shape as CuboidShape, Span};
pub use sealer::{Sealer, SealerConfig, SealerHealth};
pub use segment::{
    Coded, Difference, Group, Ints, Order, Packed, Payloads, Row, Rows, Segment, Texts,
    TypedColumns,
};
pub use segments::{Config, Segments, Snapshot};
pub use writer::NewRow;
