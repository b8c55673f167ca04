//! Redaction of JSON that comes in pieces: each string by itself, so that JSON stays JSON.
//!
//! A string with escapes is looked at decoded, so that a secret inside of JSON inside of a string is found. What turns out
//! not to be JSON goes on as plain text.

mod named;

use std::borrow::Cow;

use event::json::{Value, write_string};

use super::{
    Redaction, TextStream,
    marks::{BY_NAME, BY_OPTION},
    names::{MAX_NAME_BYTES, Named, is_placeholder, looks_secret, may_name},
};
use named::{Open, Role};

/// Longest wanted object, bytes.
const MAX_OBJECT_BYTES: usize = 16 << 10;
/// Longest number or word, bytes; a longer one is no JSON that anybody sends.
const MAX_LITERAL_BYTES: usize = 512;
/// Longest secret by name that is hashed whole, bytes.
const MAX_SECRET_BYTES: usize = 64 << 10;
/// Strings inside of each other whose text is read as JSON; in what is deeper only rules find something. Every one is looked
/// at more than once, and costs whoever sends it no more than a few bytes.
const MAX_INNER: usize = 4;

/// A JSON text on its way.
#[derive(Debug)]
pub(crate) struct JsonStream {
    place: Place,
    open: Vec<Open>,
    /// Containers beyond those in `open`, which are not followed.
    deeper: usize,
    /// Strings around it.
    inner: usize,
    /// Whether the next string is a member's name.
    expects_name: bool,
    name: Vec<u8>,
    literal: Vec<u8>,
    text: TextStream,
    wanted: &'static [&'static str],
    /// An object whose members are wanted too, and whether it is open.
    within: Option<&'static str>,
    is_within: bool,
    picked: Vec<(&'static str, Vec<u8>)>,
    /// A wanted object that is being written.
    object: Option<Picking>,
}

#[derive(Debug)]
struct Picking {
    name: &'static str,
    /// Containers around it.
    depth: usize,
    bytes: Vec<u8>,
    /// What was written since then belongs to it.
    from: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Between,
    /// Inside a string; whether the next byte is escaped.
    String {
        escaped: bool,
        role: Role,
    },
    /// Not JSON after all.
    Plain,
}

