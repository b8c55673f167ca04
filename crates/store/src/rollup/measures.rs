//! What is added up, for each row.

use std::sync::Arc;

use super::Measure;
use crate::{
    column::Column,
    columns::Columns,
    segment::{Ints, Texts},
};

/// The measures of the rows of one row group.
pub(super) struct Measures {
    numbers: [Numbers; Measure::ALL.len()],
}

enum Numbers {
    Ones,
    None,
    Ints(Arc<Ints>),
    /// For each code of a text whether it counts.
    Texts(Arc<Texts>, Vec<bool>),
    /// A flag where another column has no value.
    Without(Arc<Ints>, Arc<Ints>),
}

impl Measures {
    pub(super) fn new(columns: &Columns) -> Self {
        let ints = |column: Column| columns.ints(column).cloned();
        let sum = |column: Column| {
            let ints = ints(column).filter(|ints| ints.largest() > 0);
            ints.map_or(Numbers::None, Numbers::Ints)
        };
        let one_of = |column: Column, values: &[&str]| match columns.texts(column) {
            Some(texts) => {
                let codes = 0..u32::try_from(texts.len()).unwrap_or(u32::MAX);
                let counts = |code| {
                    texts
                        .value(code)
                        .is_some_and(|value| values.contains(&value))
                };
                Numbers::Texts(Arc::clone(texts), codes.map(counts).collect())
            }
            None => Numbers::None,
        };
        Self {
            numbers: Measure::ALL.map(|measure| match measure {
                Measure::Count => Numbers::Ones,
                Measure::Failures => one_of(Column::Result, &["failure", "error"]),
                Measure::Unpriced => match (ints(Column::HasUsage), ints(Column::CostNanousd)) {
                    (Some(usage), Some(cost)) => Numbers::Without(usage, cost),
                    _ => Numbers::None,
                },
                Measure::InputTokens => sum(Column::InputTokens),
                Measure::OutputTokens => sum(Column::OutputTokens),
                Measure::CacheReadTokens => sum(Column::CacheReadTokens),
                Measure::CacheWriteTokens => sum(Column::CacheWriteTokens),
                Measure::ReasoningTokens => sum(Column::ReasoningTokens),
                Measure::CostNanousd => sum(Column::CostNanousd),
                Measure::DurationUs => sum(Column::DurationUs),
                Measure::Approvals => sum(Column::HasApproval),
                Measure::Denied => one_of(Column::Decision, &["denied"]),
            }),
        }
    }

    /// The largest number of any measure without its sign.
    pub(super) fn largest(&self) -> u64 {
        let largest = self.numbers.iter().map(|numbers| match numbers {
            Numbers::Ints(ints) => ints.largest(),
            _ => 1,
        });
        largest.max().unwrap_or(1)
    }

    /// Writes the measures of rows from a position on.
    pub(super) fn read(&self, first: usize, rows: &mut [[i64; Measure::ALL.len()]]) {
        for (measure, numbers) in self.numbers.iter().enumerate() {
            let each = rows.iter_mut().zip(first..);
            let each = each.filter_map(|(row, at)| Some((row.get_mut(measure)?, at)));
            match numbers {
                Numbers::None => each.for_each(|(sum, _)| *sum = 0),
                Numbers::Ones => each.for_each(|(sum, _)| *sum = 1),
                Numbers::Ints(ints) => {
                    each.for_each(|(sum, at)| *sum = ints.get(at).unwrap_or(0));
                }
                Numbers::Texts(texts, counts) => each.for_each(|(sum, at)| {
                    let code = texts.codes().get(at);
                    let code = code.and_then(|code| usize::try_from(code).ok());
                    *sum = code
                        .and_then(|code| counts.get(code))
                        .copied()
                        .unwrap_or(false)
                        .into();
                }),
                Numbers::Without(flag, other) => each.for_each(|(sum, at)| {
                    let is_there = flag.get(at) == Some(1) && other.get(at).is_none();
                    *sum = is_there.into();
                }),
            }
        }
    }
}
