//! Facets: values that occur, each to include or to exclude.

use event::filter::{Expr, Filter, Term, TextField};
use maud::{Markup, html};
use query::{Dimension, Snapshot, Value};

use crate::{
    problem::Problem,
    web::{
        address::Address,
        glyph::{self, SOURCES, small},
        narrow,
        number::grouped,
        selected::Selected,
        text::{bdi, label},
        visit::Visit,
    },
};

/// Values of one facet that are shown.
const ROWS: usize = 8;
const ACTORS: usize = 4;
/// With `all=` one facet shows as many.
const ALL_ROWS: usize = 1_000;

/// One facet with its values.
pub(super) struct Facet {
    field: TextField,
    title: &'static str,
    values: Vec<Choice>,
    /// Values that are not shown.
    more: usize,
}

/// A value, or something else to choose by.
struct Choice {
    name: String,
    term: String,
    count: u64,
    state: State,
    glyph: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Included,
    Excluded,
}

const FIELDS: [(TextField, &str, usize); 5] = [
    (TextField::Source, "Source", ROWS),
    (TextField::Result, "Result", ROWS),
    (TextField::Actor, "Actor", ACTORS),
    (TextField::Action, "Action", ACTORS),
    (TextField::Project, "Project", ACTORS),
];

/// Counts the values of each facet, with all terms of the filter but those of the facet itself: what is excluded keeps its
/// count, so that it can be brought back.
pub(super) fn find(
    visit: &Visit,
    selected: &Selected,
    view: &Snapshot,
) -> Result<Vec<Facet>, Problem> {
    let range = selected.range();
    let all = visit.address.get("all");
    let mut facets = Vec::new();
    // Facets whose field the filter does not name share one walk.
    let named: Vec<_> = FIELDS
        .iter()
        .filter(|(field, ..)| names(&selected.filter, *field))
        .collect();
    let plain: Vec<_> = FIELDS
        .iter()
        .filter(|(field, ..)| !names(&selected.filter, *field))
        .collect();
    let rows = |field: TextField, usual: usize| {
        if all == Some(field.name()) {
            ALL_ROWS
        } else {
            usual
        }
    };
    let most = plain
        .iter()
        .map(|(field, _, usual)| rows(*field, *usual))
        .max()
        .unwrap_or(0);
    let dimensions: Vec<_> = plain
        .iter()
        .map(|(field, ..)| Dimension::Text(*field))
        .collect();
    let found = view.facets(&selected.allowed(), range, &dimensions, most.max(1))?;
    let mut counted: Vec<_> = plain.iter().zip(found).collect();
    let mut own = Vec::new();
    for facet in &named {
        let filter = selected.within(without(&selected.filter, facet.0));
        let found = view.facets(
            &filter,
            range,
            &[Dimension::Text(facet.0)],
            rows(facet.0, facet.2),
        )?;
        own.push((facet, found.into_iter().next()));
    }
    counted.extend(
        own.into_iter()
            .filter_map(|(facet, found)| Some((facet, found?))),
    );
    for (field, title, usual) in FIELDS {
        let found = counted.iter().find(|((known, ..), _)| *known == field);
        let Some((_, found)) = found else { continue };
        let shown = rows(field, usual);
        let mut values: Vec<Choice> = found
            .values
            .iter()
            .take(shown)
            .map(|(value, count)| choice(selected, field, value, *count))
            .collect();
        if field == TextField::Source {
            values.sort_by_key(|choice| {
                SOURCES
                    .iter()
                    .position(|known| *known == choice.name)
                    .unwrap_or(SOURCES.len())
            });
        }
        keep_chosen(selected, field, &mut values);
        facets.push(Facet {
            field,
            title,
            more: found.distinct.saturating_sub(shown),
            values,
        });
    }
    facets.push(approval(selected, view)?);
    Ok(facets)
}

/// A value that the filter names stands there though it does not occur.
fn keep_chosen(selected: &Selected, field: TextField, values: &mut Vec<Choice>) {
    for (value, state) in chosen(&selected.filter, field) {
        if !values.iter().any(|choice| choice.name == value) {
            values.push(Choice {
                term: narrow::term(field, &value),
                name: value,
                count: 0,
                state,
                glyph: None,
            });
        }
    }
}

