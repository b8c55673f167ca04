//! What is missing among the numbers that producers give their events.
//!
//! A producer numbers its events from 0 without holes. A number that is missing before one that arrived is an event that
//! was numbered and never came. The memory that is needed depends on the gaps, never on the number of events.

use std::collections::BTreeMap;

use event::{Micros, RecordView};
use serde::{Deserialize, Serialize};

/// Producers that are followed.
const MAX_PRODUCERS: usize = 20_000;
/// Runs of numbers of one producer. One that has more does not number its events from 0 without holes.
const MAX_RUNS: usize = 10_000;
/// Runs of all producers together: about 16 MiB.
const MAX_RUNS_IN_ALL: usize = 200_000;

/// An event that its producer numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered<'a> {
    /// Id of the producer.
    pub producer: &'a str,
    /// The producer's number. A negative one is none.
    pub number: i64,
    /// Position in the log.
    pub seq: u64,
    /// When it happened, microseconds since 1970.
    pub time_us: i64,
}

/// Something that the numbers of producers tell, as a package lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Gap {
    /// Numbers that never arrived.
    Missing {
        /// Id of the producer.
        producer: String,
        /// First number.
        from: i64,
        /// Last number.
        to: i64,
        /// The event with the number before; none before 0.
        after: Option<Neighbour>,
        /// The event with the number after.
        before: Option<Neighbour>,
    },
    /// A producer whose numbers have so many holes that they say nothing about what is missing.
    Scattered {
        /// Id of the producer.
        producer: String,
        /// Always true.
        scattered: bool,
    },
    /// Producers beyond those that are followed.
    More {
        /// How many numbered events came from others.
        more_events: u64,
    },
}

/// An event beside a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Position in the log.
    pub seq: u64,
    /// When it happened, UTC.
    pub time: String,
}

/// The numbers that arrived.
#[derive(Debug, Default)]
pub struct Numbers {
    producers: BTreeMap<String, Runs>,
    /// Runs of all producers.
    runs: usize,
    more_events: u64,
}

/// The numbers of one producer that arrived, as runs without holes, rising.
#[derive(Debug, Default)]
struct Runs {
    runs: Vec<Run>,
    is_scattered: bool,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    first: Arrival,
    last: Arrival,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    number: i64,
    seq: u64,
    time_us: i64,
}

impl<'a> Numbered<'a> {
    /// The numbers of a record, if its producer gave one.
    #[must_use]
    pub fn of(record: &'a RecordView<'_>) -> Option<Self> {
        let producer = record.producer.as_ref()?;
        Some(Self {
            producer: producer.id.as_deref()?,
            number: producer.seq?,
            seq: record.seq.0,
            time_us: record.time_us,
        })
    }
}

impl Numbers {
    /// Takes note of an event, in the order of the log.
    pub fn add(&mut self, event: &Numbered<'_>) {
        if event.number < 0 {
            return;
        }
        if !self.producers.contains_key(event.producer) {
            if self.producers.len() >= MAX_PRODUCERS {
                self.more_events += 1;
                return;
            }
            let producer = event.producer.to_owned();
            self.producers.insert(producer, Runs::default());
        }
        let Some(runs) = self.producers.get_mut(event.producer) else {
            return;
        };
        let before = runs.runs.len();
        let room = MAX_RUNS.min(before + MAX_RUNS_IN_ALL.saturating_sub(self.runs));
        let arrival = Arrival {
            number: event.number,
            seq: event.seq,
            time_us: event.time_us,
        };
        runs.add(arrival, room);
        self.runs = self.runs + runs.runs.len() - before;
    }

    /// Every gap whose missing events may have happened in `from <= time < to`, by producer and number. A gap that
    /// reaches over an end of the range counts.
    #[must_use]
    pub fn gaps(&self, from: Option<i64>, to: Option<i64>) -> Vec<Gap> {
        let of_each = self.producers.iter().flat_map(|(producer, runs)| {
            let scattered = runs.is_scattered.then(|| Gap::Scattered {
                producer: producer.clone(),
                scattered: true,
            });
            runs.gaps(producer, from, to).chain(scattered)
        });
        let more = (self.more_events > 0).then_some(Gap::More {
            more_events: self.more_events,
        });
        of_each.chain(more).collect()
    }
}

