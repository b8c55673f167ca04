//! Walking over the events of a segment.

use std::ops::Range;

use bytes::Bytes;

use super::{Payloads, Segment};
use crate::error::StoreError;

/// Direction of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Rising sequence numbers.
    OldestFirst,
    /// Falling sequence numbers.
    NewestFirst,
}

/// One event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Position in the log.
    pub seq: u64,
    /// Exact bytes of the record.
    pub record: Bytes,
    /// Exact bytes of the content, if there is any.
    pub content: Option<Bytes>,
    /// Keyed digest of the event as sent, if the producer gave its id.
    pub digest: Option<[u8; 16]>,
}

/// The events of a range; ends at the first error. Pages that it decodes do not displace cached ones.
#[derive(Debug)]
pub struct Rows<'a> {
    payloads: Payloads<'a>,
    left: Range<u64>,
    order: Order,
}

impl<'a> Rows<'a> {
    pub(super) fn new(segment: &'a Segment, range: Range<u64>, order: Order) -> Self {
        let whole = segment.range();
        let start = range.start.max(whole.start);
        Self {
            left: start..range.end.min(whole.end).max(start),
            payloads: Payloads::new(segment, false),
            order,
        }
    }

    fn row(&mut self, seq: u64) -> Result<Row, StoreError> {
        Ok(Row {
            seq,
            record: self.payloads.record(seq)?,
            content: self.payloads.content(seq)?,
            digest: self.payloads.digest(seq)?,
        })
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let seq = match self.order {
            Order::OldestFirst => self.left.next(),
            Order::NewestFirst => self.left.next_back(),
        }?;
        let row = self.row(seq);
        if row.is_err() {
            self.left = 0..0;
        }
        Some(row)
    }
}
