//! What needs somebody's attention: at most a few lines, worst first.

use event::{
    RecordView,
    filter::{self, Filter, TextField},
};
use query::{
    AggregateQuery, Dimension, Figure, GroupRow, Order, Query, Snapshot, TimeRange, Value,
};

use crate::{
    numbers::Known,
    problem::Problem,
    web::{number::count_of, selected::Selected},
};

/// Lines that are shown.
pub(super) const MOST: usize = 5;
/// Begun actions whose end is looked for: a filter has room for as many calls.
const INTENTS: usize = 100;
/// An action that began later may well be running.
const PATIENCE_US: i64 = 10 * 60_000_000;
/// Tools of the time before, which a new one is not among.
const KNOWN_TOOLS: usize = 10_000;

/// One line.
pub(super) struct Item {
    pub(super) glyph: &'static str,
    /// Class of its colour.
    pub(super) class: &'static str,
    pub(super) title: String,
    /// Where it leads: a filter for events, or a page.
    pub(super) leads: Leads,
    pub(super) time_us: Option<i64>,
    /// Names from events, and words between them.
    pub(super) detail: Vec<Word>,
}

pub(super) enum Leads {
    Events(String),
    Integrity,
}

pub(super) enum Word {
    Own(String),
    /// From an event.
    Named(String),
}

/// All of them; the first ones are shown.
pub(super) fn find(
    selected: &Selected,
    view: &Snapshot,
    numbers: &Known,
    now_us: i64,
) -> Result<Vec<Item>, Problem> {
    let mut items = gaps(selected, numbers);
    items.extend(errors(selected, view)?);
    items.extend(denials(selected, view)?);
    items.extend(new_tools(selected, view)?);
    items.extend(unfinished(selected, view, now_us)?);
    Ok(items)
}

fn gaps(selected: &Selected, numbers: &Known) -> Vec<Item> {
    let range = selected.range();
    let mut producers: Vec<_> = numbers
        .producers
        .iter()
        .filter_map(|producer| {
            let gaps: Vec<_> = producer
                .gaps
                .iter()
                .filter(|gap| range.contains(gap.at_us()))
                .collect();
            let newest = gaps.last()?;
            let missing: u64 = gaps.iter().map(|gap| gap.count()).sum();
            Some((missing, producer, **newest))
        })
        .collect();
    producers.sort_by_key(|(missing, ..)| std::cmp::Reverse(*missing));
    let item =
        |(missing, producer, newest): &(u64, &crate::numbers::Producer, crate::numbers::Gap)| {
            Item {
                glyph: "gap",
                class: "bad",
                title: count_of(*missing, "event never arrived", "events never arrived"),
                leads: Leads::Integrity,
                time_us: Some(newest.at_us()),
                detail: vec![
                    Word::Named(producer.id.clone()),
                    Word::Own(format!(
                        ", numbers {}–{}",
                        crate::web::number::grouped(newest.first),
                        crate::web::number::grouped(newest.last)
                    )),
                ],
            }
        };
    producers.iter().take(2).map(item).collect()
}

fn errors(selected: &Selected, view: &Snapshot) -> Result<Option<Item>, Problem> {
    let by = [TextField::Actor, TextField::Action];
    let Some(row) = top(selected, view, "result:error", &by)? else {
        return Ok(None);
    };
    let (actor, action) = (value(&row, 0), value(&row, 1));
    let q = with(
        with(filter::parse("result:error")?, TextField::Actor, actor),
        TextField::Action,
        action,
    );
    Ok(Some(Item {
        glyph: "error",
        class: "bad",
        title: count_of(row.figures.count, "error", "errors"),
        time_us: newest(selected, view, &q)?.map(|newest| newest.0),
        leads: Leads::Events(q.to_string()),
        detail: vec![named(actor), Word::Own(" · ".to_owned()), named(action)],
    }))
}

fn denials(selected: &Selected, view: &Snapshot) -> Result<Option<Item>, Problem> {
    let by = [TextField::Actor, TextField::Resource, TextField::Rule];
    let Some(row) = top(selected, view, "decision:denied", &by)? else {
        return Ok(None);
    };
    let (actor, resource, rule) = (value(&row, 0), value(&row, 1), value(&row, 2));
    let q = with(
        with(filter::parse("decision:denied")?, TextField::Actor, actor),
        TextField::Resource,
        resource,
    );
    let mut detail = vec![
        named(resource),
        Word::Own(" from ".to_owned()),
        named(actor),
    ];
    if rule.is_some() {
        detail.extend([Word::Own(" · rule ".to_owned()), named(rule)]);
    }
    Ok(Some(Item {
        glyph: "denied",
        class: "warn",
        title: count_of(row.figures.count, "denial", "denials"),
        time_us: newest(selected, view, &q)?.map(|newest| newest.0),
        leads: Leads::Events(q.to_string()),
        detail,
    }))
}

