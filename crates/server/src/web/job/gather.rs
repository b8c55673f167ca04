//! What the page of a job shows, from one snapshot.

use event::{
    RecordView, Seq,
    filter::{Filter, TextField},
};
use query::{
    AggregateQuery, Dimension, Figure, GroupRow, Order, Query, QueryError, Snapshot, Summary,
    TimeRange,
};

use super::{Tab, proof::Proven};
use crate::{
    correlation::Report,
    problem::Problem,
    web::{
        calls,
        events::{Detail, Listed, list},
        jobs::Head,
        said::Said,
        selected::Selected,
        visit::Visit,
    },
};

/// Events of a job that lanes, costs and approvals are made of; a longer job is shown from its start.
const MOST_STEPS: usize = 2_000;
/// Rows of the list.
const ROWS: usize = 50;

/// What is asked.
pub(super) struct Asked {
    pub(super) selected: Selected,
    id: String,
    tab: Tab,
    after: Option<Seq>,
    before: Option<Seq>,
    event: Option<u64>,
}

/// What is found.
pub(super) struct Found {
    pub(super) tab: Tab,
    pub(super) summary: Summary,
    pub(super) head: Head,
    pub(super) steps: Vec<Step>,
    /// Events with the result error.
    pub(super) broken: u64,
    /// Events that a signed checkpoint covers.
    pub(super) covered: u64,
    pub(super) waited_us: i64,
    pub(super) models: Vec<GroupRow>,
    pub(super) listed: Option<Listed>,
    pub(super) matching: u64,
    pub(super) detail: Option<Detail>,
    pub(super) proven: Option<Proven>,
    /// What several sides tell of the same calls.
    pub(super) report: Report,
}

/// One event of a job.
pub(in super::super) struct Step {
    pub(in super::super) seq: u64,
    pub(in super::super) start_us: i64,
    pub(in super::super) end_us: i64,
    pub(in super::super) said: Said,
    pub(in super::super) source: String,
    pub(in super::super) cost_nanousd: Option<i64>,
    pub(in super::super) model: Option<String>,
    pub(in super::super) approval: Option<Approval>,
}

/// Who let it happen, or did not.
#[derive(Clone)]
pub(in super::super) struct Approval {
    pub(in super::super) is_denied: bool,
    pub(in super::super) approver: String,
    pub(in super::super) rule: Option<String>,
    pub(in super::super) reason: Option<String>,
    pub(in super::super) waited_us: i64,
}

impl Asked {
    pub(super) fn of(visit: &Visit, selected: &Selected, id: &str, tab: Tab) -> Self {
        Self {
            selected: selected.clone(),
            id: id.to_owned(),
            tab,
            after: visit.address.number("after").map(Seq),
            before: visit.address.number("before").map(Seq),
            event: visit.address.number("event"),
        }
    }

    pub(super) fn detail(&self, visit: &Visit, view: &Snapshot) -> Result<Option<Detail>, Problem> {
        let detail = self
            .event
            .map(|seq| Detail::read(visit, &self.selected, view, Seq(seq)));
        Ok(detail.transpose()?.flatten())
    }

    pub(super) fn answer(&self, visit: &Visit, newest: Snapshot) -> Result<Option<Found>, Problem> {
        let selected = &self.selected;
        let view = selected.view(newest)?;
        let all = selected.within(event::filter::Filter::all());
        let Some(summary) = view.job(all.clone(), TimeRange::ALL, &self.id)? else {
            return Ok(None);
        };
        let steps = steps(selected, &view)?;
        let covered = visit
            .caller
            .trail
            .checkpoint()
            .map_or(0, |newest| newest.size);
        let covered_count = if summary.last.0 < covered {
            summary.figures.count
        } else {
            view.at(covered.min(view.size()))?
                .count(&all, TimeRange::ALL)?
        };
        let results = view.facets(
            &all,
            TimeRange::ALL,
            &[Dimension::Text(TextField::Result)],
            10,
        )?;
        let broken = results.iter().flat_map(|facet| &facet.values);
        let broken = broken
            .filter(|(value, _)| *value == query::Value::from("error"))
            .map(|(_, count)| *count)
            .sum();
        let place = (self.after, self.before);
        let is_list = self.tab == Tab::Activity && selected.fault.is_none();
        let listed = is_list.then(|| list(selected, &view, place, ROWS, covered));
        Ok(Some(Found {
            tab: self.tab,
            head: Head::read(&view, &summary)?,
            broken,
            covered: covered_count,
            waited_us: waited(&steps),
            models: models(&view, all)?,
            listed: listed.transpose()?,
            matching: if is_list {
                view.count(&selected.allowed(), TimeRange::ALL)?
            } else {
                0
            },
            detail: self.detail(visit, &view)?,
            proven: (self.tab == Tab::Proof)
                .then(|| Proven::of(visit, &view, &steps))
                .transpose()?,
            report: if is_list {
                Report::of(&view, &selected.within(Filter::all()), &self.id)?
            } else {
                Report::default()
            },
            steps,
            summary,
        }))
    }
}

