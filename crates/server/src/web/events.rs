//! Events: find them, see them, prove them.

mod actions;
mod drawer;
mod facets;
mod files;
mod filter_bar;
mod gather;
mod live;
mod share;
mod table;
mod views;

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use gather::{Asked, Found};
use maud::{Markup, html};

pub(super) use drawer::{Detail, facts, pane, withheld};
pub(super) use files::{content as content_file, proof as proof_file, record as record_file};
pub(super) use filter_bar::{Locked, bar, filter_fault};
pub(super) use gather::{Listed, Row, list, read as read_rows};
pub(super) use live::rows as live_rows;
pub(super) use share::{page as share_page, submit as share};
pub(super) use table::table as rows_table;
pub(super) use views::{remove as remove_view, save as save_view};

use super::{
    chart::{Stack, patterns, ticks},
    document::Document,
    frame::{self, Frame, Nav, Shape},
    number::{count_of, grouped},
    selected::{Fault, Selected},
    text::bdi,
    visit::Visit,
};
use crate::{app::App, audit::What, problem::Problem};

/// Height of the bars above the list, pixels.
const BARS: u32 = 48;

/// What an address says beside its filter, and may say wrongly.
const PLACED: [&str; 5] = ["from", "to", "at", "after", "before"];

/// `GET /events`
pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let selected = Selected::of(&visit);
    let frame = Frame {
        has_period: true,
        shape: Shape::Flush,
        ..Frame::of(Nav::Events)
    };
    let asked = Asked::of(&visit, &selected);
    let engine = visit.engine(&app);
    // A script that opens an event needs nothing else of the page.
    if visit.part.as_deref() == Some("drawer") {
        let reader = visit.clone();
        let detail = app
            .read(move || asked.detail(&reader, &asked.selected.view(engine.snapshot()?)?))
            .await?;
        note_detail(&app, &visit, detail.as_ref());
        return Ok(Document::ok(pane(&visit, detail.as_ref())).into_response());
    }
    let reader = visit.clone();
    let made = async move {
        let found = if selected.fault.is_some() {
            None
        } else {
            let gatherer = reader.clone();
            let find = move || asked.answer(&gatherer, engine.snapshot()?);
            Some(app.read(find).await?)
        };
        if let Some(found) = &found {
            selected.note(&app, &reader, found.listed.rows.iter().map(|row| row.seq));
            note_detail(&app, &reader, found.detail.as_ref());
        }
        let views = app.node().views().list(reader.caller.trail_id());
        Ok(body(&reader, &selected, found.as_ref(), &views))
    };
    frame::answer(&visit, &frame, made).await
}

/// An event that is open was read, and its content where that is shown.
pub(super) fn note_detail(app: &App, visit: &Visit, detail: Option<&Detail>) {
    if let Some(detail) = detail {
        visit.caller.audit_one(app, What::Records, detail.event.seq);
        if detail.shows_content() {
            visit
                .caller
                .audit_one(app, What::Contents, detail.event.seq);
        }
    }
}

fn body(
    visit: &Visit,
    selected: &Selected,
    found: Option<&Found>,
    views: &[crate::views::View],
) -> Markup {
    let detail = found.and_then(|found| found.detail.as_ref());
    html! {
        h1.sr { "Events" }
        (patterns())
        div.events {
            div.bar-row {
                (bar(&visit.address, selected, None, "Add a filter or words to find"))
                (actions::actions(visit, selected, found, views))
            }
            @if let Some(fault) = &selected.fault { div.faults { (filter_fault(&visit.address, selected, fault)) } }
            @if let Some(found) = found {
                div.panes {
                    (facets::pane(visit, selected, &found.facets))
                    section.list aria-label="Events" {
                        (head(visit, selected, found))
                        (rows_table(visit, &found.listed, detail.map(|detail| detail.event.seq.0)))
                        @if found.listed.rows.is_empty() { (nothing(visit, selected, found)) }
                        (foot(visit, found))
                    }
                    (pane(visit, detail))
                }
            } @else {
                div.panes { section.list { div.empty {
                    @if matches!(selected.fault, Some(Fault::Filter(_))) { p { "Correct the filter to see events." } }
                    @else { p { "Nothing is shown, as it would not be what was asked for." } a.btn href=(visit.address.without(&PLACED)) { "Show the newest events" } }
                } } }
            }
        }
    }
}

fn head(visit: &Visit, selected: &Selected, found: &Found) -> Markup {
    let starts: Vec<i64> = found.bars.bars.iter().map(|bar| bar.span.0).collect();
    let names = ticks(&visit.clock, found.interval, &starts);
    let title = format!("Events by {}", found.interval.name());
    let chart = Stack {
        bars: &found.bars.bars,
        kinds: &found.bars.kinds,
        ticks: &names,
        height: BARS,
        figure: |count| grouped(count),
        mark: |count| grouped(count),
        title: &title,
        has_axis: false,
    };
    html! {
        div.list-head {
            div.between {
                p { strong #count { (count_of(found.total, "event", "events")) } " "
                    span.dim { (selected.period.label) @if found.total > 0 { ", by " (found.interval.name()) }
                        @if let Some(at) = selected.at { ", at tree size " (grouped(at)) } } }
                (chart.legend())
            }
            @if found.total > 0 { (chart.draw()) div.sr-table { (chart.table()) } }
        }
    }
}

/// No results: which term excludes everything, and the way out.
fn nothing(visit: &Visit, selected: &Selected, found: &Found) -> Markup {
    let here = visit.address.without(&["after", "before", "event", "tab"]);
    html! {
        div.empty role="status" {
            @match &found.widen {
                gather::Widen::Nothing => { p { "Nothing is recorded here yet." } }
                gather::Widen::Page => { p { "There are no more events in this direction." } a.btn href=(here) { "To the newest" } }
                gather::Widen::Term { term, without, count } => {
                    p { "Nothing matches. Without " code { (bdi(term)) } " it would be " (count_of(*count, "event", "events")) "." }
                    a.btn.primary href=(here.with("q", without)) { "Leave it out" }
                }
                gather::Widen::Time { count } => {
                    p { "Nothing matches in this time. At other times it is " (count_of(*count, "event", "events")) "." }
                    a.btn.primary href=(here.with("from", "").with("to", "")) { "Show all times" }
                }
                gather::Widen::Several => {
                    p { "Nothing matches, whichever term is left out." }
                    a.btn href=(here.with("q", "").with("from", "").with("to", "")) { "Show everything" }
                }
            }
            @if !selected.q.is_empty() { p.dim.small { "Filter " code { (bdi(&selected.q)) } } }
        }
    }
}

fn foot(visit: &Visit, found: &Found) -> Markup {
    let Listed {
        rows, older, newer, ..
    } = &found.listed;
    let here = visit.address.without(&["after", "before"]);
    html! {
        footer.list-foot {
            span.dim { span data-shown { (grouped(rows.len())) } " rows of " span data-total { (grouped(found.total)) } }
            span.keys-hint.dim aria-hidden="true" {
                kbd.keycap { "j" } " " kbd.keycap { "k" } " move " kbd.keycap { "p" } " proof " kbd.keycap { "?" } " keys"
            }
            nav.line aria-label="Pages" {
                @if let Some(newer) = newer { a.btn data-newer rel="prev" href=(here.with("before", newer)) { (super::glyph::glyph("left")) "Newer" } }
                @if let Some(older) = older { a.btn data-older rel="next" href=(here.with("after", older)) { "Older" (super::glyph::glyph("right")) } }
            }
        }
    }
}
