//! The ledger from outside: receipts, restarts, faults, damage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test that panics has failed"
)]

mod append;
mod damage;
mod faults;
mod node;
mod recovery;