impl Numbers {
    /// Whether some of these events show that a gap is not one: a missing number among them, or another neighbour.
    #[must_use]
    pub fn contradict(&self, gap: &Gap) -> bool {
        let Gap::Missing {
            producer,
            from,
            to,
            after,
            before,
        } = gap
        else {
            return false;
        };
        let Some(runs) = self.producers.get(producer) else {
            return false;
        };
        let arrived = runs
            .runs
            .iter()
            .any(|run| run.first.number <= *to && *from <= run.last.number);
        let is_other = |told: &Option<Neighbour>, number: Option<i64>, end: fn(&Run) -> Arrival| {
            let arrival = runs.runs.iter().map(end);
            let mut arrival = arrival.filter(|arrival| Some(arrival.number) == number);
            let arrival = arrival.next().map(Neighbour::of);
            told.is_some() && arrival.is_some_and(|arrival| Some(&arrival) != told.as_ref())
        };
        arrived
            || is_other(after, from.checked_sub(1), |run| run.last)
            || is_other(before, to.checked_add(1), |run| run.first)
    }
}

impl Runs {
    fn add(&mut self, arrival: Arrival, room: usize) {
        if self.is_scattered {
            return;
        }
        let number = arrival.number;
        let after = self.runs.partition_point(|run| run.first.number <= number);
        let before = after.checked_sub(1);
        let left = before.and_then(|at| self.runs.get(at));
        if left.is_some_and(|run| number <= run.last.number) {
            return;
        }
        let left = left.filter(|run| run.last.number.checked_add(1) == Some(number));
        let left = left.and(before);
        let right = self.runs.get(after);
        let right = right.filter(|run| number.checked_add(1) == Some(run.first.number));
        let right = right.map(|_| after);
        match (left, right) {
            (Some(left), Some(right)) => {
                let joined = self.runs.remove(right);
                if let Some(run) = self.runs.get_mut(left) {
                    run.last = joined.last;
                }
            }
            (Some(at), None) => {
                if let Some(run) = self.runs.get_mut(at) {
                    run.last = arrival;
                }
            }
            (None, Some(at)) => {
                if let Some(run) = self.runs.get_mut(at) {
                    run.first = arrival;
                }
            }
            (None, None) if self.runs.len() < room => {
                let run = Run {
                    first: arrival,
                    last: arrival,
                };
                self.runs.insert(after, run);
            }
            (None, None) => {
                self.is_scattered = true;
                self.runs = Vec::new();
            }
        }
    }

    fn gaps(
        &self,
        producer: &str,
        from: Option<i64>,
        to: Option<i64>,
    ) -> impl Iterator<Item = Gap> {
        let before = std::iter::once(None).chain(self.runs.iter().map(|run| Some(run.last)));
        let pairs = before.zip(self.runs.iter().map(|run| run.first));
        let missing = pairs.filter(move |(after, before)| {
            let next = after.map_or(0, |after| after.number.saturating_add(1));
            let ends = [after.map_or(before.time_us, |a| a.time_us), before.time_us];
            let (early, late) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            next < before.number
                && from.is_none_or(|from| from <= late)
                && to.is_none_or(|to| early < to)
        });
        missing.map(move |(after, before)| Gap::Missing {
            producer: producer.to_owned(),
            from: after.map_or(0, |after| after.number.saturating_add(1)),
            to: before.number.saturating_sub(1),
            after: after.map(Neighbour::of),
            before: Some(Neighbour::of(before)),
        })
    }
}

impl Neighbour {
    fn of(arrival: Arrival) -> Self {
        let time = Micros(u64::try_from(arrival.time_us).unwrap_or(0));
        Self {
            seq: arrival.seq,
            time: time.to_string(),
        }
    }
}

impl Gap {
    /// Whose numbers they are; empty if it is not about one producer.
    #[must_use]
    pub fn producer(&self) -> &str {
        match self {
            Self::Missing { producer, .. } | Self::Scattered { producer, .. } => producer,
            Self::More { .. } => "",
        }
    }

