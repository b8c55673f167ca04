//! Export: five questions on one page, all answered already, and an exact preview of what they give.

mod gather;
mod made;
mod preview;
mod questions;

use std::sync::Arc;

use axum::{extract::State, response::Response};
use form_urlencoded::Serializer;
use gather::{Answers, Asked};
use hyper::Uri;
pub(super) use made::{made, remove};
use maud::html;

use super::{
    access::see_other,
    address::Address,
    chart::patterns,
    form::Form,
    frame::{self, Frame, Nav},
    narrow,
    selected::Selected,
    visit::Visit,
};
use crate::{
    api::{exports::start as start_export, selection::Selection},
    app::App,
    keys::Scope,
    params::Params,
    problem::{Code, Problem},
};

/// `GET /export`
pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    uri: Uri,
) -> Result<Response, Problem> {
    check(&visit)?;
    let earlier = app.node().exports();
    let earlier = earlier.list(visit.caller.trail_id(), visit.caller.project());
    let selected = Selected::of(&visit);
    let answers = Answers::read(&uri, visit.has(Scope::Content));
    let views = app.node().views().list(visit.caller.trail_id());
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
                a.btn href="/export/made" { "Earlier exports " span.dim { (earlier.len()) } }
            }
            div.cards.export-cards {
                (questions::card(&reader, &selected, &answers, found.as_ref(), &views))
                (preview::card(&reader, &selected, &answers, found.as_ref(), &uri))
            }
        })
    };
    frame::answer(&visit, &Frame::of(Nav::Export), made).await
}

/// `POST /export`: starts what the page of the same address shows, over the time and tree that it was counted for.
pub(super) async fn start(
    State(app): State<Arc<App>>,
    visit: Visit,
    uri: Uri,
    form: Form,
) -> Result<Response, Problem> {
    check(&visit)?;
    let selected = Selected::of(&visit);
    let answers = Answers::read(&uri, visit.has(Scope::Content));
    let counted = |name| form.get(name).filter(|text| !text.is_empty());
    let params = Params::of(vec![
        ("q", Some(narrow::and(&selected.q, &answers.term()))),
        ("from", counted("from").map(ToOwned::to_owned)),
        ("to", counted("to").map(ToOwned::to_owned)),
        ("at", counted("at").map(ToOwned::to_owned)),
    ]);
    let selection = Selection::read(&params, &visit.caller, app.node().now_us())?;
    let Answers {
        format,
        with_contents,
        ..
    } = answers;
    let purpose = form.get("purpose").unwrap_or("");
    let caller = &visit.caller;
    start_export(
        &app,
        caller,
        selection,
        format.made(),
        with_contents,
        purpose.chars().take(gather::MOST_PURPOSE).collect(),
    )
    .await?;
    Ok(see_other("/export/made"))
}

/// Where the events of a page are exported, of whatever kind.
pub(super) fn everything(events: &Address) -> String {
    let mut kinds = Serializer::new(String::new());
    kinds.append_pair("answered", "1");
    for (word, ..) in gather::KINDS {
        kinds.append_pair("kind", word);
    }
    let address = events.at("/export").to_string();
    let join = if address.contains('?') { '&' } else { '?' };
    format!("{address}{join}{}", kinds.finish())
}

fn check(visit: &Visit) -> Result<(), Problem> {
    if visit.has(Scope::Export) {
        return Ok(());
    }
    let detail = "your role may not export";
    Err(Problem::new(Code::InsufficientScope, detail))
}
