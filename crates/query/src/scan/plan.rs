//! A filter with what its terms are looked up by.

use std::ops::RangeInclusive;

use event::filter::{Expr, Filter, NumberField, Part, Term};
use store::{Column, Sought};

use super::judge::text_column;

/// The expressions of a filter that all have to match, those first that an index answers.
pub(super) struct Plan<'f> {
    pub(super) nodes: Vec<Node<'f>>,
    /// Number of leaves.
    pub(super) leaves: usize,
}

/// An expression.
pub(super) enum Node<'f> {
    And(Vec<Node<'f>>),
    Or(Vec<Node<'f>>),
    Not(Box<Node<'f>>),
    Leaf(Leaf<'f>),
}

/// A condition.
pub(super) struct Leaf<'f> {
    pub(super) term: &'f Term,
    pub(super) wanted: Wanted<'f>,
    /// Counted through the plan.
    pub(super) number: usize,
}

/// What an index is asked for a condition.
pub(super) enum Wanted<'f> {
    /// The rows that have it, and no others, match.
    Value(Sought<'f>),
    /// So too; what cannot be told otherwise without reading events.
    Part(Sought<'f>),
    /// The rows that have all these tokens may match.
    Tokens(Vec<String>),
    Nothing,
}

impl<'f> Plan<'f> {
    pub(super) fn new(filter: &'f Filter) -> Self {
        let mut leaves = 0;
        let mut nodes: Vec<Node<'f>> = filter
            .terms()
            .iter()
            .map(|expr| Node::new(expr, &mut leaves))
            .collect();
        nodes.sort_by_key(Node::rank);
        Self { nodes, leaves }
    }
}

impl<'f> Node<'f> {
    fn new(expr: &'f Expr, leaves: &mut usize) -> Self {
        let mut all = |parts: &'f [Expr]| {
            let mut nodes: Vec<Self> = parts.iter().map(|part| Self::new(part, leaves)).collect();
            nodes.sort_by_key(Self::rank);
            nodes
        };
        match expr {
            Expr::And(parts) => Self::And(all(parts)),
            Expr::Or(parts) => Self::Or(all(parts)),
            Expr::Not(inner) => Self::Not(Box::new(Self::new(inner, leaves))),
            Expr::Term(term) => {
                let number = *leaves;
                *leaves += 1;
                Self::Leaf(Leaf {
                    term,
                    wanted: wanted(term),
                    number,
                })
            }
        }
    }

    /// In which order expressions are judged: what an index knows, what columns know, the rest.
    fn rank(&self) -> u8 {
        match self {
            Self::Leaf(leaf) => match (&leaf.wanted, leaf.term) {
                (Wanted::Nothing, Term::FreeText(_) | Term::Path(..) | Term::Has(_)) => 2,
                (Wanted::Nothing, _) => 1,
                _ => 0,
            },
            Self::And(nodes) => nodes.iter().map(Self::rank).min().unwrap_or(0),
            Self::Or(nodes) => nodes.iter().map(Self::rank).max().unwrap_or(0),
            Self::Not(node) => node.rank().max(1),
        }
    }
}

fn wanted(term: &Term) -> Wanted<'_> {
    match term {
        Term::Has(Part::Content) => Wanted::Part(Sought::Part(store::Part::Content)),
        Term::Has(Part::Input) => Wanted::Part(Sought::Part(store::Part::Input)),
        Term::Has(Part::Output) => Wanted::Part(Sought::Part(store::Part::Output)),
        Term::FreeText(_) if term.as_token().is_some() => {
            Wanted::Part(Sought::Token(term.as_token().unwrap_or_default()))
        }
        Term::Text(field, pattern) if text_column(*field).has_terms() => {
            match pattern.as_literal() {
                Some(value) => Wanted::Value(Sought::Text(text_column(*field), value)),
                None => tokens(term),
            }
        }
        Term::Number(NumberField::Status, range) => {
            let range = range.integers().map(RangeInclusive::into_inner);
            let only = range.filter(|(low, high)| low == high);
            match only.and_then(|(low, _)| i64::try_from(low).ok()) {
                Some(status) => Wanted::Value(Sought::Number(Column::Status, status)),
                None => Wanted::Nothing,
            }
        }
        _ => tokens(term),
    }
}

fn tokens(term: &Term) -> Wanted<'_> {
    match term.tokens() {
        tokens if tokens.is_empty() => Wanted::Nothing,
        tokens => Wanted::Tokens(tokens),
    }
}
