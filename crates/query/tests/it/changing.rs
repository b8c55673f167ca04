//! Views keep what they showed while events come in and are sealed and merged.

use std::{sync::Arc, thread, time::Duration};

use event::filter::Filter;
use indelible_query::{AtError, Order, Query, TimeRange};
use ledger::SystemClock;
use proptest::{collection::vec, prelude::*};
use store::{Sealer, SealerConfig};

use crate::{
    naive::{all_pages, everything},
    node::{Node, record},
};

const EVENT: &str = r#"{"actor":{"id":"a"},"action":"x","input":{"n":1}}"#;

fn query(order: Order, limit: usize) -> Query {
    Query {
        filter: Filter::all(),
        range: TimeRange::ALL,
        order,
        limit,
    }
}

fn positions(size: u64, order: Order) -> Vec<u64> {
    match order {
        Order::Newest => (0..size).rev().collect(),
        Order::Oldest => (0..size).collect(),
    }
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Record(usize),
    /// All but so many.
    Seal(u64),
    Compact,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (1..4_usize).prop_map(Change::Record),
        (0..6_u64).prop_map(Change::Seal),
        Just(Change::Compact),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_event_comes_once_whatever_happens_between_pages(
        newest in any::<bool>(),
        limit in 1..5_usize,
        changes in vec(change(), 10..60),
    ) {
        let order = if newest { Order::Newest } else { Order::Oldest };
        let node = Node::new();
        node.record(&[EVENT; 30]);
        let size = node.engine.snapshot().unwrap().size();
        let changes = std::cell::RefCell::new(changes.into_iter());
        let open = || {
            match changes.borrow_mut().next() {
                Some(Change::Record(count)) => node.record(&vec![EVENT; count]),
                Some(Change::Seal(but)) => node.seal(node.trail.size().saturating_sub(but)),
                Some(Change::Compact) => node.compact(),
                None => {}
            }
            node.engine.snapshot().unwrap().at(size).unwrap()
        };
        let rows = all_pages(open, &query(order, limit));
        let found: Vec<u64> = rows.iter().map(|row| row.0.0).collect();
        prop_assert_eq!(found, positions(size, order));
    }
}

#[test]
fn every_event_comes_once_under_load() {
    const BATCHES: usize = 150;
    let node = Node::new();
    let config = SealerConfig {
        segment_raw_bytes: 4 << 10,
        ..SealerConfig::default()
    };
    let sealer = Sealer::start(
        Arc::clone(&node.segments),
        Arc::clone(&node.ledger),
        Arc::new(SystemClock),
        config,
    );
    let sealer = sealer.unwrap();
    let producer = thread::spawn({
        let trail = Arc::clone(&node.trail);
        move || {
            for _ in 0..BATCHES {
                record(&trail, &[EVENT; 20]);
                // So long that the sealer looks several times.
                thread::sleep(Duration::from_millis(10));
            }
        }
    });
    let mut is_last = false;
    while !is_last {
        is_last = producer.is_finished();
        for order in [Order::Newest, Order::Oldest] {
            let size = node.engine.snapshot().unwrap().size();
            let open = || node.engine.snapshot().unwrap().at(size).unwrap();
            let rows = all_pages(open, &query(order, 97));
            let found: Vec<u64> = rows.iter().map(|row| row.0.0).collect();
            assert_eq!(found, positions(size, order));
        }
        let view = node.engine.snapshot().unwrap();
        let count = view.count(&Filter::all(), TimeRange::ALL).unwrap();
        assert_eq!(count, view.size());
    }
    producer.join().unwrap();
    assert!(sealer.shutdown());
}

#[test]
fn a_held_view_outlives_the_files_it_was_made_of() {
    let node = Node::new();
    for _ in 0..10 {
        node.record(&[EVENT; 3]);
    }
    let all = everything(&node);
    for end in 1..=node.trail.size() {
        node.seal(end);
    }
    let view = node.engine.snapshot().unwrap();
    let segments_before = node
        .segments
        .snapshot(node.trail.id())
        .unwrap()
        .segments()
        .len();
    node.compact();
    let segments_after = node
        .segments
        .snapshot(node.trail.id())
        .unwrap()
        .segments()
        .len();
    assert!(segments_after < segments_before);
    let filter = Filter::all();
    let events = view.events(&filter, TimeRange::ALL, 0..u64::MAX, Order::Oldest);
    let events: Vec<_> = events.unwrap().map(Result::unwrap).collect();
    assert_eq!(events, all);
}

#[test]
fn a_view_of_the_future_is_refused() {
    let node = Node::new();
    node.record(&[EVENT; 2]);
    let view = node.engine.snapshot().unwrap();
    assert_eq!(view.at(4).err(), Some(AtError { size: 3, at: 4 }));
    let earlier = view.at(2).unwrap();
    assert_eq!(earlier.at(3).err(), Some(AtError { size: 2, at: 3 }));
    assert_eq!(earlier.size(), 2);
}

#[test]
fn what_was_unsealed_when_it_was_read_first_is_found_when_it_is_sealed() {
    let node = Node::new();
    let event = |number: usize| {
        let word = if number.is_multiple_of(3) {
            "needle"
        } else {
            "hay"
        };
        format!(r#"{{"actor":{{"id":"a"}},"action":"x","input":"{word} {number}"}}"#)
    };
    let mut number = 0;
    for _ in 0..200 {
        let batch: Vec<String> = (number..number + 20).map(event).collect();
        node.record(&batch);
        number += 20;
    }
    let all = everything(&node);
    // Only what is in the tree leaves memory when it is sealed.
    node.wait_integrated(all.len() as u64);
    for order in [Order::Newest, Order::Oldest] {
        let query = Query {
            filter: event::filter::parse("needle").unwrap(),
            limit: 1_000,
            ..query(order, 0)
        };
        let expected = || {
            all.iter().filter(|event| {
                event
                    .content
                    .as_ref()
                    .is_some_and(|content| content.windows(6).any(|six| six == b"needle"))
            })
        };
        for sealed in [0, 1_003, 2_500] {
            node.seal(sealed);
            let rows = all_pages(|| node.engine.snapshot().unwrap(), &query);
            let mut found: Vec<u64> = rows.iter().map(|row| row.0.0).collect();
            found.sort_unstable();
            let expected: Vec<u64> = expected().map(|event| event.seq.0).collect();
            assert_eq!(found, expected, "{order:?}, sealed to {sealed}");
        }
    }
}
