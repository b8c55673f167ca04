//! Walking over the events that match, in one direction.
//!
//! Events are walked piece by piece: a row group, or a run of unsealed events. The judge of a piece says of
//! each row whether it matches, as far as indexes and columns know; bytes of records and contents are read
//! last, and only for rows that it leaves open.

mod block;
mod hits;
mod judge;
mod loops;
mod plan;
mod verdicts;
mod works;

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use event::{
    RecordView, Seq,
    filter::{Expr, Filter, NumberField, Term, TextField},
};

use crate::{Order, QueryError, Snapshot, TimeRange, snapshot::HotRun};
use block::Block;
use hits::Lookup;
pub(crate) use judge::text_column;
use plan::Plan;
pub(crate) use works::{Selected, Work, side_by_side};

/// The matching events of a range of sequence numbers; ends after the first error.
pub(crate) struct Scan<'a> {
    snapshot: &'a Snapshot,
    filter: &'a Filter,
    plan: Plan<'a>,
    range: TimeRange,
    /// What is not in the block yet.
    left: Range<u64>,
    order: Order,
    block: Option<Block<'a>>,
    /// Of the segment that the block is in.
    lookup: Option<(u64, Arc<Lookup<'a>>)>,
    /// Read when they are first needed.
    hot_runs: Option<Vec<HotRun>>,
    /// Whether something was looked at: less would never come to an end.
    has_begun: bool,
}

/// An event that matches, with its record if that had to be read to know.
pub(crate) type Found = (Seq, Option<Bytes>);

impl<'a> Scan<'a> {
    /// A walk over `seqs`, cut to the snapshot.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        filter: &'a Filter,
        range: TimeRange,
        seqs: Range<u64>,
        order: Order,
    ) -> Result<Self, QueryError> {
        let mut left = seqs.start..seqs.end.min(snapshot.size());
        for term in filter.terms() {
            left = intersect(&left, &positions(snapshot, term)?);
        }
        Ok(Self {
            snapshot,
            filter,
            plan: Plan::new(filter),
            range,
            left,
            order,
            block: None,
            lookup: None,
            hot_runs: None,
            has_begun: false,
        })
    }

    pub(crate) fn filter(&self) -> &'a Filter {
        self.filter
    }

    pub(crate) fn range(&self) -> TimeRange {
        self.range
    }

    /// Whether every event matches.
    fn is_everything(&self) -> bool {
        self.plan.nodes.is_empty() && self.range.is_all()
    }

    /// Whether a record with its content, which is read if it is needed, matches.
    fn matches(
        &self,
        seq: u64,
        record: &[u8],
        content: impl FnOnce() -> Result<Option<Bytes>, QueryError>,
    ) -> Result<bool, QueryError> {
        let budget = self.snapshot.budget();
        budget.spend(record.len());
        let view = || {
            RecordView::parse(record).map_err(|source| QueryError::Record {
                seq: Seq(seq),
                source,
            })
        };
        if !self.filter.needs_content() {
            let view = view()?;
            return Ok(self.range.contains(view.time_us) && self.filter.matches(&view, None));
        }
        // Columns have judged what the record alone decides: what is left is mostly in the content, and its
        // bytes tell sooner than its values.
        let content = content()?;
        budget.spend(content.as_ref().map_or(0, Bytes::len));
        if !self.filter.may_match(record, content.as_deref()) {
            return Ok(false);
        }
        let view = view()?;
        Ok(self.range.contains(view.time_us) && self.filter.matches(&view, content.as_deref()))
    }

    fn advance(&mut self) -> Result<Option<Found>, QueryError> {
        loop {
            let Some(mut block) = self.block.take() else {
                let Some(seq) = self.next_seq() else {
                    return Ok(None);
                };
                self.check_budget(seq)?;
                let block = self.block_of(seq)?;
                match self.order {
                    Order::Newest => self.left.end = block.first(),
                    Order::Oldest => self.left.start = block.end(),
                }
                self.block = Some(block);
                continue;
            };
            let Some((seq, is_known)) = block.take(self.order) else {
                continue;
            };
            if is_known {
                self.block = Some(block);
                return Ok(Some((Seq(seq), None)));
            }
            self.check_budget(seq)?;
            let found = block.read(self, seq)?;
            self.block = Some(block);
            if let Some(record) = found {
                return Ok(Some((Seq(seq), record)));
            }
        }
    }

    fn next_seq(&self) -> Option<u64> {
        let is_empty = self.left.start >= self.left.end;
        (!is_empty).then(|| match self.order {
            Order::Newest => self.left.end - 1,
            Order::Oldest => self.left.start,
        })
    }

    /// Before an event is looked at.
    fn check_budget(&mut self, seq: u64) -> Result<(), QueryError> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        let before = match self.order {
            Order::Newest => Some(seq + 1),
            Order::Oldest => seq.checked_sub(1),
        };
        self.snapshot.budget().check(before.map(Seq))
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<Found, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.advance();
        if found.is_err() {
            self.left = 0..0;
            self.block = None;
        }
        found.transpose()
    }
}

/// Where events can be that match a term which all have to match.
fn positions(snapshot: &Snapshot, term: &Expr) -> Result<Range<u64>, QueryError> {
    match term {
        Expr::Term(Term::Number(NumberField::Seq, range)) => {
            let clamp = |bound: i128| u64::try_from(bound.max(0)).unwrap_or(u64::MAX);
            let range = range.integers().filter(|range| *range.end() >= 0);
            Ok(range.map_or(0..0, |range| {
                clamp(*range.start())..clamp(*range.end()).saturating_add(1)
            }))
        }
        Expr::Term(Term::Text(TextField::Id, pattern)) => {
            let Some(id) = pattern.as_literal() else {
                return Ok(0..u64::MAX);
            };
            let found = snapshot.find(id)?;
            Ok(found.map_or(0..0, |seq| seq.0..seq.0 + 1))
        }
        _ => Ok(0..u64::MAX),
    }
}

fn intersect(one: &Range<u64>, other: &Range<u64>) -> Range<u64> {
    let start = one.start.max(other.start);
    start..one.end.min(other.end).max(start)
}
