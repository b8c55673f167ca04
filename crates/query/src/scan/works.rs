//! Everything that has to be looked at, cut into pieces that can be judged apart from each other.

use std::{ops::Range, sync::Arc};

use event::{Micros, Seq};
use store::{Column, Ints, StoreError};

use super::{
    Scan, intersect,
    judge::{self, Rows},
    verdicts::{Verdict, Verdicts},
};
use crate::{QueryError, columns::Columns, snapshot::view};

/// Neighbouring events whose columns are read together.
pub(crate) struct Work<'a> {
    pub(crate) columns: Columns<'a>,
    /// All events of the columns.
    pub(crate) seqs: Range<u64>,
    /// Those that are asked for.
    pub(crate) wanted: Range<u64>,
    /// Earliest and latest time of all events.
    pub(crate) time: [i64; 2],
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

    fn rows(&self) -> Range<usize> {
        self.row(self.wanted.start)..self.row(self.wanted.end)
    }
}

impl Selected {
    /// The rows that were asked for.
    pub(crate) fn rows(&self) -> Range<usize> {
        self.rows.clone()
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
    /// Oldest first. Segments and row groups outside the time range are left out.
    pub(crate) fn works(&self) -> Result<Vec<Work<'a>>, QueryError> {
        let mut works = Vec::new();
        let mut push = |columns, seqs: Range<u64>, lowest: u64, time| {
            let wanted = intersect(&self.left, &seqs);
            let wanted = wanted.start.max(lowest)..wanted.end;
            if !wanted.is_empty() && self.range.overlaps(time) {
                works.push(Work {
                    columns,
                    seqs,
                    wanted,
                    time,
                });
            }
        };
        let sealed_end = self.snapshot.sealed_end();
        for segment in self.snapshot.sealed().segments() {
            let wanted = intersect(&self.left, &segment.range());
            if wanted.is_empty() || !self.range.overlaps(segment.info().time) {
                continue;
            }
            for (index, group) in segment.groups()?.iter().enumerate() {
                let columns = Columns::Sealed(segment, index);
                push(columns, group.first..group.end, 0, group.time);
            }
        }
        let hot_start = self.left.start.max(sealed_end);
        if hot_start < self.left.end {
            let runs = self.snapshot.hot_runs();
            if runs.first().is_none_or(|run| run.first > hot_start) {
                let seq = Seq(hot_start);
                return Err(QueryError::Missing { seq });
            }
            for run in runs {
                let time = run.columns.time();
                // A run may begin before the end of what is sealed by now.
                push(
                    Columns::Hot(run.columns),
                    run.first..run.end,
                    sealed_end,
                    time,
                );
            }
        }
        Ok(works)
    }

    /// The matching rows of a piece.
    pub(crate) fn select(&self, work: &Work<'_>) -> Result<Selected, QueryError> {
        let mut verdicts = self.judge(work)?;
        if !verdicts.are_settled() {
            for seq in work.wanted.clone() {
                let row = work.row(seq);
                if verdicts.get(row) == Verdict::Maybe {
                    let matches = self.matches_whole(work, seq)?;
                    verdicts.set(row, matches.into(), work.row(work.seqs.end));
                }
            }
        }
        Ok(Selected {
            rows: work.rows(),
            verdicts,
        })
    }

    /// How many events match.
    pub(crate) fn count_matches(&self) -> Result<u64, QueryError> {
        let mut count = 0;
        for work in self.works()? {
            let verdicts = self.judge(&work)?;
            let rows = work.rows();
            count += verdicts.count(Verdict::Yes, &rows);
            if verdicts.count(Verdict::Maybe, &rows) == 0 {
                continue;
            }
            for seq in work.wanted.clone() {
                if verdicts.get(work.row(seq)) == Verdict::Maybe {
                    count += u64::from(self.matches_whole(&work, seq)?);
                }
            }
        }
        Ok(count)
    }

    fn judge(&self, work: &Work<'_>) -> Result<Verdicts, StoreError> {
        let rows = Rows {
            columns: work.columns.clone(),
            seqs: work.seqs.clone(),
            time: work.time,
        };
        judge::judge(&rows, self.filter, self.range)
    }

    /// Asks the event's bytes.
    fn matches_whole(&self, work: &Work<'_>, seq: u64) -> Result<bool, QueryError> {
        match &work.columns {
            Columns::Sealed(segment, _) => Ok(self.read(segment, seq)?.is_some()),
            Columns::Hot(_) => {
                let event = self.snapshot.hot_event(seq)?;
                let record = view(Seq(seq), event.record)?;
                Ok(self.matches(&record, event.content))
            }
        }
    }
}