impl JsonStream {
    /// `wanted` are names of members of the outermost object whose values, if they are short and no arrays, are kept
    /// aside.
    pub(crate) fn new(wanted: &'static [&'static str]) -> Self {
        Self {
            place: Place::Between,
            open: Vec::new(),
            deeper: 0,
            inner: 0,
            expects_name: false,
            name: Vec::new(),
            literal: Vec::new(),
            text: TextStream::default(),
            wanted,
            within: None,
            is_within: false,
            picked: Vec::new(),
            object: None,
        }
    }

    /// The same, and of the members of this object, which is a member of the outermost one.
    pub(crate) fn within(self, object: Option<&'static str>) -> Self {
        Self {
            within: object,
            ..self
        }
    }

    /// JSON text of a wanted member.
    pub(crate) fn picked(&self, name: &str) -> Option<&[u8]> {
        let mut picked = self.picked.iter();
        picked
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.as_slice())
    }

    /// Whether something came that JSON does not have.
    pub(crate) fn is_plain(&self) -> bool {
        self.place == Place::Plain
    }

    /// Takes the next piece; appends to `out` what is certain.
    pub(crate) fn push(
        &mut self,
        with: &Redaction<'_>,
        mut piece: &[u8],
        out: &mut Vec<u8>,
        count: &mut u64,
    ) {
        if let Some(object) = &mut self.object {
            object.from = out.len();
        }
        while let Some(&first) = piece.first() {
            match self.place {
                Place::Plain => return self.text.push(with, piece, out, count),
                Place::String { escaped, role } => {
                    let length = self.string(piece, escaped, role);
                    let (inside, rest) = piece.split_at(length);
                    self.text_of(role, with, inside, out, count);
                    piece = rest;
                    if self.place == Place::Between {
                        // The quote itself.
                        self.end_string(role, with, out, count);
                        piece = rest.get(1..).unwrap_or_default();
                    }
                }
                Place::Between => {
                    self.between(first, with, out, count);
                    piece = piece.get(1..).unwrap_or_default();
                }
            }
        }
        self.pick_on(out);
    }

    /// The rest, at the end of the text.
    pub(crate) fn finish(&mut self, with: &Redaction<'_>, out: &mut Vec<u8>, count: &mut u64) {
        match self.place {
            Place::String {
                role: Role::Secret, ..
            } => self.write_secret(with, out, count),
            Place::String { .. } | Place::Plain => self.text.finish(with, out, count),
            Place::Between => {
                self.end_literal(with, out, count);
                self.text.finish(with, out, count);
            }
        }
    }

    /// Length of what belongs to the string; moves on if its end or an escape is there.
    fn string(&mut self, piece: &[u8], escaped: bool, role: Role) -> usize {
        let start = usize::from(escaped);
        let rest = piece.get(start..).unwrap_or_default();
        let found = memchr::memchr2(b'"', b'\\', rest);
        let length = found.map_or(piece.len(), |at| at + start);
        match found.and_then(|at| rest.get(at)) {
            None => {
                self.place = Place::String {
                    escaped: false,
                    role,
                };
                length
            }
            Some(b'"') => {
                self.place = Place::Between;
                length
            }
            Some(_) => {
                self.place = Place::String {
                    escaped: true,
                    role,
                };
                length + 1
            }
        }
    }

    fn text_of(
        &mut self,
        role: Role,
        with: &Redaction<'_>,
        inside: &[u8],
        out: &mut Vec<u8>,
        count: &mut u64,
    ) {
        if role == Role::Name && self.name.len() <= MAX_NAME_BYTES {
            let room = MAX_NAME_BYTES + 1 - self.name.len();
            self.name
                .extend_from_slice(inside.get(..room).unwrap_or(inside));
        }
        if role == Role::Secret {
            // Nothing leaves before the end is there; of what is longer than any secret one byte is kept, which says so.
            let room = (MAX_SECRET_BYTES + 1).saturating_sub(self.literal.len());
            self.literal
                .extend_from_slice(inside.get(..room).unwrap_or(inside));
        } else {
            self.text.push(with, inside, out, count);
        }
    }

    fn end_string(&mut self, role: Role, with: &Redaction<'_>, out: &mut Vec<u8>, count: &mut u64) {
        if role == Role::Secret {
            let is_whole = self.literal.len() <= MAX_SECRET_BYTES;
            if is_whole && !self.in_object() && self.literal.starts_with(b"--") {
                // An option without a value.
                let option = std::mem::take(&mut self.literal);
                self.hear(self.said_by(&option));
                self.text.push(with, &option, out, count);
                self.write_text(with, out, count);
            } else {
                self.hear(self.said_by(b""));
                self.write_secret(with, out, count);
            }
        } else {
            if role != Role::Name {
                self.pick_string();
                self.hear(self.said_by(self.text.pending()));
            }
            match role {
                Role::Likely { min_bytes } if self.is_likely(with, min_bytes) => {
                    self.literal = self.text.pending().to_vec();
                    self.text.clear();
                    self.write_secret(with, out, count);
                }
                _ => self.write_text(with, out, count),
            }
        }
        out.push(b'"');
    }

    fn is_likely(&self, with: &Redaction<'_>, min_bytes: usize) -> bool {
        self.text.is_whole() && looks_secret(self.text.pending(), min_bytes, with.marks())
    }

    /// The string that has just ended, decoded first if it is short and has escapes.
    fn write_text(&mut self, with: &Redaction<'_>, out: &mut Vec<u8>, count: &mut u64) {
        if let Some(decoded) = self.decoded() {
            let before = *count;
            let mut redacted = with.text(&decoded, count);
            if self.inner < MAX_INNER
                && may_name(&redacted)
                && let Some(inner) = inner(&redacted, self.inner + 1, with, count)
            {
                redacted = Cow::Owned(inner);
            }
            if *count > before {
                let mut quoted = Vec::with_capacity(redacted.len() + 2);
                write_string(&mut quoted, &redacted);
                out.extend_from_slice(quoted.get(1..quoted.len() - 1).unwrap_or_default());
                return self.text.clear();
            }
        }
        self.text.finish(with, out, count);
    }

    /// The whole string without its escapes, if it has some and is still here.
    fn decoded(&self) -> Option<String> {
        let raw = self.text.pending();
        if !self.text.is_whole() || memchr::memchr(b'\\', raw).is_none() {
            return None;
        }
        Some(unescaped(raw)?.into_owned())
    }

    fn write_secret(&mut self, with: &Redaction<'_>, out: &mut Vec<u8>, count: &mut u64) {
        let mut raw = std::mem::take(&mut self.literal);
        // Only a mark can stand for what is not here as a whole.
        let is_whole = raw.len() <= MAX_SECRET_BYTES;
        raw.truncate(MAX_SECRET_BYTES);
        if is_whole && is_placeholder(&raw, with.marks()) {
            return out.extend_from_slice(&raw);
        }
        let plain = unescaped(&raw);
        let value = plain
            .as_ref()
            .map_or(raw.as_slice(), |text| text.as_bytes());
        let (scheme, secret) = with_scheme(value);
        if is_whole && is_placeholder(secret, with.marks()) {
            return out.extend_from_slice(&raw);
        }
        *count += 1;
        out.extend_from_slice(scheme);
        let rule = if self.in_object() { BY_NAME } else { BY_OPTION };
        with.write_mark(with.rule_of(secret, scheme).unwrap_or(rule), secret, out);
    }

    fn between(&mut self, byte: u8, with: &Redaction<'_>, out: &mut Vec<u8>, count: &mut u64) {
        if is_literal(byte) && self.literal.len() < MAX_LITERAL_BYTES {
            return self.literal.push(byte);
        }
        self.end_literal(with, out, count);
        match byte {
            _ if self.is_plain() => return self.text.push(with, &[byte], out, count),
            b'{' => {
                self.begin_pick(out.len());
                if self.open.len() == 1 && self.in_object() {
                    self.is_within = self.within.is_some_and(|name| name.as_bytes() == self.name);
                }
                self.enter(true);
            }
            b'[' => self.enter(false),
            b'}' | b']' => {
                self.leave();
                out.push(byte);
                return self.end_pick(out);
            }
            b',' => self.expects_name = self.in_object(),
            b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => {
                let role = self.role();
                if role == Role::Name {
                    self.name.clear();
                }
                self.expects_name = false;
                self.place = Place::String {
                    escaped: false,
                    role,
                };
            }
            _ => {
                self.place = Place::Plain;
                return self.text.push(with, &[byte], out, count);
            }
        }
        out.push(byte);
    }

    /// A number or word is over. A number that is secret by its name becomes a string.
    fn end_literal(&mut self, with: &Redaction<'_>, out: &mut Vec<u8>, count: &mut u64) {
        if self.literal.is_empty() {
            return;
        }
        let literal = std::mem::take(&mut self.literal);
        if !is_number(&literal) && !matches!(literal.as_slice(), b"true" | b"false" | b"null") {
            self.place = Place::Plain;
            return self.text.push(with, &literal, out, count);
        }
        if is_number(&literal) && self.told() == Named::Secret {
            *count += 1;
            let rule = if self.in_object() { BY_NAME } else { BY_OPTION };
            self.hear(self.said_by(b""));
            out.push(b'"');
            with.write_mark(rule, &literal, out);
            return out.push(b'"');
        }
        self.hear(self.said_by(b""));
        out.extend_from_slice(&literal);
        self.pick(literal);
    }

    /// The wanted member's name, if that is whose value comes now.
    fn wanted_name(&self) -> Option<&'static str> {
        let is_there = match self.open.len() {
            1 => self.in_object(),
            2 => self.is_within && self.in_object(),
            _ => false,
        };
        let mut wanted = self.wanted.iter().filter(|_| is_there);
        wanted.find(|name| name.as_bytes() == self.name).copied()
    }

    fn begin_pick(&mut self, from: usize) {
        if let Some(name) = self.wanted_name() {
            self.object = Some(Picking {
                name,
                depth: self.open.len(),
                bytes: Vec::new(),
                from,
            });
        }
    }

    /// Takes what was written of a wanted object.
    fn pick_on(&mut self, out: &[u8]) {
        let Some(object) = &mut self.object else {
            return;
        };
        let bytes = out.get(object.from..).unwrap_or_default();
        object.from = out.len();
        if object.bytes.len() + bytes.len() > MAX_OBJECT_BYTES {
            self.object = None;
        } else {
            object.bytes.extend_from_slice(bytes);
        }
    }

    fn end_pick(&mut self, out: &[u8]) {
        let depth = self.open.len();
        let is_over = |object: &Picking| object.depth == depth;
        if self.deeper == 0 && self.object.as_ref().is_some_and(is_over) {
            self.pick_on(out);
            if let Some(object) = self.object.take() {
                self.keep(object.name, object.bytes);
            }
        }
    }

    fn pick_string(&mut self) {
        let raw = self.text.pending();
        if self.text.is_whole() && raw.len() <= MAX_LITERAL_BYTES {
            let quoted = [b"\"", raw, b"\""].concat();
            self.pick(quoted);
        }
    }

    fn pick(&mut self, value: Vec<u8>) {
        if let Some(name) = self.wanted_name() {
            self.keep(name, value);
        }
    }

    /// Of two members with the same name the last one counts.
    fn keep(&mut self, name: &'static str, value: Vec<u8>) {
        self.picked.retain(|(other, _)| *other != name);
        self.picked.push((name, value));
    }
}

