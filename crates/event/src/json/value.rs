use super::Text;

/// One value inside compact, valid JSON: its exact text.
///
/// Made for what [`compact`](super::compact) has accepted. Other text gives wrong answers, but
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
    /// From the next member's name on.
    rest: &'a str,
}

/// The elements of an array in their order.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    /// From the next element on.
    rest: &'a str,
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
        self.0.strip_prefix('"')?.strip_suffix('"').map(Text)
    }

    /// The number's text as written, if it is one.
    #[must_use]
    pub fn number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then_some(self.0)
    }

    /// The members of an object; none for other types.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        Members {
            rest: self.0.strip_prefix('{').unwrap_or_default(),
        }
    }

    /// The elements of an array; none for other types.
    #[must_use]
    pub fn elements(self) -> Elements<'a> {
        Elements {
            rest: self.0.strip_prefix('[').unwrap_or_default(),
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let name_end = string_end(self.rest.as_bytes())?;
        let name = self.rest.get(1..name_end - 1)?;
        let after_colon = self.rest.get(name_end + 1..)?;
        let value = take_value(after_colon, &mut self.rest)?;
        Some((Text(name), value))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        take_value(self.rest, &mut self.rest)
    }
}

/// The value at the start of `text`; `rest` becomes what follows it and its comma.
#[inline]
fn take_value<'a>(text: &'a str, rest: &mut &'a str) -> Option<Value<'a>> {
    let end = value_end(text.as_bytes())?;
    let (value, after) = text.split_at_checked(end)?;
    *rest = after.get(1..).unwrap_or_default();
    (!value.is_empty()).then_some(Value(value))
}

#[inline]
fn value_end(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string_end(bytes),
        b'{' | b'[' => container_end(bytes),
        _ => {
            let end = bytes
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']'));
            Some(end.unwrap_or(bytes.len()))
        }
    }
}

/// Length of the string at the start, with both quotes.
#[inline]
fn string_end(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut pos = 1;
    loop {
        let rest = bytes.get(pos..)?;
        pos += super::text::plain_prefix(rest);
        match bytes.get(pos)? {
            b'"' => return Some(pos + 1),
            b'\\' => pos += 2,
            _ => pos += 1,
        }
    }
}

/// Length of the array or object at the start.
fn container_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut pos = 0;
    loop {
        match bytes.get(pos)? {
            b'"' => {
                pos += string_end(bytes.get(pos..)?)?;
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
