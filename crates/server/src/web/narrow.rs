//! Filters as links carry them: the text of a filter with one more term, or one less.

use event::filter::{self, Filter, TextField};

/// A filter and a field equal to a value. What is no filter stays as it is.
pub(super) fn equal(q: &str, field: TextField, value: &str) -> String {
    match filter::parse(q) {
        Ok(filter) => filter.and_equal(field, value).to_string(),
        Err(_) => q.to_owned(),
    }
}

/// A filter and another term.
pub(super) fn and(q: &str, term: &str) -> String {
    let join = |one: Filter, other: &Filter| {
        let text = [one.to_string(), other.to_string()];
        let text: Vec<_> = text
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| in_and(text))
            .collect();
        text.join(" ")
    };
    match (filter::parse(q), filter::parse(term)) {
        (Ok(one), Ok(other)) => join(one, &other),
        _ => q.to_owned(),
    }
}

/// A filter's text where terms follow on it: alternatives need parentheses.
fn in_and(text: &str) -> String {
    match filter::parse(text) {
        Ok(filter) if matches!(filter.terms(), [filter::Expr::Or(_)]) => format!("({text})"),
        _ => text.to_owned(),
    }
}

/// A field equal to a value, as a term.
pub(super) fn term(field: TextField, value: &str) -> String {
    Filter::all().and_equal(field, value).to_string()
}

/// The terms that all have to match, each as text.
pub(super) fn terms(filter: &Filter) -> Vec<String> {
    filter
        .terms()
        .iter()
        .map(|term| in_and(&term.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_added_so_that_all_have_to_match() {
        assert_eq!(
            equal("source:llm OR source:mcp", TextField::Actor, "a b"),
            "(source:llm OR source:mcp) actor:\"a b\""
        );
        assert_eq!(and("a OR b", "c OR d"), "(a OR b) (c OR d)");
        assert_eq!(and("", "result:error"), "result:error");
        assert_eq!(and("result:", "x"), "result:");
        assert_eq!(term(TextField::Resource, "*"), "resource:\"\\*\"");
    }

    #[test]
    fn a_filter_falls_apart_into_terms_that_make_it_again() {
        for text in ["a -source:llm (x OR y)", "has:content", "actor:a cost>1"] {
            let filter = filter::parse(text).unwrap();
            let again = terms(&filter).join(" ");
            assert_eq!(filter::parse(&again).unwrap(), filter, "{again}");
        }
    }
}
