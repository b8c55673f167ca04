//! The node and its HTTP API.
//!
//! In scope: settings, the node (ledger, segments and keys of one data directory), API keys and what they
//! allow, routes, request and answer formats, limits, the server's own events, metrics, graceful stop.
//!
//! Out of scope: what an event is (`event`), durability and proofs (`ledger`, `tlog`), segments (`store`),
//! answering queries (`query`), the command line (`indelible`).
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
mod config;
mod exports;
mod kept;
mod keys;
mod mcp;
mod metrics;
mod node;
mod openapi;
mod params;
mod problem;
mod routes;
mod serve;
mod shares;

pub use audit::RecordError;
pub use config::{Config, ConfigError, ExportsConfig, HttpConfig, LogConfig, SegmentsConfig};
pub use keys::{KeyFiles, KeysError, check_key_files};
pub use node::{DEFAULT_TRAIL, Node, NodeError};
pub use serve::serve;
