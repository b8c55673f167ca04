//! Figures over time.

mod buckets;
mod interval;
mod zone;

use event::filter::Filter;

pub(crate) use buckets::Buckets;
pub use interval::Interval;
pub use zone::{UnknownZone, Zone};

use crate::{
    AggregateError, Dimension, Figure, Figures, GroupRow, Snapshot, TimeRange,
    aggregate::{in_order, row},
    group::{Grouping, Groups, Measure, group},
};

/// Most buckets of an answer: a minute each for more than two months.
pub const MAX_BUCKETS: usize = 100_000;

/// A breakdown of the matching events by time, and further by their members.
#[derive(Clone, Debug)]
pub struct SeriesQuery {
    /// Which events.
    pub filter: Filter,
    /// When they happened. An open end is where the first or last matching event is.
    pub range: TimeRange,
    /// Length of a bucket.
    pub interval: Interval,
    /// Where the clock hangs that buckets are aligned to.
    pub zone: Zone,
    /// At most [`Dimension::MOST`], none for the figures of each bucket as a whole.
    pub by: Vec<Dimension>,
}

/// Figures over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Oldest first, empty ones too.
    pub buckets: Vec<Bucket>,
}

/// A span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// RFC 3339, whole seconds, with the zone's offset.
    pub start: String,
    /// The same instant, microseconds since 1970.
    pub start_us: i64,
    /// Groups in the order of [`Snapshot::aggregate`] by count; without dimensions always one row.
    pub rows: Vec<GroupRow>,
}

impl Snapshot {
    /// Adds up the matching events for each span of time.
    ///
    /// # Errors
    /// [`AggregateError`] if there are too many buckets or groups, or if events cannot be read.
    pub fn series(&self, query: &SeriesQuery) -> Result<Series, AggregateError> {
        let empty = Series {
            buckets: Vec::new(),
        };
        let Some([from, last]) = self.known_span(query.range) else {
            return Ok(empty);
        };
        let buckets = match Buckets::new(query.interval, &query.zone, from, last) {
            // Perhaps only because of events that do not match.
            Err(AggregateError::TooManyBuckets { .. }) if !query.range.is_closed() => {
                let Some([from, last]) = self.matching_span(query)? else {
                    return Ok(empty);
                };
                Buckets::new(query.interval, &query.zone, from, last)?
            }
            buckets => buckets?,
        };
        let grouping = Grouping {
            by: &query.by,
            buckets: Some(&buckets),
            measures: &Measure::FIGURES,
            spans: false,
        };
        let found = group(self, &query.filter, query.range, &[grouping])?;
        let Some(groups) = found.first() else {
            return Ok(empty);
        };
        answer(query, &buckets, groups)
    }

    /// The given ends of a range, and for open ones instants that nothing lies beyond.
    fn known_span(&self, range: TimeRange) -> Option<[i64; 2]> {
        let in_view = |first: u64| first < self.size();
        let segments = self.sealed().segments().iter();
        let segments = segments.filter(|segment| in_view(segment.range().start));
        let mut known = segments.map(|segment| segment.info().time).reduce(join);
        if !range.is_closed() && self.size() > self.sealed_end() {
            let runs = self.hot_runs().into_iter();
            let runs = runs.filter(|run| in_view(run.first));
            known = known
                .into_iter()
                .chain(runs.map(|run| run.columns.time()))
                .reduce(join);
        }
        let from = range.from.or(known.map(|known| known[0]))?;
        let last = match range.to {
            Some(to) => to.checked_sub(1)?,
            None => known?[1],
        };
        (from <= last).then_some([from, last])
    }

    /// The given ends of a range, for open ones the instants of the first and last event.
    fn matching_span(&self, query: &SeriesQuery) -> Result<Option<[i64; 2]>, AggregateError> {
        let grouping = Grouping {
            by: &[],
            buckets: None,
            measures: &[Measure::COUNT],
            spans: true,
        };
        let found = group(self, &query.filter, query.range, &[grouping])?;
        let span = found.first().and_then(|groups| groups.span(0));
        Ok(span.map(|span| {
            let [from, last] = span.time;
            let to = query.range.to.map(|to| to.saturating_sub(1));
            [query.range.from.unwrap_or(from), to.unwrap_or(last)]
        }))
    }
}

fn join(one: [i64; 2], other: [i64; 2]) -> [i64; 2] {
    [one[0].min(other[0]), one[1].max(other[1])]
}

fn answer(
    query: &SeriesQuery,
    buckets: &Buckets,
    groups: &Groups,
) -> Result<Series, AggregateError> {
    let mut by_bucket: Vec<Vec<usize>> = vec![Vec::new(); buckets.len()];
    for group in 0..groups.len() {
        if let Some(bucket) = by_bucket.get_mut(groups.bucket(group)) {
            bucket.push(group);
        }
    }
    // Open ends are where something is.
    let has_some = |bucket: &Vec<usize>| !bucket.is_empty();
    let first = by_bucket.iter().position(has_some);
    let last = by_bucket.iter().rposition(has_some);
    let kept = match (first, last) {
        (Some(first), Some(last)) => {
            let first = if query.range.from.is_some() { 0 } else { first };
            let last = if query.range.to.is_some() {
                buckets.len() - 1
            } else {
                last
            };
            first..last + 1
        }
        _ if query.range.is_closed() => 0..buckets.len(),
        _ => 0..0,
    };
    let starts = buckets.starts().iter().zip(by_bucket);
    let starts = starts.skip(kept.start).take(kept.len());
    let bucket = |(start, mut found): (&i64, Vec<usize>)| {
        found.sort_unstable_by(|one, other| in_order(groups, Figure::Count, *one, *other));
        let mut rows: Vec<GroupRow> = found.iter().map(|group| row(groups, *group)).collect();
        if query.by.is_empty() && rows.is_empty() {
            rows.push(GroupRow {
                values: Vec::new(),
                figures: Figures::default(),
            });
        }
        Ok(Bucket {
            start: query.zone.rfc3339(*start).ok_or(AggregateError::Time)?,
            start_us: *start,
            rows,
        })
    };
    Ok(Series {
        buckets: starts.map(bucket).collect::<Result<_, AggregateError>>()?,
    })
}
