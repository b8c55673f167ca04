//! The ways in which an answer streams: each takes bytes as they come and gives whole events, or the pieces of events.

mod array;
mod aws;
mod sse;
mod websocket;

pub(crate) use array::ArrayElements;
pub(crate) use aws::AwsEvents;
pub(crate) use sse::{SseEvents, SsePart, SsePieces};
pub use websocket::websocket_messages;
pub(crate) use websocket::{WebSocketFrames, WebSocketPart, frame, unmasked};

/// Longest event, bytes: several images in base64. A longer one is left out.
pub(crate) const MAX_EVENT_BYTES: usize = 8 << 20;

#[cfg(test)]
mod tests;
