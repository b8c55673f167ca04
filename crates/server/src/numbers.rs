//! Which numbers of each producer arrived. A number that is missing between two that did is an event that never came.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use query::{Numbered, QueryError, Snapshot};

/// Events that one question looks at: a few milliseconds. A long log is caught up with by several.
const STEP_EVENTS: u64 = 1 << 20;
/// Producers that are followed; later ones are only counted.
const MAX_PRODUCERS: usize = 20_000;
/// Runs of numbers of one producer. One that has more does not number its events from 0 without holes.
const MAX_RUNS: usize = 10_000;

/// The numbers of a trail, as far as its log was looked at. Made from the log, so that it can be made again.
#[derive(Default)]
pub(crate) struct Numbers(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// Events below this were looked at.
    upto: u64,
    producers: BTreeMap<String, Runs>,
    more_producers: u64,
}

/// The numbers of one producer that arrived, as runs without holes, rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Runs {
    all: Vec<Run>,
    /// Whether there were more runs than are kept.
    is_scattered: bool,
    /// Newest time of an event, microseconds since 1970.
    heard_us: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: i64,
    last: i64,
    /// Times of the events with these numbers.
    first_us: i64,
    last_us: i64,
}

/// What is known of the numbers of a trail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Events below this were looked at.
    pub(crate) upto: u64,
    pub(crate) producers: Vec<Producer>,
    /// Producers that are not followed.
    pub(crate) more_producers: u64,
}

/// One producer.
#[derive(Clone, Debug)]
pub(crate) struct Producer {
    pub(crate) id: String,
    /// The highest number that arrived.
    pub(crate) last: i64,
    /// Oldest first.
    pub(crate) gaps: Vec<Gap>,
    pub(crate) heard_us: i64,
    /// Whether its numbers say nothing about what is missing.
    pub(crate) is_scattered: bool,
}

/// Numbers that never arrived, both meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// Time of the event before, if there is one, and of the event after; microseconds since 1970.
    pub(crate) after_us: Option<i64>,
    pub(crate) before_us: i64,
}

impl Gap {
    pub(crate) fn count(&self) -> u64 {
        self.last.abs_diff(self.first).saturating_add(1)
    }

    /// When the missing events must have happened, as far as clocks can be trusted.
    pub(crate) fn at_us(&self) -> i64 {
        self.after_us.unwrap_or(self.before_us)
    }
}

impl Producer {
    pub(crate) fn missing(&self) -> u64 {
        self.gaps.iter().map(Gap::count).sum()
    }
}

impl Numbers {
    /// Looks at what was recorded since the last time, within bounds, and says what is known. Blocks.
    pub(crate) fn look(&self, view: &Snapshot) -> Result<Known, QueryError> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = view.size().min(seen.upto.saturating_add(STEP_EVENTS));
        if seen.upto < end {
            let from = seen.upto;
            // A walk that fails half-way is made again, which changes nothing.
            view.numbers(from..end, |numbered| seen.add(&numbered))?;
            seen.upto = end;
        }
        Ok(seen.known())
    }
}

impl Seen {
    fn add(&mut self, numbered: &Numbered<'_>) {
        if !self.producers.contains_key(numbered.producer) {
            if self.producers.len() >= MAX_PRODUCERS {
                self.more_producers += 1;
                return;
            }
            self.producers
                .insert(numbered.producer.to_owned(), Runs::default());
        }
        let Some(runs) = self.producers.get_mut(numbered.producer) else {
            return;
        };
        runs.heard_us = runs.heard_us.max(numbered.time_us);
        runs.add(numbered.number, numbered.time_us);
    }

    fn known(&self) -> Known {
        let producers = self.producers.iter().map(|(id, runs)| Producer {
            id: id.clone(),
            last: runs.all.last().map_or(0, |run| run.last),
            gaps: runs.gaps(),
            heard_us: runs.heard_us,
            is_scattered: runs.is_scattered,
        });
        Known {
            upto: self.upto,
            producers: producers.collect(),
            more_producers: self.more_producers,
        }
    }
}

