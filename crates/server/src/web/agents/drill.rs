//! One agent: what it cost by day and model, its models, tools, failures and dearest jobs.

use event::filter::TextField;
use maud::{Markup, html};
use query::{Aggregate, Bucket, Figures, GroupRow};

use super::{
    address, events,
    gather::{One, text},
};
use crate::web::{
    chart::{Bar, Kind, Stack, percent, swatch, ticks},
    glyph::small,
    jobs, narrow,
    number::{about, count_of, grouped, money, share, spent},
    stacked::over,
    text::bdi,
    visit::Visit,
};

/// Height of the bars, pixels.
const HEIGHT: u32 = 220;
/// Models with a fill of their own; the rest share one.
const FILLS: [&str; 3] = ["first", "second", "third"];

pub(super) fn cards(visit: &Visit, id: &str, one: &One) -> Markup {
    html! {
        div.cards.agent-top {
            (days(visit, id, one))
            (models(visit, id, one))
            (dearest(visit, one))
        }
        div.cards.agent-low {
            (counts(visit, id, "Tools", "calls", &one.tools, TextField::Resource, "resource.type:tool"))
            (counts(visit, id, "Failures and errors", "events", &one.failures, TextField::Action, "result:(failure OR error)"))
        }
    }
}

fn days(visit: &Visit, id: &str, one: &One) -> Markup {
    let by_day = ByDay::of(visit, id, one);
    let starts: Vec<i64> = one.buckets.iter().map(|bucket| bucket.start_us).collect();
    let marks = ticks(&visit.clock, one.interval, &starts);
    let title = format!(
        "{} by {}",
        if one.by_tokens { "Tokens" } else { "Cost" },
        one.interval.name()
    );
    let chart = Stack {
        bars: &by_day.bars,
        kinds: &by_day.kinds,
        ticks: &marks,
        height: HEIGHT,
        figure: written(one.by_tokens),
        mark: if one.by_tokens {
            written(true)
        } else {
            axis_money
        },
        title: &title,
        has_axis: true,
    };
    let has_any = by_day
        .bars
        .iter()
        .any(|bar| bar.parts.iter().any(|part| *part > 0));
    html! {
        section.card aria-labelledby="days" {
            header { h2 #days { (title) }
                nav.segments.end aria-label="Figure" {
                    a href=(address(visit, id).with("by", "")) aria-current=[(!one.by_tokens).then_some("true")] { "Cost" }
                    a href=(address(visit, id).with("by", "tokens")) aria-current=[one.by_tokens.then_some("true")] { "Tokens" }
                }
            }
            @if has_any { div.body.col.tight { (chart.legend()) (chart.draw()) (chart.table()) } }
            @else { div.empty { p.dim { "Nothing with a " @if one.by_tokens { "token" } @else { "price" } " in this time." } } }
        }
    }
}

/// Bars by day, stacked of the models that count most.
struct ByDay {
    bars: Vec<Bar>,
    kinds: Vec<Kind>,
}

impl ByDay {
    fn of(visit: &Visit, id: &str, one: &One) -> Self {
        let counts = |row: &&GroupRow| one.figure(&row.figures) > 0;
        let models = one
            .models
            .iter()
            .filter(counts)
            .filter_map(|row| text(row, 0));
        let models: Vec<&str> = models.take(FILLS.len()).collect();
        let ends = one
            .buckets
            .iter()
            .skip(1)
            .map(|bucket| bucket.start_us)
            .chain([one.shown.1]);
        let buckets = one.buckets.iter().zip(ends);
        let mut bars: Vec<Bar> = buckets
            .map(|(bucket, end)| one.bar(visit, id, &models, bucket, end))
            .collect();
        let kinds = models.iter().zip(FILLS).map(|(model, fill)| Kind {
            name: (*model).to_owned(),
            fill,
            address: Some(events(visit, id, &narrow::term(TextField::Model, model))),
            total: None,
        });
        let rest = Kind {
            name: "other models".to_owned(),
            fill: "fourth",
            address: None,
            total: None,
        };
        let has_rest = bars
            .iter()
            .any(|bar| bar.parts.last().is_some_and(|rest| *rest > 0));
        if !has_rest {
            for bar in &mut bars {
                bar.parts.truncate(models.len());
            }
        }
        Self {
            kinds: kinds.chain(has_rest.then_some(rest)).collect(),
            bars,
        }
    }
}

impl One {
    /// What the bars show.
    fn figure(&self, figures: &Figures) -> u128 {
        if self.by_tokens {
            (figures.input_tokens + figures.output_tokens).unsigned_abs()
        } else {
            figures.cost_nanousd.unsigned_abs()
        }
    }

    fn bar(&self, visit: &Visit, id: &str, models: &[&str], bucket: &Bucket, end_us: i64) -> Bar {
        let mut parts = vec![0; models.len() + 1];
        for row in &bucket.rows {
            let at = text(row, 0).and_then(|model| models.iter().position(|known| *known == model));
            if let Some(part) = parts.get_mut(at.unwrap_or(models.len())) {
                *part += self.figure(&row.figures);
            }
        }
        let calls: u64 = bucket.rows.iter().map(|row| row.figures.count).sum();
        let span = (bucket.start_us, end_us);
        let total: u128 = parts.iter().sum();
        // From the days down to one of them, from there to its events.
        let leads = if self.buckets.len() > 1 {
            address(visit, id).without(&["after"])
        } else {
            events(visit, id, "has:usage")
        };
        Bar {
            name: visit.clock.day(bucket.start_us),
            about: format!(
                "{}, {}",
                written(self.by_tokens)(total),
                count_of(calls, "call", "calls")
            ),
            address: over(&leads, span),
            parts,
            has_gap: false,
            span,
        }
    }
}

