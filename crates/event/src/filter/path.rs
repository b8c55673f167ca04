use std::ops::Range;

use super::FilterError;

/// A place inside free JSON: below `input` or `output` of the content, or below `meta`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    pub(super) root: PathRoot,
    pub(super) members: Vec<String>,
}

/// Where a [`Path`] starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathRoot {
    /// Member `input` of the content.
    Input,
    /// Member `output` of the content.
    Output,
    /// Member `meta` of the record.
    Meta,
}

impl PathRoot {
    pub(super) const ALL: [Self; 3] = [Self::Input, Self::Output, Self::Meta];

    /// The member's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Meta => "meta",
        }
    }
}

impl Path {
    /// Where it starts.
    #[must_use]
    pub fn root(&self) -> PathRoot {
        self.root
    }

    /// Names of the members below the root, outermost first; none for the root itself.
    #[must_use]
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// Reads a path that stands at byte `offset` of the filter; `None` if it has no known root.
    pub(super) fn parse(text: &str, offset: usize) -> Option<Result<Self, FilterError>> {
        let (name, below) = match text.split_once('.') {
            Some((name, below)) => (name, Some(below)),
            None => (text, None),
        };
        let root = PathRoot::ALL
            .into_iter()
            .find(|root| root.name().eq_ignore_ascii_case(name))?;
        let Some(below) = below else {
            return Some(Ok(Self {
                root,
                members: Vec::new(),
            }));
        };
        Some(members(below, offset + name.len() + 1).map(|members| Self { root, members }))
    }
}

fn members(text: &str, offset: usize) -> Result<Vec<String>, FilterError> {
    let mut members = Vec::new();
    let mut rest = text;
    loop {
        let at = offset + text.len() - rest.len();
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_name(quoted),
            None => bare_name(rest, at)?,
        };
        members.push(name);
        if after.is_empty() {
            return Ok(members);
        }
        let end = offset + text.len() - after.len();
        rest = after.strip_prefix('.').ok_or_else(|| {
            FilterError::new(end..offset + text.len(), "expected `.` after a quoted name")
                .suggest("put the whole name in quotes, as in `input.\"a b\".c`")
        })?;
    }
}

fn bare_name(text: &str, at: usize) -> Result<(String, &str), FilterError> {
    let end = text.find('.').unwrap_or(text.len());
    let (name, after) = text.split_at_checked(end).unwrap_or((text, ""));
    let span: Range<usize> = at..at + name.len();
    if name.is_empty() {
        return Err(
            FilterError::new(at..at + 1, "a name is missing between the dots of the path")
                .suggest("write `input.a.b`, or `input.\"\"` for an empty name"),
        );
    }
    if name.contains(['*', '\\', '"']) {
        return Err(FilterError::new(
            span,
            "names in a path take no wildcards, escapes or quotes inside",
        )
        .suggest("put the name in quotes for the characters themselves, as in `input.\"a*b\"`"));
    }
    Ok((name.to_owned(), after))
}

/// A name behind its opening quote; the scanner has seen the closing one.
fn quoted_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => name.extend(chars.next()),
            c => name.push(c),
        }
    }
    (name, chars.as_str())
}
