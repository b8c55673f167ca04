//! An answer that streamed, put together again in the API's own form without streaming.
//!
//! Pure: events in, a message out. What an event has that is not known here is kept where the API would have it.

mod chat;
mod converse;
mod gemini;
mod merge;
mod messages;
mod responses;

use event::json::Kind;
use serde_json::Value;

use super::{route::Api, usage::Counts};

use chat::ChatAssembly;
use converse::ConverseAssembly;
use gemini::GeminiAssembly;
use messages::MessagesAssembly;
use responses::ResponsesAssembly;

/// Bytes of text that an assembled answer holds. No model writes more; what comes after is left out, and said to be.
const MAX_TEXT_BYTES: usize = 8 << 20;

/// What a stream came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Assembled {
    /// The message; `None` if nothing came that is part of one.
    pub(super) output: Option<Value>,
    pub(super) counts: Option<Counts>,
    /// The model that answered.
    pub(super) model: Option<String>,
    /// `service_tier` of the answer.
    pub(super) tier: Option<String>,
    /// Whether the event came that ends an answer.
    pub(super) is_complete: bool,
    /// An error event.
    pub(super) error: Option<String>,
    /// Whether text was left out.
    pub(super) is_cut: bool,
}

/// A stream on its way.
#[derive(Debug)]
pub(super) enum Assembly {
    Chat(ChatAssembly),
    Responses(ResponsesAssembly),
    Messages(MessagesAssembly),
    Gemini(GeminiAssembly),
    Converse(ConverseAssembly),
}

/// Room for text.
#[derive(Debug)]
struct Room {
    left: usize,
    is_cut: bool,
}

impl Assembly {
    /// `None` for what does not stream in events that are understood.
    pub(super) fn new(api: Api) -> Option<Self> {
        match api {
            Api::Chat => Some(Self::Chat(ChatAssembly::default())),
            Api::Responses => Some(Self::Responses(ResponsesAssembly::default())),
            Api::Messages | Api::Invoke { .. } => Some(Self::Messages(MessagesAssembly::default())),
            Api::Generate { .. } => Some(Self::Gemini(GeminiAssembly::default())),
            Api::Converse { .. } => Some(Self::Converse(ConverseAssembly::default())),
            Api::Embeddings | Api::EmbedContent | Api::Other => None,
        }
    }

    /// Takes the next event: its name, and its data, which is mostly JSON.
    pub(super) fn event(&mut self, name: &str, data: &[u8]) {
        match self {
            Self::Chat(chat) => chat.event(name, data),
            Self::Responses(responses) => responses.event(data),
            Self::Messages(messages) => messages.event(data),
            Self::Gemini(gemini) => gemini.event(data),
            Self::Converse(converse) => converse.event(name, data),
        }
    }

    /// Takes the word of a failure that is outside of the API's own events.
    pub(super) fn exception(&mut self, kind: &str, data: &[u8]) {
        let error = serde_json::from_slice(data).map(|error| error_text(&error));
        let error = Some(format!("{kind}: {}", error.unwrap_or_default()));
        match self {
            Self::Chat(chat) => chat.error = error,
            Self::Responses(responses) => responses.error = error,
            Self::Messages(messages) => messages.error = error,
            Self::Gemini(gemini) => gemini.error = error,
            Self::Converse(converse) => converse.error = error,
        }
    }

    /// What came so far.
    pub(super) fn finish(self) -> Assembled {
        match self {
            Self::Chat(chat) => chat.finish(),
            Self::Responses(responses) => responses.finish(),
            Self::Messages(messages) => messages.finish(),
            Self::Gemini(gemini) => gemini.finish(),
            Self::Converse(converse) => converse.finish(),
        }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self {
            left: MAX_TEXT_BYTES,
            is_cut: false,
        }
    }
}

impl Room {
    /// Appends a text if there is room for it.
    fn append(&mut self, to: &mut String, text: &str) {
        if self.take(text.len()) {
            to.push_str(text);
        }
    }

    fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.left && !self.is_cut;
        if fits {
            self.left -= bytes;
        } else {
            self.is_cut = true;
        }
        fits
    }
}

/// What a tool is called with, put together from pieces of JSON. It stays a text where it is cut off in the middle, or where
/// a value would lose digits.
fn tool_input(text: &str) -> Value {
    let read: Result<Value, _> = serde_json::from_str(text);
    let same = |value: &Value| numbers(text) == numbers(&value.to_string());
    read.ok()
        .filter(same)
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The numbers in a JSON text as they are written, sorted.
fn numbers(text: &str) -> Vec<String> {
    fn collect(value: event::json::Value<'_>, out: &mut Vec<String>) {
        match value.kind() {
            Kind::Number => out.push(value.as_str().to_owned()),
            Kind::Array => value.elements().for_each(|element| collect(element, out)),
            Kind::Object => value.members().for_each(|(_, member)| collect(member, out)),
            Kind::String | Kind::Null | Kind::Bool => {}
        }
    }
    let (mut compact, mut found) = (String::new(), Vec::new());
    if event::json::compact(text.as_bytes(), &mut compact).is_ok() {
        collect(event::json::Value::new(&compact), &mut found);
    }
    found.sort_unstable();
    found
}

/// The words of an error object, whatever its API.
fn error_text(error: &Value) -> String {
    let words = ["message", "type", "code", "status"];
    let found = words.iter().find_map(|name| error.get(*name)?.as_str());
    found.map_or_else(|| error.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests;
