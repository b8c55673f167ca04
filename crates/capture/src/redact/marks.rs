//! Marks that a text has already: a gateway behind a gateway, or a server behind a hook, sees what was redacted before.

use std::ops::Range;

use super::own::RULES;

/// Beginning of what stands for a secret.
pub(super) const BEGIN: &[u8] = b"[REDACTED:";
/// Longest name of a rule in a mark, bytes.
const MAX_RULE_BYTES: usize = 64;
/// Hex digits of a mark's hash.
const HASH_DIGITS: usize = 8;

/// What stands for the rule in the mark of a secret that is known by its value or by its member's name.
const LABELS: [&str; 9] = [
    "agent-token",
    "argument",
    "client-key",
    "environment",
    "injected-key",
    "mcp-session",
    "request-secret",
    BY_NAME,
    BY_OPTION,
];
/// Rule of a member that is secret by its name.
pub(super) const BY_NAME: &str = "secret-member";
/// Rule of an element of a list that is secret by the option before it.
pub(super) const BY_OPTION: &str = "secret-option";

/// The marks of a text, in order. One with the name of a rule that is not our own is none: its secret may be looked
/// for again.
pub(super) fn find(text: &[u8]) -> Vec<Range<usize>> {
    memchr::memmem::find_iter(text, BEGIN)
        .filter_map(|start| {
            let length = length(text.get(start..)?)?;
            Some(start..start + length)
        })
        .collect()
}

/// Length of the mark at the beginning of a text.
fn length(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(BEGIN)?;
    let plain = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let rule = rest.iter().take(MAX_RULE_BYTES).take_while(plain).count();
    let hash = rest.get(rule..)?.strip_prefix(b":")?;
    let (digits, end) = hash.split_at_checked(HASH_DIGITS)?;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_mark = digits.iter().all(is_digit)
        && end.first() == Some(&b']')
        && is_name(rest.get(..rule).unwrap_or_default());
    is_mark.then_some(BEGIN.len() + rule + 1 + HASH_DIGITS + 1)
}

/// Whether our marks have this name: anybody can write `[REDACTED:` around a secret.
fn is_name(name: &[u8]) -> bool {
    let mut rules = RULES.iter().map(|rule| rule.id);
    rules.any(|rule| rule.as_bytes() == name) || LABELS.iter().any(|label| label.as_bytes() == name)
}

/// What is no mark of a text.
pub(super) fn unmarked(text: &[u8]) -> Vec<u8> {
    let marks = find(text);
    let parts = without(&marks, 0..text.len()).into_iter();
    parts
        .filter_map(|part| text.get(part))
        .collect::<Vec<_>>()
        .concat()
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
        let found: Vec<_> = find(text)
            .iter()
            .map(|mark| (mark.start, mark.end))
            .collect();
        assert_eq!(found, [(2, 25)]);
        assert_eq!(around(&find(text), 2), None);
        assert_eq!(around(&find(text), 24), Some(&(2..25)));
        assert_eq!(around(&find(text), 25), None);
    }

    #[test]
    fn rules_and_labels_are_names() {
        for name in ["private-key", "curl-user", "secret-member", "client-key"] {
            assert!(is_name(name.as_bytes()), "{name}");
        }
        assert!(!is_name(b"") && !is_name(b"private"));
        assert_eq!(unmarked(b"a[REDACTED:jwt:0123abcd]b"), b"ab");
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
