//! Charts as SVG: horizontal measures in per cent, vertical ones in pixels, so that a chart fits its card without a
//! script and its text is never stretched.

mod scale;
mod spark;
mod stack;
mod strip;
mod time;

use maud::{Markup, html};

pub(super) use spark::spark;
pub(super) use stack::{Bar, Kind, Stack};
pub(super) use strip::strip;
pub(super) use time::{Ticks, ticks};

/// Patterns of sources, results and waits; once on each page that has charts.
pub(super) fn patterns() -> Markup {
    let rising = "M-1 1 1 -1M0 4 4 0M3 5 5 3";
    let falling = "M-1 3 1 5M0 0 4 4M3 -1 5 1";
    html! {
        svg.sr width="0" height="0" aria-hidden="true" {
            defs {
                pattern id="p-rising" width="4" height="4" patternUnits="userSpaceOnUse" { path.pattern-line d=(rising) {} }
                pattern id="p-falling" width="4" height="4" patternUnits="userSpaceOnUse" { path.pattern-line d=(falling) {} }
                pattern id="p-dots" width="4" height="4" patternUnits="userSpaceOnUse" { circle.pattern-dot cx="2" cy="2" r="0.8" {} }
                pattern id="p-level" width="3" height="3" patternUnits="userSpaceOnUse" { path.pattern-line d="M0 1.5H3" {} }
                pattern id="p-wait" width="5" height="5" patternUnits="userSpaceOnUse" { path.pattern-wait d="M-1 1 1 -1M0 5 5 0M4 6 6 4" {} }
                pattern id="p-gap" width="4" height="4" patternUnits="userSpaceOnUse" { path.pattern-gap d=(rising) {} }
            }
        }
    }
}

/// The pattern that goes over a fill, by the name of its class.
pub(super) fn pattern_of(fill: &str) -> Option<&'static str> {
    match fill {
        "mcp" | "failure" => Some("url(#p-rising)"),
        "kubernetes" => Some("url(#p-dots)"),
        "aws" => Some("url(#p-falling)"),
        "other" => Some("url(#p-level)"),
        "waiting" => Some("url(#p-wait)"),
        _ => None,
    }
}

/// A square of a fill, for legends and names.
pub(super) fn swatch(fill: &str) -> Markup {
    html! {
        svg.swatch viewBox="0 0 10 10" aria-hidden="true" {
            rect class={ "f-" (fill) } x="0.5" y="0.5" width="9" height="9" rx="2" {}
            @if let Some(pattern) = pattern_of(fill) {
                rect x="0.5" y="0.5" width="9" height="9" rx="2" fill=(pattern) {}
            }
        }
    }
}

/// A part of a whole in per cent, with three places.
pub(super) fn percent(part: u128, whole: u128) -> String {
    let thousandths = (part.saturating_mul(100_000))
        .checked_div(whole)
        .unwrap_or(0);
    format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
}

/// How the name of a bar is set: the first and the last one stay inside.
fn anchor(index: usize, count: usize) -> &'static str {
    match index {
        0 => "start",
        index if index + 1 == count => "end",
        _ => "middle",
    }
}

/// Tenths of a pixel.
fn pixels(tenths: u128) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}
