//! Observe: the whole trail at a glance. Every number leads to its events.

mod attention;
mod breakdown;
mod figures;
mod first_run;
mod gather;
mod series;

use std::sync::Arc;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use gather::{Asked, By, Overview};
use maud::{Markup, html};
use query::Interval;

use super::{
    clock::tag,
    document::Document,
    events::filter_fault,
    frame::{self, Frame, Nav},
    glyph::{glyph, sized},
    number::grouped,
    selected::Selected,
    text::{bdi, label},
    visit::Visit,
};
use crate::{app::App, problem::Problem};

/// `GET /`
pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let selected = Selected::of(&visit);
    let by = visit.address.get("by");
    let by = By::ALL.into_iter().find(|(name, _)| Some(*name) == by);
    let asked = Asked {
        by: by.map_or(By::Result, |(_, by)| by),
        interval: visit.address.get("interval").and_then(Interval::from_name),
        clock: visit.clock.clone(),
        selected: selected.clone(),
    };
    let engine = visit.engine(&app);
    let numbers = app.node().numbers(visit.caller.trail_id());
    let by = asked.by;
    let fault = selected.fault.clone();
    let frame = Frame {
        has_period: true,
        ..Frame::of(Nav::Observe)
    };
    if let Some(fault) = fault {
        let body = html! { div.page { (filter_fault(&visit.address, &selected, &fault)) } };
        return Ok(Document::ok(frame::page(&visit, &frame, &body)).into_response());
    }
    let reader = visit.clone();
    let base = crate::mcp::base(&headers);
    let made = async move {
        let overview = app
            .read(move || asked.answer(engine.snapshot()?, &numbers))
            .await?;
        selected.note(&app, &reader, []);
        Ok(if overview.is_new {
            first_run::page(&reader, &base)
        } else {
            body(&reader, &selected, by, &overview)
        })
    };
    frame::answer(&visit, &frame, made).await
}

fn body(visit: &Visit, selected: &Selected, by: By, overview: &Overview) -> Markup {
    html! {
        h1.sr { "Observe" }
        (super::chart::patterns())
        div.page {
            @if !selected.q.is_empty() { (narrowed(visit, selected)) }
            (figures::card(visit, selected, overview))
            div.cards.observe-top {
                (series::card(visit, selected, by, overview))
                (needs(visit, overview))
            }
            (breakdown::cards(visit, selected, overview))
        }
    }
}

/// A filter that came with a link narrows the whole page, and must be seen.
fn narrowed(visit: &Visit, selected: &Selected) -> Markup {
    html! {
        div.alert {
            (glyph("filter"))
            p { "Only events that match " code { (bdi(&selected.q)) } ". " a href=(visit.address.with("q", "")) { "Show all" } }
        }
    }
}

fn needs(visit: &Visit, overview: &Overview) -> Markup {
    let items = &overview.attention;
    let shown = items.len().min(attention::MOST);
    html! {
        section.card aria-labelledby="attention" {
            header { h2 #attention { "Needs attention" }
                @if shown < items.len() { span.tag { (shown) " of " (grouped(items.len())) } }
            }
            @if items.is_empty() {
                div.empty { p.dim { "Nothing failed, nothing is missing, nothing waits." } }
            }
            ul.attention {
                @for item in items.iter().take(attention::MOST) {
                    li {
                        span class=(item.class) { (sized(item.glyph, "g")) }
                        a.what href=(leads(visit, item)) { (item.title) }
                        @if let Some(time_us) = item.time_us {
                            span.when { (tag(time_us, &visit.clock.short(time_us))) }
                        }
                        div.detail.cut title=(whole(&item.detail)) {
                            @for word in &item.detail {
                                @match word {
                                    attention::Word::Own(text) => (text),
                                    attention::Word::Named(text) => code { (bdi(text)) },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn whole(detail: &[attention::Word]) -> String {
    let words = detail.iter().map(|word| match word {
        attention::Word::Own(text) => text.clone(),
        attention::Word::Named(text) => label(text),
    });
    words.collect()
}

fn leads(visit: &Visit, item: &attention::Item) -> String {
    match &item.leads {
        attention::Leads::Events(q) => visit.address.to("/events").with("q", q).to_string(),
        attention::Leads::Integrity => format!("{}#producers", visit.address.to("/integrity")),
    }
}
