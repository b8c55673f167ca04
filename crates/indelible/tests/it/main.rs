//! Drives the real binary, as a user would.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod commands;
mod damage;
mod disk;
mod exec;
mod exec_faults;
mod forged;
mod forward;
mod gateway;
mod hook;
mod kill;
mod machine;
mod mcp;
mod prefix;
mod provider;
mod shell;
mod spool;
