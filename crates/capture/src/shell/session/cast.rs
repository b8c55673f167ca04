//! The text of an asciicast, version 3 (<https://docs.asciinema.org/manual/asciicast/v3/>): a header, then an event a
//! line with the time since the one before.

use std::{collections::VecDeque, time::Duration};

use event::json::write_string;

use super::Part;
use crate::redact::Piece;

/// Bytes of events that are kept from the beginning of a part, counted as they are in a content, where they are the text
/// of a string: a content holds both ends and an excerpt of the output.
const FIRST_BYTES: usize = 448 << 10;
/// And from its end, if there were more.
const LAST_BYTES: usize = 128 << 10;
/// Output of one event, bytes, so that what is kept of the end is not one event alone.
const EVENT_BYTES: usize = 4 << 10;
/// Room for what the last event becomes when it is written, bytes.
const MAX_EVENT_BYTES: usize = 8 * EVENT_BYTES + 64;

/// What is said before the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Columns of the terminal.
    pub cols: u16,
    /// Rows of the terminal.
    pub rows: u16,
    /// Its type, as in `TERM`.
    pub term: String,
    /// The command, without secrets.
    pub command: String,
    /// When the session began, seconds since 1970.
    pub began_s: u64,
}

/// A recording that goes on.
#[derive(Debug)]
pub(super) struct Cast {
    header: String,
    first: String,
    first_bytes: usize,
    last: VecDeque<Line>,
    last_bytes: usize,
    /// Time of the last event of `first`.
    first_until: Duration,
    /// Output that was dropped between `first` and `last`, bytes.
    missing_bytes: u64,
    /// The beginning of a character.
    torn: Vec<u8>,
    redactions: u64,
    began: Duration,
    is_full: bool,
}

/// One event.
#[derive(Debug)]
struct Line {
    at: Duration,
    /// Code and data.
    text: String,
    /// Bytes of output that it stands for.
    shown_bytes: u64,
}

impl Cast {
    /// A part of a session that begins at a time of it.
    pub(super) fn new(header: &Header, began: Duration) -> Self {
        let mut text = Vec::new();
        let began_s = header.began_s + began.as_secs();
        text.extend_from_slice(
            format!(
                "{{\"version\":3,\"term\":{{\"cols\":{},\"rows\":{},\"type\":",
                header.cols.max(1),
                header.rows.max(1)
            )
            .as_bytes(),
        );
        write_string(&mut text, &header.term);
        text.extend_from_slice(format!("}},\"timestamp\":{began_s},\"command\":").as_bytes());
        write_string(&mut text, &header.command);
        text.extend_from_slice(b"}\n");
        Self {
            header: String::from_utf8(text).unwrap_or_default(),
            first: String::new(),
            first_bytes: 0,
            last: VecDeque::new(),
            last_bytes: 0,
            first_until: began,
            missing_bytes: 0,
            torn: Vec::new(),
            redactions: 0,
            began,
            is_full: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// Output, in whole characters: what is torn waits for its rest, what is none becomes U+FFFD.
    pub(super) fn output(&mut self, at: Duration, piece: Piece<'_>) {
        self.redactions += u64::from(matches!(piece, Piece::Secret { .. }));
        let mut bytes = std::mem::take(&mut self.torn);
        bytes.extend_from_slice(piece.after());
        let torn = torn(&bytes);
        let (whole, rest) = bytes.split_at(bytes.len() - torn);
        self.torn = rest.to_vec();
        let mut left = whole;
        while !left.is_empty() {
            let (now, later) = left.split_at(character_border(left, EVENT_BYTES));
            self.event(at, 'o', &String::from_utf8_lossy(now), now.len());
            left = later;
        }
    }

    /// Another size; a torn character still waits for its rest.
    pub(super) fn resize(&mut self, at: Duration, cols: u16, rows: u16) {
        self.event(at, 'r', &format!("{cols}x{rows}"), 0);
    }

    pub(super) fn exit(&mut self, at: Duration, status: i32) {
        self.flush_torn(at);
        self.event(at, 'x', &status.to_string(), 0);
    }

    /// Everything as one text.
    pub(super) fn finish(mut self, number: u64) -> Part {
        let at = self.last.back().map_or(self.first_until, |line| line.at);
        self.flush_torn(at);
        let mut cast = self.header;
        cast.push_str(&self.first);
        let mut until = self.first_until;
        if self.missing_bytes > 0 {
            let said = format!("\"m\",\"{} bytes are not kept\"]\n", self.missing_bytes);
            push(&mut cast, &mut until, self.first_until, &said);
        }
        for line in &self.last {
            push(&mut cast, &mut until, line.at, &line.text);
        }
        Part {
            number,
            cast,
            redactions: self.redactions,
            missing_bytes: self.missing_bytes,
        }
    }

    fn flush_torn(&mut self, at: Duration) {
        let torn = std::mem::take(&mut self.torn);
        if !torn.is_empty() {
            self.event(at, 'o', &String::from_utf8_lossy(&torn), torn.len());
        }
    }

    fn event(&mut self, at: Duration, code: char, data: &str, shown_bytes: usize) {
        let at = at.max(self.began);
        let mut text = format!("\"{code}\",").into_bytes();
        write_string(&mut text, data);
        text.extend_from_slice(b"]\n");
        let text = String::from_utf8(text).unwrap_or_default();
        let bytes = bytes_in_content(&text);
        self.is_full |= self.first_bytes + bytes > FIRST_BYTES;
        if !self.is_full {
            self.first_bytes += bytes;
            push(&mut self.first, &mut self.first_until, at, &text);
            return;
        }
        self.last_bytes += bytes;
        self.last.push_back(Line {
            at,
            text,
            shown_bytes: shown_bytes as u64,
        });
        while self.last_bytes > LAST_BYTES + MAX_EVENT_BYTES {
            let Some(line) = self.last.pop_front() else {
                return;
            };
            self.last_bytes -= bytes_in_content(&line.text);
            self.missing_bytes += line.shown_bytes;
        }
    }
}

/// Length of an event inside of a string, with room for its time.
fn bytes_in_content(text: &str) -> usize {
    let escaped = text
        .bytes()
        .filter(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
    text.len() + escaped.count() + 12
}

/// Appends an event with the time since `until`, which moves on. Times are whole microseconds, so that nothing adds up.
fn push(cast: &mut String, until: &mut Duration, at: Duration, text: &str) {
    let since = at.saturating_sub(*until).as_micros();
    *until = at.max(*until);
    let (seconds, micros) = (since / 1_000_000, since % 1_000_000);
    let fraction = format!("{micros:06}");
    let fraction = match fraction.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    for part in ["[", &seconds.to_string(), ".", fraction, ",", text] {
        cast.push_str(part);
    }
}

/// How many bytes at the end are the beginning of a character.
fn torn(bytes: &[u8]) -> usize {
    let tail = bytes.get(bytes.len().saturating_sub(3)..).unwrap_or(bytes);
    (1..=tail.len())
        .rev()
        .find(|length| {
            let part = tail.get(tail.len() - length..).unwrap_or_default();
            let is_lead = part.first().is_some_and(|byte| *byte >= 0xc0);
            is_lead
                && std::str::from_utf8(part)
                    .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(0)
}

/// The last border between characters at or before a place; the place itself where there is none.
fn character_border(bytes: &[u8], place: usize) -> usize {
    if bytes.len() <= place {
        return bytes.len();
    }
    let is_border = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (place.saturating_sub(3)..=place)
        .rev()
        .find(is_border)
        .unwrap_or(place)
}
