//! Payload of a write-ahead log frame: the events of one trail in one group commit.
//!
//! ```text
//! u8   kind                1
//! u8   trail name length   1..=64
//! ..   trail name
//! u64  first seq           little-endian, like all integers here
//! u64  recorded_at         microseconds since 1970, the same for all events of the frame
//! u32  events              1..
//! per event, 24 bytes:
//!   u32  record length
//!   u32  content length    0xFFFF_FFFF: the event has no content
//!   [16] digest            zeroes: the producer sent no id
//! per event: record bytes, then content bytes
//! ```

use std::ops::Range;

use event::{Micros, Seq, TrailId};

const KIND_EVENTS: u8 = 1;
const ENTRY_BYTES: usize = 24;
const NO_CONTENT: u32 = u32::MAX;

/// Where one event lies in the bytes of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    start: u32,
    record_len: u32,
    content_len: u32,
    /// Keyed hash of the event as sent; zeroes if the producer sent no id.
    digest: [u8; 16],
}

impl Entry {
    pub(crate) fn digest(&self) -> Option<[u8; 16]> {
        (self.digest != [0; 16]).then_some(self.digest)
    }

    pub(crate) fn record(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.record_len as usize
    }

    pub(crate) fn content(&self) -> Option<Range<usize>> {
        if self.content_len == NO_CONTENT {
            return None;
        }
        let start = self.start as usize + self.record_len as usize;
        Some(start..start + self.content_len as usize)
    }
}

/// Decoded head of a frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) trail: TrailId,
    pub(crate) first: Seq,
    pub(crate) recorded_at: Micros,
    pub(crate) entries: Vec<Entry>,
}

/// Why a payload with a good checksum is not a frame of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The payload ends inside a field.
    #[error("the payload ends at byte {0}, inside a field")]
    Short(usize),
    /// A kind that this version does not know.
    #[error("unknown frame kind {0}")]
    Kind(u8),
    /// The trail's name is not a trail name.
    #[error("the trail's name is not valid")]
    Trail,
    /// Lengths do not add up to the payload.
    #[error("lengths add up to {expected} bytes, the payload has {actual}")]
    Length {
        /// Sum of the lengths.
        expected: usize,
        /// Bytes there are.
        actual: usize,
    },
}

/// Builds the payload of one frame.
pub(crate) struct FrameBuilder {
    trail: TrailId,
    first: Seq,
    recorded_at: Micros,
    entries: Vec<Entry>,
    body: Vec<u8>,
}

