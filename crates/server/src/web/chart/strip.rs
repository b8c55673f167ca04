//! The strip below a chart: a longer time, and the part of it that is shown.

use maud::{Markup, html};

use super::super::address::Address;
use super::{percent, pixels};

/// Height of the strip, pixels.
const HEIGHT: u128 = 28;

/// Days with their first instant and figure, and the span that is shown.
pub(in super::super) fn strip(
    days: &[(i64, u64, Address)],
    shown: (i64, i64),
    names: &[(usize, String)],
) -> Markup {
    const DAY_US: i64 = 86_400_000_000;
    let (Some((start, ..)), Some((last, ..))) = (days.first(), days.last()) else {
        return html! {};
    };
    let end = last.saturating_add(DAY_US);
    let length = end.abs_diff(*start).max(1);
    let at = |us: i64| {
        let within = us.clamp(*start, end).abs_diff(*start);
        (u128::from(within), u128::from(length))
    };
    let most = days
        .iter()
        .map(|(_, count, _)| u128::from(*count))
        .max()
        .unwrap_or(0)
        .max(1);
    let count = days.len() as u128;
    let (from, to) = (at(shown.0), at(shown.1));
    let width = percent(to.0.saturating_sub(from.0), to.1);
    let (left, right) = (percent(from.0, from.1), percent(to.0, to.1));
    html! {
        div.strip data-strip data-start=(start) data-end=(end) {
            svg width="100%" height=(HEIGHT) role="group" aria-label="Days, the ones shown marked" {
                @for (index, (day, events, address)) in days.iter().enumerate() {
                    @let height = (u128::from(*events) * HEIGHT * 10 / most).max(if *events > 0 { 10 } else { 0 });
                    @let inside = *day < shown.1 && day.saturating_add(DAY_US) > shown.0;
                    a data-from=(day) href=(address) tabindex="-1" aria-hidden="true" {
                        rect.day.in[inside] x=(percent(index as u128 * 10 + 2, count * 10)) width=(percent(6, count * 10))
                            y=(pixels(HEIGHT * 10 - height)) height=(pixels(height)) {}
                        rect.hit fill="transparent" x=(percent(index as u128, count)) width=(percent(1, count)) y="0" height=(HEIGHT) {}
                    }
                }
                rect.window x=(left) width=(width) y="0" height=(HEIGHT) pointer-events="none" {}
                @for (side, x) in [("from", &left), ("to", &right)] {
                    line.edge x1=(x) x2=(x) y1="0" y2=(HEIGHT) pointer-events="none" {}
                    svg x=(x) y="8" width="1" height="12" overflow="visible" { rect.handle data-edge=(side) x="-3" y="0" width="6" height="12" rx="2" {} }
                }
            }
            svg.names width="100%" height="20" aria-hidden="true" {
                @for (nth, (index, name)) in names.iter().enumerate() {
                    @let anchor = super::anchor(*index, days.len());
                    text.second[nth % 2 == 1] x=(percent(*index as u128 * 2 + 1, count * 2)) y="15" text-anchor=(anchor) { (name) }
                }
            }
        }
    }
}
