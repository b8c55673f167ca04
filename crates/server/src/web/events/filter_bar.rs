//! The filter, as text and as chips that are links to the same filter without one of its terms.

use event::filter::FilterError;
use maud::{Markup, html};

use crate::web::{
    address::Address,
    fault,
    glyph::{glyph, sized, small},
    narrow,
    selected::{Fault, Selected},
    text::{self, Hostile, bdi},
};

/// A term that cannot be taken away on this page.
pub(in super::super) struct Locked<'a> {
    pub(in super::super) field: &'a str,
    pub(in super::super) value: &'a str,
}

/// The bar. Its form keeps everything else of the address.
pub(in super::super) fn bar(
    here: &Address,
    selected: &Selected,
    locked: Option<&Locked<'_>>,
    hint: &str,
) -> Markup {
    let is_bad = matches!(selected.fault, Some(Fault::Filter(_)));
    let terms = if is_bad {
        Vec::new()
    } else {
        narrow::terms(&selected.filter)
    };
    let first = here.without(&["after", "before", "event", "tab"]);
    html! {
        form.filter #filter-form method="get" action=(first.path()) role="search" data-filter {
            @for (name, value) in first.rest(&["q"]) { input type="hidden" name=(name) value=(value); }
            (sized("search", "g lens"))
            @if let Some(locked) = locked { span.chip.locked { (small("lock")) span.key { (locked.field) ":" } (bdi(locked.value)) } }
            div.box {
                input #filter name="q" type="text" value=(selected.q) placeholder=(hint) aria-label="Filter" spellcheck="false"
                    autocomplete="off" autocapitalize="off" enterkeyhint="search" aria-invalid=[is_bad.then_some("true")]
                    aria-describedby=[is_bad.then_some("filter-fault")];
                @if !terms.is_empty() {
                    div.chips {
                        @for (index, term) in terms.iter().enumerate() { (chip(&first, &terms, index, term)) }
                        label.hint for="filter" { (hint) }
                    }
                }
            }
            kbd.keycap title="Press / to filter" { "/" }
            button.sr type="submit" { "Filter" }
        }
    }
}

fn chip(first: &Address, terms: &[String], index: usize, term: &str) -> Markup {
    let rest: Vec<_> = terms
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index)
        .map(|(_, term)| term.as_str())
        .collect();
    let (minus, plain) = match term.strip_prefix('-') {
        Some(plain) => (true, plain),
        None => (false, term),
    };
    let name = plain
        .find([':', '>', '<', '='])
        .filter(|at| plain.get(..*at).is_some_and(is_name));
    let (field, value) = plain
        .split_at_checked(name.map_or(0, |at| at + 1))
        .unwrap_or(("", plain));
    html! {
        span.chip data-term=(term) {
            @if minus { span.minus { "-" } }
            @if !field.is_empty() { span.key { (field) } }
            span.value { bdi { (Hostile(value, 60)) } }
            a.remove href=(first.with("q", rest.join(" "))) aria-label={ "Remove " (text::label(term)) } { (small("close")) }
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "._-".contains(c))
}

/// Why nothing is shown: the fault with its place in the text, and what to write instead.
pub(in super::super) fn filter_fault(here: &Address, selected: &Selected, fault: &Fault) -> Markup {
    match fault {
        Fault::Filter(error) => of_filter(here, &selected.q, error),
        Fault::Other(problem) => fault::alert(problem),
    }
}

fn of_filter(here: &Address, q: &str, error: &FilterError) -> Markup {
    let start = floor(q, error.span.start);
    let end = floor(q, error.span.end.max(start));
    let part = |from: usize, to: usize| q.get(from..to).unwrap_or_default();
    let (before, after) = (part(0, start), part(end, q.len()));
    // At the end of the text there is nothing to underline.
    let marked = match part(start, end) {
        "" => "␣",
        part => part,
    };
    let meant = error.suggestion.as_deref().and_then(meant);
    let meant = meant.map(|word| [before, word, after].concat());
    html! {
        div.alert.bad #filter-fault role="alert" {
            (glyph("error"))
            div {
                p.strong { "This is not a filter: " (quoting(&error.message)) }
                p { code.wrap { (Hostile(before, text::LONG)) mark { (Hostile(marked, text::LONG)) } (Hostile(after, text::LONG)) } }
                @if let Some(suggestion) = &error.suggestion { p.soft { (quoting(suggestion)) } }
                @if let Some(meant) = &meant {
                    p { a href=(here.without(&["after", "before"]).with("q", meant)) { "Show " code { (bdi(meant)) } } }
                }
            }
        }
    }
}

/// The word that a suggestion offers for the one at fault.
fn meant(suggestion: &str) -> Option<&str> {
    let (word, _) = suggestion.strip_prefix("did you mean `")?.split_once('`')?;
    Some(word)
}

/// A sentence whose quoted parts are text of the filter.
fn quoting(sentence: &str) -> Markup {
    html! {
        @for (index, part) in sentence.split('`').enumerate() {
            @if index % 2 == 1 { code { (bdi(part)) } } @else { (Hostile(part, text::LONG)) }
        }
    }
}

/// The last boundary of a character that is not after a place.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
