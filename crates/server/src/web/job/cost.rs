//! What a job cost: over its time, by model, by step.

use std::fmt::Write as _;

use maud::{Markup, html};
use query::{GroupRow, Value};

use super::{
    gather::{Found, Step},
    timeline,
};
use crate::web::{
    clock::tag,
    jobs, narrow,
    number::{about, count_of, grouped, money, spent},
    text::bdi,
    visit::Visit,
};

/// Size of the line's own units; it is stretched to its card.
const WIDTH: u128 = 1_000;
const HEIGHT: u128 = 60;
/// Dearest steps of the page of costs.
const DEAREST: usize = 25;

/// At the side of the activity.
pub(super) fn card(visit: &Visit, id: &str, found: &Found) -> Markup {
    html! {
        section.card {
            header { h2 { "Cost" } span.end { (spent(found.summary.figures.cost_nanousd, found.summary.figures.unpriced)) } }
            @if found.models.is_empty() { div.empty { p.dim { "No model was called." } } }
            @else {
                div.body { (line(visit, &found.steps)) }
                (models(visit, id, &found.models))
            }
        }
    }
}

pub(super) fn page(visit: &Visit, id: &str, found: &Found) -> Markup {
    let mut dearest: Vec<&Step> = found
        .steps
        .iter()
        .filter(|step| step.cost_nanousd.is_some_and(|cost| cost > 0))
        .collect();
    dearest.sort_by_key(|step| std::cmp::Reverse(step.cost_nanousd));
    html! {
        div.cards.two {
            section.card {
                header { h2 { "Dearest steps" } span.end { (count_of(dearest.len() as u64, "priced call", "priced calls")) } }
                @if dearest.is_empty() { div.empty { p.dim { "Nothing in this job has a price." } } }
                table.table {
                    tbody {
                        @for step in dearest.iter().take(DEAREST) {
                            tr data-row {
                                td { a href=(visit.address.to("/events").with("event", step.seq)) { code { "#" (grouped(step.seq)) } } }
                                td.nowrap.soft { (tag(step.start_us, &visit.clock.time(step.start_us))) }
                                td.rest { div.said { (step.said.what()) } }
                                td.num.medium { (step.said.cost.as_deref().unwrap_or("")) }
                            }
                        }
                    }
                }
            }
            (card(visit, id, found))
        }
    }
}

fn models(visit: &Visit, id: &str, rows: &[GroupRow]) -> Markup {
    html! {
        ul.price-list {
            @for row in rows {
                @if let Some(Some(Value::Text(model))) = row.values.first() {
                    @let figures = &row.figures;
                    @let q = narrow::equal(&narrow::term(event::filter::TextField::Job, id), event::filter::TextField::Model, model);
                    li {
                        a.plain href=(jobs::address(visit, id).to("/events").with("q", q)) { (bdi(model)) }
                        " " span.small.dim { (count_of(figures.count, "call", "calls")) " · " (about(figures.input_tokens + figures.output_tokens)) " tokens" }
                        span.end { @if figures.cost_nanousd > 0 { (money(figures.cost_nanousd)) } @else { span.dim { "no known price" } } }
                    }
                }
            }
        }
    }
}

/// What was spent up to each moment.
fn line(visit: &Visit, steps: &[Step]) -> Markup {
    let (start, end) = timeline::span(steps);
    let total: u128 = steps
        .iter()
        .filter_map(|step| step.cost_nanousd)
        .map(|cost| u128::from(cost.unsigned_abs()))
        .sum();
    let x = |us: i64| {
        u128::from(us.clamp(start, end).abs_diff(start)) * WIDTH
            / u128::from(end.abs_diff(start).max(1))
    };
    let y = |spent: u128| HEIGHT - (spent * HEIGHT).checked_div(total).unwrap_or(0);
    let mut path = format!("M0 {HEIGHT}");
    let mut spent = 0;
    for step in steps {
        let Some(cost) = step.cost_nanousd else {
            continue;
        };
        spent += u128::from(cost.unsigned_abs());
        // Writing into a string cannot fail.
        let _ = write!(path, "H{}V{}", x(step.end_us), y(spent));
    }
    let _ = write!(path, "H{WIDTH}");
    html! {
        figure.spent {
            svg width="100%" height="64" viewBox={ "0 -2 " (WIDTH) " " (HEIGHT + 4) } preserveAspectRatio="none" aria-hidden="true" {
                path.area d={ (path) "V" (HEIGHT) "H0z" } {}
                path.stroke d=(path) {}
            }
            figcaption.between.small.dim { span { (visit.clock.minute(start)) } span { (visit.clock.minute(end)) } }
        }
    }
}
