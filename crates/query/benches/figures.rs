//! Breakdowns, series, values and summaries. Prints figures; asserts nothing.
//!
//! `EVENTS` says how many (200,000). They pass through a real ledger and sealer into `DIR`
//! (a temporary folder), which is reused if it has them already.
#![expect(clippy::unwrap_used, reason = "a bench")]

#[path = "data/events.rs"]
mod data;

use data::{SPAN_US, START_US, fill, parse, time};
use event::filter::Filter;
use indelible_query::{
    AggregateQuery, Dimension, Engine, Figure, Interval, SeriesQuery, SummaryQuery, TimeRange, Zone,
};

fn main() {
    let events = std::env::var("EVENTS").map_or(200_000, |events| events.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let dir = std::env::var("DIR").map_or(temporary.path().to_owned(), Into::into);
    let (trail, segments) = fill(&dir, events);
    let view = Engine::new(trail, segments).snapshot().unwrap();
    println!("{} events", view.size());

    let aggregate = |text: &str, range, by: &str, sort, top| {
        let query = AggregateQuery {
            filter: parse(text),
            range,
            by: dimensions(by),
            sort,
            top,
        };
        time(&format!("by {by}: {text}"), || {
            view.aggregate(&query).unwrap().groups as u64
        });
    };
    let (all, count) = (TimeRange::ALL, Figure::Count);
    let week = TimeRange {
        from: Some(i64::try_from(START_US + SPAN_US / 2).unwrap()),
        to: Some(i64::try_from(START_US + SPAN_US * 22 / 30).unwrap()),
    };
    aggregate("", all, "source", count, 100);
    aggregate("", all, "actor", Figure::CostNanousd, 20);
    aggregate("actor:agent-7", week, "action", count, 100);
    for filter in [
        "duration>1s",
        "cost>0.02 -result:error",
        "resource:/srv/data/7/* status>=400",
        "input_tokens:100..8000 (model:opus OR model:haiku)",
    ] {
        aggregate(filter, all, "source,result", count, 100);
    }
    aggregate("", all, "job,source,status", count, 100);

    for (interval, zone, by) in [
        (Interval::Hour, "UTC", "result"),
        (Interval::Hour, "Australia/Lord_Howe", "source,result"),
        (Interval::Minute, "UTC", ""),
        (Interval::Day, "Europe/Berlin", "actor"),
    ] {
        let query = SeriesQuery {
            filter: parse("project:*"),
            range: all,
            interval,
            zone: Zone::parse(zone).unwrap(),
            by: dimensions(by),
        };
        time(&format!("{} {zone} by {by}", interval.name()), || {
            view.series(&query).unwrap().buckets.len() as u64
        });
    }
    let fields = dimensions("actor,action,source,result,project");
    time("facets", || {
        let facets = view.facets(&Filter::all(), all, &fields, 20);
        facets.unwrap().len() as u64
    });
    let query = SummaryQuery {
        filter: Filter::all(),
        range: all,
        limit: 50,
        before: None,
    };
    time("jobs", || view.jobs(&query).unwrap().total as u64);
    time("agents", || view.agents(&query).unwrap().total as u64);
    time("count cost>0.02", || {
        view.count(&parse("cost>0.02"), all).unwrap()
    });
}

fn dimensions(names: &str) -> Vec<Dimension> {
    let names = names.split(',').filter(|name| !name.is_empty());
    names
        .map(|name| Dimension::from_name(name).unwrap())
        .collect()
}
