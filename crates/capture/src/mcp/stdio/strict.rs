//! The way to the server where nothing may pass that was not recorded.

use std::{fs::File, io::Write, process::ChildStdin};

use super::{
    Out,
    pump::{Tap, copy, read_no_more},
};
use crate::{
    draft::Source,
    mcp::{
        message::{Form, Message},
        reader::{Reader, Seen},
        refusal::Refusal,
    },
    recorder::Recorder,
};

/// Longest line that is held until it is recorded, bytes.
const LINE_BYTES: usize = 32 << 20;

/// A line that is on its way.
enum Line {
    Held(Vec<u8>),
    /// Too long: it is only read to see what has to be refused.
    TooLong(Box<Reader>, Vec<Message>),
}

/// Passes lines on, each when what it asks for is recorded durably. What cannot be recorded is refused.
pub(super) fn pump(mut from: File, mut to: ChildStdin, mut tap: Tap, out: &Out) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
        // Then nothing can be recorded, and nothing passes.
        return;
    };
    let mut line = Line::Held(Vec::new());
    let mut pass = |line: Line, tap: &mut Tap| match line {
        Line::Held(bytes) if bytes.is_empty() => true,
        Line::Held(bytes) => {
            let work = tap.work(bytes.clone());
            let recorder = tap.watched().recorder.clone();
            let durable = recorder.submit_durable(Source::Mcp, bytes.len(), work);
            match runtime.block_on(durable) {
                Ok(()) => to.write_all(&bytes).is_ok(),
                Err(error) => {
                    let refusal = Refusal::NotRecorded(error.0.to_string());
                    refuse(&heads(&recorder, &bytes), &refusal, out);
                    true
                }
            }
        }
        Line::TooLong(_, messages) => {
            let refusal = Refusal::TooLong {
                max_bytes: LINE_BYTES,
            };
            let (count, message) = (messages.len() as u64, refusal.message());
            tap.watched().submit(move |watch, scribe| {
                watch.write_refusal(&message, count, scribe);
            });
            refuse(&messages, &refusal, out);
            true
        }
    };
    copy(&mut from, |bytes| {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.add(part, &tap.watched().recorder);
            if part.ends_with(b"\n") {
                let whole = std::mem::replace(&mut line, Line::Held(Vec::new()));
                if !pass(whole, &mut tap) {
                    return false;
                }
            }
        }
        true
    });
    pass(line, &mut tap);
    tap.end();
    drop(from);
    read_no_more();
}

impl Line {
    fn add(&mut self, part: &[u8], recorder: &Recorder) {
        if let Self::Held(held) = self
            && held.len() + part.len() > LINE_BYTES
        {
            let held = std::mem::take(held);
            *self = Self::TooLong(Box::new(Reader::heads_only()), Vec::new());
            self.add(&held, recorder);
        }
        match self {
            Self::Held(held) => held.extend_from_slice(part),
            Self::TooLong(reader, messages) => {
                reader.push(part, &recorder.redactor().with(&[]), &mut |seen| {
                    messages.extend(message(seen));
                });
            }
        }
    }
}

/// What the messages of a line are.
fn heads(recorder: &Recorder, line: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    let with = recorder.redactor().with(&[]);
    Reader::heads_only().push(line, &with, &mut |seen| messages.extend(message(seen)));
    messages
}

fn message(seen: Seen) -> Option<Message> {
    match seen {
        Seen::Message(message) => Some(*message),
        Seen::Unreadable(_) => None,
    }
}

/// Answers every request.
fn refuse(messages: &[Message], refusal: &Refusal, out: &Out) {
    for message in messages {
        if let Some(Form::Request(id, method)) = message.form() {
            let mut line = refusal.to_request(&id, &method).to_string().into_bytes();
            line.push(b'\n');
            out.answer(&line);
        }
    }
}
