//! Where the secrets of a text are.

use std::{collections::BTreeMap, ops::Range};

use super::{
    escapes,
    keywords::Keywords,
    marks::{self, Names},
    rule::Rule,
};

/// All rules and what leads to them.
pub(super) struct Rules {
    keywords: Keywords,
    /// Rules of each keyword.
    of_keyword: Vec<Vec<usize>>,
    /// Rules without keywords.
    always: Vec<usize>,
    all: Vec<Rule>,
    /// Names of their marks.
    pub(super) marks: Names,
}

/// One secret of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Value(&'static str),
    Rule(usize),
}

impl Found {
    pub(super) fn known(start: usize, end: usize, label: &'static str) -> Self {
        Self {
            start,
            end,
            by: By::Value(label),
        }
    }

    pub(super) fn label<'a>(&self, rules: &'a Rules) -> &'a str {
        match self.by {
            By::Value(label) => label,
            By::Rule(index) => rules.all.get(index).map_or("rule", |rule| &rule.id),
        }
    }

    /// Known values first, then the rules in their order.
    fn rank(&self) -> usize {
        match self.by {
            By::Value(_) => 0,
            By::Rule(index) => index + 1,
        }
    }
}

impl Rules {
    pub(super) fn new(rules: Vec<Rule>, marks: Names) -> Self {
        let mut of_keyword: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut always = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if rule.keywords.is_empty() {
                always.push(index);
            }
            for keyword in &rule.keywords {
                of_keyword.entry(keyword).or_default().push(index);
            }
        }
        Self {
            keywords: Keywords::new(of_keyword.keys().copied()),
            of_keyword: of_keyword.into_values().collect(),
            always,
            marks,
            all: rules,
        }
    }

    /// Appends what the rules find, in no order and overlapping. Answers the marks of the text, if anything was looked for.
    pub(super) fn find(
        &self,
        text: &[u8],
        from: usize,
        found: &mut Vec<Found>,
    ) -> Vec<Range<usize>> {
        let may_match = |index: &usize| {
            let rule = self.all.get(*index);
            rule.is_some_and(|rule| has_run(text, rule.min_run))
        };
        let mut candidates: Vec<_> = self.always.iter().copied().filter(may_match).collect();
        self.keywords.each(text, |keyword| {
            for rule in self.of_keyword.get(keyword).into_iter().flatten() {
                if !candidates.contains(rule) {
                    candidates.push(*rule);
                }
            }
        });
        // Most texts of a JSON body are short and have nothing that leads to a rule.
        if candidates.is_empty() && found.is_empty() {
            return Vec::new();
        }
        let marks = self.marks.find(text);
        self.find_by(&candidates, text, from, &marks, found);
        // Marks have no escapes, and what leads to a rule hardly any: both are the same once they are read.
        if let Some(read) = escapes::read(text) {
            self.find_by(&candidates, &read, from, &marks, found);
        }
        marks
    }

    fn find_by(
        &self,
        candidates: &[usize],
        text: &[u8],
        from: usize,
        marks: &[Range<usize>],
        found: &mut Vec<Found>,
    ) {
        for index in candidates {
            if let Some(rule) = self.all.get(*index) {
                find_all(rule, *index, text, from, marks, found);
            }
        }
    }
}

/// Whether so many characters of a token stand in a row. Of each part of that length only the end is looked at, down to what
/// is no such character.
fn has_run(text: &[u8], bytes: usize) -> bool {
    let ends = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
    let mut at = 0;
    while let Some(part) = text.get(at..at + bytes) {
        match part.iter().rposition(ends) {
            Some(end) => at += end + 1,
            None => return true,
        }
    }
    false
}

/// Every match of a rule that begins at `from` or behind it, and in no mark; what is before is seen by `\b` only.
fn find_all(
    rule: &Rule,
    index: usize,
    text: &[u8],
    from: usize,
    marks: &[Range<usize>],
    found: &mut Vec<Found>,
) {
    let Some(regex) = rule.regex.get() else {
        return;
    };
    let mut at = from;
    let mut groups = regex.capture_locations();
    while at <= text.len() {
        // The plain search is several times faster than the one with groups, and mostly finds nothing.
        let Some(whole) = regex.find_at(text, at) else {
            return;
        };
        if let Some(mark) = marks::around(marks, whole.start()) {
            at = mark.end;
            continue;
        }
        let captures = regex.captures_read_at(&mut groups, text, whole.start());
        if captures.is_none() {
            return;
        }
        if let Some((start, end)) = rule.secret(text, &groups) {
            if let Some(mark) = marks::around(marks, start) {
                at = mark.end;
                continue;
            }
            found.push(Found {
                start,
                end,
                by: By::Rule(index),
            });
        }
        at = whole.end().max(at + 1);
    }
}

/// What is found, less what is marked already.
pub(super) fn unmarked(found: Vec<Found>, marks: &[Range<usize>]) -> Vec<Found> {
    if marks.is_empty() {
        return found;
    }
    let parts = found.into_iter().flat_map(|secret| {
        let parts = marks::without(marks, secret.start..secret.end);
        parts.into_iter().map(move |part| Found {
            start: part.start,
            end: part.end,
            by: secret.by,
        })
    });
    parts.collect()
}

/// In order, and of those that overlap only one: the first, of equal ones that of the earlier rule. What overlaps
/// it and goes further lengthens it, so that no tail of a secret stays.
pub(super) fn settle(mut found: Vec<Found>, from: usize) -> Vec<Found> {
    found.retain(|secret| secret.start >= from && secret.end > secret.start);
    found.sort_unstable_by_key(|secret| (secret.start, secret.rank()));
    found.dedup_by(|next, kept| {
        let overlaps = next.start < kept.end;
        if overlaps {
            kept.end = kept.end.max(next.end);
        }
        overlaps
    });
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::has_run;

    proptest! {
        #[test]
        fn a_run_is_seen_wherever_it_lies(text in "[a-c ./\"]{0,60}", bytes in 1_usize..12) {
            let is_token = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            let longest = text.split(|c| !is_token(c)).map(str::len).max();
            prop_assert_eq!(has_run(text.as_bytes(), bytes), longest >= Some(bytes));
        }
    }
}
