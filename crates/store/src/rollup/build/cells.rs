//! Cells of a cuboid while they are filled.

use std::collections::BTreeMap;

use super::{Dimension, Measure, Plan, Slots};
use crate::{
    column::Column,
    numbering::Numbering,
    rollup::{Cuboid, Span},
};

/// Sums of the keys that occur.
pub(super) struct Cells {
    /// By key: the cell's number and one, 0 without one.
    known: Vec<u32>,
    keys: Vec<u32>,
    sums: Vec<[i64; Measure::ALL.len()]>,
    spans: Vec<Option<Span>>,
    /// More are not worth it.
    most: usize,
}

impl Cells {
    /// All keys are below a bound.
    pub(super) fn new(keys: usize, most: usize) -> Self {
        Self {
            known: vec![0; keys],
            keys: Vec::new(),
            sums: Vec::new(),
            spans: Vec::new(),
            most,
        }
    }

    /// The bound of the keys.
    pub(super) fn keys(&self) -> usize {
        self.known.len()
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.keys.len() > self.most
    }

    /// Adds rows, and replaces their keys by the numbers of their cells.
    pub(super) fn add(&mut self, keys: &mut [u32], sums: &[[i64; Measure::ALL.len()]]) {
        for (key, row) in keys.iter_mut().zip(sums) {
            let Some(known) = self.known.get_mut(*key as usize) else {
                continue;
            };
            if *known == 0 {
                self.keys.push(*key);
                self.sums.push([0; Measure::ALL.len()]);
                *known = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
            }
            *key = *known - 1;
            if let Some(sums) = self.sums.get_mut(*key as usize) {
                // They were found to fit before.
                for (sum, number) in sums.iter_mut().zip(row) {
                    *sum = sum.wrapping_add(*number);
                }
            }
        }
    }

    /// Widens the spans of cells by a row each, with its time.
    pub(super) fn add_spans(&mut self, cells: &[u32], rows: impl Iterator<Item = (u32, i64)>) {
        self.spans.resize(self.keys.len(), None);
        for (cell, (row, time)) in cells.iter().zip(rows) {
            if let Some(span) = self.spans.get_mut(*cell as usize) {
                let own = Span {
                    rows: [row; 2],
                    time: [time; 2],
                };
                *span = Some(span.map_or(own, |span| span.join(own)));
            }
        }
    }

    /// The cells in the order of their keys.
    pub(super) fn finish(
        self,
        plan: &Plan,
        slots: &Slots,
        dimensions: &BTreeMap<Column, Dimension>,
    ) -> Option<Cuboid> {
        let mut order: Vec<usize> = (0..self.keys.len()).collect();
        order.sort_unstable_by_key(|cell| self.keys.get(*cell));
        let mut cuboid = Cuboid {
            cells: order.len(),
            codes: vec![Vec::with_capacity(order.len()); plan.dimensions.len()],
            ..Cuboid::default()
        };
        let used: Vec<&Dimension> = plan
            .dimensions
            .iter()
            .map(|column| dimensions.get(column))
            .collect::<Option<_>>()?;
        for cell in &order {
            let mut key = *self.keys.get(*cell)? as usize;
            for (dimension, codes) in used.iter().zip(&mut cuboid.codes).rev() {
                codes.push(u32::try_from(key % dimension.codes()).ok()?);
                key /= dimension.codes();
            }
            if plan.has_time {
                cuboid.starts.push(*slots.starts.get(key)?);
            }
            if plan.has_spans {
                cuboid.spans.push((*self.spans.get(*cell)?)?);
            }
        }
        for (measure, sums) in cuboid.sums.iter_mut().enumerate() {
            let sum = |cell: &usize| self.sums.get(*cell)?.get(measure).copied();
            let all: Vec<i64> = order.iter().map(sum).collect::<Option<_>>()?;
            if all.iter().any(|sum| *sum != 0) {
                *sums = all;
            }
        }
        cuboid.numberings = vec![Numbering::default(); used.len()];
        cuboid.labels = used
            .iter()
            .map(|dimension| dimension.labels.clone())
            .collect();
        Some(cuboid)
    }
}
