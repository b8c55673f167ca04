//! Anthropic messages, from their own API and inside of Bedrock's.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Assembled, Room, error_text, merge, tool_input};
use crate::llm::usage;

/// Most blocks of one message.
const MAX_BLOCKS: usize = 4_096;

/// Events, added up.
#[derive(Debug, Default)]
pub(in crate::llm) struct MessagesAssembly {
    message: Map<String, Value>,
    usage: Map<String, Value>,
    blocks: BTreeMap<u64, Block>,
    is_complete: bool,
    pub(super) error: Option<String>,
    room: Room,
}

#[derive(Debug, Default)]
struct Block {
    value: Map<String, Value>,
    /// A tool's input as it comes: JSON in pieces.
    input: String,
}

impl MessagesAssembly {
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
            "message_start" => self.start(event.remove("message")),
            "content_block_start" => self.block(&mut event),
            "content_block_delta" => self.delta(&event),
            "message_delta" => {
                if let Some(Value::Object(delta)) = event.remove("delta") {
                    self.message.extend(delta);
                }
                self.counts(event.remove("usage"));
            }
            "message_stop" => self.is_complete = true,
            "error" => {
                let error = event.remove("error").unwrap_or_default();
                self.error = Some(error_text(&error));
            }
            _ => {}
        }
    }

    fn start(&mut self, message: Option<Value>) {
        if let Some(Value::Object(mut message)) = message {
            self.counts(message.remove("usage"));
            if self.room.take(merge::size(&Value::Object(message.clone()))) {
                self.message = message;
            }
        }
    }

    /// Counts are cumulative: a later one replaces an earlier one, and null says nothing.
    fn counts(&mut self, usage: Option<Value>) {
        if let Some(Value::Object(usage)) = usage {
            let said = usage.into_iter().filter(|(_, value)| !value.is_null());
            self.usage.extend(said);
        }
    }

    fn block(&mut self, event: &mut Map<String, Value>) {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        let Some(Value::Object(value)) = event.remove("content_block") else {
            return;
        };
        let fits = self.blocks.len() < MAX_BLOCKS
            && self.room.take(merge::size(&Value::Object(value.clone())));
        if fits {
            self.blocks.insert(
                index,
                Block {
                    value,
                    input: String::new(),
                },
            );
        }
    }

    fn delta(&mut self, event: &Map<String, Value>) {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        let (Some(block), Some(Value::Object(delta))) =
            (self.blocks.get_mut(&index), event.get("delta"))
        else {
            return;
        };
        let text = |name: &str| delta.get(name).and_then(Value::as_str);
        match text("type").unwrap_or_default() {
            "input_json_delta" => {
                self.room
                    .append(&mut block.input, text("partial_json").unwrap_or_default());
            }
            "citations_delta" => {
                let citation = delta.get("citation").cloned().unwrap_or_default();
                if self.room.take(merge::size(&citation)) {
                    let list = block.value.entry("citations").or_insert(Value::Null);
                    match list {
                        Value::Array(list) => list.push(citation),
                        _ => *list = Value::Array(vec![citation]),
                    }
                }
            }
            // A text, a thought, a signature: joined to the member of the same name.
            _ => {
                let rest = delta.iter().filter(|(name, _)| *name != "type");
                let rest = rest
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                merge::add(&mut block.value, rest, &mut self.room);
            }
        }
    }

    pub(super) fn finish(self) -> Assembled {
        let counts = usage::messages(&Value::Object(self.usage.clone()));
        let text = |of: &Map<String, Value>, name: &str| Some(of.get(name)?.as_str()?.to_owned());
        let (model, tier) = (
            text(&self.message, "model"),
            text(&self.usage, "service_tier"),
        );
        let output = (!self.message.is_empty() || !self.blocks.is_empty()).then(|| {
            let mut message = self.message;
            message.insert(
                "content".to_owned(),
                self.blocks.into_values().map(Block::finish).collect(),
            );
            if !self.usage.is_empty() {
                message.insert("usage".to_owned(), self.usage.into());
            }
            Value::Object(message)
        });
        Assembled {
            output,
            counts,
            model,
            tier,
            is_complete: self.is_complete,
            error: self.error,
            is_cut: self.room.is_cut,
        }
    }
}

impl Block {
    fn finish(self) -> Value {
        let mut value = self.value;
        if !self.input.is_empty() {
            value.insert("input".to_owned(), tool_input(&self.input));
        }
        value.into()
    }
}
