//! Surface `mcp`: what agents ask of Model Context Protocol servers, and what these ask back.
//!
//! In scope: a relay around a server that speaks over its standard streams, a reverse proxy for those that speak HTTP, and
//! what is recorded of both eras of the protocol. Messages pass as they are: nothing is parsed and written again.
//!
//! Out of scope: choosing servers or tools, caching, the authorisation of servers.

mod catalogue;
mod config;
mod definition;
mod dialogue;
mod exchange;
mod look;
mod message;
mod pending;
mod proxy;
mod reader;
mod refusal;
mod sessions;
pub mod stdio;
mod stream;
mod target;

pub use catalogue::Catalogue;
pub use config::{McpConfig, Prepared};
pub use look::{Looked, look};
pub use proxy::Mcp;
