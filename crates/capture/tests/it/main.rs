//! Drives gateways between clients and upstreams of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod bodies;
mod calls;
mod clients;
mod disk;
mod faults;
mod forward;
mod identity;
mod mcp;
mod secrets;
mod setup;
mod strict;
mod tls;
mod upstream;
