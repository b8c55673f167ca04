//! A payload: a JSON object, member by member, in its own bytes.

use std::borrow::Cow;

use event::json::{Kind, Value, compact, write_string};

/// Windows programs like to begin with it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Longest duration that is believed, milliseconds: a year.
const MOST_MS: f64 = 366.0 * 86_400_000.0;

/// The members of a payload that were not taken yet.
#[derive(Debug)]
pub(super) struct Payload<'a> {
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// Compact JSON of a payload, or what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<String, &'static str> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err("it is empty");
    }
    let mut text = String::with_capacity(bytes.len());
    compact(bytes, &mut text).map_err(|_| "it is not JSON")?;
    Ok(text)
}

impl<'a> Payload<'a> {
    /// `None` for JSON that is no object.
    pub(super) fn new(text: &'a str) -> Option<Self> {
        let object = Value::new(text);
        let members = object.members();
        let members = members.map(|(name, value)| (name.decode(), value));
        (object.kind() == Kind::Object).then(|| Self {
            members: members.collect(),
        })
    }

    /// What happened, in the agent's own word.
    pub(super) fn event_name(&self) -> Option<Cow<'a, str>> {
        self.text("hook_event_name").or_else(|| self.text("type"))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(member, _)| member == name)
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let text = self.get(name)?.text()?.decode();
        (!text.is_empty()).then_some(text)
    }

    /// Of doubled names the last counts, as for whoever made the payload.
    pub(super) fn get(&self, name: &str) -> Option<Value<'a>> {
        let mut named = self.members.iter().rev();
        named
            .find(|(member, _)| member == name)
            .map(|(_, value)| *value)
    }

    /// Takes the first of these that is there and not null.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<Value<'a>> {
        names.iter().find_map(|name| {
            let place = self
                .members
                .iter()
                .rposition(|(member, value)| member == name && value.kind() != Kind::Null)?;
            Some(self.members.remove(place).1)
        })
    }

    /// Takes the first of these that is a text and not empty.
    pub(super) fn take_text(&mut self, names: &[&str]) -> Option<String> {
        let name = names.iter().find(|name| self.text(name).is_some())?;
        let text = self.take(&[name])?.text()?;
        Some(text.decode().into_owned())
    }

    /// Takes a number of milliseconds; answers microseconds.
    pub(super) fn take_milliseconds(&mut self, names: &[&str]) -> Option<u64> {
        let name = names
            .iter()
            .find(|name| self.get(name).and_then(milliseconds).is_some())?;
        milliseconds(self.take(&[name])?)
    }

    /// JSON of what was not taken, without the event's name; `None` if that is nothing.
    pub(super) fn rest(&self) -> Option<String> {
        let mut out = Vec::new();
        for (name, value) in &self.members {
            if matches!(name.as_ref(), "hook_event_name") {
                continue;
            }
            out.push(if out.is_empty() { b'{' } else { b',' });
            write_string(&mut out, name);
            out.push(b':');
            out.extend_from_slice(value.as_str().as_bytes());
        }
        if out.is_empty() {
            return None;
        }
        out.push(b'}');
        String::from_utf8(out).ok()
    }
}

fn milliseconds(value: Value<'_>) -> Option<u64> {
    let ms: f64 = value.number()?.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    (0.0..MOST_MS)
        .contains(&ms)
        .then(|| (ms * 1_000.0).round() as u64)
}
