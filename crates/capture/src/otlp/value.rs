//! Values of attributes and bodies.

use base64::{Engine, engine::general_purpose::STANDARD};
use event::json::{Kind, Value as JsonValue, write_string};

use super::wire::{Field, Node, Wire, WireError, field, integer, member};

/// Most values of one record, those inside of others too.
const MAX_VALUES: usize = 20_000;
/// Deepest value inside of others: a record takes 128 levels.
const MAX_DEPTH: usize = 32;

const STRING: Field = field(1, "stringValue", "string_value");
const BOOL: Field = field(2, "boolValue", "bool_value");
const INT: Field = field(3, "intValue", "int_value");
const DOUBLE: Field = field(4, "doubleValue", "double_value");
const ARRAY: Field = field(5, "arrayValue", "array_value");
const KVLIST: Field = field(6, "kvlistValue", "kvlist_value");
const BYTES: Field = field(7, "bytesValue", "bytes_value");
const VALUES: Field = field(1, "values", "values");
const KEY: Field = field(1, "key", "key");
const VALUE: Field = field(2, "value", "value");

/// `AnyValue`
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Any {
    Empty,
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    List(Vec<Any>),
    Map(Vec<(String, Any)>),
}

/// How many more values a record may have.
pub(super) struct Room(usize);

impl Room {
    pub(super) fn for_a_record() -> Self {
        Self(MAX_VALUES)
    }

    fn take(&mut self) -> Result<(), WireError> {
        self.0 = self.0.checked_sub(1).ok_or(WireError::TooMany {
            what: "values in one record",
            most: MAX_VALUES,
        })?;
        Ok(())
    }
}

impl Any {
    pub(super) fn read(node: Node<'_>, room: &mut Room) -> Result<Self, WireError> {
        Self::below(node, room, MAX_DEPTH)
    }

    fn below(node: Node<'_>, room: &mut Room, depth: usize) -> Result<Self, WireError> {
        room.take()?;
        let depth = depth.checked_sub(1).ok_or(WireError::TooMany {
            what: "levels of values",
            most: MAX_DEPTH,
        })?;
        match node {
            Node::Proto(_) => {
                let mut any = Self::Empty;
                for found in node.fields() {
                    let (tag, value) = found?;
                    any = Self::of_wire(tag, value, room, depth)?.unwrap_or(any);
                }
                Ok(any)
            }
            Node::Json(object) => Self::of_json(object, room, depth),
        }
    }

    fn of_wire(
        tag: u32,
        value: Wire<'_>,
        room: &mut Room,
        depth: usize,
    ) -> Result<Option<Self>, WireError> {
        Ok(Some(match (tag, value) {
            (1, Wire::Bytes(bytes)) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
            (2, Wire::Number(number)) => Self::Bool(number != 0),
            (3, Wire::Number(number)) => Self::Int(number.cast_signed()),
            (4, Wire::Number(number)) => Self::Double(f64::from_bits(number)),
            (5, Wire::Bytes(bytes)) => Self::list(Node::Proto(bytes), room, depth)?,
            (6, Wire::Bytes(bytes)) => Self::Map(pairs(Node::Proto(bytes), VALUES, room, depth)?),
            (7, Wire::Bytes(bytes)) => Self::Bytes(bytes.to_vec()),
            (1..=7, _) => return Err(WireError::Proto("a value of another type")),
            _ => return Ok(None),
        }))
    }

