//! At the side: what hooks, telemetry and proxies tell of the same calls, and where they do not agree.

use maud::{Markup, html};

use super::gather::Found;
use crate::{
    correlation::{Call, Disagreement, Report},
    web::{
        glyph::sized,
        number::{count_of, grouped, money},
        text::bdi,
        visit::Visit,
    },
};

/// Lines of the card.
const SHORT: usize = 6;

/// Nothing where one side alone tells of calls.
pub(super) fn card(visit: &Visit, found: &Found) -> Markup {
    let report = &found.report;
    let linked = report.linked();
    if linked == 0 && report.missing.is_empty() {
        return html! {};
    }
    let disputed: Vec<(&Call, &Disagreement)> = report
        .calls
        .iter()
        .flat_map(|call| call.disagreements.iter().map(move |what| (call, what)))
        .collect();
    html! {
        section.card.lined {
            header { h2 { "What the sides tell" } }
            div.empty { p.dim { (grouped(linked)) " of " (count_of(report.calls.len() as u64, "call", "calls")) " told by more than one" (holes(report)) } }
            ul.attention {
                @for (call, what) in disputed.iter().take(SHORT) { (item(visit, call, what)) }
            }
            @if disputed.len() > SHORT { p.small.dim { "and " (grouped(disputed.len() - SHORT)) " more" } }
        }
    }
}

/// What is missing, and what is counted twice.
fn holes(report: &Report) -> Markup {
    let missing: u64 = report
        .missing
        .iter()
        .map(|hole| hole.to - hole.from + 1)
        .sum();
    html! {
        @if missing > 0 { ", " (count_of(missing, "numbered event", "numbered events")) " missing" }
        @if report.told_twice_nanousd > 0 { ", " (money(report.told_twice_nanousd.into())) " told twice" }
    }
}

fn item(visit: &Visit, call: &Call, what: &Disagreement) -> Markup {
    let event = call.seen.first().map(|seen| seen.seq);
    html! {
        li {
            span.warn { (sized("denied", "g")) }
            @if let Some(event) = event {
                a.what.cut href=(visit.address.without(&["show"]).with("event", event)) { code { (bdi(call.name().unwrap_or(&call.id))) } }
            }
            div.detail {
                @match what {
                    Disagreement::NotTold { by } => { "not told by " (by.as_str()) }
                    Disagreement::Differs { what, said } => {
                        (what) " differs: "
                        @for (index, (side, value)) in said.iter().enumerate() {
                            @if index > 0 { ", " } (side.as_str()) " says " (bdi(value))
                        }
                    }
                    Disagreement::RanThoughDenied => "was denied, and ran",
                }
            }
        }
    }
}
