//! Groups from the rollups of segments.
//!
//! A cuboid answers if it has every dimension that is asked for or filtered by. What lies in a span of time that is
//! cut by the range or by a bucket is left for the columns to add up.

mod adding;
mod shown;

use std::{ops::Range, sync::Arc};

use store::{Cuboid, CuboidShape, Rollup, Segment};

use super::{Grouping, Groups};
use crate::{AggregateError, Dimension, TimeRange, scan::text_column, series::Buckets};
use adding::Adding;
pub(super) use shown::Shown;
use store::Column;

/// Spans of time at the ends of a range, of a bucket or of a shifted clock; for more the columns serve as well.
const MOST_CUT: usize = 8;

/// A question that rollups may answer.
pub(super) struct Rolled<'a> {
    pub(super) shown: Shown<'a>,
    pub(super) range: TimeRange,
    pub(super) groupings: &'a [Grouping<'a>],
}

/// The cells of a cuboid as one grouping needs them.
struct Cells {
    shape: CuboidShape,
    cuboid: Arc<Cuboid>,
    /// Neighbouring cells and the bucket that they are in.
    runs: Vec<(Range<usize>, usize)>,
    /// What is not in the cells.
    cut: Vec<TimeRange>,
}

impl Rolled<'_> {
    /// Adds a whole segment to the groups of all groupings, but for the ranges of time that are returned. `None` if
    /// the rollup does not answer; then nothing was added.
    pub(super) fn add(
        &self,
        segment: &Segment,
        all: &mut [Groups],
    ) -> Result<Option<Vec<TimeRange>>, AggregateError> {
        let Some(rollup) = segment.rollup() else {
            return Ok(None);
        };
        let cells = self.groupings.iter();
        let cells = cells.map(|grouping| self.cells(segment, &rollup, grouping));
        let Some(cells) = cells.collect::<Option<Vec<Cells>>>() else {
            return Ok(None);
        };
        let cut = cells
            .first()
            .map_or_else(Vec::new, |cells| cells.cut.clone());
        if cells.iter().any(|cells| cells.cut != cut) {
            return Ok(None);
        }
        for ((grouping, groups), cells) in self.groupings.iter().zip(all).zip(&cells) {
            let adding = Adding {
                grouping,
                cells,
                first_seq: segment.range().start,
            };
            adding.run(&self.shown, groups)?;
        }
        Ok(Some(cut))
    }

    fn cells(&self, segment: &Segment, rollup: &Rollup, grouping: &Grouping<'_>) -> Option<Cells> {
        let time = segment.info().time;
        let number = self.choose(rollup, grouping, time)?;
        let cuboid = segment.cuboid(number)?;
        let mut cells = Cells {
            shape: rollup.shapes().nth(number)?.clone(),
            runs: Vec::new(),
            cut: Vec::new(),
            cuboid,
        };
        self.cut(&mut cells, grouping.buckets, rollup.unit_us(), time)?;
        Some(cells)
    }

    /// The smallest cuboid that answers a grouping.
    fn choose(&self, rollup: &Rollup, grouping: &Grouping<'_>, time: [i64; 2]) -> Option<usize> {
        let is_cut = |buckets: &Buckets| {
            let [first, last] = buckets.positions(time);
            first != last
        };
        let needs_time = !self.covers(time) || grouping.buckets.is_some_and(is_cut);
        let answers = |shape: &CuboidShape| {
            let has = |by: &Dimension| shape.dimensions.contains(&column(*by));
            (shape.has_time || !needs_time)
                && (shape.has_spans || !grouping.spans)
                && grouping.by.iter().all(has)
                && self.shown.is_answered_by(&shape.dimensions)
        };
        let answering = rollup.shapes().enumerate();
        let answering = answering.filter(|(_, shape)| answers(shape));
        let smallest = answering.min_by_key(|(_, shape)| shape.cells);
        smallest.map(|(number, _)| number)
    }

    /// Tells apart which spans of time are wholly in the range and in one bucket. `None` if many are cut.
    fn cut(
        &self,
        cells: &mut Cells,
        buckets: Option<&Buckets>,
        unit_us: i64,
        time: [i64; 2],
    ) -> Option<()> {
        let bucket_of = |span: [i64; 2]| {
            let [first, last] = buckets.map_or([0, 0], |buckets| buckets.positions(span));
            (first == last).then_some(first)
        };
        if !cells.shape.has_time {
            cells.runs.push((0..cells.cuboid.cells(), bucket_of(time)?));
            return Some(());
        }
        let starts = cells.cuboid.starts();
        let mut end = 0;
        for same in starts.chunk_by(|one, other| one == other) {
            let run = end..end + same.len();
            end = run.end;
            let start = same.first().copied()?;
            let span = [start.max(time[0]), (start + (unit_us - 1)).min(time[1])];
            if !self.range.overlaps(span) {
                continue;
            }
            if let Some(bucket) = bucket_of(span).filter(|_| self.covers(span)) {
                cells.runs.push((run, bucket));
                continue;
            }
            if cells.cut.len() == MOST_CUT {
                return None;
            }
            let from = self.range.from.map_or(span[0], |from| from.max(span[0]));
            let to = self.range.to.map_or(span[1] + 1, |to| to.min(span[1] + 1));
            cells.cut.push(TimeRange {
                from: Some(from),
                to: Some(to),
            });
        }
        Some(())
    }

    pub(super) fn covers(&self, span: [i64; 2]) -> bool {
        self.range.is_all() || self.range.covers(span)
    }
}

/// The column that has the values of a dimension.
fn column(dimension: Dimension) -> Column {
    match dimension {
        Dimension::Text(field) => text_column(field),
        Dimension::Status => Column::Status,
    }
}
