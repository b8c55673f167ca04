//! Surface `mcp`: what agents ask of Model Context Protocol servers, and what these ask back.
//!
//! In scope: a relay around a server that speaks over its standard streams, a reverse proxy for those that speak HTTP, and
//! what is recorded of both eras of the protocol. Messages pass as they are: nothing is parsed and written again.
//!
//! Out of scope: choosing servers or tools, caching, the authorisation of servers.

mod catalogue;
mod definition;
mod dialogue;
mod message;
mod pending;
mod reader;
mod refusal;
pub mod stdio;

pub use catalogue::Catalogue;