fn choice(selected: &Selected, field: TextField, value: &Value, count: u64) -> Choice {
    let name = match value {
        Value::Text(text) => text.to_string(),
        Value::Number(number) => number.to_string(),
    };
    let states = chosen(&selected.filter, field);
    let state = states.iter().find(|(known, _)| *known == name);
    let glyph = match (field, name.as_str()) {
        (TextField::Result, "success") => Some("tick"),
        (TextField::Result, "failure") => Some("failure"),
        (TextField::Result, "error") => Some("error"),
        _ => None,
    };
    Choice {
        term: narrow::term(field, &name),
        state: state.map_or(State::Free, |(_, state)| *state),
        name,
        count,
        glyph,
    }
}

/// Who let it happen: nobody, a rule or a person.
fn approval(selected: &Selected, view: &Snapshot) -> Result<Facet, Problem> {
    const TERMS: [(&str, &str); 3] = [
        ("auto", "approver:auto"),
        ("by a person", "approver:* -approver:auto"),
        ("unapproved", "is:unapproved"),
    ];
    let here = narrow::terms(&selected.filter);
    let mut values = Vec::new();
    for (name, term) in TERMS {
        let parts: Vec<&str> = term.split(' ').collect();
        let is_chosen = parts
            .iter()
            .all(|part| here.iter().any(|known| known == part));
        values.push(Choice {
            name: name.to_owned(),
            term: term.to_owned(),
            count: view.count(&selected.and(term), selected.range())?,
            state: if is_chosen {
                State::Included
            } else {
                State::Free
            },
            glyph: None,
        });
    }
    Ok(Facet {
        field: TextField::Approver,
        title: "Approval",
        values,
        more: 0,
    })
}

/// Values that the filter names by equality, alone or as alternatives.
fn chosen(filter: &Filter, field: TextField) -> Vec<(String, State)> {
    let mut found = Vec::new();
    for term in filter.terms() {
        match term {
            Expr::Not(inner) => {
                found.extend(literals(inner, field).map(|value| (value, State::Excluded)));
            }
            term => found.extend(literals(term, field).map(|value| (value, State::Included))),
        }
    }
    found
}

/// The values of `field:a`, or of `field:(a OR b)`.
fn literals(expr: &Expr, field: TextField) -> std::vec::IntoIter<String> {
    let one = |expr: &Expr| match expr {
        Expr::Term(Term::Text(known, pattern)) if *known == field => {
            pattern.as_literal().map(ToOwned::to_owned)
        }
        _ => None,
    };
    let values: Option<Vec<String>> = match expr {
        Expr::Or(parts) => parts.iter().map(one).collect(),
        other => one(other).map(|value| vec![value]),
    };
    values.unwrap_or_default().into_iter()
}

/// Whether a term of the filter is about a field alone.
fn names(filter: &Filter, field: TextField) -> bool {
    !chosen(filter, field).is_empty()
}

/// The filter without the terms that choose values of a field.
fn without(filter: &Filter, field: TextField) -> Filter {
    let keeps = |term: &&Expr| match term {
        Expr::Not(inner) => literals(inner, field).next().is_none(),
        term => literals(term, field).next().is_none(),
    };
    let text: Vec<String> = filter
        .terms()
        .iter()
        .filter(keeps)
        .map(|term| match term {
            Expr::Or(_) => format!("({term})"),
            term => term.to_string(),
        })
        .collect();
    event::filter::parse(&text.join(" ")).unwrap_or_default()
}

/// The filter with a value of a facet chosen in another way.
fn choose(filter: &Filter, facet: &Facet, choice: &Choice, state: State) -> String {
    if facet.field == TextField::Approver {
        let parts: Vec<&str> = choice.term.split(' ').collect();
        let all = [
            "approver:auto",
            "approver:*",
            "-approver:auto",
            "is:unapproved",
        ];
        let terms = narrow::terms(filter)
            .into_iter()
            .filter(|term| !all.contains(&term.as_str()));
        let mut terms: Vec<String> = terms.collect();
        if state == State::Included {
            terms.extend(parts.iter().map(|part| (*part).to_owned()));
        }
        return terms.join(" ");
    }
    let mut included: Vec<String> = Vec::new();
    let mut excluded: Vec<String> = Vec::new();
    for (value, known) in chosen(filter, facet.field) {
        let state = if value == choice.name {
            State::Free
        } else {
            known
        };
        match state {
            State::Included => included.push(value),
            State::Excluded => excluded.push(value),
            State::Free => {}
        }
    }
    match state {
        State::Included => included.push(choice.name.clone()),
        State::Excluded => excluded.push(choice.name.clone()),
        State::Free => {}
    }
    let term = |value: &String| narrow::term(facet.field, value);
    let mut terms = narrow::terms(&without(filter, facet.field));
    match included.as_slice() {
        [] => {}
        [only] => terms.push(term(only)),
        several => terms.push(format!(
            "({})",
            several.iter().map(term).collect::<Vec<_>>().join(" OR ")
        )),
    }
    terms.extend(excluded.iter().map(|value| format!("-{}", term(value))));
    terms.join(" ")
}