/// A tool that was first used in the time that is shown.
fn new_tools(selected: &Selected, view: &Snapshot) -> Result<Option<Item>, Problem> {
    let Some(from) = selected.period.from_us else {
        return Ok(None);
    };
    let tools = |range, top| {
        view.aggregate(&AggregateQuery {
            filter: selected.and("resource.type:tool"),
            range,
            by: vec![Dimension::Text(TextField::Resource)],
            sort: Figure::Count,
            top,
        })
    };
    let before = TimeRange {
        from: None,
        to: Some(from),
    };
    let before = tools(before, KNOWN_TOOLS)?;
    // Where nothing was before, everything is new, which is nothing to look at.
    if before.rows.is_empty() || before.groups > KNOWN_TOOLS {
        return Ok(None);
    }
    let known: std::collections::BTreeSet<_> =
        before.rows.iter().filter_map(|row| value(row, 0)).collect();
    let now = tools(selected.range(), KNOWN_TOOLS)?;
    let mut fresh = now
        .rows
        .iter()
        .filter(|row| value(row, 0).is_some_and(|tool| !known.contains(tool)));
    let Some(row) = fresh.next() else {
        return Ok(None);
    };
    let q = with(
        filter::parse("resource.type:tool")?,
        TextField::Resource,
        value(row, 0),
    );
    Ok(Some(Item {
        glyph: "mcp",
        class: "warn",
        title: "New tool".to_owned(),
        time_us: newest(selected, view, &q)?.map(|newest| newest.0),
        leads: Leads::Events(q.to_string()),
        detail: vec![
            named(value(row, 0)),
            Word::Own(format!(
                ", {}",
                count_of(row.figures.count, "call", "calls")
            )),
        ],
    }))
}

/// Actions that were begun, and whose end nobody recorded.
fn unfinished(selected: &Selected, view: &Snapshot, now_us: i64) -> Result<Option<Item>, Problem> {
    let range = selected.range();
    let old = now_us.saturating_sub(PATIENCE_US);
    let range = TimeRange {
        to: Some(range.to.map_or(old, |to| to.min(old))),
        ..range
    };
    if range
        .from
        .is_some_and(|from| range.to.is_some_and(|to| from >= to))
    {
        return Ok(None);
    }
    let begun = view.page(&query(selected.and("phase:intent"), range, INTENTS), None)?;
    let mut calls = Vec::new();
    for row in &begun.rows {
        let record = RecordView::parse(&row.record).map_err(|error| Problem::internal(&error))?;
        let call = record.producer.and_then(|producer| producer.call);
        calls.extend(call.map(|call| {
            (
                call.into_owned(),
                record.action.into_owned(),
                record.time_us,
            )
        }));
    }
    if calls.is_empty() {
        return Ok(None);
    }
    let ended =
        super::super::calls::ended(selected, view, calls.iter().map(|(call, ..)| call.as_str()))?;
    let open: Vec<_> = calls
        .iter()
        .filter(|(call, ..)| !ended.contains(call))
        .collect();
    let Some((_, action, time_us)) = open.first() else {
        return Ok(None);
    };
    let of_calls: Vec<_> = open
        .iter()
        .map(|(call, ..)| super::super::narrow::term(TextField::Call, call))
        .collect();
    Ok(Some(Item {
        glyph: "unfinished",
        class: "dim",
        title: count_of(
            open.len() as u64,
            "action without an outcome",
            "actions without an outcome",
        ),
        time_us: Some(*time_us),
        leads: Leads::Events(of_calls.join(" OR ")),
        detail: vec![
            Word::Named(action.clone()),
            Word::Own(" begun, no end recorded".to_owned()),
        ],
    }))
}

/// The largest group of the events that match a term too.
fn top(
    selected: &Selected,
    view: &Snapshot,
    term: &str,
    by: &[TextField],
) -> Result<Option<GroupRow>, Problem> {
    let found = view.aggregate(&AggregateQuery {
        filter: selected.and(term),
        range: selected.range(),
        by: by.iter().map(|field| Dimension::Text(*field)).collect(),
        sort: Figure::Count,
        top: 1,
    })?;
    Ok(found
        .rows
        .into_iter()
        .next()
        .filter(|row| row.figures.count > 0))
}

/// Time of the newest event that matches, as its producer claims it, and its position.
fn newest(
    selected: &Selected,
    view: &Snapshot,
    filter: &Filter,
) -> Result<Option<(i64, u64)>, Problem> {
    let filter = selected.and(&filter.to_string());
    let page = view.page(&query(filter, selected.range(), 1), None)?;
    let Some(row) = page.rows.first() else {
        return Ok(None);
    };
    let record = RecordView::parse(&row.record).map_err(|error| Problem::internal(&error))?;
    Ok(Some((record.time_us, row.seq.0)))
}

fn query(filter: Filter, range: TimeRange, limit: usize) -> Query {
    Query {
        filter,
        range,
        order: Order::Newest,
        limit,
    }
}

fn value(row: &GroupRow, at: usize) -> Option<&str> {
    match row.values.get(at) {
        Some(Some(Value::Text(text))) => Some(text),
        _ => None,
    }
}

fn with(filter: Filter, field: TextField, value: Option<&str>) -> Filter {
    match value {
        Some(value) => filter.and_equal(field, value),
        None => filter,
    }
}

fn named(value: Option<&str>) -> Word {
    Word::Named(value.unwrap_or("–").to_owned())
}