impl FrameBuilder {
    pub(crate) fn new(trail: TrailId, first: Seq, recorded_at: Micros) -> Self {
        Self {
            trail,
            first,
            recorded_at,
            entries: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Digest of an event pushed before.
    pub(crate) fn digest(&self, index: usize) -> Option<[u8; 16]> {
        self.entries.get(index)?.digest()
    }

    /// Appends one event; `record` writes the record's bytes. Returns the range of the record.
    pub(crate) fn push(
        &mut self,
        content: Option<&[u8]>,
        digest: Option<[u8; 16]>,
        record: impl FnOnce(&mut Vec<u8>),
    ) -> &[u8] {
        let start = self.body.len();
        record(&mut self.body);
        let end = self.body.len();
        let content_len = content.map_or(NO_CONTENT, |bytes| {
            self.body.extend_from_slice(bytes);
            u32_of(bytes.len())
        });
        self.entries.push(Entry {
            start: u32_of(start),
            record_len: u32_of(end - start),
            content_len,
            digest: digest.unwrap_or_default(),
        });
        self.body.get(start..end).unwrap_or_default()
    }

    /// Head and body of the payload, and where each event lies in the body.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<u8>, Vec<Entry>) {
        let name = self.trail.as_str().as_bytes();
        let mut head = Vec::with_capacity(2 + name.len() + 20 + ENTRY_BYTES * self.entries.len());
        head.push(KIND_EVENTS);
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend_from_slice(name);
        head.extend_from_slice(&self.first.0.to_le_bytes());
        head.extend_from_slice(&self.recorded_at.0.to_le_bytes());
        head.extend_from_slice(&u32_of(self.entries.len()).to_le_bytes());
        for entry in &self.entries {
            head.extend_from_slice(&entry.record_len.to_le_bytes());
            head.extend_from_slice(&entry.content_len.to_le_bytes());
            head.extend_from_slice(&entry.digest);
        }
        (head, self.body, self.entries)
    }
}

/// A group is bounded far below 4 GiB, so that lengths always fit.
fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Frame {
    /// Parses a payload.
    ///
    /// # Errors
    /// [`FrameError`] if the payload is not exactly one frame.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader { payload, at: 0 };
        let kind = reader.u8()?;
        if kind != KIND_EVENTS {
            return Err(FrameError::Kind(kind));
        }
        let name_len = usize::from(reader.u8()?);
        let name = reader.take(name_len)?;
        let trail = std::str::from_utf8(name)
            .ok()
            .and_then(|name| name.parse().ok())
            .ok_or(FrameError::Trail)?;
        let first = Seq(reader.u64()?);
        let recorded_at = Micros(reader.u64()?);
        let count = reader.u32()? as usize;
        let table = reader.take(count.saturating_mul(ENTRY_BYTES))?;
        let mut entries = Vec::with_capacity(count);
        let mut start = reader.at;
        for entry in table.chunks_exact(ENTRY_BYTES) {
            let mut entry = Reader {
                payload: entry,
                at: 0,
            };
            let (record_len, content_len) = (entry.u32()?, entry.u32()?);
            let digest = entry.array()?;
            let content = if content_len == NO_CONTENT {
                0
            } else {
                content_len
            };
            entries.push(Entry {
                start: u32::try_from(start).map_err(|_| FrameError::Short(start))?,
                record_len,
                content_len,
                digest,
            });
            start = start
                .saturating_add(record_len as usize)
                .saturating_add(content as usize);
        }
        if start != payload.len() {
            return Err(FrameError::Length {
                expected: start,
                actual: payload.len(),
            });
        }
        Ok(Self {
            trail,
            first,
            recorded_at,
            entries,
        })
    }
}

struct Reader<'a> {
    payload: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FrameError> {
        let end = self.at.saturating_add(length);
        let part = self
            .payload
            .get(self.at..end)
            .ok_or(FrameError::Short(self.payload.len()))?;
        self.at = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn u8(&mut self) -> Result<u8, FrameError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Vec<u8>, Vec<u8>, Vec<Entry>) {
        let mut builder = FrameBuilder::new("default".parse().unwrap(), Seq(7), Micros(9));
        builder.push(None, None, |out| out.extend_from_slice(b"{\"a\":1}"));
        builder.push(Some(b"{}"), Some([3; 16]), |out| {
            out.extend_from_slice(b"{}");
        });
        builder.finish()
    }

    #[test]
    fn what_was_built_is_what_is_parsed() {
        let (head, body, entries) = sample();
        let payload = [head.as_slice(), &body].concat();
        let frame = Frame::parse(&payload).unwrap();
        assert_eq!(frame.trail.as_str(), "default");
        assert_eq!((frame.first, frame.recorded_at), (Seq(7), Micros(9)));
        assert_eq!(frame.entries.len(), 2);
        for (built, parsed) in entries.iter().zip(&frame.entries) {
            assert_eq!(body[built.record()], payload[parsed.record()]);
            assert_eq!(built.content().is_some(), parsed.content().is_some());
            assert_eq!(built.digest, parsed.digest);
        }
        assert_eq!(&payload[frame.entries[0].record()], b"{\"a\":1}");
        assert_eq!(frame.entries[0].content(), None);
        assert_eq!(&payload[frame.entries[1].content().unwrap()], b"{}");
    }

    #[test]
    fn every_cut_and_every_longer_payload_is_refused() {
        let (head, body, _) = sample();
        let payload = [head, body].concat();
        for end in 0..payload.len() {
            assert!(Frame::parse(&payload[..end]).is_err(), "cut at {end}");
        }
        let mut longer = payload;
        longer.push(0);
        assert!(Frame::parse(&longer).is_err());
    }
}