    fn of_json(object: JsonValue<'_>, room: &mut Room, depth: usize) -> Result<Self, WireError> {
        let node = Node::Json(object);
        if let Some(value) = member(object, STRING) {
            let text = value.text().ok_or(WireError::Shape(STRING.name))?;
            return Ok(Self::Text(text.decode().into_owned()));
        }
        if let Some(value) = member(object, BOOL) {
            return match value.as_str() {
                "true" => Ok(Self::Bool(true)),
                "false" => Ok(Self::Bool(false)),
                _ => Err(WireError::Shape(BOOL.name)),
            };
        }
        if let Some(value) = member(object, INT) {
            let number = integer(value).and_then(|number| i64::try_from(number).ok());
            return Ok(Self::Int(number.ok_or(WireError::Shape(INT.name))?));
        }
        if let Some(value) = member(object, DOUBLE) {
            return Ok(Self::Double(
                double(value).ok_or(WireError::Shape(DOUBLE.name))?,
            ));
        }
        if let Some(list) = node.child(ARRAY)? {
            return Self::list(list, room, depth);
        }
        if let Some(map) = node.child(KVLIST)? {
            return Ok(Self::Map(pairs(map, VALUES, room, depth)?));
        }
        if let Some(value) = member(object, BYTES) {
            let text = value.text().ok_or(WireError::Shape(BYTES.name))?.decode();
            let bytes = STANDARD.decode(text.as_bytes());
            return Ok(Self::Bytes(
                bytes.map_err(|_| WireError::Shape(BYTES.name))?,
            ));
        }
        Ok(Self::Empty)
    }

    fn list(node: Node<'_>, room: &mut Room, depth: usize) -> Result<Self, WireError> {
        let mut values = Vec::new();
        node.each(VALUES, &mut |value| {
            values.push(Self::below(value, room, depth)?);
            Ok(())
        })?;
        Ok(Self::List(values))
    }

    /// Appends it as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Empty => out.extend_from_slice(b"null"),
            Self::Text(text) => write_string(out, text),
            Self::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Self::Int(number) => {
                out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
            }
            Self::Double(number) => match serde_json::Number::from_f64(*number) {
                Some(number) => out.extend_from_slice(number.to_string().as_bytes()),
                None => write_string(out, &number.to_string()),
            },
            Self::Bytes(bytes) => {
                out.extend_from_slice(b"{\"base64\":");
                write_string(out, &STANDARD.encode(bytes));
                out.push(b'}');
            }
            Self::List(values) => {
                out.push(b'[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    value.write(out);
                }
                out.push(b']');
            }
            Self::Map(pairs) => write_pairs(pairs, out),
        }
    }

    /// Its JSON; a text that holds a JSON object or array stands for that.
    pub(super) fn meant(&self) -> String {
        if let Self::Text(text) = self
            && text.trim_start().starts_with(['{', '['])
        {
            let mut inner = String::new();
            if event::json::compact(text.as_bytes(), &mut inner).is_ok()
                && matches!(JsonValue::new(&inner).kind(), Kind::Object | Kind::Array)
            {
                return inner;
            }
        }
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// As one text, where it is a plain value.
    pub(super) fn plain(&self) -> Option<String> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text.clone()),
            Self::Bool(flag) => Some(flag.to_string()),
            Self::Int(number) => Some(number.to_string()),
            Self::Double(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// Pairs of a field that has them.
pub(super) fn attributes(
    node: Node<'_>,
    list: Field,
    room: &mut Room,
) -> Result<Vec<(String, Any)>, WireError> {
    pairs(node, list, room, MAX_DEPTH)
}

/// Appends pairs as an object. Doubled names are kept, as they were sent.
pub(super) fn write_pairs(pairs: &[(String, Any)], out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        value.write(out);
    }
    out.push(b'}');
}

fn pairs(
    node: Node<'_>,
    list: Field,
    room: &mut Room,
    depth: usize,
) -> Result<Vec<(String, Any)>, WireError> {
    let mut pairs = Vec::new();
    node.each(list, &mut |pair| {
        let name = pair.text(KEY)?.into_owned();
        let value = if let Some(value) = pair.child(VALUE)? {
            Any::below(value, room, depth)?
        } else {
            room.take()?;
            Any::Empty
        };
        pairs.push((name, value));
        Ok(())
    })?;
    Ok(pairs)
}

fn double(value: JsonValue<'_>) -> Option<f64> {
    match value.text() {
        Some(text) => match text.decode().as_ref() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok(),
        },
        None => value.number()?.parse().ok(),
    }
}
