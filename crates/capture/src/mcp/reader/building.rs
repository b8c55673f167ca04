//! A message that is being read.

use sha2::{Digest, Sha256};

use super::slot::{Keep, Slot};
use crate::{
    mcp::{
        definition::{MAX_DEFINITIONS, Reading},
        message::{Message, asks_with_arguments},
    },
    payload::Payload,
    redact::Redaction,
};

/// A message whose end has not come.
#[derive(Debug)]
pub(super) struct Building {
    /// Containers around the message.
    base: usize,
    heads_only: bool,
    /// Values that are open, the outer before the inner.
    open: Vec<Open>,
    payloads: Vec<(Slot, Payload)>,
    message: Message,
}

#[derive(Debug)]
struct Open {
    slot: Slot,
    depth: usize,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Bytes(Vec<u8>, usize),
    Payload(Box<Payload>),
    Digest(Sha256),
    Definition(Reading),
}

impl Building {
    pub(super) fn new(base: usize, heads_only: bool) -> Self {
        Self {
            base,
            heads_only,
            open: Vec::new(),
            payloads: Vec::new(),
            message: Message::default(),
        }
    }

    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// A value begins at a path, in so many containers.
    pub(super) fn begin(&mut self, path: &[Vec<u8>], depth: usize) {
        let Some(slot) = Slot::at(path) else {
            return;
        };
        if self.heads_only && !slot.is_head() || slot == Slot::Params && self.has_arguments() {
            return;
        }
        let sink = match slot.keep() {
            Keep::Bytes(most) => Sink::Bytes(Vec::new(), most),
            Keep::Payload => Sink::Payload(Box::default()),
            Keep::Digest => Sink::Digest(Sha256::new()),
            Keep::Definition if self.message.tools.len() < MAX_DEFINITIONS => {
                Sink::Definition(Reading::default())
            }
            Keep::Definition => return,
        };
        self.open.push(Open { slot, depth, sink });
    }

    /// More of the values that are open.
    pub(super) fn push(&mut self, piece: &[u8], with: &Redaction<'_>) {
        for Open { sink, .. } in &mut self.open {
            match sink {
                Sink::Bytes(bytes, most) => {
                    let room = most.saturating_sub(bytes.len());
                    bytes.extend(piece.iter().take(room));
                }
                Sink::Payload(payload) => payload.push(with, piece),
                Sink::Digest(digest) => digest.update(piece),
                Sink::Definition(reading) => reading.push(piece),
            }
        }
    }

    /// A value in so many containers has ended.
    pub(super) fn end(&mut self, depth: usize) {
        let Some(open) = self.open.pop_if(|open| open.depth == depth) else {
            return;
        };
        let message = &mut self.message;
        match open.sink {
            Sink::Bytes(bytes, _) => message.set(open.slot, bytes),
            Sink::Digest(digest) => message.set(open.slot, digest.finalize().to_vec()),
            Sink::Definition(reading) => message.tools.extend(reading.finish()),
            // With a name that is there twice, the last one counts, as for whoever reads the message.
            Sink::Payload(payload) => {
                self.payloads.retain(|(slot, _)| *slot != open.slot);
                self.payloads.push((open.slot, *payload));
            }
        }
    }

    pub(super) fn finish(self, with: &Redaction<'_>) -> Message {
        let mut message = self.message;
        for (slot, payload) in self.payloads {
            if let Some(value) = payload.finish(with) {
                message.values.push((slot, value));
            }
        }
        message
    }

    /// Whether the arguments say it all; known if the method comes first, as it mostly does.
    fn has_arguments(&self) -> bool {
        let method = self.message.text(Slot::Method);
        method.is_some_and(|method| asks_with_arguments(&method))
    }
}