/// JSON text that a string holds, if there were secrets in it; `inner` counts the strings around it.
fn inner(text: &str, inner: usize, with: &Redaction<'_>, count: &mut u64) -> Option<String> {
    let (mut out, mut found) = (Vec::with_capacity(text.len()), 0);
    let mut json = JsonStream {
        inner,
        ..JsonStream::new(&[])
    };
    json.push(with, text.as_bytes(), &mut out, &mut found);
    json.finish(with, &mut out, &mut found);
    if found == 0 {
        return None;
    }
    *count += found;
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// A value, apart from the word before it that says how it is used, as headers have it.
fn with_scheme(value: &[u8]) -> (&[u8], &[u8]) {
    for scheme in [&b"Bearer "[..], b"Basic ", b"Token ", b"Bot "] {
        if let Some((word, rest)) = value.split_at_checked(scheme.len())
            && word.eq_ignore_ascii_case(scheme)
            && !rest.is_empty()
            && !rest.contains(&b' ')
        {
            return (word, rest);
        }
    }
    (b"", value)
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

fn is_number(literal: &[u8]) -> bool {
    let starts = |byte: &u8| byte.is_ascii_digit() || *byte == b'-';
    let goes_on = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    literal.first().is_some_and(starts) && literal.iter().all(goes_on)
}

/// A string's text without its escapes; `None` if it is not UTF-8.
fn unescaped(raw: &[u8]) -> Option<Cow<'_, str>> {
    let raw = std::str::from_utf8(raw).ok()?;
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Some(Cow::Borrowed(raw));
    }
    let quoted = format!("\"{raw}\"");
    Some(Cow::Owned(
        Value::new(&quoted).text()?.decode().into_owned(),
    ))
}
