//! Indexes and rollups of segments: written with them, merged with them, made again where they are missing.

use std::sync::Arc;

use event::TrailId;

use super::{Access, Config, Segments, Snapshot};
use crate::{
    columns::Columns,
    error::StoreError,
    index::{self, Builder, Index, Shape, Terms},
    manifest::FINAL_RAW_BYTES,
    rollup,
    segment::{Order, Segment, SegmentFiles},
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

    /// Makes the index and the rollup of one segment that lacks either, if there is one, the newest first. Returns
    /// whether there was.
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
        let lacks =
            |segment: &&Arc<Segment>| segment.index().is_none() || segment.rollup().is_none();
        let Some(segment) = snapshot.segments.iter().rev().find(lacks) else {
            return Ok(false);
        };
        let trail = self.trail(id)?;
        // A segment that was merged meanwhile has no files any more, and gets none.
        let _writing = trail.writing();
        let current = trail.snapshot();
        let is_current = |other: &Arc<Segment>| Arc::ptr_eq(other, segment);
        if current.segments.iter().any(is_current) {
            tracing::info!(trail = %id, segment = segment.info().name, "an index and a rollup are made anew");
            self.project(segment, terms(&snapshot, &self.config), stop)?;
            segment.renew_projections();
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

    /// Writes the rollup of row groups.
    pub(super) fn write_rollup(
        &self,
        files: &SegmentFiles,
        groups: &[Arc<Columns>],
    ) -> Result<(), StoreError> {
        let bytes = rollup::to_bytes(&rollup::build(groups));
        let bytes = bytes.map_err(|source| StoreError::Io {
            path: self.objects.path(&files.rollup),
            source,
        })?;
        self.objects.put(&files.rollup, bytes)
    }

    /// Writes index and rollup of segments that were merged. If their indexes cannot be merged there is none yet.
    pub(super) fn merge_projections(
        &self,
        files: &SegmentFiles,
        raw_bytes: u64,
        merged: &[Arc<Segment>],
    ) -> Result<(), StoreError> {
        let mut groups = Vec::new();
        for segment in merged {
            groups.extend(columns_of(segment)?);
        }
        self.write_rollup(files, &groups)?;
        let rows = groups.iter().map(|group| group.rows() as u64).sum();
        drop(groups);
        let indexes: Option<Vec<Arc<Index>>> =
            merged.iter().map(|segment| segment.index()).collect();
        let Some(indexes) = indexes.filter(|indexes| index::can_merge(indexes)) else {
            return Ok(());
        };
        let path = self.objects.path(&files.index);
        let upload = self.objects.upload(&files.index)?;
        index::merge(&indexes, shape(raw_bytes, rows), upload, &path)?.finish()
    }

    fn project(
        &self,
        segment: &Arc<Segment>,
        terms: Terms,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        let files = segment.files();
        let columns = columns_of(segment)?;
        self.write_rollup(files, &columns)?;
        let mut index = Builder::new(terms, &self.objects.path(&files.index));
        add_events(segment, &columns, &mut index, stop)?;
        let info = segment.info();
        self.write_index(files, info.raw_bytes, info.end - info.first, index)
    }
}

/// Indexes a segment, whose columns these are.
pub(super) fn add_events(
    segment: &Segment,
    columns: &[Arc<Columns>],
    index: &mut Builder,
    stop: &dyn Fn() -> bool,
) -> Result<(), StoreError> {
    for (group, columns) in segment.groups()?.iter().zip(columns) {
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
        index.add_group(columns, events)?;
    }
    Ok(())
}

/// The columns of all row groups.
pub(super) fn columns_of(segment: &Segment) -> Result<Vec<Arc<Columns>>, StoreError> {
    let groups = 0..segment.groups()?.len();
    let columns = groups.map(|group| Columns::of_group(segment, group).map(Arc::new));
    columns.collect()
}

/// What the newest index of a trail is hashed with, so that all of them can be merged.
pub(super) fn terms(snapshot: &Snapshot, config: &Config) -> Terms {
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
    if raw_bytes >= FINAL_RAW_BYTES {
        Shape::short(rows)
    } else {
        Shape::whole(rows)
    }
}
