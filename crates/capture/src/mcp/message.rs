//! What a message says, as far as it is looked at.

use event::json::{Kind, Value as Json};

use super::{definition::Definition, reader::Slot};
use crate::payload::Value;

/// One JSON-RPC message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// Short members, as written.
    short: Vec<(Slot, Vec<u8>)>,
    /// Long ones, without their secrets.
    pub(super) values: Vec<(Slot, Value)>,
    /// What `tools/list` answers.
    pub(super) tools: Vec<Definition>,
}

/// The id of a request, such that the same id is equal however it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Id {
    Text(String),
    Number(String),
}

/// Name and version of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) version: Option<String>,
}

/// What kind of message it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Request(Id, String),
    Notification(String),
    Answer(Id),
    /// An error that says not to what.
    Stray,
}

impl Message {
    pub(super) fn set(&mut self, slot: Slot, bytes: Vec<u8>) {
        self.short.retain(|(other, _)| *other != slot);
        self.short.push((slot, bytes));
    }

    fn raw(&self, slot: Slot) -> Option<&[u8]> {
        let mut short = self.short.iter();
        short
            .find(|(other, _)| *other == slot)
            .map(|(_, bytes)| bytes.as_slice())
    }

    fn json(&self, slot: Slot) -> Option<Json<'_>> {
        std::str::from_utf8(self.raw(slot)?).ok().map(Json::new)
    }

    /// A string, decoded; of one that is too long its beginning.
    pub(super) fn text(&self, slot: Slot) -> Option<String> {
        let written = String::from_utf8_lossy(self.raw(slot)?);
        let text = |json: &str| Some(Json::new(json).text()?.decode().into_owned());
        text(&written).or_else(|| text(&format!("{written}\"")))
    }

    /// A value by which equal ones are known: an id, or the token of a progress.
    pub(super) fn id(&self, slot: Slot) -> Option<Id> {
        let json = self.json(slot)?;
        match json.kind() {
            Kind::String => self.text(slot).map(Id::Text),
            Kind::Number => Some(Id::Number(number(json.as_str()))),
            _ => None,
        }
    }

    pub(super) fn is_true(&self, slot: Slot) -> bool {
        self.raw(slot) == Some(b"true")
    }

    pub(super) fn number(&self, slot: Slot) -> Option<i64> {
        self.json(slot)?.number()?.parse().ok()
    }

    pub(super) fn digest(&self, slot: Slot) -> Option<[u8; 32]> {
        self.raw(slot)?.try_into().ok()
    }

    pub(super) fn program(&self, slot: Slot) -> Option<Program> {
        let mut compact = String::new();
        event::json::compact(self.raw(slot)?, &mut compact).ok()?;
        let member = |wanted: &str| {
            let mut members = Json::new(&compact).members();
            let (_, value) = members.find(|(name, _)| name.decode() == wanted)?;
            Some(value.text()?.decode().into_owned())
        };
        Some(Program {
            name: member("name").filter(|name| !name.is_empty())?,
            version: member("version"),
        })
    }

    /// The methods of what a server wants to be told.
    pub(super) fn wanted_methods(&self) -> Option<String> {
        let mut compact = String::new();
        event::json::compact(self.raw(Slot::InputRequests)?, &mut compact).ok()?;
        let requests = Json::new(&compact).members();
        let methods: Vec<_> = requests
            .filter_map(|(_, request)| {
                let mut members = request.members();
                let (_, method) = members.find(|(name, _)| name.decode() == "method")?;
                Some(method.text()?.decode().into_owned())
            })
            .collect();
        (!methods.is_empty()).then(|| methods.join(", "))
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        self.raw(slot).is_some() || self.values.iter().any(|(other, _)| *other == slot)
    }

    pub(super) fn take(&mut self, slot: Slot) -> Option<Value> {
        let at = self.values.iter().position(|(other, _)| *other == slot)?;
        Some(self.values.swap_remove(at).1)
    }

    /// `None` if it is no message of the protocol.
    pub(super) fn form(&self) -> Option<Form> {
        let id = self.id(Slot::Id);
        match (id, self.text(Slot::Method)) {
            (Some(id), Some(method)) => Some(Form::Request(id, method)),
            (None, Some(method)) => Some(Form::Notification(method)),
            (Some(id), None) if self.is_answer() => Some(Form::Answer(id)),
            (None, None) if self.is_answer() => Some(Form::Stray),
            _ => None,
        }
    }

    fn is_answer(&self) -> bool {
        self.has(Slot::Result) || self.has(Slot::Error)
    }
}

impl Id {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
        }
    }

    /// As it goes into an answer.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(text) => serde_json::from_str(text).unwrap_or_default(),
        }
    }
}

/// Methods whose arguments are all there is to know, besides a name.
pub(super) fn asks_with_arguments(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get")
}

/// A number as JavaScript would write it, at least if it is whole.
fn number(text: &str) -> String {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    match text.parse::<f64>() {
        Ok(number) if !is_plain && number.fract() == 0.0 => format!("{number:.0}"),
        _ => text.to_owned(),
    }
}
