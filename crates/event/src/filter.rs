//! The filter language: one parser, one form, one meaning for every place that asks for events.
//!
//! In scope: reading filters, with the place of an error and a suggestion; printing them so that
//! they are read as the same; deciding whether a record and its content match.
//!
//! Out of scope: time, which is never part of a filter, and anything that looks at more than one
//! event.
//!
//! What the language means is written down in `docs/filter.md`.

mod decimal;
mod error;
mod expr;
mod field;
mod matcher;
mod mistake;
mod number;
mod parser;
mod path;
mod pattern;
mod print;
mod scan;
mod suggest;
mod term;
#[cfg(test)]
mod tests;
mod text;
mod tokens;

pub use decimal::Decimal;
pub use error::FilterError;
pub use expr::{Expr, Part, PathTest, Term};
pub use field::{Field, NumberField, TextField, Unit};
pub use number::{Comparison, NumberRange};
pub use parser::parse;
pub use path::{Path, PathRoot};
pub use pattern::TextPattern;
pub use suggest::nearest;
pub use text::FreeText;
pub use tokens::{Seen, Tokenizer};

use crate::RecordView;

/// Longest filter, as written and as printed: it has to fit into a request's head.
pub const MAX_BYTES: usize = 16 * 1024;
/// Most parentheses open at once: the parser and the matcher recurse.
pub const MAX_DEPTH: usize = 64;
/// Most terms: each can cost a walk through the content of every event.
pub const MAX_TERMS: usize = 500;

/// Which events are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// None of them is an `And`.
    terms: Vec<Expr>,
}

impl Filter {
    /// The filter that every event matches.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The expressions that all have to match; none in [`Filter::all`].
    #[must_use]
    pub fn terms(&self) -> &[Expr] {
        &self.terms
    }

    /// This filter and a field equal to a value, in which `*` is a character.
    #[must_use]
    pub fn and_equal(mut self, field: TextField, value: &str) -> Self {
        let equal = Term::Text(field, TextPattern::literal(value));
        self.terms.push(Expr::Term(equal));
        self
    }

    /// Whether the bytes of the content can matter to [`Filter::matches`].
    #[must_use]
    pub fn needs_content(&self) -> bool {
        self.terms.iter().any(Expr::needs_content)
    }

    /// Whether an event could match, told from the exact bytes of its record and content alone: cheap, and
    /// never wrongly `false`.
    #[must_use]
    pub fn may_match(&self, record: &[u8], content: Option<&[u8]>) -> bool {
        self.terms
            .iter()
            .all(|term| term.may_match(record, content))
    }

    /// Whether an event matches: its record and its content's exact bytes, `None` if it has none or
    /// they are erased.
    #[must_use]
    pub fn matches(&self, record: &RecordView<'_>, content: Option<&[u8]>) -> bool {
        matcher::all(&self.terms, record, content)
    }
}

impl From<Expr> for Filter {
    fn from(expr: Expr) -> Self {
        match expr {
            Expr::And(terms) => Self { terms },
            other => Self { terms: vec![other] },
        }
    }
}
