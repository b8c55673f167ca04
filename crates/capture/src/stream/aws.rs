//! `application/vnd.amazon.eventstream`: messages with a prelude, typed headers, a payload and checksums.
//!
//! ```text
//! length u32 | headers length u32 | CRC-32 of both u32 | headers | payload | CRC-32 of everything before u32
//! ```

use flate2::Crc;

use super::MAX_EVENT_BYTES;

const PRELUDE_BYTES: usize = 12;
/// Prelude and the checksum at the end.
const FRAME_BYTES: usize = PRELUDE_BYTES + 4;

/// Takes a stream apart.
#[derive(Debug, Default)]
pub(crate) struct AwsEvents {
    pending: Vec<u8>,
    /// Bytes of a message that is too long, still to come.
    skip: usize,
    /// Something was no message: what follows cannot be understood.
    is_broken: bool,
}

/// One message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AwsMessage<'a> {
    /// `:event-type`, or `:exception-type`, or `:error-code`.
    pub(crate) kind: &'a str,
    /// Whether it tells of a failure.
    pub(crate) is_exception: bool,
    pub(crate) payload: &'a [u8],
}

impl AwsEvents {
    /// Takes the next bytes; calls `each` with every message that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(AwsMessage<'_>)) {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        if self.is_broken {
            return;
        }
        self.pending
            .extend_from_slice(bytes.get(skipped..).unwrap_or_default());
        let mut at = 0;
        while let Some(rest) = self.pending.get(at..) {
            match message(rest) {
                Found::More => break,
                Found::Message(length, message) => {
                    each(message);
                    at += length;
                }
                Found::TooLong(length) => {
                    self.skip = length - rest.len();
                    at = self.pending.len();
                }
                Found::Broken => {
                    self.is_broken = true;
                    at = self.pending.len();
                }
            }
        }
        self.pending.drain(..at);
    }

    /// Whether something came that is no message.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }
}

enum Found<'a> {
    More,
    Message(usize, AwsMessage<'a>),
    TooLong(usize),
    Broken,
}

fn message(bytes: &[u8]) -> Found<'_> {
    let Some((prelude, _)) = bytes.split_at_checked(PRELUDE_BYTES) else {
        return Found::More;
    };
    let (Some(length), Some(headers)) = (u32_at(prelude, 0), u32_at(prelude, 4)) else {
        return Found::Broken;
    };
    let is_sound =
        u32_at(prelude, 8) == Some(checksum(prelude.get(..8))) && length >= FRAME_BYTES + headers;
    if !is_sound {
        return Found::Broken;
    }
    let Some(whole) = bytes.get(..length) else {
        let is_too_long = length > MAX_EVENT_BYTES;
        return if is_too_long {
            Found::TooLong(length)
        } else {
            Found::More
        };
    };
    if u32_at(whole, length - 4) != Some(checksum(whole.get(..length - 4))) {
        return Found::Broken;
    }
    let body = whole.get(PRELUDE_BYTES..length - 4).unwrap_or_default();
    let (headers, payload) = body.split_at_checked(headers).unwrap_or_default();
    match read(headers, payload) {
        Some(message) => Found::Message(length, message),
        None => Found::Broken,
    }
}

fn read<'a>(mut headers: &'a [u8], payload: &'a [u8]) -> Option<AwsMessage<'a>> {
    let mut message = AwsMessage {
        payload,
        ..AwsMessage::default()
    };
    while let Some((name_length, rest)) = headers.split_first() {
        let (name, rest) = rest.split_at_checked(usize::from(*name_length))?;
        let (kind, rest) = rest.split_first()?;
        let (value, rest) = value(*kind, rest)?;
        headers = rest;
        let text = std::str::from_utf8(value).unwrap_or_default();
        match name {
            b":message-type" => message.is_exception = text != "event",
            b":event-type" | b":exception-type" | b":error-code" => message.kind = text,
            _ => {}
        }
    }
    Some(message)
}

/// A header's value of this type, and what follows it.
fn value(kind: u8, rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 | 7 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            return rest.split_at_checked(usize::from(u16::from_be_bytes(*length)));
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let (four, _) = bytes.get(at..)?.split_first_chunk::<4>()?;
    usize::try_from(u32::from_be_bytes(*four)).ok()
}

fn checksum(bytes: Option<&[u8]>) -> usize {
    let mut crc = Crc::new();
    crc.update(bytes.unwrap_or_default());
    crc.sum() as usize
}
