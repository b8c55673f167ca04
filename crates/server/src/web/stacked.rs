//! Events over time, stacked by a member of theirs.

use event::filter::TextField;
use query::{Bucket, Value};

use super::{
    address::Address,
    chart::{Bar, Kind},
    clock::{Clock, rfc3339},
    glyph::{SOURCES, colour},
    narrow,
    number::{count_of, grouped},
};

/// Bars and kinds for a chart.
pub(super) struct Stacked {
    pub(super) bars: Vec<Bar>,
    pub(super) kinds: Vec<Kind>,
}

impl Stacked {
    /// Stacks buckets by result, source or actor type; links lead to the same filter on the page of `events`.
    pub(super) fn of(
        events: &Address,
        clock: &Clock,
        field: TextField,
        buckets: &[Bucket],
        end_us: i64,
        gaps: &[i64],
    ) -> Self {
        let q = events.get("q").unwrap_or("");
        let slots = slots(field);
        let ends = buckets
            .iter()
            .skip(1)
            .map(|bucket| bucket.start_us)
            .chain([end_us]);
        let mut totals = vec![0_u64; slots.len()];
        let mut bars = Vec::with_capacity(buckets.len());
        for (bucket, end) in buckets.iter().zip(ends) {
            let mut parts = vec![0_u128; slots.len()];
            let (mut count, mut failures) = (0, 0);
            for row in &bucket.rows {
                let value = match row.values.first() {
                    Some(Some(Value::Text(text))) => Some(text.as_ref()),
                    _ => None,
                };
                let at = slots.iter().position(|slot| slot.holds(value));
                let at = at.unwrap_or(slots.len().saturating_sub(1));
                if let (Some(part), Some(total)) = (parts.get_mut(at), totals.get_mut(at)) {
                    *part += u128::from(row.figures.count);
                    *total += row.figures.count;
                }
                count += row.figures.count;
                failures += row.figures.failures;
            }
            let span = (bucket.start_us, end);
            bars.push(Bar {
                name: clock.stamp(bucket.start_us),
                about: about(count, failures),
                address: over(events, span),
                parts,
                has_gap: gaps.iter().any(|at| span.0 <= *at && *at < span.1),
                span,
            });
        }
        let kinds = slots.iter().zip(&totals).map(|(slot, total)| Kind {
            name: slot.name.to_owned(),
            fill: slot.fill,
            address: Some(events.with("q", narrow::and(q, &slot.term))),
            total: Some(grouped(total)),
        });
        let mut stacked = Self {
            kinds: kinds.collect(),
            bars,
        };
        stacked.leave_out(&totals);
        stacked
    }

    /// Kinds that never occur only take room.
    fn leave_out(&mut self, totals: &[u64]) {
        let occurs = |at: usize| totals.get(at).is_some_and(|total| *total > 0);
        let mut at = 0;
        self.kinds.retain(|_| {
            at += 1;
            occurs(at - 1)
        });
        for bar in &mut self.bars {
            let mut at = 0;
            bar.parts.retain(|_| {
                at += 1;
                occurs(at - 1)
            });
        }
    }
}

/// Sources that are no surface share a colour.
const OTHER: [&str; 4] = ["hook", "otlp", "app", "system"];

/// A kind of events, before anything is counted.
struct Slot {
    name: &'static str,
    fill: &'static str,
    /// Values that it holds; the last slot holds the rest.
    values: &'static [&'static str],
    is_absence: bool,
    term: String,
}

impl Slot {
    fn holds(&self, value: Option<&str>) -> bool {
        match value {
            Some(value) => self.values.contains(&value),
            None => self.is_absence,
        }
    }
}

fn slots(field: TextField) -> Vec<Slot> {
    let slot = |name, fill, values, term: &str| Slot {
        name,
        fill,
        values,
        is_absence: false,
        term: term.to_owned(),
    };
    match field {
        TextField::Source => {
            let surfaces = SOURCES.iter().take(7);
            let surfaces = surfaces.map(|source| {
                let term = narrow::term(field, source);
                slot(source, colour(source), std::slice::from_ref(source), &term)
            });
            let other = slot(
                "other",
                "other",
                &OTHER,
                &format!("source:({})", OTHER.join(" OR ")),
            );
            surfaces.chain([other]).collect()
        }
        TextField::ActorType => vec![
            slot("agent", "first", &["agent"], "actor.type:agent"),
            slot("user", "second", &["user"], "actor.type:user"),
            slot("system", "fourth", &["system"], "actor.type:system"),
        ],
        _ => vec![
            slot("success", "success", &["success"], "result:success"),
            slot("failure", "failure", &["failure"], "result:failure"),
            slot("error", "error", &["error"], "result:error"),
            Slot {
                is_absence: true,
                ..slot("not stated", "none", &[], "-result:*")
            },
        ],
    }
}

fn about(count: u64, failures: u64) -> String {
    let events = count_of(count, "event", "events");
    match failures {
        0 => events,
        _ => format!("{events}, {} failed", grouped(failures)),
    }
}

/// The events of a span.
pub(super) fn over(events: &Address, span: (i64, i64)) -> Address {
    events
        .with("from", rfc3339(span.0))
        .with("to", rfc3339(span.1))
}
