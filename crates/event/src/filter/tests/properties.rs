use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    generate::{event, expr},
    model,
};
use crate::{
    RecordView,
    filter::{Expr, Filter, Seen, Term, Tokenizer, parse},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_printed_filter_is_read_as_the_same(expr in expr()) {
        let filter = Filter::from(expr);
        let printed = filter.to_string();
        prop_assert_eq!(parse(&printed), Ok(filter), "{}", printed);
    }

    #[test]
    fn any_text_is_a_filter_or_an_error_with_its_place(
        parts in vec(
            select(vec![
                "(", ")", "\"", "-", " ", "*", "\\", ":", ">", "<=", "..", ".", "OR ", "AND ", "NOT ",
                "actor", "status", "cost", "duration", "input", "meta", "has", "is:unapproved",
                "1", "0.5", "5s", "a", "\u{e9}", "\u{2003}", "https://",
            ]),
            0..14,
        ),
    ) {
        let text = parts.concat();
        match parse(&text) {
            Ok(filter) => prop_assert_eq!(parse(&filter.to_string()), Ok(filter)),
            Err(error) => {
                prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error);
                prop_assert!(error.suggestion.is_some(), "{:?}", error);
            }
        }
    }

    #[test]
    fn matches_as_the_naive_matcher(event in event(), exprs in vec(expr(), 8)) {
        let text = event.record.write();
        let record = RecordView::parse(text.as_bytes()).unwrap();
        let content = event.content.as_ref().map(model::Json::write);
        let content = content.as_ref().map(String::as_bytes);
        for expr in exprs {
            let expected = model::matches(&event, &expr);
            if !expr.needs_content() {
                prop_assert_eq!(expr.matches(&record, None), expected, "{}", &expr);
            }
            if let Expr::Term(Term::FreeText(text)) = &expr {
                prop_assert!(text.tokens().all(|token| !token.is_empty()));
            }
            let filter = Filter::from(expr);
            prop_assert_eq!(filter.matches(&record, content), expected, "{} on {}", filter, text);
            prop_assert!(filter.may_match(text.as_bytes(), content) || !expected);
        }
    }

    #[test]
    fn an_event_has_the_tokens_of_what_it_matches(event in event(), exprs in vec(expr(), 8)) {
        let text = event.record.write();
        let record = RecordView::parse(text.as_bytes()).unwrap();
        let content = event.content.as_ref().map(model::Json::write);
        let content = content.as_ref().map(String::as_bytes);
        let mut has = BTreeSet::new();
        Tokenizer::default().event(&record, content, &mut |seen| {
            if let Seen::Token(token) = seen {
                has.insert(String::from_utf8(token.to_vec()).unwrap());
            }
        });
        for term in exprs.iter().flat_map(terms) {
            let matches = term.matches(&record, content);
            let all = term.tokens().iter().all(|token| has.contains(token));
            prop_assert!(all || !matches, "{:?} on {} {:?}", term, text, has);
            if let Some(token) = term.as_token() {
                prop_assert_eq!(has.contains(token), matches, "{} on {}", token, text);
            }
        }
    }

    #[test]
    fn de_morgan(event in event(), a in expr(), b in expr()) {
        let text = event.record.write();
        let record = RecordView::parse(text.as_bytes()).unwrap();
        let content = event.content.as_ref().map(model::Json::write);
        let holds = |expr: Expr| expr.matches(&record, content.as_ref().map(String::as_bytes));
        let (not_a, not_b) = (a.clone().negate(), b.clone().negate());
        let neither = Expr::or(vec![a.clone(), b.clone()]).negate();
        prop_assert_eq!(holds(neither), holds(Expr::and(vec![not_a.clone(), not_b.clone()])));
        let not_both = Expr::and(vec![a, b]).negate();
        prop_assert_eq!(holds(not_both), holds(Expr::or(vec![not_a, not_b])));
    }
}

fn terms(expr: &Expr) -> Vec<&Term> {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().flat_map(terms).collect(),
        Expr::Not(inner) => terms(inner),
        Expr::Term(term) => vec![term],
    }
}
