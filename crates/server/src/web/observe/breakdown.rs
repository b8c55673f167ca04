//! Breakdowns: names with a bar behind them.

use event::filter::TextField;
use maud::{Markup, html};
use query::{Facet, Value};

use super::gather::Overview;
use crate::web::{
    chart::{percent, swatch},
    glyph::colour,
    narrow,
    number::{count_of, grouped, share, spent},
    selected::Selected,
    text::{bdi, label},
    visit::Visit,
};

/// A row: its name, its figure as text and as a number, where it leads.
struct Row {
    name: String,
    figure: String,
    part: u128,
    address: String,
    fill: Option<&'static str>,
    is_code: bool,
}

pub(super) fn cards(visit: &Visit, selected: &Selected, overview: &Overview) -> Markup {
    let card = |at: usize, title, field| {
        let facet = overview.facets.get(at);
        facet.map(|facet| of_facet(visit, selected, overview, facet, title, field))
    };
    html! {
        div.cards.four {
            (card(0, "Source", TextField::Source).unwrap_or_default())
            (card(1, "Action", TextField::Action).unwrap_or_default())
            div.col {
                (card(2, "Resource type", TextField::ResourceType).unwrap_or_default())
                (card(3, "Actor type", TextField::ActorType).unwrap_or_default())
            }
            (cost(visit, selected, overview))
        }
    }
}

fn of_facet(
    visit: &Visit,
    selected: &Selected,
    overview: &Overview,
    facet: &Facet,
    title: &str,
    field: TextField,
) -> Markup {
    let total = overview.total.all.count;
    let shown = if matches!(field, TextField::ResourceType | TextField::ActorType) {
        4
    } else {
        super::gather::ROWS
    };
    let row = |(value, count): &(Value, u64)| {
        let name = match value {
            Value::Text(text) => text.to_string(),
            Value::Number(number) => number.to_string(),
        };
        Row {
            figure: grouped(count),
            part: u128::from(*count),
            address: visit
                .address
                .to("/events")
                .with("q", narrow::equal(&selected.q, field, &name))
                .to_string(),
            fill: (field == TextField::Source).then(|| colour(&name)),
            is_code: field == TextField::Action,
            name,
        }
    };
    let rows: Vec<Row> = facet.values.iter().take(shown).map(row).collect();
    let more = facet.distinct.saturating_sub(rows.len());
    let foot = (more > 0).then(|| {
        let word = format!("{} more", grouped(more));
        html! { a href=(visit.address.to("/events").with("q", &selected.q).with("all", field.name())) { (word) } }
    });
    breakdown(
        title,
        &html! { span.end { "events" } },
        &rows,
        u128::from(total),
        foot,
    )
}

fn cost(visit: &Visit, selected: &Selected, overview: &Overview) -> Markup {
    let total = overview.total.all.cost_nanousd.unsigned_abs();
    let rows: Vec<Row> = overview
        .cost
        .rows
        .iter()
        .filter(|row| row.figures.cost_nanousd > 0)
        .filter_map(|row| match row.values.first() {
            Some(Some(Value::Text(actor))) => Some(Row {
                name: actor.to_string(),
                figure: spent(row.figures.cost_nanousd, row.figures.unpriced),
                part: row.figures.cost_nanousd.unsigned_abs(),
                address: visit
                    .address
                    .to(format!("/agents/{}", crate::web::address::segment(actor)))
                    .to_string(),
                fill: None,
                is_code: false,
            }),
            _ => None,
        })
        .collect();
    let unpriced = overview.total.all.unpriced;
    let foot = (unpriced > 0).then(|| {
        let q = narrow::and(&selected.q, "has:usage -cost:*");
        html! { a href=(visit.address.to("/events").with("q", q)) { (count_of(unpriced, "call has", "calls have")) " no known price" } }
    });
    breakdown(
        "Cost by agent",
        &html! { span.end { "US dollars" } },
        &rows,
        total,
        foot,
    )
}

fn breakdown(title: &str, end: &Markup, rows: &[Row], total: u128, foot: Option<Markup>) -> Markup {
    let part = |part: u128| {
        let scaled = |count: u128| u64::try_from(count).unwrap_or(u64::MAX);
        share(scaled(part), scaled(total))
    };
    let most = rows.iter().map(|row| row.part).max().unwrap_or(0);
    html! {
        section.card {
            header { h2 { (title) } (end) }
            @if rows.is_empty() { div.empty { p.dim { "Nothing in this time." } } }
            ul.breakdown {
                @for row in rows {
                    li {
                        svg.ground aria-hidden="true" { rect width=(percent(row.part, most)) height="28" rx="4" {} }
                        a href=(row.address) title=(label(&row.name)) {
                            @if let Some(fill) = row.fill { (swatch(fill)) }
                            @if row.is_code { code.name { (bdi(&row.name)) } } @else { span.name { (bdi(&row.name)) } }
                        }
                        span { (row.figure) }
                        span.share { (part(row.part)) }
                    }
                }
            }
            @if let Some(foot) = foot { footer { (foot) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::chart::pattern_of;

    #[test]
    fn neighbours_in_a_stack_differ_without_colour() {
        let fills: Vec<_> = crate::web::glyph::SOURCES
            .iter()
            .take(8)
            .map(|source| colour(source))
            .collect();
        for pair in fills.windows(2) {
            assert_ne!(
                pattern_of(pair[0]).is_some(),
                pattern_of(pair[1]).is_some(),
                "{pair:?}"
            );
        }
    }
}
