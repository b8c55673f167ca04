//! Bars over time, each stacked of kinds.

use maud::{Markup, html};

use super::super::{address::Address, text};
use super::{Ticks, pattern_of, percent, pixels, scale::Scale, swatch};

/// A bucket of time.
pub(in super::super) struct Bar {
    /// What it is, for the table and the card beside the pointer.
    pub(in super::super) name: String,
    /// One line about the whole bar.
    pub(in super::super) about: String,
    pub(in super::super) address: Address,
    /// A figure for each kind.
    pub(in super::super) parts: Vec<u128>,
    /// Whether events are missing here.
    pub(in super::super) has_gap: bool,
    /// First instant and the one after the last, microseconds since 1970.
    pub(in super::super) span: (i64, i64),
}

/// What a part of a bar is.
pub(in super::super) struct Kind {
    pub(in super::super) name: String,
    /// Class of the fill without `f-`.
    pub(in super::super) fill: &'static str,
    pub(in super::super) address: Option<Address>,
    /// Beside the name in the legend.
    pub(in super::super) total: Option<String>,
}

/// A chart of bars.
pub(in super::super) struct Stack<'a> {
    pub(in super::super) bars: &'a [Bar],
    /// From the axis up.
    pub(in super::super) kinds: &'a [Kind],
    pub(in super::super) ticks: &'a Ticks,
    /// Height of the bars, pixels.
    pub(in super::super) height: u32,
    /// How a figure is written.
    pub(in super::super) figure: fn(u128) -> String,
    /// How one is written beside a line of the axis, where there is little room.
    pub(in super::super) mark: fn(u128) -> String,
    /// What is drawn, for those who do not see it.
    pub(in super::super) title: &'a str,
    /// Whether lines and their figures stand beside the bars.
    pub(in super::super) has_axis: bool,
}

/// What failed once in an hour is seen; tenths of a pixel.
const LEAST_FAILED: u128 = 20;
/// So is everything else.
const LEAST: u128 = 5;
/// A part that is lower has no pattern and no line below the next one.
const HAS_PATTERN: u128 = 30;

/// A part of a bar as it is drawn, tenths of a pixel.
struct Part {
    fill: &'static str,
    y: u128,
    height: u128,
}

