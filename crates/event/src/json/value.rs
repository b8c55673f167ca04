use super::Text;
use super::text::plain_prefix;

/// One value inside compact, valid JSON: its exact text.
///
/// Made for what [`compact`](super::compact()) has accepted. Other text gives wrong answers, but
/// never a panic or an endless loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a>(&'a str);

impl Default for Value<'_> {
    /// `null`.
    fn default() -> Self {
        Self("null")
    }
}

/// JSON type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// The members of an object in their order, doubled names included.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    object: &'a str,
    /// Start of the next member's name.
    pos: usize,
}

/// The elements of an array in their order.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    array: &'a str,
    /// Start of the next element.
    pos: usize,
}

impl<'a> Value<'a> {
    /// A value of compact JSON text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The exact text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The type, told from the first character.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self.0.as_bytes().first() {
            Some(b'"') => Kind::String,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => Kind::Null,
        }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn text(self) -> Option<Text<'a>> {
        // Stripping a character would call for a comparison of texts.
        match self.0.as_bytes() {
            [b'"', .., b'"'] => self.0.get(1..self.0.len() - 1).map(Text),
            _ => None,
        }
    }

    /// The number's text as written, if it is one.
    #[must_use]
    pub fn number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then_some(self.0)
    }

    /// The members of an object; none for other types.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        let object = if self.kind() == Kind::Object {
            self.0
        } else {
            ""
        };
        Members { object, pos: 1 }
    }

    /// The elements of an array; none for other types.
    #[must_use]
    pub fn elements(self) -> Elements<'a> {
        let array = if self.kind() == Kind::Array {
            self.0
        } else {
            ""
        };
        Elements { array, pos: 1 }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.object.as_bytes();
        if bytes.get(self.pos) != Some(&b'"') {
            return None;
        }
        let name_end = string_end(bytes, self.pos)?;
        let value_start = name_end + 1;
        let value_end = value_end(bytes, value_start)?;
        let name = self.object.get(self.pos + 1..name_end - 1)?;
        let value = self.object.get(value_start..value_end)?;
        self.pos = value_end + 1;
        Some((Text(name), Value(value)))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let end = value_end(self.array.as_bytes(), self.pos)?;
        let element = self.array.get(self.pos..end)?;
        self.pos = end + 1;
        (!element.is_empty()).then_some(Value(element))
    }
}

/// Where the value ends that begins at `start`.
#[inline]
pub(super) fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => string_end(bytes, start),
        b'{' | b'[' => container_end(bytes, start),
        _ => {
            let mut rest = bytes.get(start..)?.iter();
            let length = rest.position(|byte| matches!(byte, b',' | b'}' | b']'))?;
            Some(start + length)
        }
    }
}

/// Where the string ends, its quote included, whose first quote is at `start`.
#[inline]
pub(super) fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut pos = start + 1;
    loop {
        pos += plain_prefix(bytes.get(pos..)?);
        match bytes.get(pos)? {
            b'"' => return Some(pos + 1),
            b'\\' => pos += 2,
            _ => pos += 1,
        }
    }
}

/// Where the array or object ends that begins at `start`.
fn container_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut pos = start;
    loop {
        match bytes.get(pos)? {
            b'"' => {
                pos = string_end(bytes, pos)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(pos + 1);
                }
            }
            _ => {}
        }
        pos += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (text, kind) in [
            ("null", Kind::Null),
            ("true", Kind::Bool),
            ("false", Kind::Bool),
            ("-0", Kind::Number),
            ("9.5e3", Kind::Number),
            ("\"\"", Kind::String),
            ("[]", Kind::Array),
            ("{}", Kind::Object),
        ] {
            assert_eq!(Value::new(text).kind(), kind);
        }
        assert_eq!(Value::new("1.0").number(), Some("1.0"));
        assert_eq!(Value::new("true").number(), None);
        assert_eq!(Value::new("\"a\\n\"").text().map(Text::raw), Some("a\\n"));
        assert_eq!(Value::new("1").text(), None);
    }

    #[test]
    fn members_in_order_with_exact_text() {
        let object = r#"{"a":{"b":[1,"}]\""]},"é\n":"x,y","a":-1.50,"":[],"n":null,"t":true}"#;
        let members: Vec<_> = Value::new(object)
            .members()
            .map(|(name, value)| (name.raw(), value.as_str()))
            .collect();
        let expected = [
            ("a", r#"{"b":[1,"}]\""]}"#),
            (r"é\n", r#""x,y""#),
            ("a", "-1.50"),
            ("", "[]"),
            ("n", "null"),
            ("t", "true"),
        ];
        assert_eq!(members, expected);
        assert_eq!(Value::new("{}").members().count(), 0);
        assert_eq!(Value::new("[1]").members().count(), 0);
    }

    #[test]
    fn elements_in_order() {
        let elements: Vec<_> = Value::new(r#"[1,"a,]",[[]],{"x":[2]},null]"#)
            .elements()
            .map(Value::as_str)
            .collect();
        assert_eq!(elements, ["1", r#""a,]""#, "[[]]", r#"{"x":[2]}"#, "null"]);
        assert_eq!(Value::new("[]").elements().count(), 0);
        assert_eq!(Value::new("7").elements().count(), 0);
    }

    #[test]
    fn text_that_is_not_json_ends() {
        for text in [
            "{",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":[",
            "{,",
            "{\"\\",
            "{\"é\":\"",
            "{\"a\"é1",
        ] {
            assert!(Value::new(text).members().count() <= 1, "{text}");
        }
        for text in ["[", "[,,", "[]]", "[\"", "[1,[", "[é"] {
            assert!(Value::new(text).elements().count() <= 1, "{text}");
        }
    }
}
