//! What the answers give, counted and not estimated, before anything is made.

use hyper::Uri;
use maud::{Markup, html};

use super::gather::{Answers, Format, Found};
use crate::web::{
    chart::{Bar, Kind, Stack, ticks},
    clock::rfc3339,
    frame::seal,
    glyph::{glyph, sized},
    number::{bytes, count_of, grouped},
    selected::Selected,
    stacked::over,
    text::bdi,
    visit::Visit,
};

/// Height of the bars, pixels.
const HEIGHT: u32 = 60;
/// Gaps that are named.
const GAPS: usize = 3;

pub(super) fn card(
    visit: &Visit,
    selected: &Selected,
    answers: &Answers,
    found: Option<&Found>,
    uri: &Uri,
) -> Markup {
    let Some(found) = found else {
        return html! { section.card #preview { div.empty { p { "Correct the answers to see what they give." } } } };
    };
    html! {
        section.card.lined.preview #preview aria-labelledby="preview-title" {
            header { h2 #preview-title { "What you will get" } span.end { "at tree size " (grouped(found.size)) } }
            div.body.padded {
                p.exact { strong { (grouped(found.count)) } " " span.soft { @if found.count == 1 { "event" } @else { "events" } } }
                p.small.soft { (selected.period.label) ". Counted, not estimated." }
                @if found.count == 0 { (nothing(visit)) } @else { (bars(visit, found)) }
            }
            ul.got {
                li { (glyph("file")) div { p.medium { (name(visit, selected, answers, found)) } p.small.soft { (parts(answers)) ", about " (bytes(found.about_bytes)) } } }
                @if found.count > 0 { li { span.ok { (sized("v-verified", "g")) } div { p.medium { "Every record with its proof" }
                    p.small.soft { "Under the signed checkpoint of " (grouped(found.covered)) ". No witness has cosigned it." } } } }
                @if found.erased > 0 { li { (glyph("unfinished")) div { p.medium { (count_of(found.erased, "erasure", "erasures")) " on record" } p.small.soft { "Their proofs stay valid" } } } }
            }
            (gaps(visit, found))
            (generate(visit, selected, answers, found, uri))
            (command(visit, selected, answers, found))
        }
    }
}

/// What an empty file would be worth, and the way out.
fn nothing(visit: &Visit) -> Markup {
    html! {
        div.alert.warn.first role="status" {
            (glyph("warning"))
            div {
                p.strong { "No event matches these answers" }
                p.soft { "A file made of them would hold no record. Widen the time, take another kind of event, or leave the filter out." }
                p { a href=(visit.address.to("/export").with("from", "").with("to", "")) { "Start again with everything" } }
            }
        }
    }
}

fn bars(visit: &Visit, found: &Found) -> Markup {
    let ends = found
        .days
        .iter()
        .skip(1)
        .map(|day| day.0)
        .chain([found.shown.1]);
    let events = visit.address.to("/events").with("q", &found.filter);
    let bars: Vec<Bar> = found
        .days
        .iter()
        .zip(ends)
        .map(|((start, count), end)| Bar {
            name: visit.clock.day(*start),
            about: count_of(*count, "event", "events"),
            address: over(&events, (*start, end)),
            parts: vec![u128::from(*count)],
            has_gap: found
                .gaps
                .iter()
                .any(|(_, gap)| *start <= gap.at_us() && gap.at_us() < end),
            span: (*start, end),
        })
        .collect();
    let kinds = [Kind {
        name: "events".to_owned(),
        fill: "success",
        address: None,
        total: None,
    }];
    let starts: Vec<i64> = found.days.iter().map(|day| day.0).collect();
    let names = ticks(&visit.clock, query::Interval::Day, &starts);
    let chart = Stack {
        bars: &bars,
        kinds: &kinds,
        ticks: &names,
        height: HEIGHT,
        figure: |count| grouped(count),
        mark: |count| grouped(count),
        title: "Events by day",
        has_axis: false,
    };
    html! { @if bars.len() > 1 { (chart.draw()) div.sr-table { (chart.table()) } } }
}

fn name(visit: &Visit, selected: &Selected, answers: &Answers, found: &Found) -> String {
    let ending = match answers.format {
        Format::Evidence => "zip",
        Format::JsonLines => "jsonl",
        Format::Csv => "csv",
    };
    let from = selected.period.from_us.unwrap_or(found.shown.0);
    let day = |us: i64| rfc3339(us).get(..10).unwrap_or_default().to_owned();
    let last = selected
        .period
        .to_us
        .unwrap_or(found.shown.1)
        .saturating_sub(1);
    format!(
        "{}-{}-to-{}.{ending}",
        visit.caller.trail_id(),
        day(from),
        day(last)
    )
}

fn parts(answers: &Answers) -> &'static str {
    match (answers.format, answers.with_contents) {
        (Format::Evidence, false) => "Records, proofs, gaps and a page that checks them",
        (Format::Evidence, true) => "Records, contents, proofs, gaps and a page that checks them",
        (Format::JsonLines, _) => "One record a line",
        (Format::Csv, _) => "One row a record, formulas neutralised",
    }
}

