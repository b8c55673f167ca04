//! Both encodings of a message, read in place: a field is looked for when it is wanted, and nothing is kept that nobody asked
//! for. So a request of empty messages takes no more memory than its own bytes.

use std::borrow::Cow;

use event::json::{Kind, Value};

/// Why a message, or a request, is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not the wire format of protocol buffers.
    #[error("the body is not a protocol buffer: {0}")]
    Proto(&'static str),
    /// Not JSON.
    #[error("the body is not JSON: {0}")]
    Json(String),
    /// JSON of another shape.
    #[error("{0} is not what OTLP has there")]
    Shape(&'static str),
    /// More than a bound.
    #[error("more than {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        most: usize,
    },
}

/// A message, not yet looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node<'a> {
    Proto(&'a [u8]),
    /// An object of compact JSON.
    Json(Value<'a>),
}

/// One field by its number and its two names in JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) tag: u32,
    /// Lower camel case.
    pub(super) name: &'static str,
    /// As the definition has it, which readers of JSON accept too.
    pub(super) other: &'static str,
}

/// A value on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Fields of a message on the wire, in their order; ends after an error.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

pub(super) const fn field(tag: u32, name: &'static str, other: &'static str) -> Field {
    Field { tag, name, other }
}

impl<'a> Node<'a> {
    /// Its own bytes.
    pub(super) fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Proto(bytes) => bytes,
            Self::Json(value) => value.as_str().as_bytes(),
        }
    }

    /// Calls with each message of a repeated field.
    pub(super) fn each(
        &self,
        field: Field,
        call: &mut dyn FnMut(Node<'a>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        match self {
            Self::Proto(bytes) => {
                for found in (Fields { rest: bytes }) {
                    let (tag, value) = found?;
                    match value {
                        Wire::Bytes(bytes) if tag == field.tag => call(Node::Proto(bytes))?,
                        Wire::Number(_) if tag == field.tag => {
                            return Err(WireError::Proto("a number where a message is expected"));
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
            Self::Json(object) => {
                let Some(list) = member(*object, field) else {
                    return Ok(());
                };
                if list.kind() != Kind::Array {
                    return Err(WireError::Shape(field.name));
                }
                list.elements().try_for_each(|element| {
                    if element.kind() == Kind::Object {
                        call(Node::Json(element))
                    } else {
                        Err(WireError::Shape(field.name))
                    }
                })
            }
        }
    }

    /// The message of a field; `None` if it is left out. Of several on the wire the last counts.
    pub(super) fn child(&self, field: Field) -> Result<Option<Node<'a>>, WireError> {
        match self {
            Self::Proto(_) => Ok(match self.wire(field)? {
                Some(Wire::Bytes(bytes)) => Some(Node::Proto(bytes)),
                Some(Wire::Number(_)) => {
                    return Err(WireError::Proto("a number where a message is expected"));
                }
                None => None,
            }),
            Self::Json(object) => match member(*object, field) {
                Some(value) if value.kind() == Kind::Object => Ok(Some(Node::Json(value))),
                Some(_) => Err(WireError::Shape(field.name)),
                None => Ok(None),
            },
        }
    }

    /// The text of a field; empty if it is left out.
    pub(super) fn text(&self, field: Field) -> Result<Cow<'a, str>, WireError> {
        match self {
            Self::Proto(_) => match self.wire(field)? {
                // What is not UTF-8 is shown as such; a record with a blot is better than none.
                Some(Wire::Bytes(bytes)) => Ok(String::from_utf8_lossy(bytes)),
                Some(Wire::Number(_)) => Err(WireError::Proto("a number where a text is expected")),
                None => Ok(Cow::Borrowed("")),
            },
            Self::Json(object) => match member(*object, field) {
                Some(value) => Ok(value.text().ok_or(WireError::Shape(field.name))?.decode()),
                None => Ok(Cow::Borrowed("")),
            },
        }
    }

    /// The number of a field, 0 if it is left out; in JSON a number or a text with one.
    pub(super) fn number(&self, field: Field) -> Result<u64, WireError> {
        match self {
            Self::Proto(_) => match self.wire(field)? {
                Some(Wire::Number(number)) => Ok(number),
                Some(Wire::Bytes(_)) => Err(WireError::Proto("bytes where a number is expected")),
                None => Ok(0),
            },
            Self::Json(object) => match member(*object, field) {
                Some(value) => integer(value)
                    .and_then(|number| u64::try_from(number).ok())
                    .ok_or(WireError::Shape(field.name)),
                None => Ok(0),
            },
        }
    }

    /// The id of a field in hex; `None` if it is left out or all zeroes.
    pub(super) fn id(&self, field: Field) -> Result<Option<String>, WireError> {
        let hex = match self {
            Self::Proto(_) => match self.wire(field)? {
                Some(Wire::Bytes(bytes)) => crate::payload::hex(bytes),
                Some(Wire::Number(_)) => {
                    return Err(WireError::Proto("a number where an id is expected"));
                }
                None => String::new(),
            },
            Self::Json(_) => self.text(field)?.to_ascii_lowercase(),
        };
        let is_id = hex.len() <= 64
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
            && hex.bytes().any(|byte| byte != b'0');
        Ok(is_id.then_some(hex))
    }

    /// Every field of a message on the wire; none of JSON.
    pub(super) fn fields(&self) -> Fields<'a> {
        match self {
            Self::Proto(bytes) => Fields { rest: bytes },
            Self::Json(_) => Fields { rest: &[] },
        }
    }

    fn wire(&self, field: Field) -> Result<Option<Wire<'a>>, WireError> {
        let mut last = None;
        for found in self.fields() {
            let (tag, value) = found?;
            if tag == field.tag {
                last = Some(value);
            }
        }
        Ok(last)
    }
}

/// A member that is there and not null.
pub(super) fn member(object: Value<'_>, field: Field) -> Option<Value<'_>> {
    let mut members = object.members();
    let is_it = |name: &str| name == field.name || name == field.other;
    members
        .find(|(name, _)| is_it(&name.decode()))
        .map(|(_, value)| value)
        .filter(|value| value.kind() != Kind::Null)
}

/// A whole number, or a text that is one.
pub(super) fn integer(value: Value<'_>) -> Option<i128> {
    match value.text() {
        Some(text) => text.decode().parse().ok(),
        None => value.number()?.parse().ok(),
    }
}

impl<'a> Fields<'a> {
    fn next_field(&mut self) -> Result<(u32, Wire<'a>), WireError> {
        let key = self.varint()?;
        let tag = u32::try_from(key >> 3).map_err(|_| WireError::Proto("a field's number"))?;
        if tag == 0 {
            return Err(WireError::Proto("a field without a number"));
        }
        let value = match key & 7 {
            0 => Wire::Number(self.varint()?),
            1 => Wire::Number(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = usize::try_from(self.varint()?);
                let length = length.map_err(|_| WireError::Proto("a length"))?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Number(u32::from_le_bytes(self.fixed()?).into()),
            _ => {
                return Err(WireError::Proto(
                    "a field of a type that is not used any more",
                ));
            }
        };
        Ok((tag, value))
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.fixed()?;
            let part = u64::from(byte & 0x7f);
            // Of the tenth byte one bit has room.
            if shift == 63 && part > 1 {
                break;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(WireError::Proto("a number of more than 64 bits"))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| CUT)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }
}

const CUT: WireError = WireError::Proto("it is cut");

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Wire<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let next = self.next_field();
        if next.is_err() {
            self.rest = &[];
        }
        Some(next)
    }
}
