//! Reading payloads of events that lie near each other.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;

use super::{PayloadPage, Segment};
use crate::{column::Column, error::StoreError};

/// Reads payloads of a segment, the pages that were read last at hand.
#[derive(Debug)]
pub struct Payloads<'a> {
    segment: &'a Segment,
    /// Whether pages displace others from the cache.
    keep: bool,
    pages: [Option<Current>; 3],
}

/// A page and the row group that it is in.
#[derive(Debug)]
struct Current {
    group: Range<u64>,
    page: Arc<PayloadPage>,
}

impl<'a> Payloads<'a> {
    pub(super) fn new(segment: &'a Segment, keep: bool) -> Self {
        Self {
            segment,
            keep,
            pages: [None, None, None],
        }
    }

    /// The exact bytes of a record.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`].
    pub fn record(&mut self, seq: u64) -> Result<Bytes, StoreError> {
        self.value(0, Column::Record, seq)?
            .ok_or(StoreError::NotHere { seq })
    }

    /// The exact bytes of an event's content, if it has any.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`].
    pub fn content(&mut self, seq: u64) -> Result<Option<Bytes>, StoreError> {
        self.value(1, Column::Content, seq)
    }

    /// The idempotency digest, if the producer gave the event's id.
    pub(super) fn digest(&mut self, seq: u64) -> Result<Option<[u8; 16]>, StoreError> {
        let digest = self.value(2, Column::Digest, seq)?;
        Ok(digest.and_then(|bytes| bytes.first_chunk().copied()))
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
        let (page, row) = self.segment.payload_page(column, seq, self.keep)?;
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
