//! What models cost, as far as their events say.

use event::filter::{Filter, TextField};
use maud::{Markup, html};
use query::{AggregateQuery, Dimension, Figure, GroupRow, Snapshot, TimeRange, Value};

use super::super::{
    narrow,
    number::{about, grouped, money, spent},
    text::bdi,
    visit::Visit,
};
use crate::problem::Problem;

const ROWS: usize = 50;

pub(super) fn find(view: &Snapshot, filter: Filter) -> Result<Vec<GroupRow>, Problem> {
    let found = view.aggregate(&AggregateQuery {
        filter,
        range: TimeRange::ALL,
        by: [TextField::Provider, TextField::Model]
            .map(Dimension::Text)
            .to_vec(),
        sort: Figure::CostNanousd,
        top: ROWS,
    })?;
    let mut rows = found.rows;
    rows.retain(|row| row.values.get(1).is_some_and(Option::is_some));
    Ok(rows)
}

pub(super) fn card(visit: &Visit, models: &[GroupRow]) -> Markup {
    html! {
        section.card.lined aria-labelledby="prices" {
            header { h2 #prices { "Prices" } span.end { "what calls cost when they were recorded" } }
            @if models.is_empty() { div.empty { p.dim { "No model was called yet." } } }
            @else { div.scroll { table.table.stacked {
                thead { tr { th { "Model" } th { "Provider" } th.num { "Calls" } th.num { "Unpriced" } th.num { "Tokens" } th.num { "Cost" } th.num { "A million tokens" } } }
                tbody { @for row in models { (line(visit, row)) } }
            } } }
            footer.small.dim { "A price is looked up when a call is recorded and kept with it; the table's version is in the record. A call without a known price stays unpriced, it is never counted as free." }
        }
    }
}

fn line(visit: &Visit, row: &GroupRow) -> Markup {
    let text = |at: usize| match row.values.get(at) {
        Some(Some(Value::Text(text))) => Some(text.as_ref()),
        _ => None,
    };
    let figures = &row.figures;
    let tokens = figures.input_tokens + figures.output_tokens;
    let per_million = (figures.cost_nanousd * 1_000_000).checked_div(tokens);
    let model = text(1).unwrap_or("–");
    let events = visit
        .address
        .to("/events")
        .with("q", narrow::term(TextField::Model, model));
    html! {
        tr {
            td { a.plain.medium href=(events) { (bdi(model)) } }
            td.soft data-name="Provider" { (bdi(text(0).unwrap_or("–"))) }
            td.num data-name="Calls" { (grouped(figures.count)) }
            td.num data-name="Unpriced" { @if figures.unpriced > 0 { span.warn { (grouped(figures.unpriced)) } } @else { span.dim { "0" } } }
            td.num.soft data-name="Tokens" { (about(tokens)) }
            td.num data-name="Cost" { (spent(figures.cost_nanousd, figures.unpriced)) }
            td.num.soft data-name="A million tokens" { @match per_million.filter(|price| *price > 0) { Some(price) => (money(price)), None => "–" } }
        }
    }
}
