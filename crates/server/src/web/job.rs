//! One job: what happened in it, what it cost, who let it, and that nothing of it was changed.

mod activity;
mod agreement;
mod approvals;
mod cost;
mod gather;
mod proof;
mod timeline;

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use event::filter::TextField;
use gather::{Asked, Found};
use maud::{Markup, html};

pub(super) use gather::{Step, steps};

use super::{
    address::Address,
    chart::patterns,
    clock::tag,
    document::Document,
    export,
    frame::{self, Frame, Nav},
    glyph::{glyph, sized, small},
    jobs,
    number::{about, ago, count_of, duration, grouped, share, spent},
    selected::Selected,
    text::bdi,
    visit::Visit,
};
use crate::{app::App, keys::Scope, problem::Problem};

/// A job that was heard of since is at work.
const ACTIVE_US: i64 = 5 * 60_000_000;

/// What of a job is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Activity,
    Cost,
    Approvals,
    Proof,
}

impl Tab {
    fn of(name: Option<&str>) -> Self {
        match name {
            Some("cost") => Self::Cost,
            Some("approvals") => Self::Approvals,
            Some("whole") => Self::Proof,
            _ => Self::Activity,
        }
    }
}

/// `GET /jobs/{job}`
pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let selected = Selected::of(&visit).locked(TextField::Job, &id);
    let asked = Asked::of(&visit, &selected, &id, Tab::of(visit.address.get("show")));
    let (engine, reader) = (visit.engine(&app), visit.clone());
    if visit.part.as_deref() == Some("drawer") {
        let detail = app
            .read(move || asked.detail(&reader, &asked.selected.view(engine.snapshot()?)?))
            .await?;
        super::events::note_detail(&app, &visit, detail.as_ref());
        return Ok(Document::ok(super::events::pane(&visit, detail.as_ref())).into_response());
    }
    let found = app
        .read(move || asked.answer(&reader, engine.snapshot()?))
        .await?;
    let found = found.ok_or_else(Problem::not_found)?;
    selected.note(
        &app,
        &visit,
        found
            .listed
            .iter()
            .flat_map(|listed| listed.rows.iter().map(|row| row.seq)),
    );
    super::events::note_detail(&app, &visit, found.detail.as_ref());
    let frame = Frame {
        above: vec![("Jobs", visit.address.to("/jobs"))],
        title: &found.head.title,
        ..Frame::of(Nav::Jobs)
    };
    let body = body(&visit, &selected, &id, &found);
    Ok(Document::ok(frame::page(&visit, &frame, &body)).into_response())
}

fn body(visit: &Visit, selected: &Selected, id: &str, found: &Found) -> Markup {
    html! {
        (patterns())
        div.page.job {
            (head(visit, id, found))
            (figures(visit, id, found))
            (tabs(visit, id, found))
            @match found.tab {
                Tab::Activity => (activity::page(visit, selected, id, found)),
                Tab::Cost => (cost::page(visit, id, found)),
                Tab::Approvals => (approvals::page(visit, found)),
                Tab::Proof => (proof::page(visit, found)),
            }
        }
    }
}

/// The events of the job, narrowed.
fn events(visit: &Visit, id: &str, term: &str) -> Address {
    let job = super::narrow::term(TextField::Job, id);
    visit
        .address
        .to("/events")
        .without(&["from", "to"])
        .with("q", super::narrow::and(&job, term))
}

