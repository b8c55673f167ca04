//! Agents: what each of them did and what it cost; from an agent down to its days, models, jobs and events.

mod drill;
mod gather;
mod list;

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use event::filter::TextField;
use maud::{Markup, html};

use super::{
    address::{Address, segment},
    chart::patterns,
    document::Document,
    events::filter_fault,
    frame::{self, Frame, Nav},
    glyph::glyph,
    selected::Selected,
    text::bdi,
    visit::Visit,
};
use crate::{app::App, problem::Problem};

/// `GET /agents`
pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    show(&app, &visit, None).await
}

/// `GET /agents/{id}`: the same list, and one of them below.
pub(super) async fn one(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    show(&app, &visit, Some(id)).await
}

/// Where an agent is.
fn address(visit: &Visit, id: &str) -> Address {
    visit.address.at(format!("/agents/{}", segment(id)))
}

/// The events of an agent that match a term.
fn events(visit: &Visit, id: &str, term: &str) -> Address {
    let q = super::narrow::and(&super::narrow::term(TextField::Actor, id), term);
    visit.address.to("/events").with("q", q)
}

async fn show(app: &Arc<App>, visit: &Visit, id: Option<String>) -> Result<Response, Problem> {
    let selected = Selected::of(visit);
    let frame = Frame {
        has_period: true,
        title: id.as_deref().unwrap_or("Agents"),
        above: id
            .iter()
            .map(|_| ("Agents", visit.address.at("/agents")))
            .collect(),
        ..Frame::of(Nav::Agents)
    };
    if let Some(fault) = &selected.fault {
        let body = html! { div.page { (filter_fault(&visit.address, &selected, fault)) } };
        return Ok(Document::ok(frame::page(visit, &frame, &body)).into_response());
    }
    let asked = gather::Asked {
        clock: visit.clock.clone(),
        id: id.clone(),
        by_tokens: visit.address.get("by") == Some("tokens"),
        selected,
    };
    if let Some(id) = id.clone() {
        let (asked, engine) = (asked.clone(), visit.engine(app));
        let knows = move || asked.knows(&asked.selected.view(engine.snapshot()?)?, &id);
        if !app.read(knows).await? {
            return Err(Problem::not_found());
        }
    }
    let (app, reader, id) = (Arc::clone(app), visit.clone(), id.clone());
    let made = async move {
        let (engine, selected) = (reader.engine(&app), asked.selected.clone());
        let find = move || asked.answer(&asked.selected.view(engine.snapshot()?)?);
        let found = app.read(find).await?;
        selected.note(&app, &reader, []);
        Ok(body(&reader, id.as_deref(), &found))
    };
    frame::answer(visit, &frame, made).await
}

fn body(visit: &Visit, id: Option<&str>, found: &gather::Found) -> Markup {
    html! {
        h1.sr { "Agents" }
        (patterns())
        div.page {
            (list::card(visit, found, id))
            @match (&found.one, id) {
                (Some(one), Some(id)) => {
                    div.between #agent {
                        p.line { a href=(visit.address.at("/agents")) { "All agents" } (glyph("right")) strong { (bdi(id)) }
                            span.dim { "choose a day, a model or a job to go down to its events" } }
                        a.btn.small href=(events(visit, id, "")) { "Open its events" (glyph("right")) }
                    }
                    (drill::cards(visit, id, one))
                },
                _ => @if !found.agents.is_empty() { p.dim { "Choose an agent to see its days, models, tools and jobs." } },
            }
        }
    }
}
