//! Grouping one piece by the codes of its own columns.

mod dimensions;

use std::{ops::AddAssign, sync::Arc};

use store::Ints;

use super::{
    Grouping, Groups, Span,
    measure::Numbers,
    pick::{BLOCK_ROWS, Picked},
    slots::Slots,
    sums::{Lanes, Layout, Sums},
};
use crate::{
    AggregateError, QueryError,
    scan::{Selected, Work},
};
use dimensions::Dimensions;

/// Adds the selected rows of a piece.
pub(super) fn add(
    work: &Work<'_>,
    selected: &Selected,
    grouping: &Grouping<'_>,
    groups: &mut Groups,
) -> Result<(), AggregateError> {
    let matching = selected.count();
    let dimensions = Dimensions::read(work, grouping, groups, matching)?;
    let numbers = grouping
        .measures
        .iter()
        .map(|measure| measure.numbers(work));
    let numbers = numbers.collect::<Result<Vec<_>, QueryError>>()?;
    let spans = if grouping.spans {
        Some(Spans::read(work)?)
    } else {
        None
    };
    let rows = usize::try_from(matching).unwrap_or(usize::MAX);
    let slots = Slots::new(dimensions.keys(), rows);
    let layout = Layout::new(&numbers, rows);
    if layout.is_narrow {
        let piece = Piece::<i64>::new(dimensions, slots, layout, numbers, spans);
        piece.run(work, selected, groups)
    } else {
        let piece = Piece::<i128>::new(dimensions, slots, layout, numbers, spans);
        piece.run(work, selected, groups)
    }
}

struct Piece<'a, A> {
    dimensions: Dimensions<'a>,
    slots: Slots,
    numbers: Vec<Numbers>,
    lanes: Lanes,
    sums: Sums<A>,
    spans: Option<Spans>,
}

impl<'a, A> Piece<'a, A>
where
    A: Copy + Default + AddAssign + From<i64> + Into<i128>,
{
    fn new(
        dimensions: Dimensions<'a>,
        slots: Slots,
        layout: Layout,
        numbers: Vec<Numbers>,
        spans: Option<Spans>,
    ) -> Self {
        Self {
            dimensions,
            slots,
            lanes: Lanes::new(&layout),
            sums: Sums::new(layout),
            numbers,
            spans,
        }
    }

    fn run(
        mut self,
        work: &Work<'_>,
        selected: &Selected,
        groups: &mut Groups,
    ) -> Result<(), AggregateError> {
        let rows = selected.rows();
        let mut matching = Vec::with_capacity(2 * BLOCK_ROWS);
        for start in rows.clone().step_by(BLOCK_ROWS) {
            let block = start..rows.end.min(start + BLOCK_ROWS);
            if selected.is_all() {
                self.block(&Picked::All(block));
                continue;
            }
            // Rows that match are collected until they fill a block.
            selected.push_matching(block, &mut matching);
            if matching.len() >= BLOCK_ROWS {
                let rest = matching.split_off(BLOCK_ROWS);
                self.block(&Picked::Some(&matching));
                matching = rest;
            }
        }
        if !matching.is_empty() {
            self.block(&Picked::Some(&matching));
        }
        self.finish(work, groups)
    }

    fn block(&mut self, picked: &Picked<'_>) {
        let mut keys = [0; BLOCK_ROWS];
        let keys = keys.get_mut(..picked.len()).unwrap_or_default();
        self.dimensions.write_keys(picked, keys);
        self.slots.assign(keys);
        self.lanes.clear();
        for (measure, numbers) in self.numbers.iter().enumerate() {
            if let Some(place) = self.sums.layout().place(measure) {
                let lanes = self.lanes.lane(place.lane);
                let lanes = lanes.get_mut(..picked.len()).unwrap_or_default();
                numbers.add(picked, lanes, place.shift);
            }
        }
        self.sums.add(keys, self.slots.len(), &self.lanes);
        if let Some(spans) = &mut self.spans {
            spans.add(keys, self.slots.len(), picked);
        }
    }

    /// Adds what was found to the whole.
    fn finish(mut self, work: &Work<'_>, groups: &mut Groups) -> Result<(), AggregateError> {
        for slot in 0..self.slots.len() {
            // The count, of which every measure list begins.
            if self.sums.get(slot, 0) == 0 {
                continue;
            }
            let key = self.dimensions.key(self.slots.key(slot));
            let measures = 0..self.numbers.len();
            let sums = measures.map(|measure| self.sums.get(slot, measure));
            let span = self.spans.as_ref().and_then(|spans| spans.get(slot, work));
            groups.add(key, sums, span)?;
        }
        Ok(())
    }
}

/// For each slot its first and last row and its earliest and latest time.
struct Spans {
    time: Arc<Ints>,
    slots: Vec<Option<([usize; 2], [i64; 2])>>,
}

impl Spans {
    fn read(work: &Work<'_>) -> Result<Self, AggregateError> {
        Ok(Self {
            time: work.time_column()?,
            slots: Vec::new(),
        })
    }

    fn add(&mut self, slots: &[u64], count: usize, picked: &Picked<'_>) {
        self.slots.resize(count, None);
        for (slot, row) in slots.iter().zip(picked.rows()) {
            let at = usize::try_from(*slot).unwrap_or(usize::MAX);
            let Some(span) = self.slots.get_mut(at) else {
                continue;
            };
            let time = self.time.get(row).unwrap_or(0);
            let ([first, _], [from, to]) = span.unwrap_or(([row; 2], [time; 2]));
            *span = Some(([first, row], [from.min(time), to.max(time)]));
        }
    }

    fn get(&self, slot: usize, work: &Work<'_>) -> Option<Span> {
        let ([first, last], time) = (*self.slots.get(slot)?)?;
        let seq = |row: usize| work.seqs.start + row as u64;
        Some(Span {
            seqs: [seq(first), seq(last)],
            time,
        })
    }
}
