//! The table of events.

use maud::{Markup, html};

use super::gather::{Listed, Row};
use crate::web::{
    address::Address,
    clock::tag,
    glyph::{sized, small},
    number::grouped,
    visit::Visit,
};

pub(in super::super) fn table(visit: &Visit, listed: &Listed, open: Option<u64>) -> Markup {
    let here = visit.address.without(&["live"]);
    html! {
        div.rows tabindex="-1" data-rows {
            div #live-bar role="status" {}
            table.table.event-table {
                thead { tr {
                    th.seq { "Seq" } th.time { "Time" } th.actor { "Actor" } th { "Action and resource" }
                    th.result { "Result" } th.num.took { "Took" } th.num.cost { "Cost" }
                } }
                tbody #rows { (rows(visit, &here, listed, open)) }
            }
        }
    }
}

/// The rows, with a heading where the day changes and a rule where the newest checkpoint begins to cover.
pub(super) fn rows(visit: &Visit, here: &Address, listed: &Listed, open: Option<u64>) -> Markup {
    let clock = &visit.clock;
    let rows = &listed.rows;
    let before = |index: usize| index.checked_sub(1).and_then(|index| rows.get(index));
    // Ten days on one page are ten headings; one day is none, the list says it above.
    let has_days = rows
        .first()
        .zip(rows.last())
        .is_some_and(|(first, last)| !clock.same_day(first.time_us, last.time_us));
    html! {
        @for (index, row) in rows.iter().enumerate() {
            @if row.seq < listed.covered && before(index).is_some_and(|before| before.seq >= listed.covered) { (rule(listed.covered)) }
            @if has_days && before(index).is_none_or(|before| !clock.same_day(before.time_us, row.time_us)) {
                tr.day { td colspan="6" { (clock.day(row.time_us)) } td.cost {} }
            }
            (one(visit, here, row, row.seq >= listed.covered, open == Some(row.seq)))
        }
    }
}

/// One row: a link over all of it, and cells that say the rest.
pub(super) fn one(
    visit: &Visit,
    here: &Address,
    row: &Row,
    is_pending: bool,
    is_open: bool,
) -> Markup {
    let said = &row.said;
    html! {
        tr.event data-seq=(row.seq) aria-selected=(if is_open { "true" } else { "false" }) {
            td.seq {
                a.over href=(here.with("event", row.seq)) data-event aria-label={ "Event " (grouped(row.seq)) ", " (said.name()) }
                    hx-target="#drawer" hx-select="#drawer" hx-swap="outerMorph show:none"
                { code { (grouped(row.seq)) } @if is_pending { span.pending title="No signed checkpoint covers it yet" { (small("pending")) } } }
            }
            td.time { (tag(row.time_us, &visit.clock.time(row.time_us))) }
            td.actor { (said.actor()) }
            td.what { (said.what()) }
            td.result { (said.outcome.draw()) }
            td.num.took { (said.took.as_deref().unwrap_or("–")) }
            td.num.cost { (said.cost.as_deref().unwrap_or("")) }
        }
    }
}

fn rule(covered: u64) -> Markup {
    html! {
        tr.rule { td colspan="6" { span.line { (sized("v-verified", "g g14")) "Checkpoint " (grouped(covered)) " covers everything below" } } td.cost {} }
    }
}
