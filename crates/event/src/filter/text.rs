use std::{
    hash::{Hash, Hasher},
    sync::LazyLock,
};

use memchr::memmem::Finder;

use super::TextPattern;

/// A shorter needle is in nearly every text.
const MIN_NEEDLE_BYTES: usize = 2;

/// Text to be found anywhere in a record or its content: a substring of one value, by simple lower
/// case, whose ends do not cut a token.
///
/// A token is a maximal run of letters and digits. Next to a wildcard a token may be cut.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FreeText {
    pattern: TextPattern,
    /// The pattern's pieces in lower case.
    folded: Vec<String>,
    /// The longest part that JSON writes as it is but for its case, if it is worth looking for.
    needle: Option<Needle>,
}

/// ASCII text in lower case.
#[derive(Clone, Debug)]
struct Needle(Box<Finder<'static>>);

impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        self.0.needle() == other.0.needle()
    }
}

impl Eq for Needle {}

impl Hash for Needle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.needle().hash(state);
    }
}

impl FreeText {
    pub(super) fn new(pattern: TextPattern) -> Self {
        let folded: Vec<String> = pattern.pieces().iter().map(|piece| folded(piece)).collect();
        let needle = Needle::longest(&folded);
        Self {
            pattern,
            folded,
            needle,
        }
    }

    /// The text as it was written.
    #[must_use]
    pub fn pattern(&self) -> &TextPattern {
        &self.pattern
    }

    /// Whole tokens, in lower case, that a value must have to match.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        whole_tokens(&self.folded)
    }

    /// The token in lower case, if the text is one and nothing else.
    #[must_use]
    pub fn as_token(&self) -> Option<&str> {
        match self.folded.as_slice() {
            [text] if !text.is_empty() && text.chars().all(char::is_alphanumeric) => Some(text),
            _ => None,
        }
    }

    /// Whether a string or number of this JSON text could match: cheap, and never wrongly `false`.
    #[must_use]
    pub fn may_match(&self, json: &[u8]) -> bool {
        self.needle
            .as_ref()
            .is_none_or(|needle| needle.is_in(json) || has_escaped_ascii(json))
    }

    /// Whether one value, a decoded string or a number as written, matches.
    ///
    /// `buffer` is memory to work in.
    #[must_use]
    pub fn matches(&self, value: &str, buffer: &mut String) -> bool {
        fold(value, buffer);
        match self.folded.as_slice() {
            [] => false,
            [text] => find(buffer, text, 0, true, true).is_some(),
            [first, middle @ .., last] => {
                let mut from = Some(0);
                if !first.is_empty() {
                    from = find(buffer, first, 0, true, false);
                }
                for piece in middle {
                    from = from.and_then(|from| find(buffer, piece, from, false, false));
                }
                from.is_some_and(|from| {
                    last.is_empty() || find(buffer, last, from, false, true).is_some()
                })
            }
        }
    }
}

impl Needle {
    fn longest(pieces: &[String]) -> Option<Self> {
        let text = pieces
            .iter()
            .flat_map(|piece| piece.split(|c| !is_plain(c)))
            .max_by_key(|part| part.len())
            .filter(|part| part.len() >= MIN_NEEDLE_BYTES)?;
        Some(Self(Box::new(Finder::new(text).into_owned())))
    }

    fn is_in(&self, json: &[u8]) -> bool {
        self.0.find(&json.to_ascii_lowercase()).is_some()
    }
}

/// Whether JSON has no shorter escape for the character and no character beyond ASCII becomes it in
/// lower case: the Kelvin sign becomes k, and I with a dot i.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '/' | 'k' | 'i')
}

/// Whether a printable ASCII character may be written as `\u00..`.
fn has_escaped_ascii(json: &[u8]) -> bool {
    static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u00"));
    ESCAPE
        .find_iter(json)
        .any(|at| matches!(json.get(at + 4), Some(b'2'..=b'7')))
}

/// Simple lower case, which maps one character to one: of the only two-character mapping (I with a
/// dot) it takes the first.
pub(super) fn fold_char(c: char) -> char {
    if c.is_ascii() {
        c.to_ascii_lowercase()
    } else {
        c.to_lowercase().next().unwrap_or(c)
    }
}

fn fold(text: &str, buffer: &mut String) {
    buffer.clear();
    if text.is_ascii() {
        buffer.push_str(text);
        buffer.make_ascii_lowercase();
    } else {
        buffer.extend(text.chars().map(fold_char));
    }
}

/// The tokens of text in lower case, in pieces between wildcards, that no wildcard can be part of.
fn whole_tokens(pieces: &[String]) -> impl Iterator<Item = &str> {
    let last = pieces.len().saturating_sub(1);
    pieces.iter().enumerate().flat_map(move |(index, piece)| {
        let mut whole = piece.as_str();
        if index > 0 {
            whole = whole.trim_start_matches(char::is_alphanumeric);
        }
        if index < last {
            whole = whole.trim_end_matches(char::is_alphanumeric);
        }
        whole
            .split(|c: char| !c.is_alphanumeric())
            .filter(|token| !token.is_empty())
    })
}