impl Runs {
    fn add(&mut self, number: i64, time_us: i64) {
        let after = self.all.partition_point(|run| run.first <= number);
        let before = after.checked_sub(1);
        let touches = |at: Option<usize>, wanted: i64, end: fn(&Run) -> i64| {
            let run = self.all.get(at?)?;
            (end(run) == wanted).then_some(at?)
        };
        if before
            .and_then(|at| self.all.get(at))
            .is_some_and(|run| number <= run.last)
        {
            return;
        }
        let left = number
            .checked_sub(1)
            .and_then(|wanted| touches(before, wanted, |run| run.last));
        let right = number
            .checked_add(1)
            .and_then(|wanted| touches(Some(after), wanted, |run| run.first));
        match (left, right) {
            (Some(left), Some(right)) => {
                let joined = self.all.remove(right);
                if let Some(run) = self.all.get_mut(left) {
                    (run.last, run.last_us) = (joined.last, joined.last_us);
                }
            }
            (Some(at), None) => {
                if let Some(run) = self.all.get_mut(at) {
                    (run.last, run.last_us) = (number, time_us);
                }
            }
            (None, Some(at)) => {
                if let Some(run) = self.all.get_mut(at) {
                    (run.first, run.first_us) = (number, time_us);
                }
            }
            (None, None) if self.all.len() < MAX_RUNS => {
                let run = Run {
                    first: number,
                    last: number,
                    first_us: time_us,
                    last_us: time_us,
                };
                self.all.insert(after, run);
            }
            (None, None) => self.is_scattered = true,
        }
    }

    /// From 0 on. None of a producer whose numbers are scattered.
    fn gaps(&self) -> Vec<Gap> {
        if self.is_scattered {
            return Vec::new();
        }
        let mut gaps = Vec::new();
        let mut before: Option<&Run> = None;
        for run in &self.all {
            let first = before.map_or(Some(0), |run| run.last.checked_add(1));
            if let Some(first) = first.filter(|first| *first < run.first) {
                gaps.push(Gap {
                    first,
                    last: run.first.saturating_sub(1),
                    after_us: before.map(|run| run.last_us),
                    before_us: run.first_us,
                });
            }
            before = Some(run);
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn runs(numbers: impl IntoIterator<Item = i64>) -> Runs {
        let mut runs = Runs::default();
        for number in numbers {
            runs.add(number, number.saturating_mul(10));
        }
        runs
    }

    #[test]
    fn a_gap_is_what_lies_between_two_numbers_that_arrived() {
        assert_eq!(runs([0, 1, 2]).gaps(), []);
        let gap = Gap {
            first: 2,
            last: 3,
            after_us: Some(10),
            before_us: 40,
        };
        assert_eq!(runs([0, 1, 4]).gaps(), [gap]);
        assert_eq!(gap.count(), 2);
        let at_start = runs([5]).gaps();
        assert_eq!(
            (at_start[0].first, at_start[0].last, at_start[0].after_us),
            (0, 4, None)
        );
    }

    #[test]
    fn whatever_the_order_the_runs_are_those_of_the_set() {
        let mut random = 0x2545_f491_u64;
        println!("seed {random}");
        for _ in 0..200 {
            let mut numbers = Vec::new();
            for _ in 0..60 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                numbers.push(i64::try_from((random >> 33) % 40).unwrap());
            }
            let set: BTreeSet<i64> = numbers.iter().copied().collect();
            let found = runs(numbers);
            let missing: u64 = found.gaps().iter().map(Gap::count).sum();
            let last = *set.last().unwrap();
            assert_eq!(missing, u64::try_from(last + 1).unwrap() - set.len() as u64);
            assert_eq!(found.all.last().unwrap().last, last);
        }
    }

    #[test]
    fn numbers_at_the_ends_and_scattered_ones_do_no_harm() {
        let ends = runs([i64::MIN, i64::MAX, i64::MAX - 1, i64::MIN + 1, i64::MAX]);
        assert_eq!(ends.all.len(), 2);
        let scattered = runs((0..2 * i64::try_from(MAX_RUNS).unwrap()).map(|n| 3 * n));
        assert!(scattered.is_scattered && scattered.gaps().is_empty());
    }
}
