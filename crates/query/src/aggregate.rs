//! Figures by groups.

use std::cmp::Ordering;

use event::filter::Filter;

use crate::{
    Dimension, Figure, Figures, QueryError, Snapshot, TimeRange, Value,
    group::{Grouping, Groups, Measure, group},
};

/// A breakdown of the matching events by their members.
#[derive(Clone, Debug)]
pub struct AggregateQuery {
    /// Which events.
    pub filter: Filter,
    /// When they happened.
    pub range: TimeRange,
    /// At most [`Dimension::MOST`], none for the sum of all.
    pub by: Vec<Dimension>,
    /// By which figure groups are ordered, falling.
    pub sort: Figure,
    /// Most rows of the answer.
    pub top: usize,
}

/// Figures by groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// The first ones; of equal ones the lower value, none last. Without dimensions always one.
    pub rows: Vec<GroupRow>,
    /// How many there are without the cut.
    pub groups: usize,
}

/// The figures of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// A value for each dimension, `None` for events without one.
    pub values: Vec<Option<Value>>,
    /// Over all its events.
    pub figures: Figures,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// Events could not be read. Never the caller's fault.
    #[error(transparent)]
    Read(#[from] QueryError),
    /// The answer would not fit into memory.
    #[error("there are more than {most} groups; ask for fewer dimensions or fewer events")]
    TooManyGroups {
        /// The limit.
        most: usize,
    },
    /// The answer would be too long.
    #[error("there are more than {most} buckets; ask for longer ones or for a shorter time")]
    TooManyBuckets {
        /// The limit.
        most: usize,
    },
    /// A bucket begins or ends where no calendar reaches.
    #[error("a bucket lies outside the years 0 to 9999")]
    Time,
}

impl From<store::StoreError> for AggregateError {
    fn from(error: store::StoreError) -> Self {
        Self::Read(error.into())
    }
}

impl Snapshot {
    /// Adds up the matching events by groups.
    ///
    /// # Errors
    /// [`AggregateError`] if there are too many groups, or if events cannot be read.
    pub fn aggregate(&self, query: &AggregateQuery) -> Result<Aggregate, AggregateError> {
        let grouping = Grouping {
            by: &query.by,
            buckets: None,
            measures: &Measure::FIGURES,
            spans: false,
        };
        let found = group(self, &query.filter, query.range, &[grouping])?;
        let Some(groups) = found.first() else {
            return Ok(Aggregate {
                rows: Vec::new(),
                groups: 0,
            });
        };
        if query.by.is_empty() {
            return Ok(Aggregate {
                rows: vec![row(groups, 0)],
                groups: 1,
            });
        }
        let order = |one: &usize, other: &usize| in_order(groups, query.sort, *one, *other);
        let first = top((0..groups.len()).collect(), query.top, order);
        Ok(Aggregate {
            rows: first.iter().map(|group| row(groups, *group)).collect(),
            groups: groups.len(),
        })
    }
}

/// The first ones in an order.
pub(crate) fn top(
    mut all: Vec<usize>,
    count: usize,
    order: impl Fn(&usize, &usize) -> Ordering,
) -> Vec<usize> {
    if count < all.len() {
        // Only the part that is answered is worth sorting.
        all.select_nth_unstable_by(count, &order);
        all.truncate(count);
    }
    all.sort_unstable_by(order);
    all
}

/// By a figure, falling; of equal groups the lower values, none last.
pub(crate) fn in_order(groups: &Groups, by: Figure, one: usize, other: usize) -> Ordering {
    let figure = |group| groups.figure(group, by);
    let values = || groups.values(one).zip(groups.values(other));
    let value = |(one, other): (Option<&Value>, Option<&Value>)| {
        (one.is_none(), one).cmp(&(other.is_none(), other))
    };
    let by_figure = figure(other).cmp(&figure(one));
    by_figure.then_with(|| {
        values()
            .map(value)
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

/// A group as it is answered; zeroes for one that is not there.
pub(crate) fn row(groups: &Groups, group: usize) -> GroupRow {
    GroupRow {
        values: groups.values(group).map(Option::<&Value>::cloned).collect(),
        figures: groups.figures(group),
    }
}