fn gaps(visit: &Visit, found: &Found) -> Markup {
    if found.gaps.is_empty() {
        return html! {};
    }
    let missing: u64 = found.gaps.iter().map(|(_, gap)| gap.count()).sum();
    html! {
        div.gap-box {
            span.bad { (glyph("gap")) }
            div {
                p.medium { (count_of(found.gaps.len() as u64, "gap", "gaps")) " in this period: " (count_of(missing, "event", "events")) " never arrived" }
                @for (producer, gap) in found.gaps.iter().take(GAPS) {
                    p.small.soft { "Producer " code { (bdi(producer)) } ", numbers " (grouped(gap.first)) "–" (grouped(gap.last)) ", " (visit.clock.stamp(gap.at_us())) }
                }
                p.small.soft { "The package says so. A gap can be explained, never filled." }
            }
        }
    }
}

/// The form of the button that starts it.
pub(super) const FORM: &str = "generate";

/// The button that starts it: the answers are those of the address, time and tree those that were counted.
fn generate(
    visit: &Visit,
    selected: &Selected,
    answers: &Answers,
    found: &Found,
    uri: &Uri,
) -> Markup {
    let what = match answers.format {
        Format::Evidence => "evidence package",
        Format::JsonLines => "JSON Lines",
        Format::Csv => "CSV",
    };
    let ends = [
        ("from", selected.period.from_us),
        ("to", selected.period.to_us),
    ];
    html! {
        form.generate #(FORM) method="post" action=(uri) {
            (seal(visit))
            input type="hidden" name="at" value=(found.size);
            @for (name, us) in ends { @if let Some(us) = us { input type="hidden" name=(name) value=(rfc3339(us)); } }
            button.btn.primary.large.wide { (glyph("download")) "Generate " (what) }
            p.small.soft { "Recorded in the trail by " (bdi(&visit.caller.key.name)) "." }
        }
    }
}

/// The same export from a terminal.
fn command(visit: &Visit, selected: &Selected, answers: &Answers, found: &Found) -> Markup {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let instant = |flag: &str, us: Option<i64>| {
        us.map(|us| format!(" {flag} {}", rfc3339(us)))
            .unwrap_or_default()
    };
    let no_content = if answers.with_contents {
        ""
    } else {
        " --no-content"
    };
    let command = format!(
        "indelible export {} --format {}{}{} --at {}{no_content} -o {}",
        quoted(&found.filter),
        answers.format.word(),
        instant("--from", selected.period.from_us),
        instant("--to", selected.period.to_us),
        found.size,
        name(visit, selected, answers, found),
    );
    html! {
        div.body.padded {
            div.copy {
                pre.code #export-command { bdi { (command) } }
                button.btn.icon type="button" data-copy="#export-command" aria-label="Copy the command" { (glyph("copy")) }
            }
            p.small.dim { "This command makes exactly this file. The export is recorded in the trail." }
        }
    }
}
