/// Text in which `*` stands for any run of characters: the pieces between the wildcards.
///
/// One piece is a literal. The first and the last piece may be empty, those between are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextPattern {
    pieces: Vec<String>,
}

impl TextPattern {
    /// Text without a wildcard; a `*` in it is a character.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        Self {
            pieces: vec![text.into()],
        }
    }

    /// Pieces with a wildcard between each two; doubled wildcards become one.
    pub(super) fn from_pieces(mut pieces: Vec<String>) -> Self {
        let last = pieces.len().saturating_sub(1);
        let mut index = 0;
        pieces.retain(|piece| {
            let keep = index == 0 || index == last || !piece.is_empty();
            index += 1;
            keep
        });
        Self { pieces }
    }

    /// The text between the wildcards.
    #[must_use]
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// The text, if there is no wildcard.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }

    /// Whether it is `*`, which every text matches.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self.pieces.as_slice(), [first, last] if first.is_empty() && last.is_empty())
    }

    /// Whether the whole value matches, byte for byte.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        let (first, middle, last) = match self.pieces.as_slice() {
            [] => return false,
            [text] => return text == value,
            [first, middle @ .., last] => (first, middle, last),
        };
        // An empty piece is not compared: its memory is none, and reading that is slow on CPUs that
        // suppress the fault.
        let after_first = match first.as_str() {
            "" => Some(value),
            first => value.strip_prefix(first),
        };
        let inner = after_first.and_then(|rest| match last.as_str() {
            "" => Some(rest),
            last => rest.strip_suffix(last),
        });
        let Some(mut rest) = inner else {
            return false;
        };
        // Taking each piece at its first place leaves the most for the next.
        for piece in middle {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::TextPattern;

    fn pattern(text: &str) -> TextPattern {
        TextPattern::from_pieces(text.split('*').map(str::to_owned).collect())
    }

    #[test]
    fn wildcards_stand_for_any_run() {
        for (text, value, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("aba*aba", "ababa", false),
            ("*b*", "abc", true),
            ("*b*d*", "abcd", true),
            ("*d*b*", "abcd", false),
            ("a**c", "abc", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("*é*", "caf\u{e9}!", true),
        ] {
            assert_eq!(pattern(text).matches(value), expected, "{text} on {value}");
        }
    }

    #[test]
    fn a_literal_star_is_a_character() {
        let star = TextPattern::literal("a*");
        assert!(star.matches("a*") && !star.matches("ab"));
        assert!(pattern("**").is_any() && !star.is_any());
    }
}
