//! How much time a chart shows, and how wide its bars are.

use query::{AggregateError, GroupRow, Interval, SeriesQuery, Snapshot, TimeRange};

use super::{clock::Clock, selected::Selected};
use crate::problem::Problem;

/// Bars that a chart has room for.
const MOST_BARS: i64 = 220;
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// A longer time is not drawn as a whole: a clock that is wrong by years must not flatten the rest.
const MOST_DAYS: i64 = 2_000;
/// What an empty trail shows.
const USUAL_DAYS: i64 = 30;

/// The time of a chart.
pub(super) struct Span {
    /// First instant and the one after the last, microseconds since 1970.
    pub(super) shown: (i64, i64),
    pub(super) interval: Interval,
    /// Whether no matching event of the time that was asked for is outside.
    pub(super) is_whole: bool,
    /// Matching events for each day of the whole log, empty ones too; none if its times reach too far.
    pub(super) days: Vec<(i64, u64)>,
}

impl Span {
    /// What was asked for, or from the first matching event to the last.
    pub(super) fn of(
        selected: &Selected,
        view: &Snapshot,
        clock: &Clock,
        wanted: Option<Interval>,
    ) -> Result<Self, Problem> {
        let days = days(selected, view, clock)?;
        let shown = shown(selected, &days, clock.now_us());
        let from = selected.period.from_us.or(days.first().map(|day| day.0));
        Ok(Self {
            is_whole: from == Some(shown.0),
            interval: interval(shown, wanted),
            shown,
            days,
        })
    }
}

fn days(selected: &Selected, view: &Snapshot, clock: &Clock) -> Result<Vec<(i64, u64)>, Problem> {
    let query = SeriesQuery {
        filter: selected.allowed(),
        range: TimeRange::ALL,
        interval: Interval::Day,
        zone: clock.zone(),
        by: Vec::new(),
    };
    let days = match view.series(&query) {
        Err(AggregateError::TooManyBuckets { .. } | AggregateError::Time) => Vec::new(),
        found => found?.buckets,
    };
    let count = |rows: &[GroupRow]| rows.first().map_or(0, |row| row.figures.count);
    let days = days.iter().map(|day| (day.start_us, count(&day.rows)));
    Ok(days.collect())
}

fn shown(selected: &Selected, days: &[(i64, u64)], now_us: i64) -> (i64, i64) {
    let period = &selected.period;
    let first = days.first().map(|day| day.0);
    let last = days.last().map(|day| day.0.saturating_add(DAY_US));
    let open_end = match (period.from_us, last) {
        // A time that was asked for goes on until now, whatever happened in it.
        (Some(_), last) => last.unwrap_or(now_us).max(now_us),
        (None, last) => last.unwrap_or(now_us),
    };
    let to = period.to_us.unwrap_or(open_end);
    let from = period.from_us.or(first);
    let from = from.unwrap_or_else(|| now_us.saturating_sub(USUAL_DAYS * DAY_US));
    let from = from.max(to.saturating_sub(MOST_DAYS * DAY_US));
    (from.min(to.saturating_sub(1)), to)
}

/// The one that was asked for, or the shortest that fits.
fn interval(shown: (i64, i64), wanted: Option<Interval>) -> Interval {
    let length = shown.1.saturating_sub(shown.0);
    let bars = |interval: Interval| match interval {
        Interval::Minute => length / (HOUR_US / 60),
        Interval::Hour => length / HOUR_US,
        Interval::Day => length / DAY_US,
        Interval::Week => length / (7 * DAY_US),
    };
    let usual = if length <= 3 * HOUR_US {
        Interval::Minute
    } else {
        Interval::Hour
    };
    let wanted = wanted.unwrap_or(usual);
    let rest = Interval::ALL
        .into_iter()
        .skip_while(|interval| *interval != wanted);
    let mut fitting = rest.filter(|interval| bars(*interval) <= MOST_BARS);
    fitting.next().unwrap_or(Interval::Week)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_short_as_there_is_room_for() {
        for (days, wanted, expected) in [
            (0, None, Interval::Minute),
            (3, None, Interval::Hour),
            (9, None, Interval::Hour),
            (10, None, Interval::Day),
            (3, Some(Interval::Day), Interval::Day),
            (30, Some(Interval::Hour), Interval::Day),
            (800, Some(Interval::Day), Interval::Week),
            (9_000, None, Interval::Week),
        ] {
            assert_eq!(
                interval((0, days * DAY_US), wanted),
                expected,
                "{days} {wanted:?}"
            );
        }
    }
}
