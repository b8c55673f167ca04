//! Merging small neighbours.

use std::{ops::Range, sync::Arc};

use event::TrailId;

use super::{Segments, seal::group_rows};
use crate::{
    error::StoreError,
    manifest::{FINAL_RAW_BYTES, SegmentInfo},
    segment::{Order, Row, Segment, SegmentFiles},
    writer::{GROUP_RAW_BYTES, GROUP_ROWS, NewRow, SegmentWriter},
};

/// Neighbours merged at once.
const FAN_IN: usize = 8;
/// Raw bytes that all segments below are held equal to: they are too small to tell apart.
const SMALLEST_RAW_BYTES: u64 = 64 << 10;

impl Segments {
    /// Merges one run of small neighbours, if there is one. Returns whether there was.
    ///
    /// `stop` is asked before every row group.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cancelled`] if `stop` said so; otherwise what failed. Then nothing has changed.
    pub fn compact(&self, id: &TrailId, stop: &dyn Fn() -> bool) -> Result<bool, StoreError> {
        let trail = self.trail(id)?;
        let mut writing = trail.writing();
        writing.check(id)?;
        let before = trail.snapshot();
        let Some(run) = run_to_merge(&before.manifest.segments) else {
            return Ok(false);
        };
        let merged = before.segments.get(run.clone()).unwrap_or_default();
        let (Some(first), Some(last)) = (merged.first(), merged.last()) else {
            return Ok(false);
        };
        let files = writing.next_files(id, first.range().start, last.range().end);
        let leftovers = files.clone();
        let written = self.merge(files, merged, stop);
        let info = self.keep_or_discard(&leftovers, written)?;
        let mut segments = before.manifest.segments.clone();
        segments.splice(run, [info]);
        self.commit(&trail, &mut writing, segments, &leftovers)?;
        Ok(true)
    }

    /// Large row groups are taken over as they are; small ones, and those of earlier versions, are collected
    /// into larger ones.
    fn merge(
        &self,
        files: SegmentFiles,
        merged: &[Arc<Segment>],
        stop: &dyn Fn() -> bool,
    ) -> Result<SegmentInfo, StoreError> {
        let first = merged.first().map_or(0, |segment| segment.range().start);
        let mut writer =
            SegmentWriter::new(&self.objects, files, first, self.config.zstd_level, None)?;
        let mut pending = Pending::default();
        for segment in merged {
            let is_current = segment.is_current()?;
            for (index, group) in segment.groups()?.iter().enumerate() {
                if stop() {
                    return Err(StoreError::Cancelled);
                }
                let rows = group.end - group.first;
                let bytes = segment.group_bytes(index)?;
                let is_large = rows >= GROUP_ROWS as u64 / 2 || bytes >= GROUP_RAW_BYTES / 2;
                if is_current && is_large {
                    pending.write(&mut writer)?;
                    writer.copy_group(segment.copied_group(index)?)?;
                    continue;
                }
                if pending.raw_bytes + bytes > GROUP_RAW_BYTES {
                    pending.write(&mut writer)?;
                }
                pending.add(segment, group.first..group.end)?;
            }
        }
        pending.write(&mut writer)?;
        let raw_bytes = merged.iter().map(|segment| segment.info().raw_bytes).sum();
        self.merge_projections(writer.files(), raw_bytes, merged)?;
        Ok(SegmentInfo {
            raw_bytes,
            ..writer.finish()?.0
        })
    }
}

/// Rows on their way into one row group.
#[derive(Default)]
struct Pending {
    rows: Vec<(Row, u64)>,
    raw_bytes: u64,
}

impl Pending {
    fn add(&mut self, segment: &Arc<Segment>, range: Range<u64>) -> Result<(), StoreError> {
        let times = segment.recorded_at(range.clone())?;
        for (row, recorded_at) in segment.rows(range, Order::OldestFirst).zip(times) {
            let row = row?;
            self.raw_bytes +=
                (row.record.len() + row.content.as_ref().map_or(0, bytes::Bytes::len)) as u64;
            self.rows.push((row, recorded_at));
        }
        Ok(())
    }

