//! The ways in which an answer streams: each takes bytes as they come and gives whole events, or the pieces of events.

mod array;
mod aws;
mod sse;

pub(crate) use array::ArrayElements;
pub(crate) use aws::AwsEvents;
pub(crate) use sse::{SseEvents, SsePart, SsePieces};

/// Longest event, bytes: several images in base64. A longer one is left out.
const MAX_EVENT_BYTES: usize = 8 << 20;

#[cfg(test)]
mod tests;
