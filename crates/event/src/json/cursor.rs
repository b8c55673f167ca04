use std::borrow::Cow;

use super::{
    Text, Value,
    text::plain_prefix,
    value::{string_end, value_end},
};

/// Reads compact, valid JSON from its start to its end, each byte about once.
///
/// Made for what [`compact`](super::compact()) has accepted. Other text gives wrong answers, but
/// never a panic or an endless loop.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first value.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Enters an object; `false` if the next value is none.
    pub(crate) fn enter(&mut self) -> bool {
        let is_object = self.peek() == Some(b'{');
        self.at += usize::from(is_object);
        is_object
    }

    /// The name of the next member, whose value has to be read then. Leaves the object at its end.
    pub(crate) fn name(&mut self) -> Option<Cow<'a, str>> {
        self.at += usize::from(self.peek() == Some(b','));
        if self.peek() != Some(b'"') {
            self.at += usize::from(self.peek() == Some(b'}'));
            return None;
        }
        let name = self.quoted()?;
        self.at += usize::from(self.peek() == Some(b':'));
        Some(name)
    }

    /// The next value, decoded, if it is a string.
    pub(crate) fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        self.quoted()
    }

    /// The next value.
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        let end = value_end(self.text.as_bytes(), self.at)?;
        let value = self.text.get(self.at..end).map(Value::new);
        self.at = end;
        value
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The string whose quote is next.
    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let end = start + plain_prefix(bytes.get(start..)?);
        if bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return self.text.get(start..end).map(Cow::Borrowed);
        }
        self.at = string_end(bytes, self.at)?;
        let raw = self.text.get(start..self.at - 1)?;
        Some(Text::written(raw).decode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_members_of_objects_in_objects() {
        let mut cursor = Cursor::new(r#"{"a":{"b\n":"x\"","c":[1,{}]},"d":-1,"e":"é"}"#);
        assert!(cursor.enter());
        assert_eq!(cursor.name().as_deref(), Some("a"));
        assert!(cursor.enter());
        assert_eq!(cursor.name().as_deref(), Some("b\n"));
        assert_eq!(cursor.string().as_deref(), Some("x\""));
        assert_eq!(cursor.name().as_deref(), Some("c"));
        assert_eq!(cursor.string(), None);
        assert_eq!(cursor.value(), Some(Value::new("[1,{}]")));
        assert_eq!(cursor.name(), None);
        assert_eq!(cursor.name().as_deref(), Some("d"));
        assert!(!cursor.enter());
        assert_eq!(cursor.value(), Some(Value::new("-1")));
        assert_eq!(cursor.name().as_deref(), Some("e"));
        assert_eq!(cursor.string().as_deref(), Some("é"));
        assert_eq!(cursor.name(), None);
        assert_eq!(cursor.value(), None);
    }
}
