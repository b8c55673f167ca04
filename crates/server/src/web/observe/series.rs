//! Events over time, stacked, with the last days below.

use maud::{Markup, html};

use super::gather::{By, Overview};
use crate::{
    numbers::Gap,
    web::{
        address::Address,
        chart::{Stack, strip, ticks},
        clock::Clock,
        number::grouped,
        selected::Selected,
        stacked::{Stacked, over},
        visit::Visit,
    },
};

/// Height of the bars, pixels.
const HEIGHT: u32 = 184;
const DAY_US: i64 = 86_400_000_000;

pub(super) fn card(visit: &Visit, selected: &Selected, by: By, overview: &Overview) -> Markup {
    let clock = &visit.clock;
    let interval = overview.interval;
    let events = visit.address.to("/events").with("q", &selected.q);
    let producers = overview.numbers.producers.iter();
    let gaps: Vec<i64> = producers
        .flat_map(|producer| producer.gaps.iter().map(Gap::at_us))
        .collect();
    let buckets = &overview.series.buckets;
    let stack = Stacked::of(&events, clock, by.field(), buckets, overview.shown.1, &gaps);
    let starts: Vec<i64> = overview
        .series
        .buckets
        .iter()
        .map(|bucket| bucket.start_us)
        .collect();
    let ticks = ticks(clock, interval, &starts);
    let title = format!("Events per {}", interval.name());
    let chart = Stack {
        bars: &stack.bars,
        kinds: &stack.kinds,
        ticks: &ticks,
        height: HEIGHT,
        figure: |count| grouped(count),
        mark: |count| grouped(count),
        title: &title,
        has_axis: true,
    };
    let names = ["Result", "Source", "Actor"];
    html! {
        section.card aria-labelledby="series" {
            header {
                h2 #series { (title) }
                span.dim.cut { (clock.stamp(overview.shown.0)) " – " (clock.stamp(overview.shown.1)) }
                nav.segments.end aria-label="Stacked by" {
                    @for ((word, choice), name) in By::ALL.iter().zip(names) {
                        a href=(visit.address.with("by", word)) aria-current=[(by == *choice).then_some("true")] { (name) }
                    }
                }
                nav.segments aria-label="Bars" {
                    @for name in ["hour", "day", "week"] {
                        a href=(visit.address.with("interval", name)) aria-current=[(interval.name() == name).then_some("true")] { (capital(name)) }
                    }
                }
            }
            div.body {
                (chart.legend())
                (chart.draw())
                (days(visit, overview))
                (chart.table())
            }
        }
    }
}

fn days(visit: &Visit, overview: &Overview) -> Markup {
    if overview.days.is_empty() {
        return html! {};
    }
    let here = visit.address.without(&["after", "before"]);
    let days = padded(&visit.clock, &overview.days);
    let links: Vec<(i64, u64, Address)> = days
        .iter()
        .map(|(start, count)| {
            (
                *start,
                *count,
                over(&here, (*start, start.saturating_add(DAY_US))),
            )
        })
        .collect();
    let names = weeks(&visit.clock, &days);
    html! {
        div.plot { span {} (strip(&links, overview.shown, &names)) }
    }
}

/// As many days as the strip has, though the trail is younger.
fn padded(clock: &Clock, days: &[(i64, u64)]) -> Vec<(i64, u64)> {
    let known = u8::try_from(days.len()).unwrap_or(u8::MAX);
    let missing = super::gather::STRIP_DAYS.saturating_sub(known);
    let first = days.first().map_or(0, |day| day.0);
    let before = (1..=missing).rev();
    let before = before.map(|back| (clock.midnight(first, back.into()), 0));
    before.chain(days.iter().copied()).collect()
}

/// A name for every seventh day, counted from the last one.
fn weeks(clock: &Clock, days: &[(i64, u64)]) -> Vec<(usize, String)> {
    let count = days.len();
    let some = days
        .iter()
        .enumerate()
        .filter(|(index, _)| (count - 1 - index).is_multiple_of(7));
    some.map(|(index, day)| (index, clock.date(day.0)))
        .collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
