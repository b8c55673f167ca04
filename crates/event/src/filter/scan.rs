use std::ops::Range;

use super::{FilterError, TextPattern};

/// The text of a filter and how far it has been read.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// A value or free text, read.
#[derive(Clone, Debug)]
pub(super) struct Scanned<'a> {
    pub(super) pattern: TextPattern,
    /// As written, with its quotes.
    pub(super) raw: &'a str,
    pub(super) span: Range<usize>,
    pub(super) is_quoted: bool,
}

/// What stands between a field and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Colon,
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Operator {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Colon => ":",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn slice(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Whether a value or word ends here.
    pub(super) fn is_at_end_of_word(&self) -> bool {
        self.peek().is_none_or(|c| c.is_whitespace() || c == ')')
    }

    /// Whether this keyword stands here as a word of its own.
    pub(super) fn is_keyword(&self, keyword: &str) -> bool {
        self.rest().strip_prefix(keyword).is_some_and(|after| {
            let next = after.chars().next();
            next.is_none_or(|c| c.is_whitespace() || "()\"".contains(c))
        })
    }

    /// Takes the keyword if it stands here.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        self.is_keyword(keyword) && self.eat(keyword)
    }

    /// The bytes from here to the next white space, without parentheses that close earlier ones.
    pub(super) fn word_span(&self) -> Range<usize> {
        let mut word = self.rest().split(char::is_whitespace).next().unwrap_or("");
        while let Some(inner) = word.strip_suffix(')') {
            if word.matches('(').count() >= word.matches(')').count() {
                break;
            }
            word = inner;
        }
        self.at..self.at + word.len()
    }

    /// Reads a name if an operator follows it: quoted parts of a path stand behind a dot.
    pub(super) fn name(&mut self) -> Option<(Range<usize>, Operator)> {
        let mut ahead = self.clone();
        let mut before = None;
        let operator = loop {
            if let Some(operator) = ahead.operator() {
                break operator;
            }
            match ahead.peek()? {
                '"' if before == Some('.') => {
                    ahead.quoted().ok()?;
                    before = Some('"');
                }
                c if c.is_whitespace() || "()\"".contains(c) => return None,
                _ => before = ahead.bump(),
            }
        };
        let span = self.at..ahead.at - operator.as_str().len();
        self.at = ahead.at;
        Some((span, operator))
    }

    /// Goes on to the first of these signs in the word; what stands before it. Quoted parts of a path
    /// are passed over, as in [`Self::name`].
    pub(super) fn until(&mut self, signs: &[&str]) -> Option<Range<usize>> {
        let (start, mut before) = (self.at, None);
        while !signs.iter().any(|sign| self.rest().starts_with(sign)) {
            match self.peek()? {
                '"' if before == Some('.') => {
                    self.quoted().ok()?;
                    before = Some('"');
                }
                c if c.is_whitespace() || "()\"".contains(c) => return None,
                _ => before = self.bump(),
            }
        }
        Some(start..self.at)
    }

    fn operator(&mut self) -> Option<Operator> {
        [
            Operator::Colon,
            Operator::AtLeast,
            Operator::Above,
            Operator::AtMost,
            Operator::Below,
        ]
        .into_iter()
        .find(|operator| self.eat(operator.as_str()))
    }

    /// Reads a value or free text, quoted or bare, which nothing may follow directly.
    pub(super) fn value(&mut self) -> Result<Scanned<'a>, FilterError> {
        let start = self.at;
        let is_quoted = self.peek() == Some('"');
        let pattern = if is_quoted {
            self.quoted()?
        } else {
            self.bare()?
        };
        let span = start..self.at;
        if !self.is_at_end_of_word() {
            let whole = start..self.word_span().end;
            let (what, suggestion) = if is_quoted {
                (
                    "something follows the closing quote directly",
                    "put a space after it, or write `\\\"` for a quote inside".to_owned(),
                )
            } else {
                (
                    "a quote or parenthesis inside a word",
                    format!(
                        "put the whole in quotes: {}",
                        in_quotes(self.slice(whole.clone()))
                    ),
                )
            };
            return Err(FilterError::new(whole, what).suggest(suggestion));
        }
        Ok(Scanned {
            pattern,
            raw: self.slice(span.clone()),
            span,
            is_quoted,
        })
    }

    fn bare(&mut self) -> Result<TextPattern, FilterError> {
        let mut pieces = Pieces::default();
        while let Some(c) = self.peek() {
            if c.is_whitespace() || "()\"".contains(c) {
                break;
            }
            self.character(&mut pieces)?;
        }
        Ok(pieces.finish())
    }

    fn quoted(&mut self) -> Result<TextPattern, FilterError> {
        let start = self.at;
        self.bump();
        let mut pieces = Pieces::default();
        loop {
            match self.peek() {
                Some('"') => {
                    self.bump();
                    return Ok(pieces.finish());
                }
                Some(_) => self.character(&mut pieces)?,
                None => {
                    return Err(
                        FilterError::new(start..self.at, "the quote is never closed")
                            .suggest("add `\"` at the end of the text"),
                    );
                }
            }
        }
    }

    fn character(&mut self, pieces: &mut Pieces) -> Result<(), FilterError> {
        let start = self.at;
        match self.bump() {
            Some('*') => pieces.wildcard(),
            Some('\\') => match self.bump() {
                Some(c @ ('"' | '\\' | '*')) => pieces.current.push(c),
                _ => {
                    return Err(FilterError::new(start..self.at, "unknown escape").suggest(
                        "write `\\\\` for a backslash; only `\\\"`, `\\\\` and `\\*` are escapes",
                    ));
                }
            },
            Some(c) => pieces.current.push(c),
            None => {}
        }
        Ok(())
    }
}

/// A pattern being read.
#[derive(Default)]
struct Pieces {
    done: Vec<String>,
    current: String,
}

impl Pieces {
    fn wildcard(&mut self) {
        self.done.push(std::mem::take(&mut self.current));
    }

    fn finish(mut self) -> TextPattern {
        self.wildcard();
        TextPattern::from_pieces(self.done)
    }
}

/// Raw text as it stands in quotes.
pub(super) fn in_quotes(text: &str) -> String {
    format!("`\"{}\"`", text.replace('\\', "\\\\").replace('"', "\\\""))
}
