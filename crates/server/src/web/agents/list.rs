//! The list of agents, dearest first.

use maud::{Markup, html};

use super::{
    address, events,
    gather::{Agent, Found},
};
use crate::web::{
    chart::{percent, spark},
    clock::tag,
    events::bar,
    number::{about, ago, change, count_of, grouped, share, spent},
    selected::Selected,
    text::bdi,
    visit::Visit,
};

/// A share of failures from which on it is worth a colour, per thousand.
const MANY_FAILURES: u64 = 30;

pub(super) fn card(visit: &Visit, found: &Found, open: Option<&str>) -> Markup {
    let most = found
        .agents
        .iter()
        .map(|agent| agent.figures.cost_nanousd.unsigned_abs())
        .max()
        .unwrap_or(0);
    let selected = Selected::of(visit);
    html! {
        section.card {
            div.card-bar { (bar(&visit.address, &selected, None, "Only events that match")) }
            @if found.agents.is_empty() {
                div.empty { p { "No agent did anything in this time." }
                    a.btn href=(visit.address.with("from", "").with("to", "").with("q", "")) { "Show all times" } }
            } @else {
                div.scroll {
                    table.table.agents-table {
                        thead { tr {
                            th { "Agent" } th.fold { "Last heard" } th.fold { "Course" } th.num { "Events" } th.num { "Failures" } th.num.fold { "Jobs" }
                            th.num.fold { "Tokens" } th.cost-bar.fold { span.sr { "Share of the dearest" } } th.num { "Cost" }
                            @if found.total_before.is_some() { th.num.fold { "Change" } }
                        } }
                        tbody { @for agent in &found.agents { (row(visit, agent, most, open)) } }
                        tfoot { (foot(found)) }
                    }
                }
            }
        }
    }
}

fn row(visit: &Visit, agent: &Agent, most: u128, open: Option<&str>) -> Markup {
    let figures = &agent.figures;
    let id = &agent.id;
    let is_open = open == Some(id);
    let many = figures.failures.saturating_mul(1_000) > figures.count.saturating_mul(MANY_FAILURES);
    html! {
        tr data-row aria-selected=(if is_open { "true" } else { "false" }) {
            td { a.plain.over.medium href={ (address(visit, id)) "#agent" } { (bdi(id)) } }
            td.soft.nowrap.fold { @if let Some(heard) = agent.heard_us { (tag(heard, &ago(visit.clock.now_us().saturating_sub(heard)))) } }
            td.fold { (spark(&agent.course)) }
            td.num { a.plain.above href=(events(visit, id, "")) { (grouped(figures.count)) } }
            td.num { a.plain.above.warn[many].medium[many] href=(events(visit, id, "result:(failure OR error)")) { (share(figures.failures, figures.count)) } }
            td.num.soft.fold { @if let Some(jobs) = agent.jobs { (grouped(jobs)) } @else { "–" } }
            td.num.soft.fold { (about(figures.input_tokens + figures.output_tokens)) }
            td.cost-bar.fold { svg width="100%" height="8" aria-hidden="true" {
                @let width = percent(figures.cost_nanousd.unsigned_abs(), most);
                rect.bar-fill x="0" y="0" width=(width) height="8" rx="2" {} } }
            td.num.medium { (spent(figures.cost_nanousd, figures.unpriced)) @if figures.unpriced > 0 && figures.cost_nanousd > 0 { div.small.dim.regular { (grouped(figures.unpriced)) " unpriced" } } }
            @if let Some(before) = agent.cost_before { td.num.soft.fold { (change(figures.cost_nanousd, before).unwrap_or_else(|| "–".to_owned())) } }
        }
    }
}

fn foot(found: &Found) -> Markup {
    let total = &found.total;
    html! {
        tr {
            td { (count_of(found.groups as u64, "agent", "agents")) @if found.groups > found.agents.len() { ", the dearest " (found.agents.len()) " listed" } }
            td.fold {} td.fold {} td.num { (grouped(total.count)) } td.num { (share(total.failures, total.count)) } td.fold {}
            td.num.fold { (about(total.input_tokens + total.output_tokens)) } td.fold {} td.num.strong { (spent(total.cost_nanousd, total.unpriced)) }
            @if let Some(before) = found.total_before { td.num.fold { (change(total.cost_nanousd, before).unwrap_or_else(|| "–".to_owned())) } }
        }
    }
}
