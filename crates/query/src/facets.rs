//! The values that occur, for pickers of filters.

use event::filter::Filter;

use crate::{
    AggregateError, Dimension, Figure, Snapshot, TimeRange, Value,
    aggregate::{in_order, top},
    group::{Grouping, Measure, group},
};

/// The values of a member of the matching events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// Which member.
    pub dimension: Dimension,
    /// The most frequent values with the number of events, of equally frequent ones the lower first.
    /// Events without a value are left out.
    pub values: Vec<(Value, u64)>,
    /// How many values there are without the cut.
    pub distinct: usize,
}

impl Snapshot {
    /// Counts the values of each dimension apart, and gives the most frequent ones.
    ///
    /// # Errors
    /// [`AggregateError`] if one has too many, or if events cannot be read.
    pub fn facets(
        &self,
        filter: &Filter,
        range: TimeRange,
        dimensions: &[Dimension],
        most: usize,
    ) -> Result<Vec<Facet>, AggregateError> {
        let grouping = |dimension| Grouping {
            by: std::slice::from_ref(dimension),
            buckets: None,
            measures: &[Measure::COUNT],
            spans: false,
        };
        let groupings: Vec<Grouping<'_>> = dimensions.iter().map(grouping).collect();
        let found = group(self, filter, range, &groupings)?;
        let facets = dimensions.iter().zip(&found).map(|(dimension, groups)| {
            let has_value = |group: &usize| groups.value(*group, 0).is_some();
            let all: Vec<usize> = (0..groups.len()).filter(has_value).collect();
            let distinct = all.len();
            let order = |one: &usize, other: &usize| in_order(groups, Figure::Count, *one, *other);
            let values = top(all, most, order).into_iter().filter_map(|group| {
                let count = u64::try_from(groups.sum(group, 0)).ok()?;
                Some((groups.value(group, 0)?.clone(), count))
            });
            Facet {
                dimension: *dimension,
                values: values.collect(),
                distinct,
            }
        });
        Ok(facets.collect())
    }
}
