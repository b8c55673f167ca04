//! Cutting time into the spans of a clock on the wall.

use super::{Interval, MAX_BUCKETS, Zone, zone::OffsetSpan};
use crate::AggregateError;

/// Neighbouring buckets. A day or week whose end is repeated, because the clock is set back over
/// midnight, has more than one piece.
#[derive(Debug)]
pub(crate) struct Buckets {
    /// First instant of each bucket.
    starts: Vec<i64>,
    /// Oldest first, each up to the next.
    pieces: Vec<Piece>,
    /// Whether no bucket comes again.
    is_rising: bool,
    /// For equal spans of time the piece that the span begins in: found without searching.
    cells: Vec<u32>,
    cell_bits: u32,
}

/// A run of instants of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    start: i64,
    bucket: usize,
}

const DAY_US: i64 = 86_400_000_000;

impl Buckets {
    /// The buckets that the instants from one to another are in, both meant.
    pub(crate) fn new(
        interval: Interval,
        zone: &Zone,
        from: i64,
        last: i64,
    ) -> Result<Self, AggregateError> {
        let too_many = AggregateError::TooManyBuckets { most: MAX_BUCKETS };
        let width = interval.usual_us();
        let about = i128::from(last) - i128::from(from);
        if about / i128::from(width) > MAX_BUCKETS as i128 {
            return Err(too_many);
        }
        // Early enough to see where the first bucket begins, whatever was shifted in it.
        let early = from.checked_sub(2 * width + DAY_US);
        let spans = zone.spans(early.ok_or(AggregateError::Time)?, last);
        let mut cut = Cut::default();
        match interval {
            Interval::Minute | Interval::Hour => cut.clock(spans, width, last),
            Interval::Day => cut.dates(spans, last, |day| day),
            // 1970 began on a Thursday, three days after a Monday.
            Interval::Week => cut.dates(spans, last, |day| (day + 3).div_euclid(7)),
        }
        let buckets = cut.finish(from, width);
        if buckets.len() > MAX_BUCKETS {
            return Err(too_many);
        }
        Ok(buckets)
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// First instant of each, rising.
    pub(crate) fn starts(&self) -> &[i64] {
        &self.starts
    }

    /// The bucket of an instant; beyond the ends the nearest one.
    pub(crate) fn position(&self, instant: i64) -> usize {
        let piece = self.piece(instant);
        self.pieces.get(piece).map_or(0, |piece| piece.bucket)
    }

    /// The first and the last of the buckets of a span of instants.
    pub(crate) fn positions(&self, span: [i64; 2]) -> [usize; 2] {
        let [first, last] = span.map(|instant| self.piece(instant));
        let pieces = self.pieces.get(first..=last).unwrap_or_default();
        if self.is_rising {
            return [pieces.first(), pieces.last()]
                .map(|piece| piece.map_or(0, |piece| piece.bucket));
        }
        let buckets = || pieces.iter().map(|piece| piece.bucket);
        [buckets().min().unwrap_or(0), buckets().max().unwrap_or(0)]
    }

    fn piece(&self, instant: i64) -> usize {
        let start = self.pieces.first().map_or(0, |piece| piece.start);
        let after = instant.saturating_sub(start).max(0);
        let cell = usize::try_from(after >> self.cell_bits).unwrap_or(usize::MAX);
        let cell = cell.min(self.cells.len().saturating_sub(1));
        let mut piece = self.cells.get(cell).map_or(0, |piece| *piece as usize);
        let begins = |piece: &Piece| piece.start <= instant;
        while self.pieces.get(piece + 1).is_some_and(begins) {
            piece += 1;
        }
        piece
    }
}

/// Pieces as they are cut off.
#[derive(Default)]
struct Cut {
    /// Start of each and a number of its bucket, rising with time but for repeated dates.
    pieces: Vec<(i64, i64)>,
}

impl Cut {
    /// From full minute or hour to the next; the clock's own, whatever its offset.
    fn clock(&mut self, spans: impl Iterator<Item = OffsetSpan>, width: i64, last: i64) {
        let mut aligned: Vec<OffsetSpan> = Vec::new();
        for span in spans {
            let offset = span.offset.rem_euclid(width);
            // After a shift by whole hours, hours begin where they began before.
            if aligned.last().is_none_or(|before| before.offset != offset) {
                aligned.push(OffsetSpan { offset, ..span });
            }
        }
        let ends = aligned
            .iter()
            .skip(1)
            .map(|span| span.start)
            .chain([last.saturating_add(1)]);
        for (span, end) in aligned.iter().zip(ends) {
            let past = (span.start.saturating_add(span.offset)).rem_euclid(width);
            let mut next = span.start.saturating_sub(past);
            if self.pieces.is_empty() {
                self.push(next, None);
            } else {
                self.push(span.start, None);
            }
            next = next.saturating_add(width);
            while next < end {
                self.push(next, None);
                next = next.saturating_add(width);
            }
        }
    }

