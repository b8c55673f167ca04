//! Bedrock converse.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Assembled, Room, merge, tool_input};
use crate::llm::usage;

/// Most blocks of one message.
const MAX_BLOCKS: usize = 4_096;

/// Events, added up.
#[derive(Debug, Default)]
pub(in crate::llm) struct ConverseAssembly {
    message: Map<String, Value>,
    blocks: BTreeMap<u64, Map<String, Value>>,
    rest: Map<String, Value>,
    is_complete: bool,
    pub(super) error: Option<String>,
    room: Room,
}

impl ConverseAssembly {
    /// `name` is the type of the event.
    pub(super) fn event(&mut self, name: &str, data: &[u8]) {
        let Ok(Value::Object(mut event)) = serde_json::from_slice(data) else {
            return;
        };
        // Bedrock pads its events so that their lengths tell nothing.
        event.remove("p");
        match name {
            "messageStart" => self.message.extend(event),
            "contentBlockStart" | "contentBlockDelta" => self.block(&event),
            "messageStop" => {
                self.is_complete = true;
                self.rest.extend(event);
            }
            "metadata" => self.rest.extend(event),
            _ => {}
        }
    }

    fn block(&mut self, event: &Map<String, Value>) {
        let index = event
            .get("contentBlockIndex")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        if !self.blocks.contains_key(&index) && self.blocks.len() >= MAX_BLOCKS {
            return;
        }
        let block = self.blocks.entry(index).or_default();
        if let Some(Value::Object(start)) = event.get("start") {
            merge::add(block, start.clone(), &mut self.room);
        }
        if let Some(Value::Object(delta)) = event.get("delta") {
            merge::add(block, delta.clone(), &mut self.room);
        }
    }

    pub(super) fn finish(self) -> Assembled {
        let counts = self.rest.get("usage").and_then(usage::converse);
        let has_output = !self.message.is_empty() || !self.blocks.is_empty();
        let output = has_output.then(|| {
            let mut message = self.message;
            message.insert(
                "content".to_owned(),
                self.blocks.into_values().map(finish_block).collect(),
            );
            let mut output = self.rest;
            output.insert("output".to_owned(), json!({"message": message}));
            Value::Object(output)
        });
        Assembled {
            output,
            counts,
            model: None,
            tier: None,
            is_complete: self.is_complete,
            error: self.error,
            is_cut: self.room.is_cut,
        }
    }
}

/// Deltas are flatter than the blocks that they make up.
fn finish_block(mut block: Map<String, Value>) -> Value {
    if let Some(Value::Object(call)) = block.get_mut("toolUse")
        && let Some(Value::String(input)) = call.get("input")
    {
        let input = tool_input(input);
        call.insert("input".to_owned(), input);
    }
    if let Some(Value::Object(thought)) = block.get_mut("reasoningContent")
        && (thought.contains_key("text") || thought.contains_key("signature"))
    {
        let text: Map<_, _> = std::mem::take(thought);
        thought.insert("reasoningText".to_owned(), text.into());
    }
    block.into()
}
