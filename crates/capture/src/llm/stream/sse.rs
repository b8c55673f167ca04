//! Server-sent events (HTML living standard, section 9.2.6).

use super::MAX_EVENT_BYTES;

/// Takes a stream apart.
#[derive(Debug, Default)]
pub(in crate::llm) struct SseEvents {
    line: Vec<u8>,
    /// Length of the line, what is left out of it counted too.
    line_bytes: usize,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// A line feed that follows belongs to the carriage return before it.
    after_return: bool,
    is_too_long: bool,
}

impl SseEvents {
    /// Takes the next bytes; calls `each` with name and data of every event that they complete.
    pub(in crate::llm) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8], &[u8])) {
        let mut rest = bytes;
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, end) = rest.split_at(at);
            self.add(line);
            self.line(&mut each);
            rest = match end {
                [b'\r', b'\n', after @ ..] | [_, after @ ..] => after,
                [] => end,
            };
            self.after_return = end == b"\r";
        }
        self.add(rest);
    }

    fn add(&mut self, part: &[u8]) {
        self.line_bytes += part.len();
        if self.line.len() + self.data.len() + part.len() > MAX_EVENT_BYTES {
            self.is_too_long = true;
            self.line.clear();
            self.data.clear();
        }
        if !self.is_too_long {
            self.line.extend_from_slice(part);
        }
    }

    fn line(&mut self, each: &mut impl FnMut(&[u8], &[u8])) {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.line_bytes) == 0 {
            if self.has_data && !self.is_too_long {
                each(&self.name, &self.data);
            }
            self.data.clear();
            self.name.clear();
            self.has_data = false;
            self.is_too_long = false;
        } else if !self.is_too_long {
            self.field(&line);
        }
        self.line = line;
        self.line.clear();
    }

    fn field(&mut self, line: &[u8]) {
        let at = memchr::memchr(b':', line).unwrap_or(line.len());
        let (field, value) = line.split_at(at);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field) {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
            b"event" => self.name = value.to_vec(),
            _ => {}
        }
    }
}
