//! Walking over the events that match, in one direction.
//!
//! Sealed events are walked block by block (a row group, or a whole segment that cannot match). The
//! judge of a block says of each row whether it matches, as far as that is known without its payload;
//! bytes of records and contents are read last, and only for rows that it leaves open.

mod judge;
mod loops;
mod verdicts;
mod works;

use std::ops::Range;

use bytes::Bytes;
use event::{
    RecordView, Seq,
    filter::{Expr, Filter, NumberField, Term, TextField},
};
use store::Segment;

use crate::{Order, QueryError, Snapshot, TimeRange, columns::Columns, snapshot::view};
use judge::Rows;
pub(crate) use judge::text_column;
use verdicts::{Verdict, Verdicts};
pub(crate) use works::{Selected, Work};

/// The matching events of a range of sequence numbers; ends after the first error.
pub(crate) struct Scan<'a> {
    snapshot: &'a Snapshot,
    filter: &'a Filter,
    range: TimeRange,
    left: Range<u64>,
    order: Order,
    block: Option<Block<'a>>,
}

/// Neighbouring rows of a segment that were judged together.
struct Block<'a> {
    seqs: Range<u64>,
    segment: &'a Segment,
    verdicts: Verdicts,
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
            range,
            left,
            order,
            block: None,
        })
    }

    fn decide(&mut self, seq: u64) -> Result<Option<Found>, QueryError> {
        if seq >= self.snapshot.sealed_end() {
            return Ok(self.matches_hot(seq)?.then_some((Seq(seq), None)));
        }
        let block = match self.block.take() {
            Some(block) if block.seqs.contains(&seq) => block,
            _ => self.block_of(seq)?,
        };
        let found = match block.verdicts.get(block.row(seq)) {
            Verdict::Yes => Some((Seq(seq), None)),
            Verdict::Maybe => self
                .read(block.segment, seq)?
                .map(|record| (Seq(seq), Some(record))),
            Verdict::No => None,
        };
        if block.verdicts.are_all(Verdict::No) {
            match self.order {
                Order::Newest => self.left.end = self.left.end.min(block.seqs.start),
                Order::Oldest => self.left.start = self.left.start.max(block.seqs.end),
            }
        }
        self.block = Some(block);
        Ok(found)
    }

    /// The judged block of a sealed event.
    fn block_of(&self, seq: u64) -> Result<Block<'a>, QueryError> {
        let missing = QueryError::Missing { seq: Seq(seq) };
        let Some(segment) = self.snapshot.sealed().segment(seq) else {
            return Err(missing);
        };
        if !self.range.overlaps(segment.info().time) {
            return Ok(Block {
                seqs: segment.range(),
                segment,
                verdicts: Verdicts::All(Verdict::No),
            });
        }
        let groups = segment.groups()?;
        let index = groups.partition_point(|group| group.end <= seq);
        let Some(group) = groups.get(index) else {
            return Err(missing);
        };
        let rows = Rows {
            columns: Columns::Sealed(segment, index),
            seqs: group.first..group.end,
            time: group.time,
        };
        Ok(Block {
            verdicts: judge::judge(&rows, self.filter, self.range)?,
            seqs: rows.seqs,
            segment,
        })
    }

    /// Reads what the judge left open; gives the record if the event matches.
    fn read(&self, segment: &Segment, seq: u64) -> Result<Option<Bytes>, QueryError> {
        let record = segment.record(seq)?;
        let view = view(Seq(seq), &record)?;
        let mut content = None;
        if view.content.is_some() && self.filter.needs_content() {
            let by_record = |term: &&Expr| !term.needs_content();
            let mut terms = self.filter.terms().iter().filter(by_record);
            if !terms.all(|term| term.matches(&view, None)) {
                return Ok(None);
            }
            content = segment.content(seq)?;
        }
        let matches = self.matches(&view, content.as_deref());
        Ok(matches.then_some(record))
    }

    fn matches_hot(&self, seq: u64) -> Result<bool, QueryError> {
        let event = self.snapshot.hot_event(seq)?;
        if self.filter.terms().is_empty() && self.range.is_all() {
            return Ok(true);
        }
        Ok(self.matches(&view(event.seq, event.record)?, event.content))
    }

    fn matches(&self, record: &RecordView<'_>, content: Option<&[u8]>) -> bool {
        self.range.contains(record.time_us) && self.filter.matches(record, content)
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<Found, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let seq = match self.order {
                Order::Newest => self.left.next_back(),
                Order::Oldest => self.left.next(),
            }?;
            match self.decide(seq) {
                Ok(Some(found)) => return Some(Ok(found)),
                Ok(None) => {}
                Err(error) => {
                    self.left = 0..0;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Block<'_> {
    fn row(&self, seq: u64) -> usize {
        usize::try_from(seq.saturating_sub(self.seqs.start)).unwrap_or(usize::MAX)
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
