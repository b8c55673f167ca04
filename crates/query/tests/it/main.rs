//! The engine over a real ledger and real segments.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod changing;
mod damage;
mod generate;
mod naive;
mod node;
mod single;
mod tree;
