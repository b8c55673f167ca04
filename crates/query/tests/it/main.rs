//! The engine over a real ledger and real segments.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod changing;
mod damage;
mod figures;
mod generate;
mod large;
mod naive;
mod node;
mod numbers;
mod series;
mod single;
mod tree;
