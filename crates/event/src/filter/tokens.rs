//! The tokens of an event: what free text compares, taken apart once for an index.

use super::{matcher::NOT_SEARCHED, text::fold_char};
use crate::{
    RecordView,
    json::{Kind, Text, Value, string_length},
};

/// Takes events apart into the tokens that free text can find in them.
///
/// A token is a maximal run of letters and digits of one value, by simple lower case. A value that
/// matches a text has all of [`FreeText::tokens`](super::FreeText::tokens); where the text is one
/// token and nothing else, the events that match are exactly those that have it.
#[derive(Debug, Default)]
pub struct Tokenizer {
    /// The token that is being read, where it does not stand in the event as it is.
    token: Vec<u8>,
}

/// Neither letter nor digit.
const OTHER: u8 = 0;
/// A digit or a lower-case letter.
const PLAIN: u8 = 1;
/// An upper-case letter.
const UPPER: u8 = 2;
/// The start of an escape, or of a character beyond ASCII.
const SPECIAL: u8 = 4;

static CLASSES: [u8; 256] = classes();

impl Tokenizer {
    /// Calls `each` with every token of an event, UTF-8, doubled ones too.
    ///
    /// The content has to be compact JSON, as it is stored; of other bytes the tokens are anything.
    pub fn event(
        &mut self,
        record: &RecordView<'_>,
        content: Option<&[u8]>,
        each: &mut impl FnMut(&[u8]),
    ) {
        for (name, value) in record.exact.members() {
            if !NOT_SEARCHED.contains(&name.raw()) {
                self.value(value, each);
            }
        }
        if let Some(content) = content.and_then(|content| std::str::from_utf8(content).ok()) {
            self.value(Value::new(content), each);
        }
    }

    fn value(&mut self, value: Value<'_>, each: &mut impl FnMut(&[u8])) {
        match value.kind() {
            Kind::Null | Kind::Bool => {}
            Kind::Number => self.plain(value.as_str(), each),
            Kind::String | Kind::Array | Kind::Object => self.nested(value.as_str(), each),
        }
    }

    /// Needs no stack of containers: in compact JSON a name is a string with a colon behind it.
    fn nested(&mut self, json: &str, each: &mut impl FnMut(&[u8])) {
        let mut at = 0;
        while let Some(rest) = json.get(at..).filter(|rest| !rest.is_empty()) {
            let length = match rest.as_bytes().first() {
                Some(b'"') => {
                    let length = string_length(rest);
                    if rest.as_bytes().get(length) != Some(&b':') {
                        let text = Value::new(rest.get(..length).unwrap_or_default()).text();
                        self.string(text.map_or("", Text::raw), each);
                    }
                    length
                }
                Some(b'-' | b'0'..=b'9') => {
                    let ends = |byte: u8| matches!(byte, b',' | b'}' | b']');
                    let length = rest.bytes().position(ends).unwrap_or(rest.len());
                    self.plain(rest.get(..length).unwrap_or_default(), each);
                    length
                }
                first => first.map_or(1, |byte| utf8_length(*byte)),
            };
            at += length;
        }
    }

    /// The tokens of a string as it is written between its quotes.
    fn string(&mut self, raw: &str, each: &mut impl FnMut(&[u8])) {
        let bytes = raw.as_bytes();
        let mut at = 0;
        loop {
            at += others(bytes.get(at..).unwrap_or_default());
            let rest = bytes.get(at..).unwrap_or_default();
            let (length, classes) = run(rest);
            at += match (rest.get(length), rest.get(length + 1)) {
                (None, _) => {
                    self.emit(rest, classes, each);
                    return;
                }
                (Some(byte), _) if class(*byte) == OTHER => length + 1,
                // Every escape but this kind stands for neither letter nor digit.
                (Some(b'\\'), Some(next)) if *next != b'u' && next.is_ascii() => length + 2,
                _ => {
                    let rest = Text::written(raw.get(at..).unwrap_or_default()).decode();
                    self.decoded(&rest, each);
                    return;
                }
            };
            self.emit(rest.get(..length).unwrap_or_default(), classes, each);
        }
    }

    /// The tokens of text without escapes.
    fn decoded(&mut self, text: &str, each: &mut impl FnMut(&[u8])) {
        if text.is_ascii() {
            return self.plain(text, each);
        }
        self.token.clear();
        for c in text.chars() {
            if c.is_alphanumeric() {
                let mut utf8 = [0; 4];
                let folded = fold_char(c).encode_utf8(&mut utf8);
                self.token.extend_from_slice(folded.as_bytes());
            } else if !self.token.is_empty() {
                each(&self.token);
                self.token.clear();
            }
        }
        if !self.token.is_empty() {
            each(&self.token);
        }
    }

    /// The tokens of ASCII text, in which a backslash is a character.
    fn plain(&mut self, text: &str, each: &mut impl FnMut(&[u8])) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let (length, classes) = run(rest);
            self.emit(rest.get(..length).unwrap_or_default(), classes, each);
            rest = rest.get(length + 1..).unwrap_or_default();
        }
    }

    /// A token of ASCII as it stands, with the classes of its bytes.
    fn emit(&mut self, token: &[u8], classes: u8, each: &mut impl FnMut(&[u8])) {
        if token.is_empty() {
            return;
        }
        if classes & UPPER == 0 {
            return each(token);
        }
        self.token.clear();
        self.token.extend_from_slice(token);
        self.token.make_ascii_lowercase();
        each(&self.token);
    }
}

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(OTHER)
}

/// Length of the prefix of neither letters nor digits.
fn others(bytes: &[u8]) -> usize {
    let other = bytes.iter().position(|byte| class(*byte) != OTHER);
    other.unwrap_or(bytes.len())
}

/// Length of the prefix of ASCII letters and digits, and their classes together.
fn run(bytes: &[u8]) -> (usize, u8) {
    let mut seen = 0;
    let end = bytes.iter().position(|byte| {
        let class = class(*byte);
        let ends = class & (PLAIN | UPPER) == 0;
        if !ends {
            seen |= class;
        }
        ends
    });
    (end.unwrap_or(bytes.len()), seen)
}

/// Bytes of the character that begins with this one, at least one.
fn utf8_length(first: u8) -> usize {
    (first.leading_ones() as usize).clamp(1, 4)
}

const fn classes() -> [u8; 256] {
    let mut classes = [OTHER; 256];
    let mut byte = 0;
    while byte < classes.len() {
        #[expect(clippy::indexing_slicing, reason = "the compiler runs it")]
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        {
            classes[byte] = match byte as u8 {
                b'0'..=b'9' | b'a'..=b'z' => PLAIN,
                b'A'..=b'Z' => UPPER,
                b'\\' | 0x80.. => SPECIAL,
                _ => OTHER,
            };
        }
        byte += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::Tokenizer;
    use crate::json::Value;

    fn tokens(json: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        Tokenizer::default().value(Value::new(json), &mut |token| {
            tokens.push(String::from_utf8(token.to_vec()).unwrap());
        });
        tokens
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
            assert_eq!(tokens(json).join(" "), expected, "{json}");
        }
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
            "-",
        ] {
            assert!(tokens(text).len() < 3, "{text}");
        }
    }
}
