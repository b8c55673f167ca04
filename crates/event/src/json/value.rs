use std::borrow::Cow;

/// One value inside compact, valid JSON: its exact text.
///
/// Made for what [`compact`](super::compact) has accepted. Other text gives wrong answers, but
/// never a panic or an endless loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a>(&'a str);

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

/// A string or member name as written, between its quotes, escapes kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a>(&'a str);

/// The members of an object in their order, doubled names included.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    rest: &'a str,
}

/// The elements of an array in their order.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
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
        todo!()
    }

    /// The string, if it is one.
    #[must_use]
    pub fn text(self) -> Option<Text<'a>> {
        todo!()
    }

    /// The number's text as written, if it is one.
    #[must_use]
    pub fn number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then_some(self.0)
    }

    /// The members of an object; none for other types.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        todo!()
    }

    /// The elements of an array; none for other types.
    #[must_use]
    pub fn elements(self) -> Elements<'a> {
        todo!()
    }
}

impl<'a> Text<'a> {
    /// As written, without the quotes.
    #[must_use]
    pub fn raw(self) -> &'a str {
        self.0
    }

    /// With escapes decoded; lone surrogates become U+FFFD. Borrowed if there are none.
    #[must_use]
    pub fn decode(self) -> Cow<'a, str> {
        todo!()
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        todo!("{}", self.rest)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!("{}", self.rest)
    }
}