impl TextPattern {
    /// Whole tokens, in lower case, that a value must have to match.
    pub(super) fn tokens(&self) -> Vec<String> {
        let folded: Vec<String> = self.pieces().iter().map(|piece| folded(piece)).collect();
        whole_tokens(&folded).map(str::to_owned).collect()
    }
}

fn folded(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// Where the first occurrence at or after `from` ends whose start and end cut no token, as far as
/// asked.
fn find(
    text: &str,
    needle: &str,
    mut from: usize,
    whole_start: bool,
    whole_end: bool,
) -> Option<usize> {
    let finder = Finder::new(needle);
    loop {
        let at = from + finder.find(text.as_bytes().get(from..)?)?;
        let end = at + needle.len();
        if !(whole_start && cuts_token(text, at) || whole_end && cuts_token(text, end)) {
            return Some(end);
        }
        from = at + skip(text.get(at..)?, whole_start);
    }
}

/// How far the next occurrence is at least: behind the token here if it must start one.
fn skip(text: &str, whole_start: bool) -> usize {
    let run = text.find(|c: char| !c.is_alphanumeric());
    match run.unwrap_or(text.len()) {
        run if run > 0 && whole_start => run,
        _ => text.chars().next().map_or(1, char::len_utf8),
    }
}

fn cuts_token(text: &str, at: usize) -> bool {
    let Some((before, after)) = text.split_at_checked(at) else {
        return true;
    };
    before
        .chars()
        .next_back()
        .is_some_and(char::is_alphanumeric)
        && after.chars().next().is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::{FreeText, fold_char, folded};
    use crate::filter::TextPattern;

    fn text(pattern: &str) -> FreeText {
        let pieces = pattern.split('*').map(str::to_owned).collect();
        FreeText::new(TextPattern::from_pieces(pieces))
    }

    #[test]
    fn a_phrase_is_a_substring_that_cuts_no_token() {
        for (pattern, value, expected) in [
            ("rm -rf", "sudo RM -RF /", true),
            ("rm -rf", "sudo rm  -rf /", false),
            ("rm -rf", "farm -rf", false),
            ("rm -rf", "rm -rfv", false),
            ("rm", "farm rm", true),
            ("-rf", "rm -rf", true),
            ("1.0", "21.0 or 1.05", false),
            ("1.0", "v 1.0.", true),
            ("node-07", "NODE-07", true),
            ("node-07", "node 07", false),
            ("tools", "tools_call", true),
            ("/", "a/b", true),
            ("\u{c4}RGER", "der \u{e4}rger", true),
            ("\u{3c3}", "\u{3a3}", true),
            ("\u{3c3}", "\u{3c2}", false),
            ("kelvin", "\u{212a}ELVIN", true),
            ("istanbul", "\u{130}stanbul", true),
            ("aa", "aaa aab aa", true),
            ("", "", true),
        ] {
            assert_eq!(
                text(pattern).matches(value, &mut String::new()),
                expected,
                "{pattern} {value}"
            );
        }
    }

    #[test]
    fn a_wildcard_may_cut_a_token() {
        for (pattern, value, expected) in [
            ("kube*", "see Kubernetes", true),
            ("kube*", "minikube-x", false),
            ("*netes", "see kubernetes", true),
            ("*netes", "kubernetesx", false),
            ("rm * /etc", "rm -r -f /etc/x", true),
            ("rm*etc", "rm -r /etcd, etc", true),
            ("rm*etc", "farm etc", false),
            ("*", "", true),
            ("a*b*c", "a c b", false),
        ] {
            assert_eq!(
                text(pattern).matches(value, &mut String::new()),
                expected,
                "{pattern} {value}"
            );
        }
    }

    #[test]
    fn only_whole_tokens_are_told() {
        let tokens = |pattern: &str| {
            text(pattern)
                .tokens()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(tokens("RM -rf"), ["rm", "rf"]);
        assert_eq!(tokens("see kube*s now"), ["see", "now"]);
        assert_eq!(tokens("a*b*c d"), ["d"]);
        assert_eq!(tokens("--"), [""; 0]);
    }

    #[test]
    fn the_prefilter_is_never_wrongly_false() {
        let needle = text("Mellow wall");
        assert!(needle.may_match(br#"{"a":"a mELLOW WALL"}"#));
        assert!(needle.may_match(br#"{"a":"\u006dellow wall"}"#));
        assert!(!needle.may_match(br#"{"a":"mellow\u001b wall"}"#));
        assert!(text("kelvin").may_match("\u{212a}elv\u{130}n".as_bytes()));
        assert!(text("a/b").may_match(br#"["A\/B"]"#));
        assert!(text("\u{e9}\u{e9}").may_match(br#"["\u00c9\u00c9"]"#));
    }

    #[test]
    fn lower_case_keeps_letters_letters_and_is_stable() {
        for c in '\0'..=char::MAX {
            let lower = fold_char(c);
            assert_eq!(lower.is_alphanumeric(), c.is_alphanumeric(), "{c:?}");
            assert_eq!(fold_char(lower), lower, "{c:?}");
            // What the needle leaves out is all that becomes ASCII.
            assert!(
                c.is_ascii() || !lower.is_ascii() || matches!(lower, 'k' | 'i'),
                "{c:?}"
            );
        }
        assert_eq!(folded("\u{130}K"), "ik");
    }
}