    fn write(&mut self, writer: &mut SegmentWriter<'_>) -> Result<(), StoreError> {
        let rows: Vec<NewRow<'_>> = self
            .rows
            .iter()
            .map(|(row, recorded_at)| NewRow {
                seq: row.seq,
                recorded_at: *recorded_at,
                record: &row.record,
                content: row.content.as_deref(),
                digest: row.digest,
            })
            .collect();
        let mut left = rows.as_slice();
        while !left.is_empty() {
            let (group, rest) = left.split_at(group_rows(left));
            writer.write_group(group)?;
            left = rest;
        }
        *self = Self::default();
        Ok(())
    }
}

/// The lowest run that holds [`FAN_IN`] segments of about one size, and smaller ones between them.
///
/// Sizes are told apart by factors of eight. So an event is written again about once per factor, and
/// the number of segments grows with the logarithm of the trail until they are done.
fn run_to_merge(segments: &[SegmentInfo]) -> Option<Range<usize>> {
    let tier =
        |segment: &SegmentInfo| segment.raw_bytes.max(SMALLEST_RAW_BYTES).ilog2() / FAN_IN.ilog2();
    for size in tier_range() {
        let (mut start, mut count) = (0, 0);
        for (position, segment) in segments.iter().enumerate() {
            if segment.is_final() || tier(segment) > size {
                (start, count) = (position + 1, 0);
            } else if tier(segment) == size {
                count += 1;
            }
            if count == FAN_IN {
                return Some(start..position + 1);
            }
        }
    }
    None
}

fn tier_range() -> std::ops::RangeInclusive<u32> {
    SMALLEST_RAW_BYTES.ilog2() / FAN_IN.ilog2()..=FINAL_RAW_BYTES.ilog2() / FAN_IN.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(raw_bytes: &[u64]) -> Vec<SegmentInfo> {
        let info = |(at, raw_bytes): (usize, &u64)| SegmentInfo {
            name: String::new(),
            first: at as u64,
            end: at as u64 + 1,
            file_bytes: 0,
            raw_bytes: *raw_bytes,
            recorded_at: [0; 2],
            time: [0; 2],
            sums_sha256: String::new(),
        };
        raw_bytes.iter().enumerate().map(info).collect()
    }

    #[test]
    fn eight_of_a_size_are_merged_and_large_ones_stay() {
        const MIB: u64 = 1 << 20;
        assert_eq!(run_to_merge(&sizes(&[MIB; 7])), None);
        assert_eq!(run_to_merge(&sizes(&[MIB; 9])), Some(0..8));
        assert_eq!(run_to_merge(&sizes(&[64 * MIB; 8])), Some(0..8));
        assert_eq!(run_to_merge(&sizes(&[256 * MIB; 20])), None);
        let mut mixed = vec![512 * MIB];
        mixed.extend([64 * MIB; 7]);
        mixed.extend([1; 8]);
        assert_eq!(
            run_to_merge(&sizes(&mixed)),
            Some(8..16),
            "the small ones first"
        );
    }

    #[test]
    fn the_number_of_segments_stays_small() {
        let mut segments = Vec::new();
        let mut rewritten = 0;
        for _ in 0..4096 {
            segments.extend(sizes(&[1 << 20]));
            while let Some(run) = run_to_merge(&segments) {
                let raw_bytes = segments[run.clone()]
                    .iter()
                    .map(|segment| segment.raw_bytes)
                    .sum();
                rewritten += raw_bytes;
                segments.splice(run, sizes(&[raw_bytes]));
            }
        }
        assert!(segments.len() < 40, "{} segments", segments.len());
        assert!(rewritten <= 4 * (4096 << 20), "{rewritten} bytes rewritten");
    }
}
