//! All steps in a row, to go to any of them.

use maud::{Markup, html};

use super::{address, gather::Found, swap};
use crate::web::{
    chart::{pattern_of, percent},
    clock::tag,
    glyph::{colour, glyph},
    job::Step,
    number::duration,
    text::label,
    visit::Visit,
};

/// Marks that fit side by side; a longer job has several steps in one.
const MOST_MARKS: usize = 220;
const HEIGHT: u32 = 20;

pub(super) fn bar(visit: &Visit, id: &str, found: &Found) -> Markup {
    let count = found.steps.len();
    let each = count.div_ceil(MOST_MARKS).max(1);
    let marks: Vec<(usize, &[Step])> = found
        .steps
        .chunks(each)
        .enumerate()
        .map(|(index, steps)| (index * each, steps))
        .collect();
    let link = |index: usize| address(visit, id).with("step", index + 1);
    let current = found.steps.get(found.at);
    let start = found.steps.first().map_or(0, |step| step.start_us);
    let end = found
        .steps
        .iter()
        .map(|step| step.end_us)
        .max()
        .unwrap_or(start);
    html! {
        footer.scrubber aria-label="All steps" {
            div.line.tight.controls {
                @if let Some(before) = found.at.checked_sub(1) { a.btn.icon.ghost data-step="[" rel="prev" href=(link(before)) hx-boost=(swap()) aria-label="Step before" { (glyph("first")) } }
                @else { span.btn.icon.ghost aria-disabled="true" { (glyph("first")) } }
                button.btn.icon.primary type="button" data-play hidden aria-label="Play" { span.when-paused { (glyph("play")) } span.when-playing { (glyph("pause")) } }
                @if found.at + 1 < count { a.btn.icon.ghost data-step="]" data-next rel="next" href=(link(found.at + 1)) hx-boost=(swap()) aria-label="Next step" { (glyph("last")) } }
                @else { span.btn.icon.ghost aria-disabled="true" { (glyph("last")) } }
            }
            svg width="100%" height="44" role="group" aria-label="Steps of the job" {
                @for (position, (first, steps)) in marks.iter().enumerate() {
                    (mark(&link(*first).to_string(), position, marks.len(), *first, steps, found.at))
                }
                @let at = percent((found.at / each) as u128 * 2 + 1, marks.len() as u128 * 2);
                line.now x1=(at) x2=(at) y1="0" y2="32" {}
                svg x=(at) y="34" width="1" height="1" overflow="visible" { circle.knob cx="0" cy="0" r="5" {} }
            }
            div.clock-now.num {
                @if let Some(step) = current {
                    strong { (tag(step.start_us, &visit.clock.time(step.start_us))) }
                    div.small.dim { "+" (duration(step.start_us.saturating_sub(start).max(0))) " of " (duration(end.saturating_sub(start))) }
                }
            }
        }
    }
}

fn mark(
    link: &str,
    position: usize,
    count: usize,
    first: usize,
    steps: &[Step],
    at: usize,
) -> Markup {
    let Some(step) = steps.first() else {
        return html! {};
    };
    let x = percent(position as u128 * 10 + 1, count as u128 * 10);
    let width = percent(8, count as u128 * 10);
    let fill = colour(&step.source);
    let is_long = steps
        .iter()
        .any(|step| step.end_us.saturating_sub(step.start_us) > 10_000_000);
    let (y, height) = if is_long {
        (4, HEIGHT)
    } else {
        (10, HEIGHT - 6)
    };
    let worst = steps
        .iter()
        .map(|step| step.said.outcome.class)
        .find(|class| *class == "bad");
    let worst = worst.or_else(|| {
        steps
            .iter()
            .map(|step| step.said.outcome.class)
            .find(|class| *class == "warn")
    });
    let name = format!("Step {}, {}", first + 1, label(&step.said.what));
    html! {
        a.mark.later[first > at] href=(link) hx-boost=(swap()) tabindex="-1" aria-label=(name) {
            title { (name) }
            rect class={ "f-" (fill) } x=(x) y=(y) width=(width) height=(height) rx="1" {}
            @if let Some(pattern) = pattern_of(fill) { rect x=(x) y=(y) width=(width) height=(height) fill=(pattern) {} }
            @if let Some(class) = worst {
                svg class=(class) x=(percent(position as u128 * 2 + 1, count as u128 * 2)) y="28" width="1" height="8" overflow="visible" { path d="M0 0 4 6H-4z" fill="currentColor" {} }
            }
            rect x=(percent(position as u128, count as u128)) y="0" width=(percent(1, count as u128)) height="40" fill="transparent" {}
        }
    }
}