pub(super) fn pane(visit: &Visit, selected: &Selected, facets: &[Facet]) -> Markup {
    let here = visit.address.without(&["after", "before"]);
    html! {
        aside.facets #facets aria-label="Facets" {
            @for facet in facets.iter().filter(|facet| !facet.values.is_empty()) {
                section.facet {
                    h2.small.dim { (facet.title) }
                    ul {
                        @for choice in &facet.values { (row(&here, selected, facet, choice)) }
                        @if facet.more > 0 {
                            li { a.more href=(here.with("all", facet.field.name())) { (grouped(facet.more)) " more" } }
                        } @else if visit.address.get("all") == Some(facet.field.name()) {
                            li { a.more href=(here.with("all", "")) { "Fewer" } }
                        }
                    }
                }
            }
        }
    }
}

fn row(here: &Address, selected: &Selected, facet: &Facet, choice: &Choice) -> Markup {
    let next = if choice.state == State::Included {
        State::Free
    } else {
        State::Included
    };
    let not = if choice.state == State::Excluded {
        State::Free
    } else {
        State::Excluded
    };
    let link = |state| here.with("q", choose(&selected.filter, facet, choice, state));
    let checked = match choice.state {
        State::Free => "false",
        State::Included => "true",
        State::Excluded => "mixed",
    };
    let name = label(&choice.name);
    html! {
        li.choice-row.out[choice.state == State::Excluded] {
            a.pick role="checkbox" aria-checked=(checked) href=(link(next)) title=(name) data-facet {
                span.box { @match choice.state { State::Included => (small("tick")), State::Excluded => span.dash {}, State::Free => {} } }
                @if facet.field == TextField::Source { (glyph::source(&choice.name)) }
                @if let Some(glyph) = choice.glyph { span class=(tone(glyph)) { (small(glyph)) } }
                span.name { (bdi(&choice.name)) }
                span.count { (grouped(choice.count)) }
            }
            @if facet.field != TextField::Approver {
                a.not href=(link(not)) data-facet-not aria-label={ @if choice.state == State::Excluded { "Stop excluding " } @else { "Exclude " } (name) } { (small(if choice.state == State::Excluded { "plus" } else { "close" })) }
            }
        }
    }
}

fn tone(glyph: &str) -> &'static str {
    match glyph {
        "failure" => "warn",
        "error" => "bad",
        _ => "dim",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen_after(q: &str, name: &str, state: State) -> String {
        let filter = event::filter::parse(q).unwrap();
        let facet = Facet {
            field: TextField::Source,
            title: "",
            values: Vec::new(),
            more: 0,
        };
        let choice = Choice {
            name: name.to_owned(),
            term: narrow::term(TextField::Source, name),
            count: 0,
            state: State::Free,
            glyph: None,
        };
        choose(&filter, &facet, &choice, state)
    }

    #[test]
    fn values_are_chosen_beside_each_other_and_excluded_one_by_one() {
        for (before, name, state, after) in [
            ("", "llm", State::Included, "source:llm"),
            (
                "source:llm",
                "mcp",
                State::Included,
                "(source:llm OR source:mcp)",
            ),
            ("source:(llm OR mcp) x", "llm", State::Free, "x source:mcp"),
            ("source:llm", "llm", State::Excluded, "-source:llm"),
            ("-source:llm", "llm", State::Free, ""),
            (
                "-source:llm",
                "mcp",
                State::Excluded,
                "-source:llm -source:mcp",
            ),
            (
                "source:l* a",
                "mcp",
                State::Included,
                "source:l* a source:mcp",
            ),
        ] {
            let text = chosen_after(before, name, state);
            assert_eq!(text, after, "{before} {name} {state:?}");
            event::filter::parse(&text).unwrap();
        }
    }

    #[test]
    fn a_facet_counts_without_its_own_terms() {
        let filter = event::filter::parse(
            "source:(llm OR mcp) -source:shell actor:a (source:llm OR actor:b)",
        )
        .unwrap();
        assert_eq!(
            without(&filter, TextField::Source).to_string(),
            "actor:a (source:llm OR actor:b)"
        );
        let states = chosen(&filter, TextField::Source);
        assert_eq!(
            states
                .iter()
                .map(|(value, _)| value.as_str())
                .collect::<Vec<_>>(),
            ["llm", "mcp", "shell"]
        );
    }
}