/// Time that was waited in all. A decision and the action that it lets through both tell of one wait.
fn waited(steps: &[Step]) -> i64 {
    let mut waits: Vec<(i64, &str)> = Vec::new();
    for step in steps {
        let Some(approval) = &step.approval else {
            continue;
        };
        let wait = (approval.waited_us, approval.rule.as_deref().unwrap_or(""));
        if wait.0 > 0 && waits.last() != Some(&wait) {
            waits.push(wait);
        }
    }
    waits.iter().map(|(waited, _)| waited).sum()
}

fn models(view: &Snapshot, filter: event::filter::Filter) -> Result<Vec<GroupRow>, Problem> {
    let found = view.aggregate(&AggregateQuery {
        filter,
        range: TimeRange::ALL,
        by: vec![Dimension::Text(TextField::Model)],
        sort: Figure::CostNanousd,
        top: 20,
    })?;
    let mut rows = found.rows;
    rows.retain(|row| matches!(row.values.first(), Some(Some(_))));
    Ok(rows)
}

/// The first events of a job, oldest first.
pub(in super::super) fn steps(selected: &Selected, view: &Snapshot) -> Result<Vec<Step>, Problem> {
    let page = view.page(
        &Query {
            filter: selected.within(event::filter::Filter::all()),
            range: TimeRange::ALL,
            order: Order::Oldest,
            limit: MOST_STEPS,
        },
        None,
    )?;
    let mut records = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        records.push(
            RecordView::parse(&row.record).map_err(|source| QueryError::Record {
                seq: row.seq,
                source,
            })?,
        );
    }
    let begun = |record: &RecordView<'_>| {
        let producer = record.producer.as_ref()?;
        let call = producer.call.as_deref()?;
        (producer.phase.as_deref() == Some("intent")).then(|| call.to_owned())
    };
    let begun_calls: Vec<String> = records.iter().filter_map(begun).collect();
    let ended = calls::ended(selected, view, begun_calls.iter().map(String::as_str))?;
    let mut steps: Vec<Step> = records
        .iter()
        .map(|record| {
            Step::of(
                record,
                begun(record).is_some_and(|call| !ended.contains(&call)),
            )
        })
        .collect();
    // By the producers' clocks, as a reader follows them; the log's order for what began at once.
    steps.sort_by_key(|step| (step.start_us, step.seq));
    Ok(steps)
}

impl Step {
    fn of(record: &RecordView<'_>, is_open: bool) -> Self {
        let approval = record.approval.as_ref().map(|approval| Approval {
            is_denied: approval.decision.as_deref() == Some("denied"),
            approver: approval.approver.as_deref().unwrap_or("–").to_owned(),
            rule: approval.rule.as_deref().map(ToOwned::to_owned),
            reason: approval.reason.as_deref().map(ToOwned::to_owned),
            waited_us: approval.waited_us.unwrap_or(0).max(0),
        });
        let usage = record.usage.as_ref();
        let resource = record
            .resource
            .as_ref()
            .and_then(|resource| resource.id.as_deref());
        Self {
            seq: record.seq.0,
            start_us: record.time_us,
            end_us: record
                .time_us
                .saturating_add(record.duration_us.unwrap_or(0).max(0)),
            said: Said::of(record, is_open),
            source: record.source.to_string(),
            cost_nanousd: usage.and_then(|usage| usage.cost_nanousd),
            model: usage.map(|usage| {
                usage
                    .model
                    .as_deref()
                    .or(resource)
                    .unwrap_or("–")
                    .to_owned()
            }),
            approval,
        }
    }
}
