//! Replay: a job step by step, as it was recorded. Nothing of it is run.

mod gather;
mod panels;
mod scrubber;

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use event::{RecordView, filter::TextField};
use gather::{Asked, Found};
use maud::{Markup, html};

use super::{
    address::{Address, segment},
    assets,
    chart::patterns,
    clock::tag,
    document::{Document, Policy},
    events::facts,
    frame::{self, Frame, Nav, Shape},
    glyph::{glyph, small},
    job::Step,
    jobs,
    number::{count_of, grouped},
    proof,
    selected::Selected,
    text::bdi,
    visit::Visit,
};
use crate::{app::App, audit::What, problem::Problem};

/// Steps that are listed around the current one.
const LISTED: usize = 160;

/// `GET /jobs/{job}/replay`
pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let selected = Selected::of(&visit).locked(TextField::Job, &id);
    let asked = Asked {
        selected: selected.clone(),
        id: id.clone(),
        step: visit.address.number("step"),
        event: visit.address.number("event"),
    };
    let (engine, reader) = (visit.engine(&app), visit.clone());
    let found = app
        .read(move || asked.answer(&reader, engine.snapshot()?))
        .await?;
    let found = found.ok_or_else(Problem::not_found)?;
    selected.note(&app, &visit, [found.event.seq.0]);
    for seq in found.contents_read() {
        visit
            .caller
            .audit_one(&app, What::Contents, event::Seq(seq));
    }
    let frame = Frame {
        above: vec![
            ("Jobs", visit.address.to("/jobs")),
            (&found.title, jobs::address(&visit, &id)),
        ],
        title: "Replay",
        shape: Shape::Alone,
        ..Frame::of(Nav::Jobs)
    };
    let body = body(&visit, &id, &found);
    let document = Document::ok(frame::page(&visit, &frame, &body));
    // The player's terminal is WebAssembly; no other page may run any.
    Ok(document.with(Policy::Player).into_response())
}

/// Where a step of a job is.
pub(super) fn address(visit: &Visit, id: &str) -> Address {
    visit
        .address
        .at(format!("/jobs/{}/replay", segment(id)))
        .without(&[
            "event", "tab", "show", "q", "after", "before", "from", "to", "live",
        ])
}

/// What a link to another step needs to swap only the page's own content.
fn swap() -> &'static str {
    "swap:\"outerMorph show:none\" target:\"#main\" select:\"#main\""
}

fn body(visit: &Visit, id: &str, found: &Found) -> Markup {
    let Ok(record) = RecordView::parse(&found.event.record) else {
        return html! { div.empty { p { "The record cannot be read." } } };
    };
    html! {
        h1.sr { "Replay of " (bdi(&found.title)) }
        (patterns())
        div.replay {
            (steps(visit, id, found))
            div.stage {
                div.between.stage-head {
                    p.line.soft { (glyph("info")) "This shows what was recorded. Nothing is run." }
                    span.dim { "State as of step " (grouped(found.at + 1)) }
                }
                (panels::all(visit, found))
            }
            (side(visit, id, found, &record))
            (scrubber::bar(visit, id, found))
        }
        @if found.has_recording() {
            link rel="stylesheet" href=(assets::url("vendor/asciinema-player.css"));
        }
    }
}

fn steps(visit: &Visit, id: &str, found: &Found) -> Markup {
    let count = found.steps.len();
    let first = found
        .at
        .saturating_sub(LISTED / 2)
        .min(count.saturating_sub(LISTED));
    let last = (first + LISTED).min(count);
    let link = |index: usize| address(visit, id).with("step", index + 1);
    html! {
        aside.steps aria-label="Steps" data-steps {
            header { strong { "Steps" } " " span.dim { (grouped(found.at + 1)) " of " (grouped(count)) } }
            ol {
                @if first > 0 { li.gap-row { a href=(link(first - 1)) hx-boost=(swap()) { (count_of(first as u64, "step before", "steps before")) } } }
                @for (index, step) in found.steps.iter().enumerate().take(last).skip(first) {
                    li data-row aria-current=[(index == found.at).then_some("step")] {
                        span.number.dim { (grouped(index + 1)) }
                        (super::glyph::source(&step.source))
                        a.over.plain href=(link(index)) hx-boost=(swap()) { (named(step)) }
                        @if step.said.outcome.class == "warn" || step.said.outcome.class == "bad" { span class=(step.said.outcome.class) { (small(step.said.outcome.glyph.unwrap_or("failure"))) } }
                        span.offset.dim { (offset(found, step)) }
                    }
                }
                @if last < count { li.gap-row { a href=(link(last)) hx-boost=(swap()) { (count_of((count - last) as u64, "more step", "more steps")) } } }
            }
        }
    }
}

/// A step in a few words.
fn named(step: &Step) -> Markup {
    html! {
        @match (step.source.as_str(), &step.model, &step.approval) {
            ("llm", Some(model), _) => span.cut { (bdi(model)) " answers" },
            (_, _, Some(approval)) if step.said.what.starts_with("approval.") => span.cut { @if approval.is_denied { "denied: " } @else { "allowed: " } (bdi(approval.rule.as_deref().unwrap_or(&step.said.to))) },
            _ => code.cut { (bdi(&step.said.what)) },
        }
    }
}

/// Time since the job's start.
fn offset(found: &Found, step: &Step) -> String {
    let start = found.steps.first().map_or(0, |first| first.start_us);
    let seconds = step.start_us.saturating_sub(start).max(0) / 1_000_000;
    match seconds {
        0..3_600 => format!("+{:02}:{:02}", seconds / 60, seconds % 60),
        _ => format!(
            "+{}:{:02}:{:02}",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        ),
    }
}

fn side(visit: &Visit, id: &str, found: &Found, record: &RecordView<'_>) -> Markup {
    let seq = found.event.seq.0;
    let said = super::said::Said::of(record, false);
    let recorded = super::clock::utc(i64::try_from(record.recorded_at.0).unwrap_or(i64::MAX));
    let link = address(visit, id).with("step", found.at + 1);
    html! {
        aside.replay-side aria-label="Record and proof" {
            div.side-body {
                div.between { span.line { code.dim { "#" (grouped(seq)) } span.tag { (super::glyph::source(&said.source)) (bdi(&said.source)) } }
                    a href=(visit.address.to("/events").without(&["from", "to"]).with("event", seq)) { "Open event" } }
                h2.heading.wrap { (bdi(&said.what)) }
                p.line.soft { (said.outcome.draw()) @if let Some(took) = &said.took { span { (took) } } }
                (facts(visit, record))
                (proof::verdict(&found.checks, seq, &recorded))
                (proof::list(&found.checks))
                @if !found.linked.is_empty() {
                    h3.small.dim { "Linked records" }
                    ul.around {
                        @for row in &found.linked {
                            li { a.over href=(visit.address.to("/events").without(&["from", "to"]).with("event", row.seq)) { code.dim { (grouped(row.seq)) } }
                                span.dim { (tag(row.time_us, &visit.clock.time(row.time_us))) }
                                div.said.cut { (row.said.what()) } (row.said.outcome.draw()) }
                        }
                    }
                }
            }
            footer.drawer-foot {
                a.btn href={ "/events/" (seq) "/proof" } download { (glyph("download")) "Download proof" }
                a.btn.ghost data-copy-link href=(link) { (glyph("link")) "Link to this step" }
            }
        }
    }
}
