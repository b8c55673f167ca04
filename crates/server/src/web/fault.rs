//! A page that says what failed.

use hyper::StatusCode;
use maud::{Markup, html};

use super::{
    document::{Document, Policy},
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
    let status = problem.code().status();
    let title = title(problem.code());
    let body = html! {
        section.card.lined.fault {
            header { (glyph(if status.is_server_error() { "error" } else { "warning" })) h1.lead { (title) } }
            div.body.col {
                p { (problem.detail()) }
                @if !request_id.is_empty() { p.dim.small { "Request " code { (request_id) } " · " (problem.code().as_str()) } }
                div.line {
                    @if let Some(visit) = visit {
                        a.btn href=(visit.address) { (glyph("refresh")) "Try again" }
                    }
                    a.btn.ghost href="/" { "To the start" }
                }
            }
        }
    };
    let html = match visit {
        Some(visit) => frame::page(visit, &Frame::titled(title), &body),
        None => frame::bare(taste, title, &body),
    };
    Document {
        status,
        html: html.into_string(),
        policy: Policy::Usual,
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
