//! Pages, counts and look-ups over sealed events. Prints figures; asserts nothing.
//!
//! `EVENTS` says how many (200,000). They pass through a real ledger and sealer into `DIR`
//! (a temporary folder), which is reused if it has them already.
#![expect(clippy::unwrap_used, reason = "a bench")]

#[path = "data/events.rs"]
mod data;

use data::{SPAN_US, START_US, fill, parse, time};
use event::Seq;
use indelible_query::{Engine, Order, Query, TimeRange};

fn main() {
    let events = std::env::var("EVENTS").map_or(200_000, |events| events.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let dir = std::env::var("DIR").map_or(temporary.path().to_owned(), Into::into);
    let (trail, segments) = fill(&dir, events);
    let engine = Engine::new(trail, segments);
    let view = engine.snapshot().unwrap();
    println!("{} events", view.size());

    time("open a view", || engine.snapshot().unwrap().size());
    let page = |text: &str, after: Option<u64>, order| {
        let query = Query {
            filter: parse(text),
            range: TimeRange::ALL,
            order,
            limit: 200,
        };
        let page = engine
            .snapshot()
            .unwrap()
            .page(&query, after.map(Seq))
            .unwrap();
        page.rows.len() as u64
    };
    time("newest 200", || page("", None, Order::Newest));
    let middle = Some(events / 2);
    time("200 from the middle", || page("", middle, Order::Newest));
    time("oldest 200", || page("", None, Order::Oldest));
    for text in [
        "action:tools/call",
        "actor:agent-7 result:failure",
        "job:job-3",
        "cost>0.05",
        "is:unapproved",
        "seq:1000..2000",
        "id:bench-77777",
        "action:shell.exec \"quick brown\"",
        "nowhere",
    ] {
        time(&format!("page   {text}"), || {
            page(text, None, Order::Newest)
        });
    }
    let day = TimeRange {
        from: Some(i64::try_from(START_US + SPAN_US / 2).unwrap()),
        to: None,
    };
    for (text, range) in [
        ("", TimeRange::ALL),
        ("", day),
        ("result:failure", TimeRange::ALL),
        ("result:failure", day),
        ("cost>0.05 -actor:agent-7", TimeRange::ALL),
    ] {
        let filter = parse(text);
        let what = if range.is_all() { "" } else { "newer half" };
        time(&format!("count  {text} {what}"), || {
            engine.snapshot().unwrap().count(&filter, range).unwrap()
        });
    }
    time("get by seq", || {
        view.get(Seq(events / 3)).unwrap().unwrap().seq.0
    });
    time("get by id", || view.find("bench-4242").unwrap().unwrap().0);
    time("entries", || {
        view.entries(1, 256).unwrap().unwrap().len() as u64
    });
}
