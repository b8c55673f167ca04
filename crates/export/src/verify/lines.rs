//! Files that are read a line at a time, hashed as they are read.

use std::io::{BufRead, BufReader, Read};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{
    Digested,
    fault::{Fault, Faults, Wrong},
};
use crate::{archive::Member, manifest::hex};

const BUFFER_BYTES: usize = 256 << 10;

/// The lines of a member, in order.
pub(super) struct Lines {
    file: &'static str,
    reader: BufReader<Member>,
    sha256: Sha256,
    bytes: u64,
    /// Longest line, its end not counted.
    limit: u64,
    /// Lines read.
    count: u64,
    has_ended: bool,
}

/// Lines that are JSON, with the one that comes next.
pub(super) struct Rows<T> {
    lines: Lines,
    next: Option<T>,
}

impl Lines {
    pub(super) fn new(file: &'static str, member: Member, limit: u64) -> Self {
        Self {
            file,
            reader: BufReader::with_capacity(BUFFER_BYTES, member),
            sha256: Sha256::new(),
            bytes: 0,
            limit,
            count: 0,
            has_ended: false,
        }
    }

    pub(super) fn file(&self) -> &'static str {
        self.file
    }

    /// Lines read.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Something is wrong with the last line.
    pub(super) fn fault(&self, wrong: Wrong) -> Fault {
        Fault {
            file: Some(self.file),
            line: Some(self.count.max(1)),
            wrong,
        }
    }

    /// The next line without its end. After something that is no line there are no more.
    pub(super) fn next_line(&mut self, faults: &mut Faults) -> Option<String> {
        if self.has_ended {
            return None;
        }
        match self.read() {
            Ok(Some(line)) => Some(line),
            ended => {
                self.has_ended = true;
                if let Err(wrong) = ended {
                    faults.push(self.fault(wrong));
                }
                None
            }
        }
    }

    fn read(&mut self) -> Result<Option<String>, Wrong> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(self.limit + 1);
        let count = limited.read_until(b'\n', &mut line)? as u64;
        self.sha256.update(&line);
        self.bytes += count;
        if count == 0 {
            return Ok(None);
        }
        self.count += 1;
        if line.pop() != Some(b'\n') {
            let limit = self.limit;
            let is_long = count > limit;
            return Err(if is_long {
                Wrong::TooLong { limit }
            } else {
                Wrong::Text
            });
        }
        String::from_utf8(line).map(Some).map_err(|_| Wrong::Text)
    }

    /// SHA-256, hex, and length of everything, however much of it was read as lines.
    pub(super) fn digest(mut self) -> Result<Digested, Wrong> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok((hex(&self.sha256.finalize()), self.bytes));
            }
            let count = buffer.len();
            self.sha256.update(buffer);
            self.bytes += count as u64;
            self.reader.consume(count);
        }
    }
}

impl<T: DeserializeOwned> Rows<T> {
    pub(super) fn new(lines: Lines, faults: &mut Faults) -> Self {
        let mut rows = Self { lines, next: None };
        rows.advance(faults);
        rows
    }

    pub(super) fn peek(&self) -> Option<&T> {
        self.next.as_ref()
    }

    /// Takes the next row if it is a wanted one.
    pub(super) fn take_if(
        &mut self,
        is_wanted: impl FnOnce(&T) -> bool,
        faults: &mut Faults,
    ) -> Option<T> {
        let taken = self.next.take_if(|next| is_wanted(next))?;
        self.advance(faults);
        Some(taken)
    }

    /// Something is wrong with the row that was taken last.
    pub(super) fn fault(&self, wrong: Wrong) -> Fault {
        // The next one has been read already.
        let ahead = u64::from(self.next.is_some());
        Fault {
            line: Some(self.lines.count.saturating_sub(ahead).max(1)),
            ..self.lines.fault(wrong)
        }
    }

    pub(super) fn into_lines(self) -> Lines {
        self.lines
    }

    /// Skips what is no row.
    fn advance(&mut self, faults: &mut Faults) {
        while let Some(line) = self.lines.next_line(faults) {
            match serde_json::from_str(&line) {
                Ok(row) => {
                    self.next = Some(row);
                    return;
                }
                Err(error) => faults.push(self.lines.fault(error.into())),
            }
            if faults.is_full() {
                return;
            }
        }
    }
}
