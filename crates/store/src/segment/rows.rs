//! Walking over the events of a segment.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;

use super::{PayloadPage, Segment};
use crate::{column::Column, error::StoreError};

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
pub struct Rows {
    segment: Arc<Segment>,
    left: Range<u64>,
    order: Order,
    pages: [Option<Current>; 3],
}

/// The page that the walk is in.
#[derive(Debug)]
struct Current {
    group: Range<u64>,
    page: Arc<PayloadPage>,
}

impl Rows {
    pub(super) fn new(segment: Arc<Segment>, range: Range<u64>, order: Order) -> Self {
        let whole = segment.range();
        let start = range.start.max(whole.start);
        Self {
            left: start..range.end.min(whole.end).max(start),
            segment,
            order,
            pages: [None, None, None],
        }
    }

    fn row(&mut self, seq: u64) -> Result<Row, StoreError> {
        let record = self.value(0, Column::Record, seq)?;
        let digest = self.value(2, Column::Digest, seq)?;
        Ok(Row {
            seq,
            record: record.ok_or(StoreError::NotHere { seq })?,
            content: self.value(1, Column::Content, seq)?,
            digest: digest.and_then(|bytes| bytes.first_chunk().copied()),
        })
    }

    fn value(
        &mut self,
        slot: usize,
        column: Column,
        seq: u64,
    ) -> Result<Option<Bytes>, StoreError> {
        let Some(slot) = self.pages.get_mut(slot) else {
            return Ok(None);
        };
        if let Some(current) = slot
            && current.group.contains(&seq)
            && let Ok(row) = usize::try_from(seq - current.group.start)
            && current.page.holds(row)
        {
            return Ok(current.page.get(row));
        }
        let (page, row) = self.segment.payload_page(column, seq, false)?;
        let value = page.get(row);
        let groups = self.segment.groups()?;
        let group = groups.get(groups.partition_point(|group| group.end <= seq));
        *slot = group.map(|group| Current {
            group: group.first..group.end,
            page,
        });
        Ok(value)
    }
}

impl Iterator for Rows {
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