impl Stack<'_> {
    pub(in super::super) fn draw(&self) -> Markup {
        let largest = self.bars.iter().map(|bar| bar.parts.iter().sum()).max();
        let scale = Scale::of(largest.unwrap_or(0));
        let top = if self.has_axis {
            scale.top()
        } else {
            largest.unwrap_or(0).max(1)
        };
        html! {
            div.chart.plot.bare-plot[!self.has_axis] data-chart {
                @if self.has_axis { (self.axis(scale)) }
                div.area {
                    svg width="100%" height=(self.height) role="group" aria-label=(self.title) {
                        @if self.has_axis { (self.grid(scale)) }
                        @for (index, bar) in self.bars.iter().enumerate() { (self.bar(index, bar, top)) }
                        line.axis-line x1="0" x2="100%" y1=(self.height) y2=(self.height) {}
                    }
                    (self.names())
                }
            }
        }
    }

    /// The same figures for those who would rather read them.
    pub(in super::super) fn table(&self) -> Markup {
        html! {
            details.as-table data-figures {
                summary { "Show as table" }
                div.scroll tabindex="0" role="region" aria-label=(self.title) {
                    table.table.dense {
                        thead { tr { th { "From" } th { "In all" } @for kind in self.kinds { th.num data-fill=(kind.fill) { (kind.name) } } } }
                        tbody {
                            @for bar in self.bars {
                                tr {
                                    th scope="row" { a href=(bar.address) { (bar.name) } }
                                    td { (bar.about) }
                                    @for part in &bar.parts { td.num { ((self.figure)(*part)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    pub(in super::super) fn legend(&self) -> Markup {
        html! {
            div.legend {
                @for kind in self.kinds {
                    @if let Some(address) = &kind.address {
                        a href=(address) { (swatch(kind.fill)) span { (text::bdi(&kind.name)) } @if let Some(total) = &kind.total { span.dim { (total) } } }
                    } @else {
                        span.line { (swatch(kind.fill)) (text::bdi(&kind.name)) @if let Some(total) = &kind.total { span.dim { (total) } } }
                    }
                }
            }
        }
    }

    fn axis(&self, scale: Scale) -> Markup {
        html! {
            svg.values width="44" height=(self.height) aria-hidden="true" {
                @for line in 0..=scale.lines {
                    text x="36" y=(self.height_of(line, scale.lines)) dy="4" text-anchor="end" {
                        ((self.mark)(line * scale.step))
                    }
                }
            }
        }
    }

    fn grid(&self, scale: Scale) -> Markup {
        html! {
            @for line in 1..=scale.lines {
                @let y = self.height_of(line, scale.lines);
                line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
            }
            @for at in &self.ticks.lines {
                @let x = percent(*at as u128, self.bars.len() as u128);
                line.grid x1=(x) x2=(x) y1="0" y2=(self.height) {}
            }
        }
    }

    fn height_of(&self, line: u128, lines: u128) -> String {
        let height = u128::from(self.height) * 10;
        // Half a pixel down, so that a hairline is one.
        let tenths = (height - height * line / lines.max(1)) / 10 * 10;
        pixels(tenths.saturating_sub(5).max(5))
    }

    fn bar(&self, index: usize, bar: &Bar, top: u128) -> Markup {
        let count = self.bars.len() as u128;
        let (left, pitch) = (percent(index as u128, count), percent(1, count));
        // A fifth of the pitch is left free, half of it on each side.
        let (x, width) = (
            percent(index as u128 * 10 + 1, count * 10),
            percent(8, count * 10),
        );
        html! {
            a.bar href=(bar.address) data-bar=(index) data-from=(bar.span.0) data-to=(bar.span.1)
                aria-label={ (bar.name) ", " (bar.about) }
            {
                @if bar.has_gap { rect x=(left) y="0" width=(pitch) height=(self.height) fill="url(#p-gap)" {} }
                @for part in self.parts(bar, top) {
                    rect class={ "f-" (part.fill) } x=(x) y=(pixels(part.y)) width=(width) height=(pixels(part.height)) {}
                    @if let Some(pattern) = pattern_of(part.fill).filter(|_| part.height >= HAS_PATTERN) {
                        rect x=(x) y=(pixels(part.y)) width=(width) height=(pixels(part.height)) fill=(pattern) {}
                    }
                }
                rect.hit x=(left) y="0" width=(pitch) height=(self.height) {}
            }
        }
    }

    /// The parts of a bar from the axis up.
    fn parts(&self, bar: &Bar, top: u128) -> Vec<Part> {
        let whole = u128::from(self.height) * 10;
        let mut below = 0;
        let mut parts = Vec::new();
        for (kind, figure) in self
            .kinds
            .iter()
            .zip(&bar.parts)
            .filter(|(_, figure)| **figure > 0)
        {
            let has_failed = matches!(kind.fill, "failure" | "error");
            let least = if has_failed { LEAST_FAILED } else { LEAST };
            let height = (figure.saturating_mul(whole) / top.max(1)).max(least);
            let height = height.min(whole.saturating_sub(below));
            below += height;
            // A surface line between parts that have room for one.
            let drawn = if height > HAS_PATTERN {
                height - 10
            } else {
                height
            };
            parts.push(Part {
                fill: kind.fill,
                y: whole.saturating_sub(below) + (height - drawn),
                height: drawn,
            });
        }
        parts
    }

    fn names(&self) -> Markup {
        let count = self.bars.len() as u128;
        html! {
            svg.names width="100%" height="22" aria-hidden="true" {
                @for (index, bar) in self.bars.iter().enumerate().filter(|(_, bar)| bar.has_gap) {
                    @let _ = bar;
                    svg x=(percent(index as u128 * 2 + 1, count * 2)) y="1" width="1" height="6" overflow="visible" { path.gap-mark d="M0 0 4 5H-4z" {} }
                }
                @for (nth, (index, name)) in self.ticks.names.iter().enumerate() {
                    @let middle = percent(*index as u128 * 2 + 1, count * 2);
                    @let anchor = super::anchor(*index, self.bars.len());
                    text.second[nth % 2 == 1] x=(middle) y="17" text-anchor=(anchor) { (name) }
                }
            }
        }
    }
}
