//! Whose pages may fetch proofs by a link.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use maud::{Markup, html};

use super::{
    super::{access::see_other, form::Form, frame::seal, glyph::glyph, visit::Visit},
    admin,
};
use crate::{
    api::shares::change_origins,
    app::{App, blocking},
    problem::Problem,
};

pub(super) fn card(app: &App, visit: &Visit) -> Markup {
    let origins = app.node().shares().origins(visit.caller.trail_id());
    html! {
        section.card.lined aria-labelledby="embedding" {
            header { h2 #embedding { "Pages that may embed proofs" } span.end { @if origins.is_empty() { "none but ours" } @else { (origins.len()) } } }
            form.body.padded.col method="post" action="/settings/embedding" {
                (seal(visit))
                label.label for="origins" { "Origins, one a line" }
                textarea.input.mono #origins name="origins" rows=(origins.len().clamp(2, 8)) placeholder="https://example.org" spellcheck="false" { (origins.join("\n")) }
                p.small.dim { "Pages of these origins may fetch the proof of an event by a link that was made for it. Each change is recorded." }
                p { button.btn { (glyph("tick")) "Save" } }
            }
        }
    }
}

/// `POST /settings/embedding`
pub(in super::super) async fn set(
    State(app): State<Arc<App>>,
    visit: Visit,
    form: Form,
) -> Result<Response, Problem> {
    admin(&visit)?;
    let text = form.get("origins").unwrap_or("").to_owned();
    let origins = text.split_whitespace().map(ToOwned::to_owned).collect();
    blocking(move || change_origins(&app, &visit.caller, origins)).await?;
    Ok(see_other("/settings"))
}
