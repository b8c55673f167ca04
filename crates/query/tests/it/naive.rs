//! Every answer equals that of reading everything and asking the filter.

use bytes::Bytes;
use event::{RecordView, Seq, filter::Filter};
use indelible_query::{Budget, Event, Order, Query, Snapshot, TimeRange};
use proptest::{collection::vec, prelude::*};

use crate::{generate, node::Node};

#[derive(Clone, Debug)]
pub(crate) struct Question {
    filter: String,
    range: TimeRange,
    order: Order,
    limit: usize,
    /// In thousandths of the log.
    at: u64,
}

pub(crate) fn question() -> impl Strategy<Value = Question> {
    let end = || proptest::option::of(generate::TIMES.prop_map(|second| second * 1_000_000));
    let newest = any::<bool>();
    (
        generate::filter(),
        end(),
        end(),
        newest,
        1..20_usize,
        0..1001_u64,
    )
        .prop_map(|(filter, from, to, newest, limit, at)| Question {
            filter,
            range: TimeRange { from, to },
            order: if newest { Order::Newest } else { Order::Oldest },
            limit,
            at: if at > 700 { 1000 } else { at },
        })
}

/// All events of a trail of which nothing is sealed, oldest first.
pub(crate) fn everything(node: &Node) -> Vec<Event> {
    let hot = node.trail.hot();
    let events = hot.chunks.iter().flat_map(|chunk| chunk.iter());
    events
        .map(|event| Event {
            seq: event.seq,
            recorded_at: event.recorded_at,
            record: Bytes::copy_from_slice(event.record),
            content: event.content.map(Bytes::copy_from_slice),
        })
        .collect()
}

/// All pages of a query, one after the other, each in a view that was opened anew.
pub(crate) fn all_pages(open: impl Fn() -> Snapshot, query: &Query) -> Vec<(Seq, Bytes)> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = open().page(query, after).unwrap();
        let is_last = page.next.is_none();
        assert!(is_last || page.rows.len() == query.limit);
        assert!(page.rows.len() <= query.limit && !(page.rows.is_empty() && after.is_some()));
        rows.extend(page.rows.into_iter().map(|row| (row.seq, row.record)));
        if is_last {
            return rows;
        }
        assert_eq!(page.next, rows.last().map(|row| row.0));
        after = page.next;
    }
}

pub(crate) fn check(node: &Node, all: &[Event], question: &Question) {
    let filter = match question.filter.as_str() {
        "" => Filter::all(),
        text => event::filter::parse(text).unwrap(),
    };
    let size = all.len() as u64 * question.at / 1000;
    let view = node.engine.snapshot().unwrap().at(size).unwrap();
    let matches = |event: &&Event| {
        let record = RecordView::parse(&event.record).unwrap();
        event.seq.0 < size
            && question.range.contains(record.time_us)
            && filter.matches(&record, event.content.as_deref())
    };
    let mut expected: Vec<Event> = all.iter().filter(matches).cloned().collect();
    assert_eq!(
        view.count(&filter, question.range).unwrap(),
        expected.len() as u64
    );
    if question.order == Order::Newest {
        expected.reverse();
    }

    let events = view.events(&filter, question.range, 0..u64::MAX, question.order);
    let events: Vec<Event> = events.unwrap().map(Result::unwrap).collect();
    assert_eq!(events, expected);

    let query = Query {
        filter,
        range: question.range,
        order: question.order,
        limit: question.limit,
    };
    let rows = expected.into_iter().map(|event| (event.seq, event.record));
    let rows: Vec<_> = rows.collect();
    assert_eq!(all_pages(|| view.clone(), &query), rows);
    check_parts(&view, &query, &rows);
}

/// Answers that end early because of their budget, put together.
fn check_parts(view: &Snapshot, query: &Query, expected: &[(Seq, Bytes)]) {
    let poor = || view.clone().within(Budget::new(0, None));
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = poor().page(query, after).unwrap();
        assert!(page.rows.len() <= query.limit);
        rows.extend(page.rows.into_iter().map(|row| (row.seq, row.record)));
        let Some(next) = page.next else {
            break;
        };
        let goes_on = |after: Seq| match query.order {
            Order::Newest => next < after,
            Order::Oldest => next > after,
        };
        assert!(after.is_none_or(goes_on));
        after = Some(next);
    }
    assert_eq!(rows, expected);
    let (mut count, mut after) = (0, None);
    loop {
        let counted = poor()
            .count_after(&query.filter, query.range, after)
            .unwrap();
        count += counted.value;
        if counted.next.is_none() {
            break;
        }
        after = counted.next;
    }
    assert_eq!(count, expected.len() as u64);
}

#[test]
fn a_count_ends_early_where_values_are_read_sooner_than_columns() {
    let node = Node::new();
    let event = |number: u64| {
        let path = if number.is_multiple_of(20) {
            "etc/passwd"
        } else {
            "tmp/x"
        };
        format!(r#"{{"actor":{{"id":"a"}},"action":"x","resource":{{"id":"/{path}"}}}}"#)
    };
    node.record(&(0..60).map(event).collect::<Vec<_>>());
    let all = everything(&node);
    node.wait_integrated(61);
    let question = Question {
        filter: "resource:/etc/*".to_owned(),
        range: TimeRange::ALL,
        order: Order::Oldest,
        limit: 5,
        // Sums of whole segments answer alone.
        at: 900,
    };
    check(&node, &all, &question);
    node.seal(61);
    check(&node, &all, &question);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn answers_are_those_of_a_naive_scan(
        batches in vec(vec(generate::event(), 1..12), 1..10),
        cuts in vec(0..80_u64, 0..5),
        compact in any::<bool>(),
        questions in vec(question(), 24),
    ) {
        let node = Node::with_checkpoints_every(10);
        let mut number = 0;
        for batch in &batches {
            let with_id = |event: &String| {
                number += 1;
                let rest = event.strip_prefix('{').unwrap();
                if number % 3 == 0 { event.clone() } else { format!("{{\"id\":\"e{number}\",{rest}") }
            };
            let batch: Vec<String> = batch.iter().map(with_id).collect();
            node.record(&batch);
        }
        let all = everything(&node);
        // What was read of unsealed events is kept for the next question, when some of them have left memory.
        node.wait_integrated(all.len() as u64);
        for (end, question) in cuts.iter().zip(&questions) {
            check(&node, &all, question);
            node.seal(*end);
        }
        if compact {
            node.compact();
        }
        for question in &questions {
            check(&node, &all, question);
        }
    }
}
