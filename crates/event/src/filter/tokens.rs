//! The tokens of an event: what free text compares, taken apart once for an index.

mod words;

use super::{matcher::NOT_SEARCHED, text::fold_char};
use crate::{RecordView, json::Text};
use words::{Quoted, each_word};

/// Takes events apart into the tokens that free text can find in them.
///
/// A token is a maximal run of letters and digits of one value, by simple lower case. A value that
/// matches a text has all of [`FreeText::tokens`](super::FreeText::tokens); where the text is one
/// token and nothing else, the events that match are exactly those that have it.
#[derive(Debug, Default)]
pub struct Tokenizer {
    /// What is being read, its ASCII letters in lower case.
    lower: String,
    /// A token that does not stand there as it is.
    token: String,
}

/// What is met on the way through an event.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// A token, UTF-8, which may have come before.
    Token(&'a [u8]),
    /// The name of a member of the whole.
    Member(Text<'a>),
}

impl Tokenizer {
    /// Gives every token of an event, and the names of the members of its content.
    ///
    /// The content has to be compact JSON, as it is stored; of other bytes the tokens are anything.
    pub fn event(
        &mut self,
        record: &RecordView<'_>,
        content: Option<&[u8]>,
        each: &mut impl FnMut(Seen<'_>),
    ) {
        for (name, value) in record.exact.members() {
            if !NOT_SEARCHED.contains(&name.raw()) {
                self.json(value.as_str(), &mut |seen| {
                    if matches!(seen, Seen::Token(_)) {
                        each(seen);
                    }
                });
            }
        }
        if let Some(content) = content.and_then(|content| std::str::from_utf8(content).ok()) {
            self.json(content, each);
        }
    }

    /// Gives the tokens of a decoded string.
    pub fn text(&mut self, text: &str, each: &mut impl FnMut(Seen<'_>)) {
        if text.is_ascii() {
            self.lower.clear();
            self.lower.push_str(text);
            self.lower.make_ascii_lowercase();
            each_word(self.lower.as_bytes(), |word| each(Seen::Token(word)));
        } else {
            decoded(text, &mut self.token, each);
        }
    }

    /// Gives the tokens of a value and of all values in it, and the names of its members.
    ///
    /// It has to be compact JSON, in which a name is a string with a colon behind it.
    pub fn json(&mut self, json: &str, each: &mut impl FnMut(Seen<'_>)) {
        self.lower.clear();
        self.lower.push_str(json);
        self.lower.make_ascii_lowercase();
        let mut depth = 0_u32;
        let mut at = 0;
        while let Some(rest) = self
            .lower
            .as_bytes()
            .get(at..)
            .filter(|rest| !rest.is_empty())
        {
            at += match rest.first() {
                Some(b'"') => {
                    let quoted = Quoted::read(rest.get(1..).unwrap_or_default());
                    let inner = at + 1..at + 1 + quoted.length;
                    if rest.get(quoted.length + 2) != Some(&b':') {
                        let raw = self.lower.get(inner).unwrap_or_default();
                        string(raw, &quoted, &mut self.token, each);
                    } else if depth == 1 {
                        let name = Text::written(json.get(inner).unwrap_or_default());
                        each(Seen::Member(name));
                    }
                    quoted.length + 2
                }
                Some(b'-' | b'0'..=b'9') => {
                    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || !byte.is_ascii();
                    let length = rest.iter().position(ends).unwrap_or(rest.len());
                    each_word(rest.get(..length).unwrap_or_default(), |word| {
                        each(Seen::Token(word));
                    });
                    length
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    1
                }
                Some(b'}' | b']') => {
                    depth = depth.saturating_sub(1);
                    1
                }
                _ => 1,
            };
        }
    }
}

/// The tokens of a string as it is written between its quotes, its ASCII letters in lower case.
fn string(raw: &str, quoted: &Quoted, token: &mut String, each: &mut impl FnMut(Seen<'_>)) {
    let mut word = |word: &[u8]| each(Seen::Token(word));
    if quoted.is_plain() {
        return each_word(raw.as_bytes(), word);
    }
    if !quoted.is_ascii || raw.contains("\\u") {
        return decoded(&Text::written(raw).decode(), token, each);
    }
    // Every escape but this kind stands for neither letter nor digit.
    let mut rest = raw.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        each_word(rest.get(..at).unwrap_or_default(), &mut word);
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    each_word(rest, word);
}

/// The tokens of text without escapes.
fn decoded(text: &str, token: &mut String, each: &mut impl FnMut(Seen<'_>)) {
    token.clear();
    for c in text.chars() {
        if c.is_alphanumeric() {
            token.push(fold_char(c));
        } else if !token.is_empty() {
            each(Seen::Token(token.as_bytes()));
            token.clear();
        }
    }
    if !token.is_empty() {
        each(Seen::Token(token.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, Tokenizer};

    fn seen(json: &str) -> (Vec<String>, Vec<String>) {
        let (mut tokens, mut members) = (Vec::new(), Vec::new());
        Tokenizer::default().json(json, &mut |seen| match seen {
            Seen::Token(token) => tokens.push(String::from_utf8(token.to_vec()).unwrap()),
            Seen::Member(name) => members.push(name.decode().into_owned()),
        });
        (tokens, members)
    }

    #[test]
    fn values_are_taken_apart_and_names_are_not() {
        for (json, expected) in [
            (
                r#"{"name":"Two words","n":[1.50,-2e+7,true,null]}"#,
                "two words 1 50 2e 7",
            ),
            (r#"{"a":{"b":"c"},"d\n":["e","f:g"]}"#, "c e f g"),
            (r#""rm -rf /etc/Passwd""#, "rm rf etc passwd"),
            (r#""line\nnext\tA\\b\/c\"d""#, "line next a b c d"),
            (r#""\u0041b c\u00c9\u00e9 d""#, "ab céé d"),
            (r#""x\u002dy\ud83d\udd12z\ud800q""#, "x y z q"),
            (r#""ÄRGER straße \u212aelvin""#, "ärger straße kelvin"),
            (r#""İstanbul ΣΑΣ""#, "istanbul σασ"),
            (r#"["","-","\n",[],{}]"#, ""),
            ("-12.5E-3", "12 5e 3"),
            ("true", ""),
            (r#""a\\u0041 n""#, "a u0041 n"),
        ] {
            assert_eq!(seen(json).0.join(" "), expected, "{json}");
        }
    }

    #[test]
    fn only_the_names_at_the_top_are_told() {
        let json = r#"{"input":{"a":1},"\u006futput":[{"b":2}],"Input":"x","input":3}"#;
        assert_eq!(seen(json).1, ["input", "output", "Input", "input"]);
        assert_eq!(seen(r#"[{"a":1}]"#).1, [""; 0]);
    }

    #[test]
    fn what_is_not_json_ends() {
        for text in [
            "\"",
            "{\"",
            "[\"a",
            "{\"a\":é",
            "\"\\",
            "\"é\\",
            "[é\"b\\u",
            "-é1",
            "]]\"a\":",
        ] {
            assert!(seen(text).0.len() < 3, "{text}");
        }
    }
}
