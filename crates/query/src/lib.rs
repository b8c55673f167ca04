//! One engine over everything a trail holds: unsealed events in memory and sealed ones in segments.
//!
//! In scope: consistent snapshots, single events by position and id, pages with cursors, counts,
//! iteration for exports and live tails, entry bundles of the log; figures by groups and over time,
//! values that occur, summaries of jobs and agents, the numbers of producers.
//!
//! Out of scope: the meaning of a filter (`event`), how segments are stored and checked (`store`),
//! proofs (`ledger`, `tlog`), who may see what (`server`).
//!
//! Everything here blocks on files: not for async code. What is returned was checked, by the block
//! checksums of `store` or because it never left memory; damage is an error, never an answer.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test that panics has failed"
    )
)]

mod aggregate;
mod budget;
mod columns;
mod cursor;
mod dimension;
mod engine;
mod error;
mod facets;
mod figures;
mod group;
mod names;
mod numbers;
mod query;
mod scan;
mod series;
mod snapshot;
mod summary;

pub use aggregate::{Aggregate, AggregateError, AggregateQuery, GroupRow};
pub use budget::Budget;
pub use cursor::{Asked, Cursor, CursorError};
pub use dimension::{Dimension, Value};
pub use engine::Engine;
pub use error::{AtError, QueryError};
pub use facets::Facet;
pub use figures::{Figure, Figures};
pub use numbers::Numbered;
pub use query::{Counted, Event, Order, Page, Query, Row, TimeRange};
pub use series::{Bucket, Interval, MAX_BUCKETS, Series, SeriesQuery, UnknownZone, Zone};
pub use snapshot::Snapshot;
pub use summary::{Summaries, Summary, SummaryQuery};
