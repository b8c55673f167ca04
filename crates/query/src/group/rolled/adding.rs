//! Adding the cells of a cuboid to groups.

use std::sync::Arc;

use store::Labels;

use super::{Cells, Shown, column};
use crate::{
    AggregateError, Dimension,
    group::{Grouping, Groups, Span, groups::Key},
    names::NONE,
};

/// Cells on their way into the groups of a grouping.
pub(super) struct Adding<'a> {
    pub(super) grouping: &'a Grouping<'a>,
    pub(super) cells: &'a Cells,
    /// Of the segment.
    pub(super) first_seq: u64,
}

impl Adding<'_> {
    pub(super) fn run(&self, shown: &Shown<'_>, groups: &mut Groups) -> Result<(), AggregateError> {
        let cuboid = &self.cells.cuboid;
        let shown = shown.cells(&self.cells.shape, cuboid);
        let by = self.grouping.by.iter().zip(0..);
        let by: Vec<(usize, Arc<[u32]>)> = by
            .filter_map(|(by, position)| self.numbers(*by, position, groups))
            .collect();
        let measures = self.grouping.measures.iter();
        let sums: Vec<&[i64]> = measures
            .map(|measure| cuboid.sums(measure.in_rollup()))
            .collect();
        for (run, bucket) in &self.cells.runs {
            let bucket = u32::try_from(*bucket).unwrap_or(NONE);
            for cell in run.clone() {
                if shown
                    .as_ref()
                    .is_some_and(|shown| shown.get(cell) != Some(&true))
                {
                    continue;
                }
                let mut key = Key([NONE; 1 + Dimension::MOST]);
                key.0[0] = bucket;
                for (number, (dimension, numbers)) in key.0.iter_mut().skip(1).zip(&by) {
                    let code = cuboid.codes(*dimension).get(cell);
                    let known = code.and_then(|code| numbers.get(*code as usize));
                    *number = known.copied().unwrap_or(NONE);
                }
                let sum = |sums: &&[i64]| sums.get(cell).copied().unwrap_or(0).into();
                groups.add(key, sums.iter().map(sum), self.span(cell))?;
            }
        }
        Ok(())
    }

    /// Which dimension of the cuboid has the values, and their numbers.
    fn numbers(
        &self,
        by: Dimension,
        position: usize,
        groups: &Groups,
    ) -> Option<(usize, Arc<[u32]>)> {
        let mut dimensions = self.cells.shape.dimensions.iter();
        let dimension = dimensions.position(|dimension| *dimension == column(by))?;
        let names = groups.names(position)?;
        let labels = self.cells.cuboid.labels(dimension)?;
        let numbering = self.cells.cuboid.numbering(dimension)?;
        let make = || match labels {
            Labels::Texts(..) => {
                let codes = 0..u32::try_from(labels.len()).unwrap_or(u32::MAX);
                names.texts(codes.map(|code| labels.text(code)))
            }
            Labels::Numbers(numbers) => names.numbers(numbers),
        };
        Some((dimension, numbering.get(names.generation(), make)))
    }

    fn span(&self, cell: usize) -> Option<Span> {
        if !self.grouping.spans {
            return None;
        }
        let span = self.cells.cuboid.spans().get(cell)?;
        Some(Span {
            seqs: span.rows.map(|row| self.first_seq + u64::from(row)),
            time: span.time,
        })
    }
}
