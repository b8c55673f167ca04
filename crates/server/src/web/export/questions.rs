//! The five questions.

use maud::{Markup, html};

use hyper::Uri;

use super::{
    everything,
    gather::{Answers, Format, Found, KINDS, MOST_PURPOSE},
    preview,
};
use crate::{
    keys::Scope,
    views::View,
    web::{
        address::Address,
        clock::Clock,
        events::filter_fault,
        glyph::{small, source},
        number::grouped,
        period::{Choice, Period},
        selected::Selected,
        text::bdi,
        visit::Visit,
    },
};

pub(super) fn card(
    visit: &Visit,
    selected: &Selected,
    answers: &Answers,
    found: Option<&Found>,
    views: &[View],
) -> Markup {
    html! {
        form.card.wizard #export-form method="get" action="/export"
            hx-get="/export" hx-trigger="change delay:150ms, submit" hx-target="#app" hx-select="#app" hx-swap="outerMorph show:none" hx-push-url="true"
        {
            input type="hidden" name="answered" value="1";
            @if let Some(tz) = visit.address.get("tz") { input type="hidden" name="tz" value=(tz); }
            @if let Some(fault) = &selected.fault { (filter_fault(&visit.address, selected, fault)) }
            (period(visit, selected, views))
            (actions(selected, answers, found))
            (contents(visit, answers))
            (form(answers))
            (purpose(answers))
            noscript { p.small.soft { "What is generated is what the preview shows." } button.btn.primary { "Update the preview" } }
        }
    }
}

fn question(number: u8, title: &str, hint: &Markup, body: &Markup) -> Markup {
    html! {
        fieldset.question {
            legend { span.step aria-hidden="true" { (number) } span.lead { (title) } span.small.dim { (hint) } }
            div.answer { (body) }
        }
    }
}

fn period(visit: &Visit, selected: &Selected, views: &[View]) -> Markup {
    let clock = &visit.clock;
    let Period { from_us, to_us, .. } = selected.period;
    let here = &visit.address;
    let link = |from: i64, to: i64| {
        here.with("from", clock.input(from))
            .with("to", clock.input(to))
    };
    let (last_month, last_quarter) = (months(clock, 1), months(clock, 3));
    let is = |span: (i64, i64)| (from_us, to_us) == (Some(span.0), Some(span.1));
    question(
        1,
        "Which period?",
        &html! { "Times are in " (clock.name()) ", the files in UTC." },
        &html! {
            div.line {
                nav.segments aria-label="Period" {
                    a href=(link(last_month.0, last_month.1)) aria-current=[is(last_month).then_some("true")] { "Last month" }
                    a href=(link(last_quarter.0, last_quarter.1)) aria-current=[is(last_quarter).then_some("true")] { "Last three months" }
                    a href=(here.with("from", "").with("to", "")) aria-current=[selected.period.is_choice(Choice::ALL_TIME).then_some("true")] { "Everything" }
                }
                span.span {
                    input.input type="datetime-local" name="from" aria-label="From" value=[from_us.map(|us| clock.input(us))];
                    span.soft { "to" }
                    input.input type="datetime-local" name="to" aria-label="To, not included" value=[to_us.map(|us| clock.input(us))];
                }
                @if !views.is_empty() {
                    details.menu data-menu {
                        summary.btn { "Use a saved view" }
                        div.sheet { @for view in views { a.choice href=(of_view(view)) { (bdi(&view.name)) } } }
                    }
                }
            }
        },
    )
}

/// What a saved view shows, of every kind.
fn of_view(view: &View) -> String {
    let address = view.address.parse::<Uri>().unwrap_or_default();
    everything(&Address::read(&address).without(&["event", "tab", "after", "before"]))
}

/// The whole calendar months before this one.
fn months(clock: &Clock, count: i32) -> (i64, i64) {
    (clock.month_start(count), clock.month_start(0))
}

fn actions(selected: &Selected, answers: &Answers, found: Option<&Found>) -> Markup {
    let all = answers.kinds.len() == KINDS.len();
    let hint = match answers.kinds.as_slice() {
        _ if all => "All are chosen.".to_owned(),
        [] => "None is chosen.".to_owned(),
        kinds if kinds.len() + 1 == KINDS.len() && !kinds.contains(&"llm") => {
            "All but model calls are chosen.".to_owned()
        }
        kinds => format!("{} of {} are chosen.", kinds.len(), KINDS.len()),
    };
    question(
        2,
        "Which actions?",
        &html! { (hint) },
        &html! {
            ul.kinds {
                @for (index, (word, name, sources)) in KINDS.iter().enumerate() {
                    li { label.check.grow {
                        input type="checkbox" name="kind" value=(word) checked[answers.kinds.contains(word)];
                        (source(sources.first().copied().unwrap_or("app"))) (name)
                        span.dim.num { @if let Some(found) = found { (grouped(found.of_kind.get(index).copied().unwrap_or(0))) } }
                    } }
                }
            }
            div.between.small {
                span { span.dim { "As a filter " } code { (found.map_or_else(|| answers.term(), |found| found.filter.clone())) } }
            }
            details open[!selected.q.is_empty()] {
                summary.small { "Narrow by agent, project or result" }
                input.input.mono name="q" value=(selected.q) aria-label="Filter" placeholder="actor:release-captain result:(failure OR error)" spellcheck="false" autocomplete="off";
            }
        },
    )
}

fn radio(
    name: &str,
    value: &str,
    checked: bool,
    title: &str,
    about: &Markup,
    disabled: bool,
) -> Markup {
    html! {
        label.radio-card {
            input type="radio" name=(name) value=(value) checked[checked] disabled[disabled];
            span { span.medium { (title) } span.small.soft { (about) } }
        }
    }
}

fn contents(visit: &Visit, answers: &Answers) -> Markup {
    let may = visit.has(Scope::Content);
    question(
        3,
        "How much of each?",
        &html! { "Secrets were redacted before they were stored. They are in neither." },
        &html! {
            div.radio-cards.halves {
                (radio("contents", "0", !answers.with_contents, "Records", &html! { "Who, what, when, on whose order, with which result and cost." }, false))
                (radio("contents", "1", answers.with_contents, "Records and contents", &html! { "Also what was sent and what came back." @if !may { " " span.line { (small("lock")) "Not with your role." } } }, !may))
            }
        },
    )
}

fn form(answers: &Answers) -> Markup {
    question(
        4,
        "In which form?",
        &html! { "Give the reviewer the package. It checks itself, without a network." },
        &html! {
            div.radio-cards.thirds {
                @for (format, word, title, about) in Format::ALL { (radio("format", word, answers.format == format, title, &html! { (about) }, false)) }
            }
        },
    )
}

fn purpose(answers: &Answers) -> Markup {
    question(
        5,
        "Who is it for?",
        &html! { "Goes into the package and into the trail." },
        &html! {
            // It goes with what is started, not with the preview, so that what is typed last counts.
            input.input #purpose name="purpose" form=(preview::FORM) value=(answers.purpose) maxlength=(MOST_PURPOSE) hx-preserve aria-label="Who is it for?" placeholder="External audit, fourth quarter, asked for by …";
        },
    )
}
