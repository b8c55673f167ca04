//! Packages made of a small log, whole and tampered with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod archives;
mod log;
mod packages;
mod tampered;
