//! OpenAI chat completions, and what is compatible with them.

use serde_json::{Map, Value};

use super::{Assembled, Room, error_text, merge};
use crate::llm::usage;

/// The last event.
const DONE: &[u8] = b"[DONE]";
/// Most choices of one answer.
const MAX_CHOICES: usize = 256;

/// Chunks, added up.
#[derive(Debug, Default)]
pub(in crate::llm) struct ChatAssembly {
    head: Map<String, Value>,
    choices: Vec<Choice>,
    is_done: bool,
    pub(super) error: Option<String>,
    room: Room,
}

#[derive(Debug, Default)]
struct Choice {
    index: u64,
    message: Map<String, Value>,
    rest: Map<String, Value>,
}

impl ChatAssembly {
    pub(super) fn event(&mut self, name: &str, data: &[u8]) {
        if data == DONE {
            self.is_done = true;
            return;
        }
        let Ok(Value::Object(mut chunk)) = serde_json::from_slice(data) else {
            return;
        };
        match chunk.get("error") {
            Some(error) if !error.is_null() => self.error = Some(error_text(error)),
            None if name == "error" => self.error = Some(error_text(&Value::Object(chunk.clone()))),
            _ => {}
        }
        if let Some(Value::Array(choices)) = chunk.remove("choices") {
            for choice in choices {
                self.choice(choice);
            }
        }
        for (name, value) in chunk {
            let is_news =
                !value.is_null() && !matches!(name.as_str(), "object" | "obfuscation" | "error");
            if is_news && self.room.take(merge::size(&value)) {
                self.head.insert(name, value);
            }
        }
    }

    fn choice(&mut self, choice: Value) {
        let Value::Object(mut choice) = choice else {
            return;
        };
        let index = choice
            .remove("index")
            .and_then(|index| index.as_u64())
            .unwrap_or(0);
        let place = self.choices.iter().position(|choice| choice.index == index);
        if place.is_none() && self.choices.len() >= MAX_CHOICES {
            return;
        }
        let place = place.unwrap_or_else(|| {
            self.choices.push(Choice {
                index,
                ..Choice::default()
            });
            self.choices.len() - 1
        });
        let Some(to) = self.choices.get_mut(place) else {
            return;
        };
        if let Some(Value::Object(delta)) = choice.remove("delta") {
            merge::add(&mut to.message, delta, &mut self.room);
        }
        let reason = choice
            .remove("finish_reason")
            .filter(|reason| !reason.is_null());
        merge::add(&mut to.rest, choice, &mut self.room);
        if let Some(reason) = reason {
            to.rest.insert("finish_reason".to_owned(), reason);
        }
    }

    pub(super) fn finish(self) -> Assembled {
        let text = |name: &str| Some(self.head.get(name)?.as_str()?.to_owned());
        let (model, tier) = (text("model"), text("service_tier"));
        let counts = self.head.get("usage").and_then(usage::chat);
        // Not every compatible server sends the last event.
        let has_reasons = self
            .choices
            .iter()
            .all(|choice| choice.rest.contains_key("finish_reason"));
        let is_complete = self.is_done || (has_reasons && !self.choices.is_empty());
        let has_output = !self.choices.is_empty() || self.head.contains_key("id");
        let output = has_output.then(|| {
            let mut output = self.head;
            output.insert("object".to_owned(), "chat.completion".into());
            output.insert(
                "choices".to_owned(),
                self.choices.into_iter().map(Choice::finish).collect(),
            );
            Value::Object(output)
        });
        Assembled {
            output,
            counts,
            model,
            tier,
            is_complete,
            error: self.error,
            is_cut: self.room.is_cut,
        }
    }
}

impl Choice {
    fn finish(self) -> Value {
        let mut choice = self.rest;
        choice.insert("index".to_owned(), self.index.into());
        choice.insert("message".to_owned(), self.message.into());
        choice.entry("finish_reason").or_insert(Value::Null);
        if let Some(calls) = choice
            .get_mut("message")
            .and_then(|message| message.get_mut("tool_calls"))
        {
            // Only chunks number their calls.
            for call in calls.as_array_mut().into_iter().flatten() {
                if let Some(call) = call.as_object_mut() {
                    call.remove("index");
                }
            }
        }
        choice.into()
    }
}
