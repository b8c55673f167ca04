//! Links to the proof of one event, made and ended by people.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use event::Micros;
use maud::{Markup, html};

use crate::{
    api::{
        events::find,
        shares::{NewBody, end, make},
    },
    app::{App, blocking},
    keys::Scope,
    problem::{Code, Problem},
    web::{
        access::see_other,
        clock::tag,
        document::Document,
        form::Form,
        frame::{self, Frame, Nav, seal},
        glyph::glyph,
        number::grouped,
        visit::Visit,
    },
};

/// How long a link may be asked to hold, days.
const DAYS: [u64; 3] = [7, 30, 365];
const DAY_US: u64 = 86_400_000_000;

/// `GET /events/{event}/share`
pub(in super::super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    check(&visit)?;
    let engine = visit.engine(&app);
    let reader = visit.caller.clone();
    let found = app
        .read(move || find(&engine.snapshot()?, &name, &reader))
        .await?;
    Ok(show(&app, &visit, found.seq.0, None))
}

/// `POST /events/{event}/share`: makes a link, which is shown once, or ends one.
pub(in super::super) async fn submit(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(name): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    check(&visit)?;
    if let Some(id) = form.get("end").map(ToOwned::to_owned) {
        let caller = visit.caller.clone();
        blocking(move || end(&app, &caller, &id)).await?;
        return Ok(see_other(visit.address.path()));
    }
    let days = form.get("days").and_then(crate::params::decimal);
    let days = days.filter(|days| DAYS.contains(days)).unwrap_or(DAYS[1]);
    let until = Micros(app.node().now().0.saturating_add(days * DAY_US));
    let body = NewBody {
        contents: form.get("contents").is_some(),
        expires_at: Some(until.to_string()),
    };
    let (share, token) = make(&app, &visit.caller, name, body).await?;
    Ok(show(&app, &visit, share.event_seq, Some(&token)))
}

fn check(visit: &Visit) -> Result<(), Problem> {
    if visit.has(Scope::Export) {
        return Ok(());
    }
    let detail = "your role may not share proofs";
    Err(Problem::new(Code::InsufficientScope, detail))
}

fn show(app: &App, visit: &Visit, seq: u64, token: Option<&str>) -> Response {
    let caller = &visit.caller;
    let shares = app.node().shares();
    let mut known = shares.list(caller.trail_id(), caller.project(), app.node().now());
    known.retain(|share| share.event_seq == seq);
    let date = |us: u64| {
        let us = i64::try_from(us).unwrap_or(i64::MAX);
        tag(us, &visit.clock.date(us))
    };
    let body = html! {
        div.between.page-head {
            div { h1 { "Share the proof of #" (grouped(seq)) } p.soft { "Whoever has the link sees this one event with its proof, and checks it in their own browser." } }
            a.btn href={ "/events?event=" (seq) "&tab=proof" } { "Back to the event" }
        }
        div.page {
            @if let Some(token) = token { (once(visit, token)) }
            section.card.lined aria-labelledby="links" {
                header { h2 #links { "Links" } span.end { (known.len()) } }
                @if known.is_empty() { div.empty { p.dim { "There is none." } } }
                ul.exports { @for share in &known {
                    li {
                        div.grow { p { "Made " (date(share.created_at)) ", until " (date(share.expires_at)) @if share.contents { ", with content" } } p.small.dim { code { (share.id) } } }
                        form method="post" action=(visit.address.path()) { (seal(visit)) input type="hidden" name="end" value=(share.id); button.btn.danger { "End" } }
                    }
                } }
                form.body.padded.col method="post" action=(visit.address.path()) {
                    (seal(visit))
                    div.line {
                        label.label for="days" { "Holds for" }
                        select.input #days name="days" { @for days in DAYS { option value=(days) selected[days == DAYS[1]] { (days) " days" } } }
                    }
                    @if visit.has(Scope::Content) { label.check { input type="checkbox" name="contents" value="1"; "Show the content too" } }
                    p { button.btn.primary { (glyph("link")) "Make a link" } }
                    p.small.dim { "It is recorded that it was made, and each minute in which it was read." }
                }
            }
        }
    };
    Document::ok(frame::page(visit, &Frame::of(Nav::Events), &body)).into_response()
}

/// What is never shown again.
fn once(visit: &Visit, token: &str) -> Markup {
    let key = visit.caller.trail.verifier_key();
    html! {
        div.alert.ok role="status" {
            (glyph("link"))
            div.col.tight.grow {
                p { "Copy this now, it is not shown again." }
                div.copy { input.input #made-share readonly value={ "/shared/" (token) } data-absolute aria-label="Link to the proof";
                    button.btn.icon type="button" data-copy="#made-share" aria-label="Copy the link" { (glyph("copy")) } }
                p.small { "In a page of yours, of an origin that Settings names:" }
                pre.code.wrap { "<indelible-proof src=\"/v1/shared/" (token) "\" key=\"" (key) "\"></indelible-proof>" }
            }
        }
    }
}
