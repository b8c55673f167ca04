//! What was said, typed and sent, as of a step.

use event::RecordView;
use maud::{Markup, html};

use super::gather::{Found, Kind, Panel};
use crate::web::{
    assets,
    clock::tag,
    content,
    events::withheld,
    glyph::glyph,
    number::{count_of, duration},
    said::Said,
    text::bdi,
    visit::Visit,
};

pub(super) fn all(visit: &Visit, found: &Found) -> Markup {
    html! { @for panel in &found.panels { (one(visit, found, panel)) } }
}

fn one(visit: &Visit, found: &Found, panel: &Panel) -> Markup {
    let Ok(record) = RecordView::parse(&panel.event.record) else {
        return html! {};
    };
    let is_current = panel.at == found.at;
    let said = Said::of(&record, false);
    let title = match panel.kind {
        Kind::Conversation => "Prompt and answer",
        Kind::Terminal => "Terminal",
        Kind::Exchange if record.source == "forward-proxy" => "HTTP",
        Kind::Exchange => "Request",
        Kind::Other => "Step",
    };
    let base = format!("/events/{}/content", panel.event.seq);
    html! {
        section.card.stage-panel.current[is_current] {
            header {
                (crate::web::glyph::source(&record.source))
                h2 { (title) }
                @if is_current { span.tag.accent { "this step" } } @else { span.dim.small { (since(found, panel)) } }
                span.end.cut { @match panel.kind { Kind::Conversation => (bdi(&said.to)), _ => (said.outcome.draw()) } }
            }
            div.body {
                @if panel.kind != Kind::Conversation { p.said { (said.what()) } }
                @if panel.event.content.is_none() { (without(visit, &record)) }
                @else if !found.sees_content { (withheld(visit)) }
                @else if panel.kind == Kind::Terminal { (terminal(panel, &base)) }
                @else { div.stage-content { (content::panels(&record, panel.event.content.as_deref().unwrap_or_default(), &base)) } }
            }
        }
    }
}

fn since(found: &Found, panel: &Panel) -> String {
    let at = |index: usize| found.steps.get(index).map_or(0, |step| step.start_us);
    let before = at(found.at).saturating_sub(at(panel.at)).max(0);
    format!("step {}, {} before", panel.at + 1, duration(before))
}

/// A step that says all it has in its record.
fn without(visit: &Visit, record: &RecordView<'_>) -> Markup {
    html! {
        @if let Some(description) = &record.description { p { (bdi(description)) } }
        @if let Some(approval) = &record.approval {
            p.soft {
                @if approval.decision.as_deref() == Some("denied") { "Denied" } @else { "Allowed" }
                " by " strong { (bdi(approval.approver.as_deref().unwrap_or("–"))) }
                @if let Some(rule) = &approval.rule { ", rule " code { (bdi(rule)) } }
                @if let Some(reason) = &approval.reason { ": “" (bdi(reason)) "”" }
            }
        }
        p.dim.small { "Recorded without content at " (tag(record.time_us, &visit.clock.time(record.time_us))) "." }
    }
}

/// A terminal that is played, or what it printed.
fn terminal(panel: &Panel, base: &str) -> Markup {
    let whole = panel.content();
    let stream = |name: &str| content::member(whole, name);
    html! {
        @if let Some(cast) = panel.recording() {
            div.player data-cast=(cast) data-player=(assets::url("vendor/asciinema-player.min.js")) data-theme-name="indelible" {
                noscript { p.soft { "Playing needs a script. " a href=(cast) download { "Download the asciicast" } "; what it printed is below." } }
            }
            details { summary.soft.small { (glyph("right")) "As text" } (printed(&stream, base)) }
        } @else {
            (printed(&stream, base))
        }
        @if let Some(cwd) = stream("cwd").and_then(event::json::Value::text) { p.small.dim { "in " code { (bdi(&cwd.decode())) } } }
    }
}

fn printed<'a>(stream: &impl Fn(&str) -> Option<event::json::Value<'a>>, base: &str) -> Markup {
    let is_there = |name: &str| stream(name).is_some_and(|value| value.as_str() != "\"\"");
    let shown = ["stdout", "stderr"]
        .into_iter()
        .filter(|name| is_there(name))
        .count();
    html! {
        @for (name, title) in [("stdout", "Standard output"), ("stderr", "Standard error")] {
            @if let Some(value) = stream(name).filter(|_| is_there(name)) {
                @if shown > 1 { h3.small.dim { (title) } }
                (content::stream(value, &format!("{base}/{name}")))
            }
        }
        @if shown == 0 { p.dim.small { "It printed nothing, or nothing of it was kept (" (count_of(0, "byte", "bytes")) ")." } }
    }
}
