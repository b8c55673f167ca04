//! The hot tail: events that are durable in the write-ahead log and not yet sealed.

use std::sync::Arc;

use event::{Micros, Seq};
use tlog::Hash;

use crate::frame::Entry;

/// The events of one group commit of one trail, as they lie in the write-ahead log.
#[derive(Debug)]
pub struct Chunk {
    pub(crate) first: Seq,
    pub(crate) recorded_at: Micros,
    pub(crate) bytes: Vec<u8>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) leaves: Vec<Hash>,
}

/// One unsealed event.
#[derive(Debug, Clone, Copy)]
pub struct HotEvent<'a> {
    /// Position in the log.
    pub seq: Seq,
    /// Server time of the commit.
    pub recorded_at: Micros,
    /// Exact bytes of the record.
    pub record: &'a [u8],
    /// Exact bytes of the content, if the event has any.
    pub content: Option<&'a [u8]>,
    /// Keyed hash of the event as sent, if the producer gave its id.
    pub digest: Option<[u8; 16]>,
    /// RFC 6962 hash of the leaf.
    pub leaf_hash: Hash,
}

/// A consistent view of the unsealed events of a trail: `first..end` without holes.
#[derive(Debug, Clone)]
pub struct Hot {
    /// Lowest sequence number in `chunks`, or `end` if there are none.
    pub first: Seq,
    /// Size of the log.
    pub end: Seq,
    /// In order, each beginning where the one before ends.
    pub chunks: Arc<[Arc<Chunk>]>,
}

impl Chunk {
    /// First sequence number.
    #[must_use]
    pub fn first(&self) -> Seq {
        self.first
    }

    /// One past the last sequence number.
    #[must_use]
    pub fn end(&self) -> Seq {
        Seq(self.first.0 + self.entries.len() as u64)
    }

    /// Memory held, bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.entries.len() * (size_of::<Entry>() + size_of::<Hash>())
    }

    /// Server time of all events of the chunk.
    #[must_use]
    pub fn recorded_at(&self) -> Micros {
        self.recorded_at
    }

    /// The event at a position in the log, if it is in this chunk.
    #[must_use]
    pub fn get(&self, seq: Seq) -> Option<HotEvent<'_>> {
        let index = usize::try_from(seq.0.checked_sub(self.first.0)?).ok()?;
        self.event(index)
    }

    /// The events, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = HotEvent<'_>> {
        (0..self.entries.len()).filter_map(|index| self.event(index))
    }

    fn event(&self, index: usize) -> Option<HotEvent<'_>> {
        let entry = self.entries.get(index)?;
        Some(HotEvent {
            seq: Seq(self.first.0 + index as u64),
            recorded_at: self.recorded_at,
            record: self.bytes.get(entry.record())?,
            content: match entry.content() {
                Some(range) => Some(self.bytes.get(range)?),
                None => None,
            },
            digest: entry.digest(),
            leaf_hash: *self.leaves.get(index)?,
        })
    }
}

impl Hot {
    /// The event at a position in the log, if it is unsealed.
    #[must_use]
    pub fn get(&self, seq: Seq) -> Option<HotEvent<'_>> {
        let after = self.chunks.partition_point(|chunk| chunk.first <= seq);
        self.chunks.get(after.checked_sub(1)?)?.get(seq)
    }
}