    /// From midnight to midnight, as far as the bucket of a date changes.
    fn dates(
        &mut self,
        spans: impl Iterator<Item = OffsetSpan>,
        last: i64,
        bucket_of: impl Fn(i64) -> i64,
    ) {
        let spans: Vec<OffsetSpan> = spans.collect();
        let ends = spans
            .iter()
            .skip(1)
            .map(|span| span.start)
            .chain([last.saturating_add(1)]);
        for (span, end) in spans.iter().zip(ends) {
            let mut day = span.start.saturating_add(span.offset).div_euclid(DAY_US);
            self.push(span.start, Some(bucket_of(day)));
            loop {
                day += 1;
                let midnight = day.saturating_mul(DAY_US).saturating_sub(span.offset);
                if midnight >= end {
                    break;
                }
                self.push(midnight, Some(bucket_of(day)));
            }
        }
    }

    /// A piece of a bucket, or of one of its own.
    fn push(&mut self, start: i64, bucket: Option<i64>) {
        let last = self.pieces.last().map(|piece| piece.1);
        let bucket = bucket.unwrap_or_else(|| last.map_or(0, |last| last + 1));
        if last != Some(bucket) {
            self.pieces.push((start, bucket));
        }
    }

    /// Leaves out the buckets that end before an instant.
    fn finish(self, from: i64, width: i64) -> Buckets {
        let ends = self.pieces.iter().skip(1).map(|piece| piece.0);
        let lasting = self.pieces.iter().zip(ends.chain([i64::MAX]));
        let lasting = lasting.filter(|(_, end)| *end > from);
        let mut used: Vec<i64> = lasting.map(|((_, bucket), _)| *bucket).collect();
        used.sort_unstable();
        used.dedup();
        let piece = |(start, bucket): &(i64, i64)| {
            let bucket = used.binary_search(bucket).ok()?;
            Some(Piece {
                start: *start,
                bucket,
            })
        };
        let pieces: Vec<Piece> = self.pieces.iter().filter_map(piece).collect();
        let mut starts = vec![i64::MAX; used.len()];
        for piece in &pieces {
            if let Some(start) = starts.get_mut(piece.bucket) {
                *start = piece.start.min(*start);
            }
        }
        let mut buckets = Buckets {
            is_rising: pieces.is_sorted_by_key(|piece| piece.bucket),
            starts,
            cells: Vec::new(),
            cell_bits: width.ilog2(),
            pieces,
        };
        buckets.cells = buckets.cells();
        buckets
    }
}

impl Buckets {
    fn cells(&self) -> Vec<u32> {
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else {
            return Vec::new();
        };
        let count = (last.start - first.start) >> self.cell_bits;
        let mut piece = 0;
        let cell = |cell: i64| {
            let start = first.start + (cell << self.cell_bits);
            while self
                .pieces
                .get(piece + 1)
                .is_some_and(|piece| piece.start <= start)
            {
                piece += 1;
            }
            u32::try_from(piece).unwrap_or(u32::MAX)
        };
        (0..=count).map(cell).collect()
    }
}
