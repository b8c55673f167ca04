//! Exports that were asked for, with how far they have come.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use super::check;
use crate::{
    app::{App, blocking},
    exports::{Format, Shown, Status},
    problem::Problem,
    web::{
        access::see_other,
        clock::tag,
        document::Document,
        form::Form,
        frame::{self, Frame, Nav, seal},
        glyph::glyph,
        number::{bytes, count_of, grouped},
        text::bdi,
        visit::Visit,
    },
};

/// `GET /export/made`
pub(in super::super) async fn made(
    State(app): State<Arc<App>>,
    visit: Visit,
) -> Result<Response, Problem> {
    check(&visit)?;
    let exports = app.node().exports();
    let all = exports.list(visit.caller.trail_id(), visit.caller.project());
    let body = html! {
        div.between.page-head {
            div { h1 { "Exports" } p.soft { "Each is recorded in the trail, with the hash of what was handed over." } }
            a.btn href="/export" { "New export" }
        }
        div.page {
            (list(&visit, &all))
            section.card.lined aria-labelledby="check" {
                header { h2 #check { "Checking a package" } }
                div.body.padded.col {
                    p { "Whoever receives one opens " code { "verify.html" } " of the package in a browser, without a network, or runs" }
                    p { code.wrap { "indelible verify PACKAGE.zip --vkey '" (visit.caller.trail.verifier_key()) "'" } }
                    p.small.dim { "Give the key on another way than the package: only then does it say who signed." }
                }
            }
        }
    };
    Ok(Document::ok(frame::page(&visit, &Frame::of(Nav::Export), &body)).into_response())
}

/// `POST /export/remove`: ends an export and removes its file.
pub(in super::super) async fn remove(
    State(app): State<Arc<App>>,
    visit: Visit,
    form: Form,
) -> Result<Response, Problem> {
    check(&visit)?;
    let id = form.get("id").unwrap_or("").to_owned();
    let caller = visit.caller.clone();
    blocking(move || {
        let exports = app.node().exports();
        let shown = exports.find(caller.trail_id(), caller.project(), &id);
        exports.remove(&shown.ok_or_else(Problem::not_found)?.export.id);
        Ok(see_other("/export/made"))
    })
    .await
}

/// The list asks for itself again as long as something in it changes.
fn list(visit: &Visit, all: &[Shown]) -> Markup {
    let is_over = |shown: &Shown| matches!(shown.export.status, Status::Done | Status::Failed);
    let again = (!all.iter().all(is_over)).then_some("load delay:1s");
    html! {
        section.card #made aria-label="Exports" hx-get="/export/made" hx-trigger=[again] hx-target="#made" hx-select="#made" hx-swap="outerHTML show:none" {
            @if all.is_empty() {
                div.empty { p { "Nothing was exported yet, or not for as long as exports are kept." } }
            } @else {
                ul.exports { @for shown in all { (row(visit, shown)) } }
            }
        }
    }
}

fn row(visit: &Visit, shown: &Shown) -> Markup {
    let export = &shown.export;
    let us = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
    let form = match export.format {
        Format::Evidence => "Evidence package",
        Format::Jsonl => "JSON Lines",
        Format::Csv => "CSV",
    };
    let q = &export.query;
    let ends = |at: &Option<String>, none: &str| {
        at.as_ref()
            .map_or_else(|| none.to_owned(), |at| at.replace('T', " "))
    };
    html! {
        li.export {
            div.col.tight.grow {
                p { span.medium { (form) } @if export.contents { span.soft { " with contents" } }
                    span.dim { ", " (tag(us(export.created_at), &visit.clock.stamp(us(export.created_at)))) " by " (bdi(&export.by_name)) } }
                @if !export.purpose.is_empty() { p.soft { (bdi(&export.purpose)) } }
                p.small.dim.wrap {
                    @if q.q.is_empty() { "every event" } @else { code { (bdi(&q.q)) } }
                    ", from " (ends(&q.from, "the first")) " to " (ends(&q.to, "the last")) ", at tree size " (grouped(q.at))
                }
                (state(shown))
            }
            div.line {
                @if export.status == Status::Done {
                    a.btn.primary href={ "/v1/exports/" (export.id) "/download" } download { (glyph("download")) "Download, " (bytes(export.bytes)) }
                }
                form method="post" action="/export/remove" {
                    (seal(visit)) input type="hidden" name="id" value=(export.id);
                    button.btn.ghost { @if matches!(export.status, Status::Queued | Status::Running) { "Cancel" } @else { "Remove" } }
                }
            }
        }
    }
}

fn state(shown: &Shown) -> Markup {
    let export = &shown.export;
    let [done, total] = shown.progress;
    html! {
        @match export.status {
            Status::Queued => p.small role="status" { "Waits for the one before" },
            Status::Running => p.line.small role="status" { progress max=(total.max(1)) value=(done) aria-label="Events written" {} (grouped(done)) " of " (grouped(total)) },
            Status::Done => p.small.soft {
                (count_of(export.counts.records, "event", "events"))
                @if let Some(seq) = export.event_seq { ", recorded as " a href={ "/events?event=" (seq) } { "#" (grouped(seq)) } }
                @if let Some(hash) = &export.sha256 { ", SHA-256 " code { (hash.get(..16).unwrap_or(hash)) "…" } }
            },
            Status::Failed => p.small.bad { (glyph("error")) " " (export.error.as_deref().unwrap_or("failed")) },
        }
    }
}
