//! A value of the content, taken in piece by piece: redacted, hashed and cut, in memory that does not grow with it.

use base64::{Engine, engine::general_purpose::STANDARD};
use event::json::{Kind, compact, write_string};
use sha2::{Digest, Sha256};

use crate::redact::{JsonStream, Redaction, TextStream};

/// Most bytes of one value that are kept: what a content holds, but for some room for its other members.
pub const MAX_VALUE_BYTES: usize = (1 << 20) - (16 << 10);

/// A value as it comes.
#[derive(Debug)]
pub struct Payload {
    form: Form,
    wanted: &'static [&'static str],
    within: Option<&'static str>,
    kept: Vec<u8>,
    limit: usize,
    /// Bytes after redaction.
    bytes: u64,
    /// Of everything; begun when the value turns out to be longer than what is kept.
    hash: Option<Sha256>,
    redactions: u64,
    /// What a piece leaves behind, before it is kept.
    scratch: Vec<u8>,
}

#[derive(Debug)]
enum Form {
    /// Nothing but white space so far.
    Blank,
    Json(Box<JsonStream>),
    Text(TextStream),
}

/// A value of the content, ready to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// JSON text, compact.
    pub json: String,
    /// Secrets that were replaced.
    pub redactions: u64,
    /// Bytes that are missing.
    pub truncated_bytes: u64,
    /// What was before a cut.
    pub whole: Option<Whole>,
}

/// A value before it was cut, after redaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its length.
    pub bytes: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

impl Default for Payload {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Payload {
    /// `wanted` are the names of members of a JSON object whose plain values [`Self::picked`] gives.
    #[must_use]
    pub fn new(wanted: &'static [&'static str]) -> Self {
        Self {
            form: Form::Blank,
            wanted,
            within: None,
            kept: Vec::new(),
            limit: MAX_VALUE_BYTES,
            bytes: 0,
            hash: None,
            redactions: 0,
            scratch: Vec::new(),
        }
    }

    /// The same, and keeps at most `limit` bytes.
    #[must_use]
    pub fn limited(mut self, limit: usize) -> Self {
        self.limit = limit.min(MAX_VALUE_BYTES);
        self
    }

    /// The same, and looks for what is wanted in this member, an object, too.
    #[must_use]
    pub fn within(self, object: &'static str) -> Self {
        Self {
            within: Some(object),
            ..self
        }
    }

    /// Takes the next piece.
    pub fn push(&mut self, with: &Redaction<'_>, piece: &[u8]) {
        let mut piece = piece;
        if let Form::Blank = self.form {
            let blank = piece.iter().take_while(|byte| byte.is_ascii_whitespace());
            let (blank, rest) = piece.split_at(blank.count());
            self.keep(blank);
            piece = rest;
            match piece.first() {
                None => return,
                Some(b'{' | b'[') => {
                    let json = JsonStream::new(self.wanted).within(self.within);
                    self.form = Form::Json(Box::new(json));
                }
                Some(_) => self.form = Form::Text(TextStream::default()),
            }
        }
        let mut out = std::mem::take(&mut self.scratch);
        match &mut self.form {
            Form::Blank => {}
            Form::Json(json) => json.push(with, piece, &mut out, &mut self.redactions),
            Form::Text(text) => text.push(with, piece, &mut out, &mut self.redactions),
        }
        self.keep(&out);
        out.clear();
        self.scratch = out;
    }

    /// JSON text of a wanted member, as far as it has come.
    #[must_use]
    pub fn picked(&self, name: &str) -> Option<&[u8]> {
        match &self.form {
            Form::Json(json) => json.picked(name),
            Form::Blank | Form::Text(_) => None,
        }
    }

    /// The same for a string, decoded.
    #[must_use]
    pub fn picked_text(&self, name: &str) -> Option<String> {
        let text = std::str::from_utf8(self.picked(name)?).ok()?;
        let text = event::json::Value::new(text).text()?;
        Some(text.decode().into_owned())
    }