    /// How many events are known to be missing.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Missing { from, to, .. } => to.abs_diff(*from).saturating_add(1),
            Self::Scattered { .. } | Self::More { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn numbers(of: impl IntoIterator<Item = i64>) -> Numbers {
        let mut numbers = Numbers::default();
        for (seq, number) in of.into_iter().enumerate() {
            numbers.add(&Numbered {
                producer: "p",
                number,
                seq: seq as u64,
                time_us: number.saturating_mul(1_000_000),
            });
        }
        numbers
    }

    fn neighbour(seq: u64, second: u64) -> Neighbour {
        let time = format!("1970-01-01T00:00:{second:02}.000000Z");
        Neighbour { seq, time }
    }

    #[test]
    fn a_gap_is_what_is_missing_before_a_number_that_arrived() {
        assert_eq!(numbers([0, 1, 2]).gaps(None, None), []);
        let gap = |from, to, after, before| Gap::Missing {
            producer: "p".to_owned(),
            from,
            to,
            after,
            before: Some(before),
        };
        let between = gap(2, 3, Some(neighbour(1, 1)), neighbour(2, 4));
        assert_eq!(numbers([0, 1, 4, 4]).gaps(None, None), [between]);
        let at_start = gap(0, 4, None, neighbour(0, 5));
        assert_eq!(at_start.count(), 5);
        assert_eq!(numbers([5, -3]).gaps(None, None), [at_start]);
    }

    #[test]
    fn a_gap_is_in_the_range_if_its_events_may_be() {
        // Missing between second 1 and second 4.
        let numbers = numbers([0, 1, 4]);
        let found = |from: i64, to: i64| {
            let second = 1_000_000;
            let gaps = numbers.gaps(Some(from * second), Some(to * second));
            !gaps.is_empty()
        };
        assert!(found(0, 9) && found(2, 3) && found(4, 9) && found(0, 2));
        assert!(!found(0, 1) && !found(5, 9));
    }

    #[test]
    fn whatever_the_order_the_missing_are_those_of_the_set() {
        let mut random = 0x2545_f491_u64;
        println!("seed {random}");
        for _ in 0..200 {
            let mut of = Vec::new();
            for _ in 0..60 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                of.push(i64::try_from((random >> 33) % 40).unwrap());
            }
            let set: BTreeSet<i64> = of.iter().copied().collect();
            let missing: Vec<i64> = (0..*set.last().unwrap())
                .filter(|number| !set.contains(number))
                .collect();
            let numbers = numbers(of);
            let found = numbers.gaps(None, None).into_iter().flat_map(|gap| {
                let Gap::Missing { from, to, .. } = gap else {
                    panic!("{gap:?}")
                };
                from..=to
            });
            assert_eq!(found.collect::<Vec<_>>(), missing);
            assert_eq!(numbers.runs, numbers.producers["p"].runs.len());
        }
    }

    #[test]
    fn numbers_at_the_ends_and_scattered_ones_do_no_harm() {
        let ends = numbers([i64::MAX, i64::MAX - 1, i64::MIN, i64::MAX]);
        assert_eq!(ends.gaps(None, None)[0].count(), i64::MAX as u64 - 1);
        let scattered = numbers((0..2 * i64::try_from(MAX_RUNS).unwrap()).map(|n| 3 * n));
        let told = Gap::Scattered {
            producer: "p".to_owned(),
            scattered: true,
        };
        assert_eq!(scattered.gaps(None, None), [told]);
        assert_eq!(scattered.runs, 0);
    }

    #[test]
    fn producers_have_a_bound_and_what_is_beyond_is_told() {
        let mut numbers = Numbers::default();
        for producer in 0..MAX_PRODUCERS + 3 {
            numbers.add(&Numbered {
                producer: &producer.to_string(),
                number: 0,
                seq: 0,
                time_us: 0,
            });
        }
        assert_eq!(numbers.gaps(None, None), [Gap::More { more_events: 3 }]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut all = numbers([1, 5]).gaps(None, None);
        all.push(Gap::Scattered {
            producer: "\u{202e}".to_owned(),
            scattered: true,
        });
        all.push(Gap::More { more_events: 2 });
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Gap>>(&text).unwrap(), all);
    }
}
