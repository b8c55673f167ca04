//! Activity: lanes, the list of the job's events, and at the side what it cost and who let it.

use maud::{Markup, html};

use super::{agreement, approvals, cost, gather::Found, timeline};
use crate::web::{
    events::{Locked, bar, filter_fault, pane, rows_table},
    glyph::glyph,
    jobs, narrow,
    number::grouped,
    selected::Selected,
    visit::Visit,
};

/// Quick filters of the list.
const SOURCES: [&str; 9] = [
    "llm",
    "mcp",
    "hook",
    "otlp",
    "shell",
    "kubernetes",
    "forward-proxy",
    "aws",
    "sandbox",
];
const RESULTS: [&str; 3] = ["success", "failure", "error"];

pub(super) fn page(visit: &Visit, selected: &Selected, id: &str, found: &Found) -> Markup {
    let open = found.detail.as_ref().map(|detail| detail.event.seq.0);
    let locked = Locked {
        field: "job",
        value: id,
    };
    let hint = format!(
        "Search and filter these {} events",
        grouped(found.summary.figures.count)
    );
    html! {
        (timeline::card(visit, found, open))
        div.job-lower.panes {
            section.card.list aria-label="Events of the job" data-live-filter=(live_filter(selected, id)) {
                div.card-bar {
                    (bar(&visit.address, selected, Some(&locked), &hint))
                    (quick(visit, selected, "Source", "source", &SOURCES))
                    (quick(visit, selected, "Result", "result", &RESULTS))
                }
                @if let Some(fault) = &selected.fault { div.card-fault { (filter_fault(&visit.address, selected, fault)) } }
                @if let Some(listed) = &found.listed {
                    (rows_table(visit, listed, open))
                    @if listed.rows.is_empty() {
                        div.empty { p { "Nothing in this job matches." } a.btn href=(jobs::address(visit, id)) { "Show all of it" } }
                    }
                    (foot(visit, found))
                }
            }
            div.col.side-col {
                (cost::card(visit, id, found))
                (approvals::card(visit, id, found))
                (agreement::card(visit, found))
            }
            (pane(visit, found.detail.as_ref()))
        }
    }
}

fn live_filter(selected: &Selected, id: &str) -> String {
    let job = narrow::term(event::filter::TextField::Job, id);
    narrow::and(&selected.filter.to_string(), &job)
}

/// A menu of values of a field; the chosen ones are chips of the bar.
fn quick(visit: &Visit, selected: &Selected, title: &str, field: &str, values: &[&str]) -> Markup {
    let here = visit.address.without(&["after", "before", "event", "tab"]);
    html! {
        details.menu data-menu {
            summary.btn { (glyph("filter")) span.word { (title) } (glyph("down")) }
            div.sheet {
                @for value in values {
                    a.choice href=(here.with("q", narrow::and(&selected.q, &format!("{field}:{value}")))) { (value) }
                }
            }
        }
    }
}

fn foot(visit: &Visit, found: &Found) -> Markup {
    let Some(listed) = &found.listed else {
        return html! {};
    };
    let here = visit.address.without(&["after", "before"]);
    html! {
        footer.list-foot {
            span.dim { span data-shown { (grouped(listed.rows.len())) } " rows of " span data-total { (grouped(found.matching)) } }
            nav.line aria-label="Pages" {
                @if let Some(newer) = listed.newer { a.btn rel="prev" href=(here.with("before", newer)) { (glyph("left")) "Newer" } }
                @if let Some(older) = listed.older { a.btn rel="next" href=(here.with("after", older)) { "Older" (glyph("right")) } }
            }
        }
    }
}
