//! Writing new segments and making them part of the trail.

use std::sync::Arc;

use event::TrailId;

use super::{Segments, Snapshot, Trail, Writing, load::manifest_name, projections::terms};
use crate::{
    error::StoreError,
    index::Terms,
    manifest::{Manifest, SegmentInfo},
    segment::{Segment, SegmentFiles},
    writer::{GROUP_RAW_BYTES, GROUP_ROWS, NewRow, SegmentWriter},
};

impl Segments {
    /// Seals events that follow on the sealed ones as one segment. When it returns, they are durable and
    /// part of the newest snapshot. No events is nothing to do.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotContiguous`] if the events do not begin where the sealed ones end;
    /// otherwise what failed. Then nothing has changed for readers, and the events must be
    /// sealed again.
    pub fn seal(&self, id: &TrailId, rows: &[NewRow<'_>]) -> Result<Arc<Snapshot>, StoreError> {
        let trail = self.trail(id)?;
        let mut writing = trail.writing();
        writing.check(id)?;
        let before = trail.snapshot();
        let Some(first) = rows.first() else {
            return Ok(before);
        };
        if first.seq != before.size() {
            return Err(StoreError::NotContiguous {
                path: self.path(id),
                expected: before.size(),
                actual: first.seq,
            });
        }
        let end = first.seq + rows.len() as u64;
        let files = writing.next_files(id, first.seq, end);
        let written = self.write(&files, first.seq, rows, terms(&before, &self.config));
        let info = self.keep_or_discard(&files, written)?;
        let mut segments = before.manifest.segments.clone();
        segments.push(info);
        self.commit(&trail, &mut writing, segments, &files)
    }

    fn write(
        &self,
        files: &SegmentFiles,
        first: u64,
        rows: &[NewRow<'_>],
        terms: Terms,
    ) -> Result<SegmentInfo, StoreError> {
        let level = self.config.zstd_level;
        let mut writer =
            SegmentWriter::new(&self.objects, files.clone(), first, level, Some(terms))?;
        let mut left = rows;
        while !left.is_empty() {
            let (group, rest) = left.split_at(group_rows(left));
            writer.write_group(group)?;
            left = rest;
        }
        let (info, collected) = writer.finish()?;
        self.write_rollup(files, &collected.columns)?;
        if let Some(index) = collected.index {
            self.write_index(files, info.raw_bytes, rows.len() as u64, index)?;
        }
        Ok(info)
    }

    /// Removes the files of a failed attempt. No manifest ever named them.
    pub(super) fn keep_or_discard<T>(
        &self,
        files: &SegmentFiles,
        written: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if written.is_err() {
            self.remove(files.all());
        }
        written
    }

    /// Commits a new list of segments as the next manifest, then removes what it no longer names.
    ///
    /// `new` are the files of the segment that is new in it. If the commit fails they are
    /// kept, because the manifest may be there all the same, until a later one outranks it.
    pub(super) fn commit(
        &self,
        trail: &Trail,
        writing: &mut Writing,
        segments: Vec<SegmentInfo>,
        new: &SegmentFiles,
    ) -> Result<Arc<Snapshot>, StoreError> {
        let before = trail.snapshot();
        let manifest = Manifest {
            number: writing.next_number,
            segments,
            ..before.manifest.clone()
        };
        let name = manifest_name(&trail.id, manifest.number);
        writing.next_number += 1;
        let bytes = manifest.to_bytes().map_err(|error| StoreError::Io {
            path: self.objects.path(&name),
            source: error.into(),
        })?;
        if let Err(error) = self.objects.create(&name, bytes) {
            writing.doomed.extend(new.all().map(str::to_owned));
            writing.stopped = matches!(error, StoreError::Conflict { .. });
            return Err(error);
        }
        writing.manifests.push(manifest.number);
        let snapshot = Arc::new(Snapshot {
            segments: self.segments_of(&trail.id, &manifest, &before.segments),
            manifest,
        });
        let replaced = before.segments.iter().filter(|segment| {
            !snapshot
                .segments
                .iter()
                .any(|other| Arc::ptr_eq(other, segment))
        });
        let replaced: Vec<&Arc<Segment>> = replaced.collect();
        trail.publish(Arc::clone(&snapshot));
        for segment in replaced {
            if let Err(error) = segment.hold() {
                tracing::warn!(%error, "a replaced segment could not be held open for its readers");
            }
            self.remove(segment.files().all());
        }
        let doomed = std::mem::take(&mut writing.doomed);
        self.remove(doomed.iter().map(String::as_str));
        self.drop_old_manifests(&trail.id, writing);
        Ok(snapshot)
    }

    /// Failures are left for the next start, which removes what no manifest names.
    fn remove<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            if let Err(error) = self.objects.delete(name) {
                tracing::warn!(file = name, %error, "a file that is no longer needed could not be removed");
            }
        }
    }
}

impl Writing {
    pub(super) fn check(&self, trail: &TrailId) -> Result<(), StoreError> {
        if self.stopped {
            return Err(StoreError::Stopped {
                trail: trail.as_str().to_owned(),
            });
        }
        Ok(())
    }

    pub(super) fn next_files(&mut self, trail: &TrailId, first: u64, end: u64) -> SegmentFiles {
        self.attempts += 1;
        let unique = self.next_number << 16 | self.attempts & 0xffff;
        SegmentFiles::new(trail, &format!("{first:012}-{end:012}-{unique:012x}"))
    }
}

/// How many of the rows, at least one, fill a row group.
pub(super) fn group_rows(rows: &[NewRow<'_>]) -> usize {
    let mut raw_bytes = 0;
    let full = rows.iter().take(GROUP_ROWS).position(|row| {
        raw_bytes += row.raw_bytes();
        raw_bytes >= GROUP_RAW_BYTES
    });
    full.map_or(rows.len().min(GROUP_ROWS), |last| last + 1)
}
