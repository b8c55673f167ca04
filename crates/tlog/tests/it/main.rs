//! Published vectors and properties of the whole crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod leaves;
mod notes;
mod properties;
mod stored;
mod tiles;
mod tlog_proofs;
mod trees;
mod vectors;
