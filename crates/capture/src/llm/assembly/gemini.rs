//! Gemini: each event is a whole answer with the next parts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Assembled, Room, error_text, merge};
use crate::llm::usage;

/// Most candidates, and parts of each.
const MAX_CANDIDATES: usize = 64;
const MAX_PARTS: usize = 65_536;

/// Answers, added up.
#[derive(Debug, Default)]
pub(in crate::llm) struct GeminiAssembly {
    head: Map<String, Value>,
    candidates: BTreeMap<u64, Candidate>,
    pub(super) error: Option<String>,
    room: Room,
}

#[derive(Debug, Default)]
struct Candidate {
    content: Map<String, Value>,
    parts: Vec<Value>,
    rest: Map<String, Value>,
}

impl GeminiAssembly {
    pub(super) fn event(&mut self, data: &[u8]) {
        let Ok(Value::Object(mut event)) = serde_json::from_slice(data) else {
            return;
        };
        if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
            self.error = Some(error_text(error));
        }
        if let Some(Value::Array(candidates)) = event.remove("candidates") {
            for candidate in candidates {
                if let Value::Object(candidate) = candidate {
                    self.candidate(candidate);
                }
            }
        }
        for (name, value) in event {
            if !value.is_null() && self.room.take(merge::size(&value)) {
                self.head.insert(name, value);
            }
        }
    }

    fn candidate(&mut self, mut candidate: Map<String, Value>) {
        let index = candidate.get("index").and_then(Value::as_u64).unwrap_or(0);
        if !self.candidates.contains_key(&index) && self.candidates.len() >= MAX_CANDIDATES {
            return;
        }
        let to = self.candidates.entry(index).or_default();
        if let Some(Value::Object(mut content)) = candidate.remove("content") {
            if let Some(Value::Array(parts)) = content.remove("parts") {
                for part in parts {
                    to.part(part, &mut self.room);
                }
            }
            to.content.extend(content);
        }
        for (name, value) in candidate {
            if !value.is_null() && self.room.take(merge::size(&value)) {
                to.rest.insert(name, value);
            }
        }
    }

    pub(super) fn finish(self) -> Assembled {
        let counts = self.head.get("usageMetadata").and_then(usage::generate);
        let model = self
            .head
            .get("modelVersion")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned);
        let is_blocked = self.head.get("promptFeedback").is_some_and(|feedback| {
            feedback
                .get("blockReason")
                .is_some_and(|reason| !reason.is_null())
        });
        let has_reasons = self
            .candidates
            .values()
            .all(|candidate| candidate.rest.contains_key("finishReason"));
        let is_complete = is_blocked || (has_reasons && !self.candidates.is_empty());
        let has_output = !self.candidates.is_empty() || !self.head.is_empty();
        let output = has_output.then(|| {
            let mut output = self.head;
            if !self.candidates.is_empty() {
                let candidates = self
                    .candidates
                    .into_values()
                    .map(Candidate::finish)
                    .collect();
                output.insert("candidates".to_owned(), candidates);
            }
            Value::Object(output)
        });
        Assembled {
            output,
            counts,
            model,
            tier: None,
            is_complete,
            error: self.error,
            is_cut: self.room.is_cut,
        }
    }
}

impl Candidate {
    /// Texts that follow each other are one text, as long as both or neither are thoughts.
    fn part(&mut self, part: Value, room: &mut Room) {
        let plain = |part: &Value| {
            let members = part.as_object()?;
            let is_text = members
                .keys()
                .all(|name| matches!(name.as_str(), "text" | "thought"));
            is_text.then_some(
                members
                    .get("thought")
                    .and_then(Value::as_bool)
                    .unwrap_or(false),
            )
        };
        let last = self.parts.last_mut().filter(|last| {
            let (last, next) = (plain(last), plain(&part));
            last.is_some() && last == next
        });
        if let Some(Value::String(text)) = last.and_then(|last| last.get_mut("text")) {
            if let Some(more) = part.get("text").and_then(Value::as_str) {
                room.append(text, more);
            }
        } else if self.parts.len() < MAX_PARTS && room.take(merge::size(&part)) {
            self.parts.push(part);
        }
    }

    fn finish(self) -> Value {
        let mut content = self.content;
        if !self.parts.is_empty() {
            content.insert("parts".to_owned(), self.parts.into());
        }
        let mut candidate = self.rest;
        if !content.is_empty() {
            candidate.insert("content".to_owned(), content.into());
        }
        candidate.into()
    }
}
