//! The timeline of a job: one lane for each source, one for what waited for approval.

use maud::{Markup, html};

use super::gather::{Found, Step};
use crate::web::{
    chart::percent,
    glyph::{SOURCES, colour, glyph, sized, small},
    number::{duration, grouped},
    text::label,
    visit::Visit,
};

/// Height of a lane, pixels.
const LANE: usize = 26;
/// Names below the lanes.
const TICKS: i64 = 6;

/// The lanes with the open event marked.
pub(super) fn card(visit: &Visit, found: &Found, open: Option<u64>) -> Markup {
    let steps = &found.steps;
    let (start, end) = span(steps);
    let lanes = lanes(steps);
    let at = |us: i64| percent(within(us, start, end), length(start, end));
    let has_waits = steps.iter().any(|step| {
        step.approval
            .as_ref()
            .is_some_and(|approval| approval.waited_us > 0 || approval.is_denied)
    });
    let count = lanes.len() + usize::from(has_waits);
    let height = count * LANE;
    let marked = steps.iter().find(|step| Some(step.seq) == open);
    html! {
        section.card.timeline aria-labelledby="timeline" {
            header { h2 #timeline { "Timeline" }
                div.legend.end {
                    @if has_waits { span.line { (crate::web::chart::swatch("waiting")) "waiting for approval" } span.line { span.ok { (small("allowed")) } "allowed" } }
                    span.line { span.warn { (small("failure")) } "failure" } span.line { span.bad { (small("error")) } "error" }
                }
            }
            div.lanes {
                div.lane-names {
                    @for (index, source) in lanes.iter().enumerate() { div.lane-name.odd[index.is_multiple_of(2)] { (crate::web::glyph::source(source)) span { (lane_name(source)) } } }
                    @if has_waits { div.lane-name.odd[lanes.len().is_multiple_of(2)] { span.soft { (small("lock")) } span { "Approvals" } } }
                }
                div.lane-area data-lanes {
                    svg width="100%" height=(height) role="group" aria-label="Steps by source over time" {
                        @for index in (0..count).step_by(2) { rect.band x="0" y=(index * LANE) width="100%" height=(LANE) {} }
                        @for (us, _) in ticks(visit, start, end) { @let x = at(us); line.grid x1=(x) x2=(x) y1="0" y2=(height) {} }
                        @for (index, source) in lanes.iter().enumerate() {
                            @for step in steps.iter().filter(|step| lane_of(&step.source) == *source) { (mark(visit, step, index, start, end)) }
                        }
                        @if has_waits { @for step in steps { (wait(step, lanes.len(), start, end)) } }
                        @if let Some(step) = marked { @let x = at(step.start_us); line.now x1=(x) x2=(x) y1="0" y2=(height) {} }
                    }
                    svg.names width="100%" height="24" aria-hidden="true" {
                        @for (nth, (us, name)) in ticks(visit, start, end).into_iter().enumerate() { text.second[nth % 2 == 1] x=(at(us)) y="17" text-anchor="middle" { (name) } }
                        @if let Some(step) = marked {
                            svg x=(at(step.start_us)) y="3" width="1" height="20" overflow="visible" { rect.now-box x="-28" y="0" width="56" height="18" rx="3" {} text.now-text x="0" y="13" text-anchor="middle" { (visit.clock.time(step.start_us)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The time of all steps; never empty.
pub(super) fn span(steps: &[Step]) -> (i64, i64) {
    let start = steps.iter().map(|step| step.start_us).min().unwrap_or(0);
    let end = steps.iter().map(|step| step.end_us).max().unwrap_or(1);
    // A hundredth more on both sides, so that the first and the last mark are whole.
    let margin = (end.saturating_sub(start) / 100).max(500_000);
    (start.saturating_sub(margin), end.saturating_add(margin))
}

fn length(start: i64, end: i64) -> u128 {
    u128::from(end.abs_diff(start).max(1))
}

fn within(us: i64, start: i64, end: i64) -> u128 {
    u128::from(us.clamp(start, end).abs_diff(start))
}

/// Sources that occur, in the order of the stack.
fn lanes(steps: &[Step]) -> Vec<&'static str> {
    let occurs = |source: &&'static str| steps.iter().any(|step| lane_of(&step.source) == *source);
    SOURCES.into_iter().filter(occurs).collect()
}

/// The lane of a source; one that nobody knows is an application's.
fn lane_of(source: &str) -> &'static str {
    SOURCES
        .into_iter()
        .find(|known| *known == source)
        .unwrap_or("app")
}

fn lane_name(source: &str) -> &str {
    match source {
        "llm" => "LLM",
        "mcp" => "Tools",
        "shell" => "Shell",
        "kubernetes" => "Kubernetes",
        "forward-proxy" => "Network",
        "aws" => "AWS",
        "sandbox" => "Sandbox",
        "app" => "Application",
        "hook" => "Hook",
        "otlp" => "OTLP",
        _ => "System",
    }
}

fn mark(visit: &Visit, step: &Step, lane: usize, start: i64, end: i64) -> Markup {
    let whole = length(start, end);
    let x = percent(within(step.start_us, start, end), whole);
    let width = percent(u128::from(step.end_us.abs_diff(step.start_us)), whole);
    let y = lane * LANE;
    let took = step.said.took.as_deref().unwrap_or("at once");
    let name = format!(
        "{}, {}, {took}, {}",
        step.said.name(),
        visit.clock.time(step.start_us),
        label(&step.said.outcome.word)
    );
    let fault = match step.said.outcome.class {
        "warn" => Some(("failure", "warn")),
        "bad" => Some(("error", "bad")),
        _ => None,
    };
    html! {
        a.step-mark href=(visit.address.with("event", step.seq)) data-seq=(step.seq) aria-label=(name) {
            title { (name) }
            svg x=(x) y=(y) width=(width) height=(LANE) overflow="visible" {
                rect class={ "f-" (colour(&step.source)) } x="0" y="6" width="100%" height="14" rx="2" {}
                rect class={ "least f-" (colour(&step.source)) } x="0" y="6" width="2" height="14" {}
                rect.hit x="-3" y="0" width="8" height=(LANE) fill="transparent" {}
                @if let Some((mark, class)) = fault {
                    circle.halo cx="4" cy="13" r="8" {}
                    svg class=(class) x="-3" y="6" width="14" height="14" viewBox="0 0 16 16" overflow="visible" { (sized(mark, "g g14")) }
                }
            }
        }
    }
}

/// A wait up to the decision, or a denial on the spot.
fn wait(step: &Step, lane: usize, start: i64, end: i64) -> Markup {
    let Some(approval) = step
        .approval
        .as_ref()
        .filter(|approval| approval.waited_us > 0 || approval.is_denied)
    else {
        return html! {};
    };
    let whole = length(start, end);
    // The decision is the moment at which what waited began.
    let from = step.start_us.saturating_sub(approval.waited_us);
    let x = percent(within(from, start, end), whole);
    let width = percent(
        within(step.start_us, start, end).saturating_sub(within(from, start, end)),
        whole,
    );
    let at = percent(within(step.start_us, start, end), whole);
    let y = lane * LANE;
    let (mark, class) = if approval.is_denied {
        ("denied", "warn")
    } else {
        ("allowed", "ok")
    };
    let name = format!(
        "{} by {}, waited {}",
        if approval.is_denied {
            "denied"
        } else {
            "allowed"
        },
        label(&approval.approver),
        duration(approval.waited_us)
    );
    html! {
        g {
            title { (name) " (#" (grouped(step.seq)) ")" }
            @if approval.waited_us > 0 {
                rect.f-waiting x=(x) y=(y + 6) width=(width) height="14" rx="2" {}
                rect x=(x) y=(y + 6) width=(width) height="14" rx="2" fill="url(#p-wait)" {}
            }
            svg class=(class) x=(at) y=(y + 6) width="1" height="14" overflow="visible" { svg x="-7" y="0" width="14" height="14" viewBox="0 0 16 16" { (glyph(mark)) } }
        }
    }
}

/// Round times between the ends.
fn ticks(visit: &Visit, start: i64, end: i64) -> Vec<(i64, String)> {
    const STEPS_S: [i64; 14] = [
        1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400,
    ];
    let length = end.saturating_sub(start);
    let step = STEPS_S
        .into_iter()
        .map(|seconds| seconds * 1_000_000)
        .find(|step| length / step <= TICKS);
    let step = step.unwrap_or(length / TICKS).max(1);
    let name = |us: i64| match step {
        ..60_000_000 => visit.clock.time(us),
        60_000_000..86_400_000_000 => visit.clock.minute(us),
        _ => visit.clock.date(us),
    };
    let first = start
        .div_euclid(step)
        .saturating_add(1)
        .saturating_mul(step);
    let all = (0..=TICKS).map(|index| first.saturating_add(index * step));
    all.take_while(|us| *us < end)
        .map(|us| (us, name(us)))
        .collect()
}
