//! Breakdowns, values and summaries equal those of reading everything and adding up.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, HashMap},
};

use event::{RecordView, Seq, filter::Filter};
use indelible_query::{
    AggregateQuery, Dimension, Event, Figure, Figures, GroupRow, Snapshot, Summary, SummaryQuery,
    TimeRange, Value,
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{generate, naive::everything, node::Node};

#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) filter: String,
    pub(crate) range: TimeRange,
    by: Vec<Dimension>,
    sort: Figure,
    top: usize,
    /// In thousandths of the log.
    pub(crate) at: u64,
}

pub(crate) fn by() -> impl Strategy<Value = Vec<Dimension>> {
    let dimension = select(&Dimension::BY[..]).prop_map(|(_, dimension)| dimension);
    vec(dimension, 0..4)
}

pub(crate) fn question() -> impl Strategy<Value = Question> {
    let end = || proptest::option::of(generate::TIMES.prop_map(|second| second * 1_000_000));
    (
        generate::filter(),
        (end(), end()),
        by(),
        select(&Figure::ALL[..]),
        1..12_usize,
        0..1001_u64,
    )
        .prop_map(|(filter, (from, to), by, sort, top, at)| Question {
            filter,
            range: TimeRange { from, to },
            by,
            sort,
            top,
            at: if at > 700 { 1000 } else { at },
        })
}

pub(crate) fn parse(text: &str) -> Filter {
    match text {
        "" => Filter::all(),
        text => event::filter::parse(text).unwrap(),
    }
}

/// The events of a view that match, read.
pub(crate) fn matching<'a>(
    all: &'a [Event],
    filter: &Filter,
    range: TimeRange,
    size: u64,
) -> Vec<RecordView<'a>> {
    let below = all.iter().filter(|event| event.seq.0 < size);
    let matches = |event: &'a Event| {
        let record = RecordView::parse(&event.record).unwrap();
        let matches = filter.matches(&record, event.content.as_deref());
        (matches && range.contains(record.time_us)).then_some(record)
    };
    below.filter_map(matches).collect()
}

pub(crate) fn value(record: &RecordView<'_>, dimension: Dimension) -> Option<Value> {
    let (name, _) = Dimension::BY
        .into_iter()
        .find(|(_, known)| *known == dimension)
        .unwrap();
    let initiator = record.initiator.as_ref();
    let resource = record.resource.as_ref();
    let approval = record.approval.as_ref();
    let usage = record.usage.as_ref();
    let text = match name {
        "source" => Some(&record.source),
        "actor_type" => Some(&record.actor.kind),
        "actor" => Some(&record.actor.id),
        "action" => Some(&record.action),
        "resource_type" => resource.and_then(|resource| resource.kind.as_ref()),
        "resource" => resource.and_then(|resource| resource.id.as_ref()),
        "result" => record.result.as_ref(),
        "project" => record.project.as_ref(),
        "job" => record.job.as_ref(),
        "provider" => usage.and_then(|usage| usage.provider.as_ref()),
        "model" => usage.and_then(|usage| usage.model.as_ref()),
        "initiator" => initiator.and_then(|initiator| initiator.id.as_ref()),
        "approver" => approval.and_then(|approval| approval.approver.as_ref()),
        "rule" => approval.and_then(|approval| approval.rule.as_ref()),
        "status" => return record.status.map(Value::from),
        other => panic!("{other}"),
    };
    text.map(|text| Value::from(text.as_ref()))
}

pub(crate) fn add(figures: &mut Figures, record: &RecordView<'_>) {
    let sum = |known: &mut i128, number: Option<i64>| *known += i128::from(number.unwrap_or(0));
    figures.count += 1;
    let failed = matches!(record.result.as_deref(), Some("failure" | "error"));
    figures.failures += u64::from(failed);
    sum(&mut figures.duration_us, record.duration_us);
    if let Some(usage) = &record.usage {
        figures.unpriced += u64::from(usage.cost_nanousd.is_none());
        sum(&mut figures.input_tokens, usage.input_tokens);
        sum(&mut figures.output_tokens, usage.output_tokens);
        sum(&mut figures.cache_read_tokens, usage.cache_read_tokens);
        sum(&mut figures.cache_write_tokens, usage.cache_write_tokens);
        sum(&mut figures.reasoning_tokens, usage.reasoning_tokens);
        sum(&mut figures.cost_nanousd, usage.cost_nanousd);
    }
}

