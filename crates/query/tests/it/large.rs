//! The same questions on so many events that indexes, rollups and columns all answer: a merged segment, smaller
//! ones, and unsealed events that get an index when they are asked often.

use std::sync::OnceLock;

use event::Micros;
use indelible_query::{Event, TimeRange};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use store::Sought;

use crate::{figures, generate, naive, naive::everything, node::Node, series};

const EVENTS: usize = 3_000;
/// Segments of so many events, of which eight are merged.
const SEGMENT: usize = 200;
const UNSEALED: u64 = 1_100;
const QUESTIONS: usize = 40;

struct Log {
    node: Node,
    all: Vec<Event>,
}

fn sample<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| fill(&generate::event()))
}

fn fill(event: &impl Strategy<Value = String>) -> Log {
    let mut runner = TestRunner::deterministic();
    let node = Node::new();
    // Sums that could overflow are not in rollups.
    let small = |event: String| event.replace(&i64::MAX.to_string(), "77");
    let events = (0..EVENTS).map(|_| small(sample(&mut runner, event)));
    let events: Vec<String> = events.collect();
    for batch in events.chunks(250) {
        node.record(batch);
    }
    let all = everything(&node);
    let sealed = all.len() as u64 - UNSEALED;
    for end in (0..sealed).step_by(SEGMENT).skip(1).chain([sealed]) {
        node.seal(end);
    }
    node.compact();
    let snapshot = node.segments.snapshot(node.trail.id()).unwrap();
    for segment in snapshot.segments() {
        assert!(segment.rollup().unwrap().shapes().count() > 5);
        assert!(segment.hit_count(Sought::Token("hello")).unwrap() > 9);
    }
    let view = node.engine.snapshot().unwrap();
    let rare = event::filter::parse("\"hello world\" result:error").unwrap();
    for _ in 0..20 {
        view.count(&rare, TimeRange::ALL).unwrap();
    }
    Log { node, all }
}

#[test]
fn pages_and_counts() {
    let Log { node, all } = log();
    let mut runner = TestRunner::deterministic();
    let question = naive::question();
    for _ in 0..QUESTIONS {
        naive::check(node, all, &sample(&mut runner, &question));
    }
}

#[test]
fn breakdowns_values_and_summaries() {
    let Log { node, all } = log();
    let mut runner = TestRunner::deterministic();
    let question = figures::question();
    for _ in 0..QUESTIONS {
        let mut question = sample(&mut runner, &question);
        figures::check(node, all, &question);
        // So that whole segments are asked for, too, and what is remembered of them.
        question.at = 1000;
        question.range = TimeRange::ALL;
        figures::check(node, all, &question);
        figures::check(node, all, &question);
        question.filter = String::new();
        figures::check(node, all, &question);
    }
}

#[test]
fn buckets() {
    for shift in ["2026-04-04T15:00:00Z", "2026-10-25T01:00:00Z"] {
        let time = series::around(shift)
            .prop_map(|instant| format!("\"{}\"", Micros(u64::try_from(instant).unwrap())));
        let Log { node, all } = fill(&generate::event_at(time));
        let mut runner = TestRunner::deterministic();
        let question = series::question(shift);
        for _ in 0..QUESTIONS {
            series::check(&node, &all, &sample(&mut runner, &question));
        }
    }
}