    /// Whether nothing came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0 && matches!(self.form, Form::Blank)
    }

    /// The value; `None` if nothing came.
    #[must_use]
    pub fn finish(mut self, with: &Redaction<'_>) -> Option<Value> {
        let mut out = std::mem::take(&mut self.scratch);
        let is_json = match &mut self.form {
            Form::Blank => false,
            Form::Json(json) => {
                json.finish(with, &mut out, &mut self.redactions);
                !json.is_plain()
            }
            Form::Text(text) => {
                text.finish(with, &mut out, &mut self.redactions);
                false
            }
        };
        self.keep(&out);
        if self.bytes == 0 {
            return None;
        }
        let whole = self.hash.take().map(|hash| Whole {
            bytes: self.bytes,
            sha256: hex(&hash.finalize()),
        });
        let json = match whole {
            None => self.whole_text(is_json, with),
            Some(_) => first_part(&self.kept, is_json),
        };
        let mut value = Value {
            redactions: self.redactions,
            truncated_bytes: 0,
            json,
            whole,
        };
        if value.whole.is_some() || value.json.len() > self.limit {
            let length = self.bytes.max(value.json.len() as u64);
            let (cut, kept) = event::cut(&value.json, self.limit);
            value.truncated_bytes = length - kept as u64;
            value.json = cut;
        }
        Some(value)
    }

    /// JSON text of a value that is here as a whole.
    fn whole_text(&mut self, is_json: bool, with: &Redaction<'_>) -> String {
        let mut text = String::with_capacity(self.kept.len());
        if is_json && compact(&self.kept, &mut text).is_ok() {
            return text;
        }
        match std::str::from_utf8(&self.kept) {
            Ok(plain) if matches!(self.form, Form::Text(_)) => quoted(plain),
            // Taken for JSON it was looked at string by string, and a secret may go across.
            Ok(plain) => quoted(&with.text(plain, &mut self.redactions)),
            Err(_) => base64(&self.kept),
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let room = self.limit.saturating_sub(self.kept.len());
        if bytes.len() > room && self.hash.is_none() {
            self.hash = Some(Sha256::new_with_prefix(&self.kept));
        }
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.kept
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

impl Value {
    /// A value that is JSON text already, without its secrets.
    #[must_use]
    pub fn of_json(json: &str, with: &Redaction<'_>) -> Self {
        let value = event::json::Value::new(json);
        match value.kind() {
            Kind::String => {
                return value
                    .text()
                    .map_or_else(Self::default, |text| Self::of_text(&text.decode(), with));
            }
            Kind::Array | Kind::Object => {}
            Kind::Null | Kind::Bool | Kind::Number => {
                return Self {
                    json: json.to_owned(),
                    ..Self::default()
                };
            }
        }
        let mut payload = Payload::default();
        payload.push(with, json.as_bytes());
        payload.finish(with).unwrap_or_default()
    }
}

impl Value {
    /// A text, which stays one even if it looks like JSON, without its secrets.
    #[must_use]
    pub fn of_text(text: &str, with: &Redaction<'_>) -> Self {
        let mut value = Self::default();
        value.json = quoted(&with.text(text, &mut value.redactions));
        if value.json.len() > MAX_VALUE_BYTES {
            let bytes = value.json.len() as u64;
            value.whole = Some(Whole {
                bytes,
                sha256: hex(&Sha256::digest(&value.json)),
            });
            let (cut, kept) = event::cut(&value.json, MAX_VALUE_BYTES);
            value.truncated_bytes = bytes - kept as u64;
            value.json = cut;
        }
        value
    }
}

/// The beginning of a value's compact JSON text.
fn first_part(kept: &[u8], is_json: bool) -> String {
    let text = match std::str::from_utf8(kept) {
        Ok(text) => Some(text),
        // A character that the cut goes through is left out.
        Err(error) if error.error_len().is_none() => kept
            .get(..error.valid_up_to())
            .and_then(|valid| std::str::from_utf8(valid).ok()),
        Err(_) => None,
    };
    match text {
        Some(text) if is_json => event::json::compact_prefix(text),
        Some(text) => quoted(text),
        None => base64(kept),
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

fn base64(bytes: &[u8]) -> String {
    format!("{{\"base64\":\"{}\"}}", STANDARD.encode(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
