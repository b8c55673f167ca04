//! Payloads of the spool's frames.
//!
//! ```text
//! 3 | length u8 | producer | next seq u64 | events, one a line
//! 4 | length u8 | producer | next seq u64 | frame u64: what is below was delivered
//! ```

use journal::{FrameNo, Location};

use super::Producer;

const EVENTS: u8 = 3;
const MARK: u8 = 4;

/// Bytes before a frame's payload (`docs/format.md` §8).
const PREFIX_BYTES: u64 = 24;

/// A payload taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Events {
        /// Of the first of them.
        producer: Producer,
        lines: &'a [u8],
    },
    Delivered {
        below: FrameNo,
        producer: Producer,
    },
}

impl<'a> Frame<'a> {
    pub(super) fn parse(payload: &'a [u8]) -> Option<Self> {
        let (kind, rest) = payload.split_first()?;
        match *kind {
            EVENTS => {
                let (producer, lines) = read_producer(rest)?;
                Some(Self::Events { producer, lines })
            }
            MARK => {
                let (producer, rest) = read_producer(rest)?;
                Some(Self::Delivered {
                    below: frame_no(rest)?,
                    producer,
                })
            }
            _ => None,
        }
    }
}

/// What stands before the events of a frame.
pub(super) fn events_head(producer: &Producer) -> Vec<u8> {
    head(EVENTS, producer)
}

/// A frame that says that everything below a frame was delivered.
pub(super) fn mark(below: FrameNo, producer: &Producer) -> Vec<u8> {
    let mut mark = head(MARK, producer);
    mark.extend_from_slice(&below.0.to_le_bytes());
    mark
}

/// Where the next frame of the same file begins.
pub(super) fn end(at: &Location) -> u64 {
    at.offset + PREFIX_BYTES + u64::from(at.len)
}

fn head(kind: u8, producer: &Producer) -> Vec<u8> {
    let id = producer.id.as_bytes();
    let length = u8::try_from(id.len()).unwrap_or(u8::MAX);
    let mut head = vec![kind, length];
    head.extend(id.iter().take(usize::from(length)));
    head.extend_from_slice(&producer.next_seq.to_le_bytes());
    head
}

fn read_producer(bytes: &[u8]) -> Option<(Producer, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(*length))?;
    let (seq, rest) = rest.split_at_checked(8)?;
    let producer = Producer {
        id: std::str::from_utf8(id).ok()?.to_owned(),
        next_seq: u64::from_le_bytes(seq.try_into().ok()?),
    };
    Some((producer, rest))
}

fn frame_no(bytes: &[u8]) -> Option<FrameNo> {
    Some(FrameNo(u64::from_le_bytes(bytes.try_into().ok()?)))
}
