//! The indexes of segments: written with them, merged with them, made again where they are missing.

use std::sync::Arc;

use event::TrailId;

use super::{Access, Segments, Snapshot};
use crate::{
    columns::Columns,
    error::StoreError,
    index::{self, Builder, Index, Shape, Terms},
    segment::{Order, Segment, SegmentFiles},
    segments::compact::DONE_RAW_BYTES,
};

impl Segments {
    /// The index of events that are not sealed yet, oldest first: their columns, records and contents.
    ///
    /// # Errors
    ///
    /// As sealing them.
    pub fn index_of<'a>(
        &self,
        columns: &Columns,
        events: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<Index, StoreError> {
        Index::collect(Terms::new(self.config.index_seed), columns, events)
    }

    /// Makes the index of one segment that lacks it, if there is one, the newest first. Returns whether there was.
    ///
    /// `stop` is asked now and then.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cancelled`] if `stop` said so; otherwise what failed.
    pub fn mend(&self, id: &TrailId, stop: &dyn Fn() -> bool) -> Result<bool, StoreError> {
        if self.access == Access::Reader {
            return Ok(false);
        }
        let snapshot = self.snapshot(id)?;
        let lacks = |segment: &&Arc<Segment>| segment.index().is_none();
        let Some(segment) = snapshot.segments.iter().rev().find(lacks) else {
            return Ok(false);
        };
        let trail = self.trail(id)?;
        // A segment that was merged meanwhile has no files any more, and gets none.
        let _writing = trail.writing();
        let current = trail.snapshot();
        let is_current = current
            .segments
            .iter()
            .any(|other| Arc::ptr_eq(other, segment));
        if is_current {
            tracing::info!(trail = %id, segment = segment.info().name, "an index is made anew");
            self.index_segment(segment, terms(&snapshot, &self.config), stop)?;
            segment.renew_index();
        }
        Ok(true)
    }

    /// Writes the index of rows that were just collected.
    pub(super) fn write_index(
        &self,
        files: &SegmentFiles,
        raw_bytes: u64,
        rows: u64,
        index: Builder,
    ) -> Result<(), StoreError> {
        let upload = self.objects.upload(&files.index)?;
        index.finish(shape(raw_bytes, rows), upload)?.finish()
    }

    /// Writes the index of segments that were merged. If theirs do not allow it there is none yet.
    pub(super) fn merge_indexes(
        &self,
        files: &SegmentFiles,
        raw_bytes: u64,
        merged: &[Arc<Segment>],
    ) -> Result<(), StoreError> {
        let indexes: Option<Vec<Arc<Index>>> =
            merged.iter().map(|segment| segment.index()).collect();
        let Some(indexes) = indexes.filter(|indexes| index::can_merge(indexes)) else {
            return Ok(());
        };
        let range = |segment: &Arc<Segment>| segment.range().end - segment.range().start;
        let shape = shape(raw_bytes, merged.iter().map(range).sum());
        let path = self.objects.path(&files.index);
        let upload = self.objects.upload(&files.index)?;
        index::merge(&indexes, shape, upload, &path)?.finish()
    }

    fn index_segment(
        &self,
        segment: &Arc<Segment>,
        terms: Terms,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        let files = segment.files();
        let mut index = Builder::new(terms, &self.objects.path(&files.index));
        for (number, group) in segment.groups()?.iter().enumerate() {
            let columns = Columns::of_group(segment, number)?;
            let mut rows = Vec::new();
            for row in segment.rows(group.first..group.end, Order::OldestFirst) {
                rows.push(row?);
                if rows.len() % 1024 == 0 && stop() {
                    return Err(StoreError::Cancelled);
                }
            }
            let events = rows
                .iter()
                .map(|row| (row.record.as_ref(), row.content.as_deref()));
            index.add_group(&columns, events)?;
        }
        let info = segment.info();
        self.write_index(files, info.raw_bytes, info.end - info.first, index)
    }
}

/// What the newest index of a trail is hashed with, so that all of them can be merged.
pub(super) fn terms(snapshot: &Snapshot, config: &super::Config) -> Terms {
    let known = snapshot
        .segments
        .iter()
        .rev()
        .find_map(|segment| segment.index());
    known.map_or_else(|| Terms::new(config.index_seed), |index| index.terms())
}

/// Segments that will be merged keep what merging needs.
fn shape(raw_bytes: u64, rows: u64) -> Shape {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    if raw_bytes >= DONE_RAW_BYTES {
        Shape::short(rows)
    } else {
        Shape::whole(rows)
    }
}
