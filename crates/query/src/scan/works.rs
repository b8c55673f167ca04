//! Everything that has to be looked at, cut into pieces that can be judged apart from each other.

use std::{
    num::NonZero,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use bytes::Bytes;
use event::{Micros, Seq};
use store::{Column, Ints, Payloads, Segment};

use super::{
    Scan,
    block::positions,
    hits::{Lookup, Source},
    intersect,
    judge::{self, Rows},
    verdicts::{Verdict, Verdicts},
};
use crate::{QueryError, TimeRange, columns::Columns};

/// Rows for which another thread is worth its start.
const ROWS_PER_THREAD: u64 = 200_000;
/// Most threads of one question; others are answered meanwhile.
const MAX_THREADS: usize = 4;

/// Pieces that are counted before the budget is asked.
const WAVE: usize = 4 * MAX_THREADS;

/// Neighbouring events whose columns are read together.
pub(crate) struct Work<'a> {
    pub(crate) columns: Columns<'a>,
    /// All events of the columns.
    pub(crate) seqs: Range<u64>,
    /// Those that are asked for.
    pub(crate) wanted: Range<u64>,
    /// Earliest and latest time of all events.
    pub(crate) time: [i64; 2],
    /// Of these only those are asked for that lie in here.
    range: TimeRange,
    lookup: Arc<Lookup<'a>>,
    positions: Range<u32>,
}

/// The rows of a [`Work`] that match.
pub(crate) struct Selected {
    rows: Range<usize>,
    verdicts: Verdicts,
}

impl Work<'_> {
    /// Row of an event in the columns.
    pub(crate) fn row(&self, seq: u64) -> usize {
        usize::try_from(seq.saturating_sub(self.seqs.start)).unwrap_or(usize::MAX)
    }

    /// The times of all events.
    pub(crate) fn time_column(&self) -> Result<Arc<Ints>, QueryError> {
        self.always(Column::Time)
    }

    /// A flag of all events. Segments of the first version have none: their records are read.
    pub(crate) fn flags(&self, column: Column) -> Result<Arc<Ints>, QueryError> {
        self.always(column)
    }

    fn always(&self, column: Column) -> Result<Arc<Ints>, QueryError> {
        if let Some(ints) = self.columns.ints(column)? {
            return Ok(ints);
        }
        let Columns::Sealed(segment, _) = &self.columns else {
            return Err(QueryError::Missing {
                seq: Seq(self.seqs.start),
            });
        };
        let mut records = Vec::new();
        for seq in self.seqs.clone() {
            records.push((Seq(seq), segment.record(seq)?));
        }
        let records = records
            .iter()
            .map(|(seq, record)| (*seq, Micros(0), record.as_ref()));
        let columns = store::Columns::collect(records);
        let ints = columns.ints(column).cloned();
        ints.ok_or(QueryError::Missing {
            seq: Seq(self.seqs.start),
        })
    }

    fn is_needed(&self) -> bool {
        !self.wanted.is_empty() && self.range.overlaps(self.time)
    }

    fn rows(&self) -> Range<usize> {
        self.row(self.wanted.start)..self.row(self.wanted.end)
    }
}

impl Selected {
    /// The rows that were asked for.
    pub(crate) fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// How many of them match.
    pub(crate) fn count(&self) -> u64 {
        self.verdicts.count(Verdict::Yes, &self.rows)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() || self.verdicts.are_all(Verdict::No)
    }

    /// Whether all rows that were asked for match.
    pub(crate) fn is_all(&self) -> bool {
        self.verdicts.are_all(Verdict::Yes)
    }

    /// Appends those of the rows that match.
    pub(crate) fn push_matching(&self, rows: Range<usize>, out: &mut Vec<u32>) {
        self.verdicts.push_matching(rows, out);
    }
}

