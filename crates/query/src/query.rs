//! What is asked and what is answered.

use bytes::Bytes;
use event::{Micros, Seq, filter::Filter};

/// Events whose `time`, as an instant, lies in `from <= time < to`; an open end without a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// Microseconds since 1970.
    pub from: Option<i64>,
    /// Microseconds since 1970.
    pub to: Option<i64>,
}

/// Direction in which events are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Falling sequence numbers.
    #[default]
    Newest,
    /// Rising sequence numbers.
    Oldest,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Which events.
    pub filter: Filter,
    /// When they happened.
    pub range: TimeRange,
    /// Where to begin.
    pub order: Order,
    /// Most rows of the page.
    pub limit: usize,
}

/// One row of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Position in the log.
    pub seq: Seq,
    /// Exact bytes of the record.
    pub record: Bytes,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order that was asked for.
    pub rows: Vec<Row>,
    /// Position after which to go on: of the last row, if more events match after it, or up to which there
    /// was budget to look. `None` at the end.
    pub next: Option<Seq>,
}

/// A number of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How many match, as far as they were looked at.
    pub value: u64,
    /// Position after which to go on counting; `None` if all were looked at.
    pub next: Option<Seq>,
}

/// An event with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Position in the log.
    pub seq: Seq,
    /// Server time of the commit.
    pub recorded_at: Micros,
    /// Exact bytes of the record.
    pub record: Bytes,
    /// Exact bytes of the content, if the event has any.
    pub content: Option<Bytes>,
}

impl TimeRange {
    /// No limits.
    pub const ALL: Self = Self {
        from: None,
        to: None,
    };

    /// Whether every instant is inside.
    #[must_use]
    pub fn is_all(self) -> bool {
        self == Self::ALL
    }

    /// Whether both ends are given.
    pub(crate) fn is_closed(self) -> bool {
        self.from.is_some() && self.to.is_some()
    }

    /// Whether an instant, microseconds since 1970, is inside.
    #[must_use]
    pub fn contains(self, time_us: i64) -> bool {
        self.from.is_none_or(|from| from <= time_us) && self.to.is_none_or(|to| time_us < to)
    }

    /// Whether instants from the first to the second, both meant, may be inside.
    pub(crate) fn overlaps(self, [first, last]: [i64; 2]) -> bool {
        self.from.is_none_or(|from| from <= last) && self.to.is_none_or(|to| first < to)
    }

    /// Whether all instants from the first to the second, both meant, are inside.
    pub(crate) fn covers(self, [first, last]: [i64; 2]) -> bool {
        self.contains(first) && self.contains(last)
    }
}

#[cfg(test)]
mod tests {
    use super::TimeRange;

    #[test]
    fn spans_are_judged_like_their_instants() {
        let ends = || [None].into_iter().chain((-2..=2).map(Some));
        let spans = || (-2..=2).flat_map(|first| (first..=2).map(move |last| [first, last]));
        for (from, to) in ends().flat_map(|from| ends().map(move |to| (from, to))) {
            let range = TimeRange { from, to };
            for span in spans() {
                let mut instants = span[0]..=span[1];
                let all = instants.clone().all(|instant| range.contains(instant));
                assert_eq!(range.covers(span), all, "{range:?} {span:?}");
                // An empty range may overlap: that only costs a look.
                let any = instants.any(|instant| range.contains(instant));
                assert!(range.overlaps(span) >= any, "{range:?} {span:?}");
                let is_empty = from.zip(to).is_some_and(|(from, to)| from >= to);
                assert!(
                    is_empty || range.overlaps(span) == any,
                    "{range:?} {span:?}"
                );
            }
        }
    }
}
