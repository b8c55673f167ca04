//! Jobs: the runs of agents, newest first.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use event::{RecordView, Seq};
use maud::{Markup, html};
use query::{Snapshot, Summary, SummaryQuery};

use super::{
    address::{Address, segment},
    clock::tag,
    events::{bar, filter_fault},
    frame::{self, Frame, Nav},
    glyph::{glyph, small},
    number::{about, ago, count_of, duration, grouped, spent},
    selected::Selected,
    text::bdi,
    visit::Visit,
};
use crate::{app::App, problem::Problem};

/// Jobs of a page.
const ROWS: usize = 50;
/// A job that was heard of since is at work.
const ACTIVE_US: i64 = 5 * 60_000_000;

/// A job as it is listed: its figures, and what its first event says.
pub(super) struct Job {
    pub(super) summary: Summary,
    pub(super) head: Head,
}

/// What the first event of a job says of all of it.
#[derive(Default)]
pub(super) struct Head {
    /// What the job is for; its id where nobody said.
    pub(super) title: String,
    pub(super) agent: String,
    pub(super) asked_by: Option<String>,
    pub(super) project: Option<String>,
}

struct Found {
    jobs: Vec<Job>,
    total: usize,
    next: Option<Seq>,
}

impl Head {
    pub(super) fn read(view: &Snapshot, summary: &Summary) -> Result<Self, Problem> {
        let Some(row) = view.row(summary.first)? else {
            return Ok(Self::default());
        };
        let record = RecordView::parse(&row.record).map_err(|error| Problem::internal(&error))?;
        let named = record
            .description
            .as_deref()
            .filter(|_| record.action == "job.started");
        let initiator = record.initiator.as_ref();
        Ok(Self {
            title: named.unwrap_or(&summary.id).to_owned(),
            agent: record.actor.id.to_string(),
            asked_by: initiator
                .and_then(|by| by.name.as_deref().or(by.id.as_deref()))
                .map(ToOwned::to_owned),
            project: record.project.as_deref().map(ToOwned::to_owned),
        })
    }
}

/// `GET /jobs`
pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let selected = Selected::of(&visit);
    let frame = Frame {
        has_period: true,
        ..Frame::of(Nav::Jobs)
    };
    let reader = visit.clone();
    let made = async move {
        let found = if selected.fault.is_some() {
            None
        } else {
            let (engine, asked) = (reader.engine(&app), selected.clone());
            let before = reader.address.number("after").map(Seq);
            let find = move || find(&asked, &asked.view(engine.snapshot()?)?, before);
            Some(app.read(find).await?)
        };
        if found.is_some() {
            selected.note(&app, &reader, []);
        }
        Ok(body(&reader, &selected, found.as_ref()))
    };
    frame::answer(&visit, &frame, made).await
}

fn body(visit: &Visit, selected: &Selected, found: Option<&Found>) -> Markup {
    html! {
        h1.sr { "Jobs" }
        div.page {
            section.card {
                div.card-bar { (bar(&visit.address, selected, None, "Only jobs with events that match")) }
                @if let Some(fault) = &selected.fault { div.card-fault { (filter_fault(&visit.address, selected, fault)) } }
                @if let Some(found) = found { (table(visit, found)) }
            }
        }
    }
}

fn find(selected: &Selected, view: &Snapshot, before: Option<Seq>) -> Result<Found, Problem> {
    let found = view.jobs(&SummaryQuery {
        filter: selected.allowed(),
        range: selected.range(),
        limit: ROWS,
        before,
    })?;
    let mut jobs = Vec::with_capacity(found.rows.len());
    for summary in found.rows {
        let head = Head::read(view, &summary)?;
        jobs.push(Job { summary, head });
    }
    Ok(Found {
        jobs,
        total: found.total,
        next: found.next,
    })
}

fn table(visit: &Visit, found: &Found) -> Markup {
    let here = visit.address.without(&["after"]);
    html! {
        @if found.jobs.is_empty() {
            div.empty {
                p { "No job in this time. Events say which job they belong to; " code { "indelible exec" } " and the gateway take it from " code { "INDELIBLE_JOB" } "." }
                a.btn href=(visit.address.to("/jobs").with("from", "").with("to", "")) { "Show all times" }
            }
        } @else {
            div.scroll {
                table.table.jobs-table {
                    thead { tr {
                        th { "Job" } th { "Agent" } th { "Project" } th { "Started" } th.num { "Took" } th.num { "Events" }
                        th.num { "Failures" } th.num { "Approvals" } th.num { "Tokens" } th.num { "Cost" }
                    } }
                    tbody { @for job in &found.jobs { (row(visit, job)) } }
                }
            }
            footer.list-foot {
                span.dim { (count_of(found.total as u64, "job", "jobs")) }
                nav.line aria-label="Pages" {
                    @if visit.address.get("after").is_some() { a.btn href=(here) { (glyph("first")) "Newest" } }
                    @if let Some(next) = found.next { a.btn rel="next" href=(here.with("after", next)) { "Older" (glyph("right")) } }
                }
            }
        }
    }
}

/// Where a job is.
pub(super) fn address(visit: &Visit, id: &str) -> Address {
    visit
        .address
        .to(format!("/jobs/{}", segment(id)))
        .without(&["from", "to"])
}

fn row(visit: &Visit, job: &Job) -> Markup {
    let Job { summary, head } = job;
    let figures = &summary.figures;
    let now_us = visit.clock.now_us();
    let quiet_us = now_us.saturating_sub(summary.last_time_us);
    html! {
        tr data-row {
            td.wide.name {
                a.plain.over href=(address(visit, &summary.id)) { span.medium { (bdi(&head.title)) } }
                @if quiet_us < ACTIVE_US { " " span.tag.accent title=(ago(quiet_us)) { (small("live")) "active" } }
                @if head.title != summary.id { div.small.dim.cut { code { (bdi(&summary.id)) } } }
            }
            td.agent { div.cut { (bdi(&head.agent)) } @if let Some(by) = &head.asked_by { div.small.dim.cut { "asked by " (bdi(by)) } } }
            td.soft { @if let Some(project) = &head.project { (bdi(project)) } }
            td.nowrap.started { (tag(summary.first_time_us, &visit.clock.stamp(summary.first_time_us))) }
            td.num.soft { (duration(summary.last_time_us.saturating_sub(summary.first_time_us))) }
            td.num { (grouped(figures.count)) }
            td.num { @if figures.failures > 0 { span.warn.medium { (grouped(figures.failures)) } } @else { span.dim { "0" } } }
            td.num { @if summary.approvals > 0 { (grouped(summary.approvals)) } @else { span.dim { "0" } }
                @if summary.denied > 0 { " " span.warn.small { (grouped(summary.denied)) " denied" } } }
            td.num.soft { (about(figures.input_tokens + figures.output_tokens)) }
            td.num.cost { (spent(figures.cost_nanousd, figures.unpriced))
                @if figures.unpriced > 0 && figures.cost_nanousd > 0 { div.small.dim { (grouped(figures.unpriced)) " unpriced" } } }
        }
    }
}