fn written(by_tokens: bool) -> fn(u128) -> String {
    if by_tokens {
        |count| about(i128::try_from(count).unwrap_or(i128::MAX))
    } else {
        |nano| money(i128::try_from(nano).unwrap_or(i128::MAX))
    }
}

/// Money beside a line of the axis, as short as its round step lets it be.
fn axis_money(nanousd: u128) -> String {
    const DOLLAR: u128 = 1_000_000_000;
    let whole = nanousd / DOLLAR;
    match nanousd % DOLLAR {
        0 => format!("${}", grouped(whole)),
        rest => {
            let places = format!("{rest:09}");
            format!("${whole}.{}", places.trim_end_matches('0'))
        }
    }
}

fn models(visit: &Visit, id: &str, one: &One) -> Markup {
    html! {
        section.card.lined {
            header { h2 { "Models" }
                div.legend.end { span.line { (swatch("third")) "cached" } span.line { (swatch("second")) "input" } span.line { (swatch("first")) "output" } } }
            @if one.models.is_empty() { div.empty { p.dim { "It called no model in this time." } } }
            ul.models { @for row in &one.models { (model(visit, id, row)) } }
        }
    }
}

fn model(visit: &Visit, id: &str, row: &GroupRow) -> Markup {
    let Some(name) = text(row, 0) else {
        return html! {};
    };
    let figures = &row.figures;
    let unsigned = |count: i128| u64::try_from(count).unwrap_or(0);
    let (input, output, cached) = (
        unsigned(figures.input_tokens),
        unsigned(figures.output_tokens),
        unsigned(figures.cache_read_tokens),
    );
    let cached = cached.min(input);
    let whole = u128::from(input) + u128::from(output);
    let at = |part: u64| percent(part.into(), whole);
    html! {
        li {
            div.between {
                a.plain.medium.wrap href=(events(visit, id, &narrow::term(TextField::Model, name))) { (bdi(name)) }
                @if figures.cost_nanousd > 0 { span.medium { (money(figures.cost_nanousd)) } } @else { span.dim { "unpriced" } }
            }
            div.between.small.soft {
                span { (about(figures.input_tokens)) " in" @if cached > 0 { ", " (share(cached, input)) " cached" } " · " (about(figures.output_tokens)) " out" }
                span { (count_of(figures.count, "call", "calls")) }
            }
            svg width="100%" height="6" aria-hidden="true" {
                rect.f-third x="0" y="0.5" width=(at(cached)) height="5" {}
                rect.f-second x=(at(cached)) y="0" width=(at(input - cached)) height="6" {}
                rect.f-first x=(at(input)) y="0" width=(at(output)) height="6" {}
            }
        }
    }
}

fn dearest(visit: &Visit, one: &One) -> Markup {
    html! {
        section.card.lined {
            header { h2 { "Dearest jobs" } @if one.jobs.groups > 0 { span.end { (count_of(one.jobs.groups as u64, "job", "jobs")) } } }
            @if one.jobs.rows.is_empty() { div.empty { p.dim { "Its events name no job." } } }
            ul.price-list {
                @for row in &one.jobs.rows {
                    @if let Some(job) = text(row, 0) {
                        li { a.plain.wrap href=(jobs::address(visit, job)) { code { (bdi(job)) } } span.small.dim { (count_of(row.figures.count, "event", "events")) }
                            span.end { (spent(row.figures.cost_nanousd, row.figures.unpriced)) } }
                    }
                }
            }
        }
    }
}

fn counts(
    visit: &Visit,
    id: &str,
    title: &str,
    unit: &str,
    found: &Aggregate,
    field: TextField,
    term: &str,
) -> Markup {
    let most = found
        .rows
        .iter()
        .map(|row| row.figures.count)
        .max()
        .unwrap_or(0);
    html! {
        section.card {
            header { h2 { (title) } span.end { (unit) } }
            @if found.rows.is_empty() { div.empty { p.dim { "None in this time." } } }
            ul.breakdown {
                @for row in &found.rows {
                    @if let Some(name) = text(row, 0) {
                        @let figures = &row.figures;
                        li {
                            svg.ground aria-hidden="true" { rect width=(percent(figures.count.into(), most.into())) height="28" rx="4" {} }
                            a href=(events(visit, id, &narrow::equal(term, field, name))) { code.name { (bdi(name)) } }
                            span { (grouped(figures.count)) }
                            span.share { @if field == TextField::Resource && figures.failures > 0 { span.warn.line.tight { (small("failure")) (grouped(figures.failures)) } } }
                        }
                    }
                }
            }
            @if found.groups > found.rows.len() { footer { (grouped(found.groups - found.rows.len())) " more" } }
        }
    }
}
