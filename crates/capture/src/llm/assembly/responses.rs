//! OpenAI responses, over server-sent events and over a WebSocket.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Assembled, Room, error_text, merge};
use crate::llm::usage;

/// Most items of one answer.
const MAX_ITEMS: usize = 4_096;

/// Events; the last one holds the whole response.
#[derive(Debug, Default)]
pub(in crate::llm) struct ResponsesAssembly {
    response: Option<Value>,
    /// Items by index, for an answer that is cut off.
    items: BTreeMap<u64, Item>,
    is_complete: bool,
    pub(super) error: Option<String>,
    room: Room,
}

#[derive(Debug)]
struct Item {
    value: Value,
    /// Text that has come of an item that is not done.
    text: String,
    is_done: bool,
}

impl ResponsesAssembly {
    pub(super) fn event(&mut self, data: &[u8]) {
        let Ok(Value::Object(mut event)) = serde_json::from_slice(data) else {
            return;
        };
        let kind = event
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        match kind.as_str() {
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => {
                self.end(&kind, event.remove("response"));
            }
            "response.created" | "response.in_progress" | "response.queued" => {
                self.response = event.remove("response").or_else(|| self.response.take());
            }
            "response.output_item.added" | "response.output_item.done" => {
                self.item(&kind, &mut event);
            }
            "error" => {
                let error = event.remove("error").filter(|error| !error.is_null());
                self.error = Some(error_text(&error.unwrap_or(Value::Object(event))));
            }
            _ if kind.rsplit('.').next() == Some("delta") => self.delta(&event),
            _ => {}
        }
    }

    fn end(&mut self, kind: &str, response: Option<Value>) {
        self.is_complete = true;
        if kind == "response.failed" {
            let error = response.as_ref().and_then(|response| response.get("error"));
            let text = error.filter(|error| !error.is_null()).map(error_text);
            self.error = Some(text.unwrap_or_else(|| "the response failed".to_owned()));
        }
        if response.is_some() {
            self.items.clear();
        }
        self.response = response.or_else(|| self.response.take());
    }

    fn item(&mut self, kind: &str, event: &mut Map<String, Value>) {
        let index = event
            .get("output_index")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        let Some(value) = event.remove("item") else {
            return;
        };
        let is_new = !self.items.contains_key(&index);
        if (is_new && self.items.len() >= MAX_ITEMS) || !self.room.take(merge::size(&value)) {
            return;
        }
        let item = Item {
            value,
            text: String::new(),
            is_done: kind.ends_with("done"),
        };
        self.items.insert(index, item);
    }

    fn delta(&mut self, event: &Map<String, Value>) {
        let index = event
            .get("output_index")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        let delta = event.get("delta").and_then(Value::as_str);
        if let (Some(item), Some(delta)) = (self.items.get_mut(&index), delta) {
            self.room.append(&mut item.text, delta);
        }
    }

    pub(super) fn finish(self) -> Assembled {
        let mut output = self.response;
        if !self.is_complete || !self.items.is_empty() {
            let items: Value = self.items.into_values().map(Item::finish).collect();
            if let Some(Value::Object(response)) = &mut output {
                response.insert("output".to_owned(), items);
            }
        }
        let text = |name: &str| Some(output.as_ref()?.get(name)?.as_str()?.to_owned());
        Assembled {
            counts: output
                .as_ref()
                .and_then(|response| usage::responses(response.get("usage")?)),
            model: text("model"),
            tier: text("service_tier"),
            is_complete: self.is_complete,
            error: self.error,
            is_cut: self.room.is_cut,
            output,
        }
    }
}

impl Item {
    /// An item that was cut off holds its text where a whole one would.
    fn finish(self) -> Value {
        let mut value = self.value;
        if self.is_done || self.text.is_empty() {
            return value;
        }
        let text = Value::String(self.text);
        if let Value::Object(item) = &mut value {
            match item.get("type").and_then(Value::as_str) {
                Some("message") => {
                    let part = serde_json::json!({"type": "output_text", "text": text});
                    item.insert("content".to_owned(), Value::Array(vec![part]));
                }
                Some("function_call") => drop(item.insert("arguments".to_owned(), text)),
                Some("custom_tool_call") => drop(item.insert("input".to_owned(), text)),
                _ => drop(item.insert("text".to_owned(), text)),
            }
        }
        value
    }
}
