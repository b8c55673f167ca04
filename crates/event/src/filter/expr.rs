use super::{Field, FreeText, NumberField, NumberRange, Path, PathRoot, TextField, TextPattern};

/// A condition on a record and its content.
///
/// Always in one form: `And` and `Or` hold at least two expressions, none of their own kind, and
/// `Not` never holds a `Not`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// All of them.
    And(Vec<Expr>),
    /// At least one of them.
    Or(Vec<Expr>),
    /// The complement.
    Not(Box<Expr>),
    /// A single condition.
    Term(Term),
}

/// A single condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// The field's whole value matches.
    Text(TextField, TextPattern),
    /// The field's number is inside.
    Number(NumberField, NumberRange),
    /// The record has the field.
    Present(Field),
    /// Something at the path passes the test.
    Path(Path, PathTest),
    /// The event has this part.
    Has(Part),
    /// A value of the record or of the content has the text.
    FreeText(FreeText),
}

/// What is asked of a value at a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathTest {
    /// That it is there.
    Present,
    /// A string, decoded, or a number, `true`, `false` or `null`, as written, matches as a whole.
    Text(TextPattern),
    /// A number is inside.
    Number(NumberRange),
}

/// A part that an event may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Content of any kind.
    Content,
    /// Member `input` of the content.
    Input,
    /// Member `output` of the content.
    Output,
    /// Member `usage` of the record.
    Usage,
    /// Member `approval` of the record.
    Approval,
}

/// JSON's values that are neither text nor number.
const WORDS: [&str; 3] = ["true", "false", "null"];

impl Part {
    pub(super) const ALL: [Self; 5] = [
        Self::Content,
        Self::Input,
        Self::Output,
        Self::Usage,
        Self::Approval,
    ];

    /// The name in filters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Input => "input",
            Self::Output => "output",
            Self::Usage => "usage",
            Self::Approval => "approval",
        }
    }
}

impl Expr {
    /// All of one or more expressions.
    pub(super) fn and(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        one_or(flat, Self::And)
    }

    /// At least one of one or more expressions.
    pub(super) fn or(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        one_or(flat, Self::Or)
    }

    /// The complement.
    pub(super) fn negate(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Whether the bytes of the content can matter.
    #[must_use]
    pub fn needs_content(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::needs_content),
            Self::Not(inner) => inner.needs_content(),
            Self::Term(term) => term.needs_content(),
        }
    }
}

fn one_or(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

impl Term {
    /// A pattern of any text is presence.
    pub(super) fn text(field: TextField, pattern: TextPattern) -> Self {
        if pattern.is_any() {
            Self::Present(Field::Text(field))
        } else {
            Self::Text(field, pattern)
        }
    }

    /// Tokens that every matching event has ([`Tokenizer`](super::Tokenizer)); none if nothing is known.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        match self {
            Self::FreeText(text) => text.tokens().map(str::to_owned).collect(),
            Self::Text(_, pattern) => pattern.tokens(),
            // These are compared as they are written, and are no tokens.
            Self::Path(_, PathTest::Text(pattern))
                if !WORDS.iter().any(|word| pattern.matches(word)) =>
            {
                pattern.tokens()
            }
            Self::Path(..) | Self::Number(..) | Self::Present(_) | Self::Has(_) => Vec::new(),
        }
    }

    /// The token that the matching events have and no others, if it is one that decides.
    #[must_use]
    pub fn as_token(&self) -> Option<&str> {
        match self {
            Self::FreeText(text) => text.as_token(),
            _ => None,
        }
    }

    /// Whether the bytes of the content can matter.
    #[must_use]
    pub fn needs_content(&self) -> bool {
        match self {
            Self::Path(path, _) => path.root() != PathRoot::Meta,
            Self::Has(part) => matches!(part, Part::Input | Part::Output),
            Self::FreeText(_) => true,
            Self::Text(..) | Self::Number(..) | Self::Present(_) => false,
        }
    }
}
