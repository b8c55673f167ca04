//! Server-sent events (HTML living standard, section 9.2.6).

use super::MAX_EVENT_BYTES;

/// Longest name of a field that means something, and a byte order mark before it, bytes.
const MAX_FIELD_BYTES: usize = 8;
/// Longest name or id of an event, bytes; the rest is left out.
const MAX_NAME_BYTES: usize = 256;

/// Takes a stream apart, in memory that does not grow with its events.
#[derive(Debug, Default)]
pub(crate) struct SsePieces {
    place: Place,
    field: Vec<u8>,
    name: Vec<u8>,
    has_data: bool,
    /// The last one that an event had.
    id: Option<Vec<u8>>,
    /// A line feed that follows belongs to the carriage return before it.
    after_return: bool,
}

/// What an event is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SsePart<'a> {
    /// A part of its data.
    Data(&'a [u8]),
    /// The event is over; its name.
    End(&'a [u8]),
}

/// Takes a stream apart into whole events.
#[derive(Debug, Default)]
pub(crate) struct SseEvents {
    pieces: SsePieces,
    data: Vec<u8>,
    is_too_long: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// In the name of a field; at its beginning if there is nothing of it yet.
    #[default]
    Field,
    /// Behind the colon, where one space is left out.
    Colon(Kind),
    Value(Kind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data,
    Name,
    Id,
    Other,
}

impl SsePieces {
    /// Takes the next bytes; calls `each` with what they are part of.
    pub(crate) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(SsePart<'_>)) {
        let mut rest = bytes;
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, end) = rest.split_at(at);
            self.add(line, &mut each);
            self.line(&mut each);
            rest = match end {
                [b'\r', b'\n', after @ ..] | [_, after @ ..] => after,
                [] => end,
            };
            self.after_return = end == b"\r";
        }
        self.add(rest, &mut each);
    }

    /// The last id of an event: by it what a client missed can be asked for again.
    pub(crate) fn last_id(&self) -> Option<&[u8]> {
        self.id.as_deref()
    }

    /// A part of a line.
    fn add(&mut self, mut part: &[u8], each: &mut impl FnMut(SsePart<'_>)) {
        if self.place == Place::Field {
            let at = memchr::memchr(b':', part);
            let (field, value) = part.split_at(at.unwrap_or(part.len()));
            let room = (MAX_FIELD_BYTES + 1).saturating_sub(self.field.len());
            self.field.extend(field.iter().take(room));
            let Some((_, value)) = value.split_first() else {
                return;
            };
            self.place = Place::Colon(self.begin(each));
            part = value;
        }
        if part.is_empty() {
            return;
        }
        if let Place::Colon(kind) = self.place {
            part = part.strip_prefix(b" ").unwrap_or(part);
            self.place = Place::Value(kind);
        }
        match self.place {
            Place::Value(Kind::Data) if !part.is_empty() => each(SsePart::Data(part)),
            Place::Value(Kind::Name) => {
                let room = MAX_NAME_BYTES.saturating_sub(self.name.len());
                self.name.extend(part.iter().take(room));
            }
            Place::Value(Kind::Id) => {
                let id = self.id.get_or_insert_default();
                let room = MAX_NAME_BYTES.saturating_sub(id.len());
                id.extend(part.iter().take(room));
            }
            _ => {}
        }
    }

    /// The value of a field begins.
    fn begin(&mut self, each: &mut impl FnMut(SsePart<'_>)) -> Kind {
        let field = self.field.as_slice();
        match field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field) {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    each(SsePart::Data(b"\n"));
                }
                Kind::Data
            }
            b"event" => {
                self.name.clear();
                Kind::Name
            }
            b"id" => {
                self.id = Some(Vec::new());
                Kind::Id
            }
            _ => Kind::Other,
        }
    }

    /// The end of a line.
    fn line(&mut self, each: &mut impl FnMut(SsePart<'_>)) {
        if self.place == Place::Field && self.field.is_empty() {
            if std::mem::take(&mut self.has_data) {
                each(SsePart::End(&self.name));
            }
            self.name.clear();
        } else if self.place == Place::Field {
            self.begin(each);
        }
        self.field.clear();
        self.place = Place::Field;
    }
}

impl SseEvents {
    /// Takes the next bytes; calls `each` with name and data of every event that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8], &[u8])) {
        let Self {
            pieces,
            data,
            is_too_long,
        } = self;
        pieces.push(bytes, |part| match part {
            SsePart::Data(part) => {
                *is_too_long |= data.len() + part.len() >= MAX_EVENT_BYTES;
                if *is_too_long {
                    data.clear();
                } else {
                    data.extend_from_slice(part);
                }
            }
            SsePart::End(name) => {
                if !std::mem::take(is_too_long) {
                    each(name, data);
                }
                data.clear();
            }
        });
    }
}
