//! The node, its HTTP API and its dashboard.
//!
//! In scope: settings (those of capture are read here too: one file serves both), the node (ledger, segments and
//! keys of one data directory), API keys and what they allow, sessions, routes, request and answer formats, pages,
//! limits, the server's own events, metrics, graceful stop.
//!
//! Out of scope: what an event is (`event`), durability and proofs (`ledger`, `tlog`), segments (`store`),
//! answering queries (`query`), what the surfaces do (`capture`; here is only the ledger as their sink), the command line
//! (`indelible`).
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test that panics has failed"
    )
)]

mod api;
mod app;
mod audit;
mod auth;
mod body;
mod capture;
mod config;
mod correlation;
mod exports;
mod kept;
mod keys;
mod mcp;
mod metrics;
mod node;
mod numbers;
mod openapi;
mod params;
mod problem;
mod redactors;
mod routes;
mod serve;
mod sessions;
mod shares;
mod views;
mod web;

pub use audit::RecordError;
pub use capture::CaptureError;
pub use config::{Config, ConfigError, ExportsConfig, HttpConfig, LogConfig, SegmentsConfig};
pub use kept::{KeptError, check_kept_files};
pub use keys::{KeyFiles, KeysError, check_key_files};
pub use node::{DEFAULT_TRAIL, Node, NodeError, SAMPLE_TRAIL};
pub use serve::serve;
pub use sessions::SessionsError;
