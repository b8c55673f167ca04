//! JSON-RPC messages, read as their bytes come, in memory that does not grow with them.
//!
//! What is looked at is told apart by its path; large values go piece by piece into payloads. Text that is no JSON is
//! skipped to the end of its line. A message may take several lines, as some programs read it.

mod building;
mod slot;
#[cfg(test)]
mod tests;

use std::mem::take;

use super::message::Message;
use crate::redact::Redaction;
use building::Building;
use slot::MAX_PATH;
pub(super) use slot::Slot;

/// Containers whose kind is remembered; deeper ones are only counted. Nobody reads so deep.
const MAX_DEPTH: usize = 1_024;
/// Longest name of a member that can be looked at, bytes as written.
const MAX_KEY_BYTES: usize = 256;
/// What is kept of a text that is no message, bytes.
const START_BYTES: usize = 4 << 10;

/// What the bytes were.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A message, whole.
    Message(Box<Message>),
    /// The beginning of something else.
    Unreadable(Vec<u8>),
}

/// Reads one direction of a conversation.
#[derive(Debug, Default)]
pub(super) struct Reader {
    place: Place,
    expects: Expects,
    /// Whether each open container is an object.
    open: Vec<bool>,
    /// Containers beyond [`MAX_DEPTH`].
    deeper: usize,
    /// Names of the members that are open, of the outermost containers; empty in arrays.
    keys: Vec<Vec<u8>>,
    /// The name of a member as it comes.
    key: Vec<u8>,
    building: Option<Building>,
    /// The beginning of a text that may turn out to be no message.
    start: Vec<u8>,
    /// Nothing but white space since the last line feed.
    is_line_start: bool,
    /// Whether contents are left out.
    heads_only: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Between,
    String {
        escaped: bool,
        is_key: bool,
    },
    /// A number or a word.
    Scalar,
    /// No JSON, until the line ends.
    Skipped,
    /// Behind bytes that were not seen, until the line ends.
    Lost,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expects {
    #[default]
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// What a byte outside of strings and words is.
enum Mark {
    Plain,
    Value,
    Close,
    Wrong,
}

impl Reader {
    /// One that looks at what a message is, and not at what it holds.
    pub(super) fn heads_only() -> Self {
        Self {
            heads_only: true,
            ..Self::default()
        }
    }

    /// Takes the next bytes; calls `each` with every message that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], with: &Redaction<'_>, each: &mut impl FnMut(Seen)) {
        let (mut at, mut from) = (0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.place {
                Place::Skipped | Place::Lost => {
                    at += self.skip(rest, each);
                    from = at;
                }
                Place::String { escaped, is_key } => {
                    at += self.string(rest, escaped, is_key);
                    match self.place {
                        Place::Between if !is_key => {
                            self.deliver(bytes, &mut from, at, with);
                            self.value_end();
                        }
                        Place::Skipped => self.deliver(bytes, &mut from, at, with),
                        _ => {}
                    }
                }
                Place::Scalar => {
                    at += rest.iter().take_while(|byte| is_scalar(**byte)).count();
                    if at < bytes.len() {
                        self.place = Place::Between;
                        self.deliver(bytes, &mut from, at, with);
                        self.value_end();
                    }
                }
                Place::Between => {
                    let byte = rest.first().copied().unwrap_or_default();
                    match self.mark(byte) {
                        Mark::Plain => at += 1,
                        Mark::Value => {
                            self.deliver(bytes, &mut from, at, with);
                            self.value(byte);
                            at += 1;
                        }
                        Mark::Close => {
                            at += 1;
                            self.deliver(bytes, &mut from, at, with);
                            self.close(with, each);
                        }
                        Mark::Wrong => {
                            self.building = None;
                            self.deliver(bytes, &mut from, at, with);
                            self.wrong(byte, each);
                            continue;
                        }
                    }
                    self.is_line_start = byte == b'\n' || self.is_line_start && is_blank(byte);
                }
            }
        }
        self.deliver(bytes, &mut from, bytes.len(), with);
    }

    /// The text is over; what was begun is no message.
    pub(super) fn end(&mut self, each: &mut impl FnMut(Seen)) {
        if self.place != Place::Lost {
            self.tell(each);
        }
        self.reset();
    }

    /// Some bytes were not seen: the next message begins on a line of its own.
    pub(super) fn lose(&mut self) {
        self.reset();
        self.place = Place::Lost;
    }

    fn reset(&mut self) {
        *self = Self {
            heads_only: self.heads_only,
            ..Self::default()
        };
    }

    fn mark(&mut self, byte: u8) -> Mark {
        let is_deep = self.deeper > 0;
        match (byte, self.expects) {
            (byte, _) if is_blank(byte) => Mark::Plain,
            (b'"', Expects::Key | Expects::KeyOrEnd) => {
                self.key.clear();
                self.place = Place::String {
                    escaped: false,
                    is_key: true,
                };
                Mark::Plain
            }
            (b':', Expects::Colon) => {
                self.expects = Expects::Value;
                Mark::Plain
            }
            (b',', Expects::CommaOrEnd) if !self.open.is_empty() => {
                self.expects = match self.open.last() {
                    Some(true) if !is_deep => Expects::Key,
                    _ => Expects::Value,
                };
                Mark::Plain
            }
            (b'}' | b']', _) if is_deep => Mark::Close,
            (b'}', Expects::KeyOrEnd | Expects::CommaOrEnd)
            | (b']', Expects::ValueOrEnd | Expects::CommaOrEnd)
                if self.open.last() == Some(&(byte == b'}')) =>
            {
                Mark::Close
            }
            (b'{' | b'[', Expects::Value | Expects::ValueOrEnd) => Mark::Value,
            // Between messages there are no plain values.
            (_, Expects::Value | Expects::ValueOrEnd)
                if begins_value(byte) && !self.open.is_empty() =>
            {
                Mark::Value
            }
            // Whether a container so deep is an object is not known.
            (b':' | b',', _) if is_deep => {
                self.expects = Expects::Value;
                Mark::Plain
            }
            _ => Mark::Wrong,
        }
    }

    /// A value begins with this byte.
    fn value(&mut self, byte: u8) {
        let depth = self.open.len();
        if byte == b'{' && (depth == 0 || self.open.as_slice() == [false]) {
            self.building = Some(Building::new(depth, self.heads_only));
        } else if let Some(building) = &mut self.building
            && self.deeper == 0
            && let Some(path) = self.keys.get(building.base()..depth)
        {
            building.begin(path, depth);
        }
        match byte {
            b'{' | b'[' => self.open(byte == b'{'),
            b'"' => {
                self.place = Place::String {
                    escaped: false,
                    is_key: false,
                }
            }
            _ => self.place = Place::Scalar,
        }
    }

    fn open(&mut self, is_object: bool) {
        if self.open.len() >= MAX_DEPTH {
            self.deeper += 1;
            self.expects = Expects::Value;
            return;
        }
        self.expects = if is_object {
            Expects::KeyOrEnd
        } else {
            Expects::ValueOrEnd
        };
        self.open.push(is_object);
        if self.open.len() <= MAX_PATH + 1 {
            self.keys.push(Vec::new());
        }
    }

    /// A container has ended, and has been delivered.
    fn close(&mut self, with: &Redaction<'_>, each: &mut impl FnMut(Seen)) {
        if self.deeper > 0 {
            self.deeper -= 1;
            self.expects = Expects::CommaOrEnd;
            return;
        }
        self.open.pop();
        self.keys.truncate(self.open.len());
        let depth = self.open.len();
        if let Some(building) = self.building.take_if(|building| building.base() == depth) {
            each(Seen::Message(Box::new(building.finish(with))));
            self.start.clear();
        }
        self.value_end();
    }

    /// A value has ended, and has been delivered.
    fn value_end(&mut self) {
        let depth = self.open.len();
        self.expects = if depth == 0 {
            // What is left of a batch.
            self.start.clear();
            Expects::Value
        } else {
            Expects::CommaOrEnd
        };
        if self.deeper == 0
            && let Some(building) = &mut self.building
        {
            building.end(depth);
        }
    }

    /// The rest of a string, or as much of it as is here. Answers its length.
    fn string(&mut self, rest: &[u8], escaped: bool, is_key: bool) -> usize {
        let mut at = usize::from(escaped);
        let open = |escaped| Place::String { escaped, is_key };
        self.place = open(false);
        while let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', rest.get(at..).unwrap_or(&[])) {
            at += found;
            match rest.get(at) {
                Some(b'\\') => {
                    at += 2;
                    continue;
                }
                Some(b'"') => self.place = Place::Between,
                // JSON has no line feed there: the line is over, whatever it was.
                _ => {
                    self.place = Place::Skipped;
                    self.building = None;
                }
            }
            break;
        }
        let is_open = self.place == open(false);
        if is_open && at > rest.len() {
            self.place = open(true);
        }
        let end = if is_open { rest.len() } else { at };
        if is_key {
            let room = (MAX_KEY_BYTES + 1).saturating_sub(self.key.len());
            self.key.extend(rest.iter().take(end).take(room));
            if self.place == Place::Between {
                self.name();
            }
        }
        self.is_line_start = false;
        end + usize::from(self.place == Place::Between)
    }

