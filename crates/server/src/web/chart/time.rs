//! Names along an axis of time.

use query::Interval;

use super::super::clock::Clock;

/// Names of some of the buckets of an axis.
pub(in super::super) struct Ticks {
    /// Which bucket, and its name.
    pub(in super::super) names: Vec<(usize, String)>,
    /// Buckets that begin something: a line is drawn there.
    pub(in super::super) lines: Vec<usize>,
}

/// Names that fit side by side on the narrowest chart.
const MOST_NAMES: usize = 8;

/// Names for buckets that begin at these instants.
pub(in super::super) fn ticks(clock: &Clock, interval: Interval, starts: &[i64]) -> Ticks {
    match interval {
        Interval::Minute => every(starts, |us| clock.minute(us)),
        Interval::Hour => hours(clock, starts),
        Interval::Day | Interval::Week => every(starts, |us| clock.date(us)),
    }
}

fn every(starts: &[i64], name: impl Fn(i64) -> String) -> Ticks {
    let step = starts.len().div_ceil(MOST_NAMES).max(1);
    let some = starts.iter().enumerate().step_by(step);
    Ticks {
        names: some.map(|(index, us)| (index, name(*us))).collect(),
        lines: Vec::new(),
    }
}

/// Days where they begin, and noon between them if there is room.
fn hours(clock: &Clock, starts: &[i64]) -> Ticks {
    let is_at = |us: i64, time: &str| clock.minute(us) == time;
    let days: Vec<usize> = starts
        .iter()
        .enumerate()
        .filter(|(_, us)| is_at(**us, "00:00"))
        .map(|(index, _)| index)
        .collect();
    if days.is_empty() {
        return every(starts, |us| clock.minute(us));
    }
    let step = days.len().div_ceil(MOST_NAMES).max(1);
    let mut names: Vec<(usize, String)> = days
        .iter()
        .step_by(step)
        .filter_map(|index| Some((*index, clock.day(*starts.get(*index)?))))
        .collect();
    if days.len() <= MOST_NAMES / 2 {
        let noons = starts
            .iter()
            .enumerate()
            .filter(|(_, us)| is_at(**us, "12:00"));
        names.extend(noons.map(|(index, _)| (index, "12:00".to_owned())));
        names.sort_unstable();
    }
    Ticks { names, lines: days }
}
