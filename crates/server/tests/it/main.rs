//! Real HTTP against a node on a temporary directory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod assistant;
mod client;
mod dashboard;
mod durability;
mod embed;
mod exports;
mod figures;
mod interface;
mod keys;
mod limits;
mod log;
mod matrix;
mod otlp;
mod pages;
mod proofs;
mod reading;
mod running;
mod shares;
mod streams;
mod trails;
mod visitor;
mod writing;
