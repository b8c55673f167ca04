//! Export: five questions on one page, all answered already, and an exact preview of what they give.

mod gather;
mod preview;
mod questions;

use std::sync::Arc;

use axum::{extract::State, response::Response};
use gather::{Answers, Asked};
use hyper::Uri;
use maud::html;

use super::{
    chart::patterns,
    frame::{self, Frame, Nav},
    selected::Selected,
    visit::Visit,
};
use crate::{
    app::App,
    keys::Scope,
    problem::{Code, Problem},
};

/// `GET /export`
pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    uri: Uri,
) -> Result<Response, Problem> {
    if !visit.has(Scope::Export) {
        return Err(Problem::new(
            Code::InsufficientScope,
            "your role may not export",
        ));
    }
    let selected = Selected::of(&visit);
    let answers = Answers::read(&uri, visit.has(Scope::Content));
    let asked = Asked {
        selected: selected.clone(),
        answers: answers.clone(),
        clock: visit.clock.clone(),
        numbers: app.node().numbers(visit.caller.trail_id()),
    };
    let engine = visit.engine(&app);
    let reader = visit.clone();
    let made = async move {
        let found = match &selected.fault {
            Some(_) => None,
            None => Some(app.read(move || asked.answer(engine.snapshot()?)).await?),
        };
        if found.is_some() {
            selected.note(&app, &reader, []);
        }
        Ok(html! {
            (patterns())
            div.between {
                div { h1 { "Export evidence" } p.soft { "Hand over the raw records of a period. Nothing is summarised, nothing is left out in silence." } }
            }
            div.cards.export-cards {
                (questions::card(&reader, &selected, &answers, found.as_ref()))
                (preview::card(&reader, &selected, &answers, found.as_ref()))
            }
        })
    };
    frame::answer(&visit, &Frame::of(Nav::Export), made).await
}
