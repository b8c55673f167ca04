//! The journal on a simulated and on a real disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod damage;
mod faults;
mod frames;
mod real;
mod tail;
