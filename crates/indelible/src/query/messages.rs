//! Server-sent events (WHATWG HTML, "Server-sent events"), as far as the server uses them.

use std::io::{BufRead, Read};

/// Longest line: a record of 60,000 bytes with its links, far from it.
const LINE_BYTES: u64 = 1 << 20;

/// One event of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// Empty for the usual kind.
    pub(super) event: String,
    pub(super) data: String,
    pub(super) id: Option<String>,
}

/// Reads a stream message by message.
pub(super) struct Messages<R>(R);

impl<R: BufRead> Messages<R> {
    pub(super) fn new(stream: R) -> Self {
        Self(stream)
    }

    /// The next whole message; `None` when the stream ends or breaks, wherever that is.
    pub(super) fn next_message(&mut self) -> Option<Message> {
        let mut message = Message::default();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                if message.data.is_empty() {
                    message = Message::default();
                    continue;
                }
                return Some(message);
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match name {
                "event" => message.event = value,
                "data" => message.data = value,
                "id" => message.id = Some(value),
                _ => {}
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.by_ref().take(LINE_BYTES).read_line(&mut line).ok()?;
        line.strip_suffix('\n').map(ToOwned::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_messages_are_read_and_others_are_not() {
        let text = "retry: 1000\n\n:\n\nid: 7\ndata: {\"a\":1}\n\nevent: gap\ndata: {}\n\nid: 8\ndata: {\"b\"";
        let mut messages = Messages::new(text.as_bytes());
        let first = messages.next_message().unwrap();
        assert_eq!(
            (first.event.as_str(), first.data.as_str()),
            ("", "{\"a\":1}")
        );
        assert_eq!(first.id.as_deref(), Some("7"));
        let gap = messages.next_message().unwrap();
        assert_eq!((gap.event.as_str(), gap.id), ("gap", None));
        assert_eq!(messages.next_message(), None);
    }
}
