//! The numbers of each producer, and those that never arrived.

use event::filter::TextField;
use maud::{Markup, html};

use crate::{
    numbers::{Known, Producer},
    web::{
        clock::tag,
        glyph::small,
        narrow,
        number::{ago, count_of, grouped},
        text::bdi,
        visit::Visit,
    },
};

/// Producers that are listed: those with gaps first.
const ROWS: usize = 30;
/// Gaps of one producer that are named.
const GAPS: usize = 4;

pub(super) fn card(visit: &Visit, known: &Known) -> Markup {
    let mut producers: Vec<&Producer> = known.producers.iter().collect();
    producers.sort_by_key(|producer| {
        (
            std::cmp::Reverse(producer.missing()),
            std::cmp::Reverse(producer.heard_us),
        )
    });
    html! {
        section.card.lined #producers {
            header { h2 { "Numbers of each producer" } span.end { (count_of(producers.len() as u64, "producer", "producers")) } }
            @if producers.is_empty() {
                div.empty { p.dim { "No producer numbers its events. The gateway does; then an event that never arrives is a gap that everybody sees." } }
            } @else {
                div.scroll { table.table {
                    thead { tr { th { "Producer" } th { "Numbers seen" } th { "Never arrived" } th.num { "Heard" } } }
                    tbody { @for producer in producers.iter().take(ROWS) { (row(visit, producer)) } }
                } }
                footer.small.dim {
                    @if producers.len() > ROWS { (grouped(producers.len() - ROWS)) " more without anything missing. " }
                    "A gap can be explained, never filled. Looked at up to #" (grouped(known.upto.saturating_sub(1)))
                    @if known.more_producers > 0 { "; " (count_of(known.more_producers, "event", "events")) " of further producers were not followed" } "."
                }
            }
        }
    }
}

fn row(visit: &Visit, producer: &Producer) -> Markup {
    let events = visit
        .address
        .to("/events")
        .with("q", narrow::term(TextField::Producer, &producer.id));
    let missing = producer.missing();
    html! {
        tr data-row {
            td { a.plain href=(events) { (bdi(&producer.id)) } }
            td { "0–" (grouped(producer.last)) }
            td {
                @if producer.is_scattered { span.dim { "its numbers do not follow each other" } }
                @else if missing == 0 { span.line.soft { (small("tick")) "none" } }
                @else {
                    span.line.bad.medium { (small("gap")) (grouped(missing)) " ·"
                        @for (index, gap) in producer.gaps.iter().take(GAPS).enumerate() {
                            @if index > 0 { "," }
                            span title=(visit.clock.stamp(gap.at_us())) { (grouped(gap.first)) @if gap.last > gap.first { "–" (grouped(gap.last)) } }
                        }
                        @if producer.gaps.len() > GAPS { " and " (count_of((producer.gaps.len() - GAPS) as u64, "more gap", "more gaps")) }
                    }
                }
            }
            td.num.soft { (tag(producer.heard_us, &ago(visit.clock.now_us().saturating_sub(producer.heard_us)))) }
        }
    }
}
