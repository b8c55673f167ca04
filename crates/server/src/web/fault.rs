//! A page that says what failed.

use hyper::StatusCode;
use maud::{Markup, html};

use super::{
    address::Address,
    document::Document,
    frame::{self, Frame},
    glyph::glyph,
    visit::{Taste, Visit},
};
use crate::problem::{Code, Problem};

/// The page of a problem, inside the frame of somebody who is signed in.
pub(super) fn page(
    visit: Option<&Visit>,
    taste: &Taste,
    problem: &Problem,
    request_id: &str,
) -> Document {
    let title = title(problem.code());
    let body = card(visit.map(|visit| &visit.address), problem, request_id);
    let html = match visit {
        Some(visit) => frame::page(visit, &Frame::titled(title), &body),
        None => frame::bare(taste, title, &body),
    };
    Document::new(problem.code().status(), html)
}

/// What failed, in the place of what was asked for.
pub(super) fn card(here: Option<&Address>, problem: &Problem, request_id: &str) -> Markup {
    let is_own = problem.code().status().is_server_error();
    html! {
        section.card.lined.fault role="alert" {
            header { (glyph(if is_own { "error" } else { "warning" })) h1.lead { (title(problem.code())) } }
            div.body.col {
                p { (problem.detail()) }
                @if !request_id.is_empty() { p.dim.small { "Request " code { (request_id) } " · " (problem.code().as_str()) } }
                div.line {
                    @if let Some(here) = here { a.btn href=(here) { (glyph("refresh")) "Try again" } }
                    a.btn.ghost href="/" { "To the start" }
                }
            }
        }
    }
}

/// What happened, in a few words.
fn title(code: Code) -> &'static str {
    match code.status() {
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::FORBIDDEN => "That is not yours to see or do",
        StatusCode::TOO_MANY_REQUESTS => "The server is busy",
        StatusCode::SERVICE_UNAVAILABLE => "The log accepts nothing",
        status if status.is_client_error() => "That did not work",
        _ if code == Code::Damaged => "What is stored is not what was recorded",
        _ => "The server failed",
    }
}

/// The same inside a page whose other parts are good.
pub(super) fn alert(problem: &Problem) -> Markup {
    html! {
        div.alert.bad role="alert" {
            (glyph("error"))
            div {
                p.strong { (title(problem.code())) }
                p { (problem.detail()) }
            }
        }
    }
}
