//! Capture: what an agent does, recorded where it does it.
//!
//! In scope: one module for each surface, each with a pure part that makes events and a thin one that does the
//! input and output; the spool that keeps events while no server can be reached.
//!
//! Out of scope: sending (the binary has the client and hands in a function), settings, the ledger. An event is
//! text here, as `docs/format.md` §1 wants it from a producer; the server checks it.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test that panics has failed"
    )
)]

pub mod config;
mod credential;
pub mod draft;
mod env;
pub mod forward;
pub mod gateway;
pub mod hook;
pub mod http;
mod id;
pub mod identity;
pub mod keys;
pub mod llm;
pub mod mcp;
pub mod otlp;
pub mod payload;
pub mod recorder;
pub mod redact;
pub mod shell;
pub mod sink;
pub mod spool;
mod stream;

pub use env::Env;
pub use id::event_id;
pub use stream::websocket_messages;
