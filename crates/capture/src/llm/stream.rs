//! The ways in which an answer streams: each takes bytes as they come and gives whole events.

mod array;
mod aws;
mod sse;

pub(super) use array::ArrayElements;
pub(super) use aws::AwsEvents;
pub(super) use sse::SseEvents;

/// Longest event, bytes: several images in base64. A longer one is left out.
const MAX_EVENT_BYTES: usize = 8 << 20;

#[cfg(test)]
mod tests;