    /// The name of a member is here.
    fn name(&mut self) {
        self.expects = Expects::Colon;
        let key = take(&mut self.key);
        let depth = self.open.len();
        if self.deeper == 0
            && let Some(name) = depth.checked_sub(1).and_then(|at| self.keys.get_mut(at))
        {
            *name = decoded(key);
        }
    }

    /// Hands what has come to the values that are open.
    fn deliver(&mut self, bytes: &[u8], from: &mut usize, to: usize, with: &Redaction<'_>) {
        let piece = bytes.get(*from..to).unwrap_or_default();
        *from = to;
        if let Some(building) = &mut self.building {
            building.push(piece, with);
        }
        self.keep(piece);
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = START_BYTES.saturating_sub(self.start.len());
        self.start.extend(piece.iter().take(room));
    }

    /// JSON has no such byte here.
    fn wrong(&mut self, byte: u8, each: &mut impl FnMut(Seen)) {
        if self.is_line_start && !self.open.is_empty() && matches!(byte, b'{' | b'[') {
            // It was the line before that is broken.
            self.tell(each);
            self.reset();
            self.is_line_start = true;
        } else {
            self.place = Place::Skipped;
        }
    }

    /// The rest of a line that is no message. Answers its length.
    fn skip(&mut self, rest: &[u8], each: &mut impl FnMut(Seen)) -> usize {
        let end = memchr::memchr(b'\n', rest);
        let used = end.map_or(rest.len(), |end| end + 1);
        if self.place == Place::Skipped {
            self.keep(rest.get(..used).unwrap_or(rest));
        }
        if end.is_some() {
            if self.place == Place::Skipped {
                self.tell(each);
            }
            self.reset();
            self.is_line_start = true;
        }
        used
    }

    /// Tells of what is no message.
    fn tell(&mut self, each: &mut impl FnMut(Seen)) {
        let start = take(&mut self.start);
        let text = start.trim_ascii();
        if !text.is_empty() {
            each(Seen::Unreadable(text.to_vec()));
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Python writes and reads `NaN` and `Infinity`, too.
fn begins_value(byte: u8) -> bool {
    matches!(
        byte,
        b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' | b'N' | b'I'
    )
}

fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// A name without its escapes: whoever reads the message does not see them either. What is too long is none of the names
/// that are looked at.
fn decoded(key: Vec<u8>) -> Vec<u8> {
    if !key.contains(&b'\\') {
        return key;
    }
    let quoted = format!("\"{}\"", String::from_utf8_lossy(&key));
    let text = event::json::Value::new(&quoted).text();
    text.map_or(key, |text| text.decode().into_owned().into_bytes())
}
