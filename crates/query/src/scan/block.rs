//! The piece that a walk is in.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use event::Seq;
use store::{Payloads, Segment};

use super::{
    Scan,
    hits::{Lookup, Source},
    intersect,
    judge::{self, Rows},
    verdicts::{Verdict, Verdicts},
};
use crate::{Order, QueryError, columns::Columns};

/// Neighbouring events that were judged together.
pub(super) struct Block<'a> {
    seqs: Range<u64>,
    /// Events below are not looked at here.
    first: u64,
    verdicts: Verdicts,
    /// Rows that the walk still has to pass.
    left: Range<usize>,
    payload: Payload<'a>,
}

enum Payload<'a> {
    Hot,
    Sealed(Payloads<'a>),
}

impl Block<'_> {
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn end(&self) -> u64 {
        self.seqs.end
    }

    fn begin_at(&mut self, seq: u64) {
        self.first = self.first.max(seq);
        let row = usize::try_from(self.first - self.seqs.start).unwrap_or(usize::MAX);
        self.left.start = self.left.start.max(row);
    }

    /// The next event that matches, or may match: whether that is known.
    pub(super) fn take(&mut self, order: Order) -> Option<(u64, bool)> {
        let is_last = order == Order::Newest;
        let (row, verdict) = self.verdicts.take(&mut self.left, is_last)?;
        Some((self.seqs.start + row as u64, verdict == Verdict::Yes))
    }

    /// Asks the event itself; if it matches, there is its record, unless it is in memory anyway.
    #[expect(
        clippy::option_option,
        reason = "no match, a match, a match with what was read"
    )]
    pub(super) fn read(
        &mut self,
        scan: &Scan<'_>,
        seq: u64,
    ) -> Result<Option<Option<Bytes>>, QueryError> {
        match &mut self.payload {
            Payload::Hot => Ok(scan.matches_hot(seq)?.then_some(None)),
            Payload::Sealed(payloads) => {
                let record = payloads.record(seq)?;
                let content = || Ok(payloads.content(seq)?);
                let matches = scan.matches(seq, &record, content)?;
                Ok(matches.then_some(Some(record)))
            }
        }
    }
}

impl<'a> Scan<'a> {
    /// The judged piece of an event.
    pub(super) fn block_of(&mut self, seq: u64) -> Result<Block<'a>, QueryError> {
        let sealed_end = self.snapshot.sealed_end();
        if seq < sealed_end {
            let missing = QueryError::Missing { seq: Seq(seq) };
            let segment = self.snapshot.sealed().segment(seq).ok_or(missing)?;
            return self.sealed_block(segment, seq);
        }
        if self.is_everything() {
            let seqs = sealed_end..self.snapshot.size();
            return Ok(self.block(seqs, Verdicts::All(Verdict::Yes), Payload::Hot));
        }
        if self.hot_runs.is_none() {
            self.hot_runs = Some(self.snapshot.hot_runs());
        }
        let runs = self.hot_runs.iter().flatten();
        let run = runs.clone().find(|run| (run.first..run.end).contains(&seq));
        let run = run.ok_or(QueryError::Missing { seq: Seq(seq) })?.clone();
        let lookup = Lookup::new(Source::Hot(self.snapshot, run.clone()), &self.plan);
        let rows = Rows {
            seqs: run.first..run.end,
            time: run.columns.time(),
            positions: 0..u32::try_from(run.end - run.first).unwrap_or(u32::MAX),
            columns: Columns::Hot(run.columns),
            lookup: &lookup,
        };
        let verdicts = judge::judge(&rows, &self.plan, self.range)?;
        let mut block = self.block(rows.seqs, verdicts, Payload::Hot);
        // A run may begin before the end of what is sealed by now, and that is read from its segment.
        block.begin_at(sealed_end);
        Ok(block)
    }

    fn sealed_block(&mut self, segment: &'a Segment, seq: u64) -> Result<Block<'a>, QueryError> {
        let none = Verdicts::All(Verdict::No);
        let lookup = self.lookup_of(segment);
        let can_match =
            self.range.overlaps(segment.info().time) && !judge::is_hopeless(&self.plan, &lookup);
        if !can_match {
            return Ok(self.block(segment.range(), none, Payload::Hot));
        }
        let groups = segment.groups()?;
        let index = groups.partition_point(|group| group.end <= seq);
        let missing = QueryError::Missing { seq: Seq(seq) };
        let group = groups.get(index).ok_or(missing)?;
        let rows = Rows {
            columns: Columns::Sealed(segment, index),
            seqs: group.first..group.end,
            time: group.time,
            lookup: &lookup,
            positions: positions(segment, group.first..group.end),
        };
        let verdicts = judge::judge(&rows, &self.plan, self.range)?;
        // A page of answers is mostly asked for again, and near where it was.
        let payloads = Payload::Sealed(segment.payloads(true));
        Ok(self.block(group.first..group.end, verdicts, payloads))
    }

    /// What an index said of the segment before is kept for its other row groups.
    fn lookup_of(&mut self, segment: &'a Segment) -> Arc<Lookup<'a>> {
        let first = segment.range().start;
        if let Some((known, lookup)) = &self.lookup
            && *known == first
        {
            return Arc::clone(lookup);
        }
        let lookup = Arc::new(Lookup::new(Source::Segment(segment), &self.plan));
        self.lookup = Some((first, Arc::clone(&lookup)));
        lookup
    }

    fn block(&self, seqs: Range<u64>, verdicts: Verdicts, payload: Payload<'a>) -> Block<'a> {
        let left = intersect(&self.left, &seqs);
        let row = |seq: u64| usize::try_from(seq - seqs.start).unwrap_or(usize::MAX);
        Block {
            left: row(left.start)..row(left.end),
            first: seqs.start,
            seqs,
            verdicts,
            payload,
        }
    }

    pub(super) fn matches_hot(&self, seq: u64) -> Result<bool, QueryError> {
        let event = self.snapshot.hot_event(seq)?;
        let content = || Ok(event.content.map(Bytes::copy_from_slice));
        self.matches(seq, event.record, content)
    }
}

/// Rows of a row group as they are counted in the segment.
pub(super) fn positions(segment: &Segment, seqs: Range<u64>) -> Range<u32> {
    let position = |seq: u64| {
        let position = seq.saturating_sub(segment.range().start);
        u32::try_from(position).unwrap_or(u32::MAX)
    };
    position(seqs.start)..position(seqs.end)
}
