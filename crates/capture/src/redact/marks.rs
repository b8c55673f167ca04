//! Marks that a text has already: a gateway behind a gateway, or a server behind a hook, sees what was redacted before.

use std::{collections::BTreeSet, ops::Range};

use super::{label, own::RULES};

/// Beginning of what stands for a secret.
pub(super) const BEGIN: &[u8] = b"[REDACTED:";
/// Longest name of our own, bytes.
const MAX_OWN_BYTES: usize = 64;
/// Hex digits of a mark's hash.
const HASH_DIGITS: usize = 8;

/// Rule of a member that is secret by its name.
pub(super) const BY_NAME: &str = "secret-member";
/// Rule of an element of a list that is secret by the option before it.
pub(super) const BY_OPTION: &str = "secret-option";

/// The names that marks have: those of our own rules, and of a rule file. Anybody can write `[REDACTED:` around a
/// secret, so that a mark with another name is none, and its secret is looked for again.
#[derive(Debug, Default)]
pub(super) struct Names {
    of_file: BTreeSet<Vec<u8>>,
    /// Length of the longest of them, bytes.
    longest: usize,
}

impl Names {
    /// Our own names and these.
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a str>) -> Self {
        let of_file: BTreeSet<_> = rules.map(|id| id.as_bytes().to_vec()).collect();
        Self {
            longest: of_file.iter().map(Vec::len).max().unwrap_or_default(),
            of_file,
        }
    }

    /// The marks of a text, in order.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        memchr::memmem::find_iter(text, BEGIN)
            .filter_map(|start| {
                let length = self.length(text.get(start..)?)?;
                Some(start..start + length)
            })
            .collect()
    }

    /// Length of the mark at the beginning of a text.
    fn length(&self, text: &[u8]) -> Option<usize> {
        let rest = text.strip_prefix(BEGIN)?;
        let plain = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let longest = self.longest.max(MAX_OWN_BYTES);
        let rule = rest.iter().take(longest).take_while(plain).count();
        let hash = rest.get(rule..)?.strip_prefix(b":")?;
        let (digits, end) = hash.split_at_checked(HASH_DIGITS)?;
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_mark = digits.iter().all(is_digit)
            && end.first() == Some(&b']')
            && self.has(rest.get(..rule)?);
        is_mark.then_some(BEGIN.len() + rule + 1 + HASH_DIGITS + 1)
    }

    fn has(&self, name: &[u8]) -> bool {
        let own = RULES.iter().map(|rule| rule.id);
        let labels = label::ALL.iter().copied().chain([BY_NAME, BY_OPTION]);
        own.chain(labels).any(|own| own.as_bytes() == name) || self.of_file.contains(name)
    }

    /// What is no mark of a text.
    pub(super) fn unmarked(&self, text: &[u8]) -> Vec<u8> {
        let marks = self.find(text);
        let parts = without(&marks, 0..text.len()).into_iter();
        parts
            .filter_map(|part| text.get(part))
            .collect::<Vec<_>>()
            .concat()
    }
}

/// The mark that holds a place, not counting its first byte.
pub(super) fn around(marks: &[Range<usize>], at: usize) -> Option<&Range<usize>> {
    let next = marks.partition_point(|mark| mark.end <= at);
    marks.get(next).filter(|mark| mark.start < at)
}

/// What of a range lies in no mark.
pub(super) fn without(marks: &[Range<usize>], range: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut at = range.start;
    let first = marks.partition_point(|mark| mark.end <= range.start);
    for mark in marks.iter().skip(first) {
        if mark.start >= range.end {
            break;
        }
        if at < mark.start {
            parts.push(at..mark.start);
        }
        at = mark.end;
    }
    if at < range.end {
        parts.push(at..range.end);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_marks_of_our_own_are_some() {
        let text = b"a [REDACTED:jwt:0123abcd] [REDACTED::0123abcd] [REDACTED:jwt:0123abc] [REDACTED:jwt:0123ABCD] \
            [REDACTED:ghp_realtokenrealtoken:0123abcd] [REDACTED:jwt:01234567";
        let names = Names::default();
        let found: Vec<_> = names
            .find(text)
            .iter()
            .map(|mark| (mark.start, mark.end))
            .collect();
        assert_eq!(found, [(2, 25)]);
        assert_eq!(around(&names.find(text), 2), None);
        assert_eq!(around(&names.find(text), 24), Some(&(2..25)));
        assert_eq!(around(&names.find(text), 25), None);
    }

    #[test]
    fn rules_and_labels_are_names() {
        let long = "team-".repeat(20);
        let names = Names::new([long.as_str(), "acme"].into_iter());
        let own = ["private-key", "curl-user", "secret-member", "acme", &long];
        for name in own.iter().chain(label::ALL) {
            let text = format!("a[REDACTED:{name}:0123abcd]b");
            assert_eq!(names.unmarked(text.as_bytes()), b"ab", "{name}");
        }
        for none in ["", "private", "team-"] {
            let text = format!("[REDACTED:{none}:0123abcd]");
            assert!(names.find(text.as_bytes()).is_empty(), "{none}");
        }
    }

    #[test]
    fn ranges_lose_what_is_marked() {
        let marks = [2..4, 6..8];
        for (range, expected) in [
            (0..2, &[(0, 2)][..]),
            (0..9, &[(0, 2), (4, 6), (8, 9)]),
            (2..4, &[]),
            (3..7, &[(4, 6)]),
            (8..9, &[(8, 9)]),
        ] {
            let left = without(&marks, range.clone());
            let left: Vec<_> = left.iter().map(|part| (part.start, part.end)).collect();
            assert_eq!(left, expected, "{range:?}");
        }
    }
}