/// Null after every value.
fn compare_values(one: &[Option<Value>], other: &[Option<Value>]) -> Ordering {
    let last = |values: &[Option<Value>]| -> Vec<(bool, Option<Value>)> {
        let values = values.iter();
        values
            .map(|value| (value.is_none(), value.clone()))
            .collect()
    };
    last(one).cmp(&last(other))
}

/// Groups as an answer has them.
pub(crate) fn rows(records: &[&RecordView<'_>], by: &[Dimension], sort: Figure) -> Vec<GroupRow> {
    let mut by_values = HashMap::new();
    for record in records {
        let values = by.iter().map(|dimension| value(record, *dimension));
        let figures = by_values.entry(values.collect::<Vec<_>>());
        add(figures.or_insert_with(Figures::default), record);
    }
    let group = |(values, figures)| GroupRow { values, figures };
    let mut groups: Vec<GroupRow> = by_values.into_iter().map(group).collect();
    if by.is_empty() && groups.is_empty() {
        groups.push(GroupRow {
            values: Vec::new(),
            figures: Figures::default(),
        });
    }
    groups.sort_by(|one, other| {
        let falling = other.figures.get(sort).cmp(&one.figures.get(sort));
        falling.then_with(|| compare_values(&one.values, &other.values))
    });
    groups
}

fn check_facets(view: &Snapshot, records: &[RecordView<'_>], question: &Question) {
    let filter = parse(&question.filter);
    let facets = view.facets(&filter, question.range, &question.by, question.top);
    let facets = facets.unwrap();
    assert_eq!(facets.len(), question.by.len());
    for (facet, dimension) in facets.iter().zip(&question.by) {
        let mut counts = BTreeMap::new();
        for value in records
            .iter()
            .filter_map(|record| value(record, *dimension))
        {
            *counts.entry(value).or_insert(0_u64) += 1;
        }
        let mut expected: Vec<(Value, u64)> = counts.into_iter().collect();
        expected.sort_by_key(|(_, count)| Reverse(*count));
        assert_eq!(facet.distinct, expected.len());
        expected.truncate(question.top);
        assert_eq!((facet.dimension, &facet.values), (*dimension, &expected));
    }
}

fn summary(id: &str, records: &[&RecordView<'_>]) -> Summary {
    let approvals = || records.iter().filter_map(|record| record.approval.as_ref());
    let denied = approvals().filter(|approval| approval.decision.as_deref() == Some("denied"));
    let mut figures = Figures::default();
    for record in records {
        add(&mut figures, record);
    }
    let times = || records.iter().map(|record| record.time_us);
    Summary {
        id: id.to_owned(),
        first: records[0].seq,
        last: records[records.len() - 1].seq,
        first_time_us: times().min().unwrap(),
        last_time_us: times().max().unwrap(),
        figures,
        approvals: approvals().count() as u64,
        denied: denied.count() as u64,
    }
}

fn check_summaries(view: &Snapshot, records: &[RecordView<'_>], question: &Question) {
    let query = |before| SummaryQuery {
        filter: parse(&question.filter),
        range: question.range,
        limit: question.top.min(2),
        before,
    };
    let (mut jobs, mut agents) = (BTreeMap::new(), BTreeMap::new());
    for record in records {
        if let Some(job) = record.job.as_deref() {
            jobs.entry(job).or_insert_with(Vec::new).push(record);
        }
        if record.actor.kind == "agent" {
            let id = record.actor.id.as_ref();
            agents.entry(id).or_insert_with(Vec::new).push(record);
        }
    }
    for (is_job, expected) in [(true, jobs), (false, agents)] {
        let expected = expected.iter().map(|(id, records)| summary(id, records));
        let mut expected: Vec<Summary> = expected.collect();
        expected.sort_by_key(|summary| Reverse(summary.last));
        let (mut found, mut before): (Vec<Summary>, Option<Seq>) = (Vec::new(), None);
        loop {
            let query = query(before);
            let page = if is_job {
                view.jobs(&query)
            } else {
                view.agents(&query)
            };
            let page = page.unwrap();
            assert_eq!(page.total, expected.len());
            found.extend(page.rows);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found, expected);
        for id in ["j1", "agent-2", "nobody"] {
            let (filter, range) = (parse(&question.filter), question.range);
            let one = if is_job {
                view.job(filter, range, id)
            } else {
                view.agent(filter, range, id)
            };
            let expected = expected.iter().find(|summary| summary.id == id);
            assert_eq!(one.unwrap().as_ref(), expected);
        }
    }
}

pub(crate) fn check(node: &Node, all: &[Event], question: &Question) {
    let filter = parse(&question.filter);
    let size = all.len() as u64 * question.at / 1000;
    let view = node.engine.snapshot().unwrap().at(size).unwrap();
    let records = matching(all, &filter, question.range, size);
    let every: Vec<&RecordView<'_>> = records.iter().collect();
    let mut expected = rows(&every, &question.by, question.sort);
    let query = AggregateQuery {
        filter,
        range: question.range,
        by: question.by.clone(),
        sort: question.sort,
        top: question.top,
    };
    let found = view.aggregate(&query).unwrap();
    assert_eq!(found.groups, expected.len());
    expected.truncate(question.top);
    assert_eq!(found.rows, expected, "{question:?}");
    check_facets(&view, &records, question);
    check_summaries(&view, &records, question);
}

/// Records batches, seals up to the cuts in between and merges at the end; everything there is.
pub(crate) fn fill(
    node: &Node,
    batches: &[Vec<String>],
    cuts: &[u64],
    compact: bool,
) -> Vec<Event> {
    for batch in batches {
        node.record(batch);
    }
    let all = everything(node);
    for end in cuts {
        node.seal(*end);
        // Columns of the hot tail are kept from one question to the next.
        node.engine
            .snapshot()
            .unwrap()
            .count(&Filter::all(), TimeRange::ALL)
            .unwrap();
    }
    if compact {
        node.compact();
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn figures_are_those_of_a_naive_scan(
        batches in vec(vec(generate::event(), 1..12), 1..10),
        cuts in vec(0..80_u64, 0..5),
        compact in any::<bool>(),
        questions in vec(question(), 24),
    ) {
        let node = Node::new();
        let all = fill(&node, &batches, &cuts, compact);
        for question in &questions {
            check(&node, &all, question);
        }
    }
}

#[test]
fn groups_of_many_values_are_told_apart() {
    // So many that keys are looked up in a table for one dimension and hashed for two.
    const EVENTS: u64 = 5000;
    let node = Node::new();
    let events: Vec<String> = (0..EVENTS)
        .map(|number| {
            let (job, resource) = (number * 7 % 4999, number * 11 % 4999);
            format!(r#"{{"actor":{{"id":"a"}},"action":"x","job":"j{job}","resource":{{"id":"r{resource}"}},"duration_us":{number}}}"#)
        })
        .collect();
    let all = fill(&node, &[events], &[EVENTS / 2 + 77], false);
    for by in [
        vec!["job"],
        vec!["job", "resource"],
        vec!["resource", "job", "action"],
    ] {
        let by: Vec<_> = by
            .into_iter()
            .map(|name| Dimension::from_name(name).unwrap())
            .collect();
        check(
            &node,
            &all,
            &Question {
                filter: "actor:a".to_owned(),
                range: TimeRange::ALL,
                by,
                sort: Figure::DurationUs,
                top: 50,
                at: 990,
            },
        );
    }
}
