//! Who let the job do what, and what was refused.

use maud::{Markup, html};

use super::gather::{Approval, Found, Step};
use crate::web::{
    clock::tag,
    glyph::sized,
    jobs,
    number::{duration, grouped},
    text::bdi,
    visit::Visit,
};

/// Lines at the side of the activity.
const SHORT: usize = 6;

/// At the side: decisions of people, and everything that was denied.
pub(super) fn card(visit: &Visit, id: &str, found: &Found) -> Markup {
    let decided: Vec<(&Step, &Approval)> = decisions(&found.steps)
        .filter(|(_, approval)| approval.is_denied || approval.approver != "auto")
        .collect();
    html! {
        section.card.lined {
            header { h2 { "Approvals" } @if !decided.is_empty() { a.end href=(jobs::address(visit, id).with("show", "approvals")) { "All " (grouped(found.summary.approvals)) } } }
            @if decided.is_empty() { div.empty { p.dim { "Nobody had to decide anything." } } }
            ul.attention { @for (step, approval) in decided.iter().rev().take(SHORT) { (item(visit, step, approval)) } }
        }
    }
}

pub(super) fn page(visit: &Visit, found: &Found) -> Markup {
    let all: Vec<(&Step, &Approval)> = decisions(&found.steps).collect();
    html! {
        section.card.lined {
            header { h2 { "Approvals" } span.end { "newest first" } }
            @if all.is_empty() { div.empty { p.dim { "No action of this job asked for an approval." } } }
            ul.attention { @for (step, approval) in all.iter().rev() { (item(visit, step, approval)) } }
        }
    }
}

/// Steps that were decided on. The decision's own event and the action that it let through are one.
fn decisions(steps: &[Step]) -> impl Iterator<Item = (&Step, &Approval)> {
    let decided = steps
        .iter()
        .filter_map(|step| Some((step, step.approval.as_ref()?)));
    decided.filter(|(step, _)| !step.said.what.starts_with("approval."))
}

fn item(visit: &Visit, step: &Step, approval: &Approval) -> Markup {
    let (mark, class) = if approval.is_denied {
        ("denied", "warn")
    } else {
        ("allowed", "ok")
    };
    html! {
        li {
            span class=(class) { (sized(mark, "g")) }
            a.what.cut href=(visit.address.without(&["show"]).with("event", step.seq)) { code { (bdi(&step.said.what)) } }
            span.when { (tag(step.start_us, &visit.clock.minute(step.start_us))) }
            div.detail {
                @if approval.is_denied { "denied by " } (bdi(&approval.approver))
                @if let Some(rule) = &approval.rule { ", " (bdi(rule)) }
                ", " @if approval.waited_us > 0 { "after " (duration(approval.waited_us)) } @else { "at once" }
                @if let Some(reason) = &approval.reason { " · “" (bdi(reason)) "”" }
            }
        }
    }
}