fn head(visit: &Visit, id: &str, found: &Found) -> Markup {
    let (summary, head) = (&found.summary, &found.head);
    let quiet_us = visit.clock.now_us().saturating_sub(summary.last_time_us);
    let took = duration(summary.last_time_us.saturating_sub(summary.first_time_us));
    html! {
        header.between.job-head {
            div {
                div.line { h1.wrap { (bdi(&head.title)) }
                    @if quiet_us < ACTIVE_US { span.tag.accent { (small("live")) "active" } }
                    @else { span.tag { (small("tick")) "quiet for " (ago(quiet_us).trim_end_matches(" ago")) } } }
                p.line.about.soft {
                    span.line { (glyph("agents")) a.plain.medium href=(visit.address.to(format!("/agents/{}", super::address::segment(&head.agent)))) { (bdi(&head.agent)) } }
                    @if let Some(by) = &head.asked_by { span { "asked by " span.medium { (bdi(by)) } } }
                    @if let Some(project) = &head.project { span { "project " (bdi(project)) } }
                    span { (tag(summary.first_time_us, &format!("{} {}", visit.clock.day(summary.first_time_us), visit.clock.time(summary.first_time_us)))) ", " (took) }
                    code.dim.wrap { (bdi(id)) }
                }
            }
            div.line {
                a.btn data-replay hx-boost="false" href=(super::replay::address(visit, id)) { (glyph("play")) "Replay" }
                @if visit.has(Scope::Export) { a.btn href=(export::everything(&events(visit, id, ""))) { (glyph("export")) "Export" } }
            }
        }
    }
}

fn figures(visit: &Visit, id: &str, found: &Found) -> Markup {
    let summary = &found.summary;
    let figures = &summary.figures;
    let broken = found.broken;
    let failed = figures.failures.saturating_sub(broken);
    let covered = found.covered;
    let unsigned = |count: i128| u64::try_from(count).unwrap_or(0);
    let figure = |label: &str, value: Markup, of: Markup| {
        html! {
            div.figure { span.label { (label) } span.value { (value) span.of { (of) } } }
        }
    };
    html! {
        section.card.figures.slim aria-label="Key figures" {
            (figure("Events", html! { a href=(events(visit, id, "")) { (grouped(figures.count)) } },
                html! { @if found.steps.len() < usize::try_from(figures.count).unwrap_or(usize::MAX) { "the first " (grouped(found.steps.len())) " below" } }))
            (figure("Failures and errors", html! { a href=(events(visit, id, "result:(failure OR error)")) { (grouped(figures.failures)) } },
                html! { @if figures.failures > 0 { (count_of(failed, "failure", "failures")) ", " (count_of(broken, "error", "errors")) } }))
            (figure("Cost", html! { a href=(events(visit, id, "has:usage")) { (spent(figures.cost_nanousd, figures.unpriced)) } },
                html! { @if figures.unpriced > 0 { (count_of(figures.unpriced, "call", "calls")) @if figures.cost_nanousd > 0 { " unpriced" } } }))
            (figure("Tokens", html! { a href=(events(visit, id, "has:usage")) { (about(figures.input_tokens + figures.output_tokens)) } },
                html! { @if figures.input_tokens > 0 { (share(unsigned(figures.cache_read_tokens), unsigned(figures.input_tokens))) " cached" } }))
            (figure("Approvals", html! { a href=(events(visit, id, "has:approval")) { (grouped(summary.approvals)) } },
                html! { @if found.waited_us > 0 { "waited " (duration(found.waited_us)) } @else if summary.denied > 0 { (grouped(summary.denied)) " denied" } }))
            (figure("Proof", html! { span.ok { (sized(if covered == figures.count { "v-verified" } else { "v-pending" }, "g g18")) }
                    a href=(jobs::address(visit, id).with("show", "whole")) { (grouped(covered)) " of " (grouped(figures.count)) } },
                html! { "signed" }))
        }
    }
}

fn tabs(visit: &Visit, id: &str, found: &Found) -> Markup {
    let here = jobs::address(visit, id);
    let summary = &found.summary;
    let tab = |tab, word: &str, name: &str, end: String| {
        html! {
            a href=(here.with("show", word)) aria-current=[(found.tab == tab).then_some("page")] { (name) @if !end.is_empty() { span.dim { (end) } } }
        }
    };
    html! {
        nav.tabs aria-label="Parts of the job" {
            (tab(Tab::Activity, "", "Activity", grouped(summary.figures.count)))
            (tab(Tab::Cost, "cost", "Cost", spent(summary.figures.cost_nanousd, summary.figures.unpriced)))
            (tab(Tab::Approvals, "approvals", "Approvals", grouped(summary.approvals)))
            a hx-boost="false" href=(super::replay::address(visit, id)) { "Replay" }
            (tab(Tab::Proof, "whole", "Proof", String::new()))
        }
    }
}