impl<'a> Scan<'a> {
    /// Segments that have events which are asked for, oldest first.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &'a Segment> {
        let segments = self.snapshot.sealed().segments().iter();
        segments.map(AsRef::as_ref).filter(|segment| {
            let wanted = intersect(&self.left, &segment.range());
            !wanted.is_empty() && self.range.overlaps(segment.info().time)
        })
    }

    /// Whether all events of a segment are asked for, but for their time.
    pub(crate) fn is_whole(&self, segment: &Segment) -> bool {
        intersect(&self.left, &segment.range()) == segment.range()
    }

    /// The row groups of a segment that may have matches in a range of time, oldest first.
    pub(crate) fn segment_works(
        &self,
        segment: &'a Segment,
        range: TimeRange,
    ) -> Result<Vec<Work<'a>>, QueryError> {
        let lookup = Arc::new(Lookup::new(Source::Segment(segment), &self.plan));
        if judge::is_hopeless(&self.plan, &lookup) {
            return Ok(Vec::new());
        }
        let mut works = Vec::new();
        for (index, group) in segment.groups()?.iter().enumerate() {
            let seqs = group.first..group.end;
            works.push(Work {
                columns: Columns::Sealed(segment, index),
                wanted: intersect(&self.left, &seqs),
                positions: positions(segment, seqs.clone()),
                seqs,
                time: group.time,
                range,
                lookup: Arc::clone(&lookup),
            });
        }
        works.retain(Work::is_needed);
        Ok(works)
    }

    /// The runs of unsealed events that may have matches, oldest first.
    pub(crate) fn hot_works(&self) -> Result<Vec<Work<'a>>, QueryError> {
        let hot = self.left.start.max(self.snapshot.sealed_end())..self.left.end;
        if hot.is_empty() {
            return Ok(Vec::new());
        }
        let runs = self.snapshot.hot_runs();
        if runs.first().is_none_or(|run| run.first > hot.start) {
            return Err(QueryError::Missing {
                seq: Seq(hot.start),
            });
        }
        let mut works = Vec::new();
        for run in runs {
            let source = Source::Hot(self.snapshot, run.clone());
            let seqs = run.first..run.end;
            works.push(Work {
                // A run may begin before the end of what is sealed by now.
                wanted: intersect(&hot, &seqs),
                positions: 0..u32::try_from(seqs.end - seqs.start).unwrap_or(u32::MAX),
                seqs,
                time: run.columns.time(),
                range: self.range,
                columns: Columns::Hot(run.columns),
                lookup: Arc::new(Lookup::new(source, &self.plan)),
            });
        }
        works.retain(Work::is_needed);
        Ok(works)
    }

    /// The matching rows of a piece.
    pub(crate) fn select(&self, work: &Work<'_>) -> Result<Selected, QueryError> {
        self.selected(work, || self.snapshot.budget().check(None))
    }

    /// `go_on` is asked before the payload of an event is read.
    fn selected(
        &self,
        work: &Work<'_>,
        go_on: impl Fn() -> Result<(), QueryError>,
    ) -> Result<Selected, QueryError> {
        let rows = Rows {
            columns: work.columns.clone(),
            seqs: work.seqs.clone(),
            time: work.time,
            lookup: &work.lookup,
            positions: work.positions.clone(),
        };
        let mut verdicts = judge::judge(&rows, &self.plan, work.range)?;
        let open = verdicts.open(work.rows());
        if !open.is_empty() {
            let mut payloads = match &work.columns {
                Columns::Sealed(segment, _) => Some(segment.payloads(false)),
                Columns::Hot(_) => None,
            };
            for row in open {
                let seq = work.seqs.start + row as u64;
                go_on()?;
                let matches = self.matches_whole(payloads.as_mut(), seq)?;
                verdicts.set(row, matches.into(), work.positions.len());
            }
        }
        Ok(Selected {
            rows: work.rows(),
            verdicts,
        })
    }

    /// The row groups of segments and the runs of unsealed events that may have matches, oldest first.
    pub(crate) fn works(&self) -> Result<Vec<Work<'a>>, QueryError> {
        let mut works = Vec::new();
        for segment in self.segments() {
            works.extend(self.segment_works(segment, self.range)?);
        }
        works.extend(self.hot_works()?);
        Ok(works)
    }

    /// How many events match, and the position up to which they were counted if the budget ended there.
    pub(crate) fn count_matches(&self) -> Result<(u64, Option<Seq>), QueryError> {
        let works = self.works()?;
        let count = |count: &mut u64, work: &Work<'_>| {
            *count += self.selected(work, || Ok(()))?.count();
            Ok::<(), QueryError>(())
        };
        let mut sum = 0;
        for (number, wave) in works.chunks(WAVE).enumerate() {
            let before = wave.first().map_or(0, |work| work.wanted.start);
            if number > 0 && self.snapshot.budget().check(None).is_err() {
                return Ok((sum, before.checked_sub(1).map(Seq)));
            }
            sum += side_by_side(wave, || 0, count)?.into_iter().sum::<u64>();
        }
        Ok((sum, None))
    }

    /// Asks the event's bytes, which are in memory without payloads.
    fn matches_whole(
        &self,
        payloads: Option<&mut Payloads<'_>>,
        seq: u64,
    ) -> Result<bool, QueryError> {
        let Some(payloads) = payloads else {
            return self.matches_hot(seq);
        };
        let record: Bytes = payloads.record(seq)?;
        self.matches(seq, &record, || Ok(payloads.content(seq)?))
    }
}

/// Works on pieces on several threads, each with a sum of its own.
pub(crate) fn side_by_side<T: Send, E: Send>(
    works: &[Work<'_>],
    sum: impl Fn() -> T + Sync,
    add: impl Fn(&mut T, &Work<'_>) -> Result<(), E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<T, E> {
        let mut sum = sum();
        while let Some(work) = works.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = add(&mut sum, work) {
                next.store(works.len(), Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(sum)
    };
    let rows: u64 = works
        .iter()
        .map(|work| work.wanted.end - work.wanted.start)
        .sum();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let wanted = usize::try_from(rows / ROWS_PER_THREAD).unwrap_or(usize::MAX);
    let others = Mutex::new(Vec::new());
    let own = thread::scope(|scope| {
        for _ in 1..threads.min(MAX_THREADS).min(wanted) {
            scope.spawn(|| {
                let sum = worker();
                let mut others = others.lock().unwrap_or_else(PoisonError::into_inner);
                others.push(sum);
            });
        }
        worker()
    });
    let others = others.into_inner().unwrap_or_else(PoisonError::into_inner);
    std::iter::once(own).chain(others).collect()
}
