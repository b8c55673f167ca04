//! Where a page ended, as an opaque text.
//!
//! Base64url without padding of: version (1), fingerprint of what was asked (16), size of the view, and
//! position of the last row (u64 big-endian each), presence of the ends of the range (1, bit 0 `from`,
//! bit 1 `to`), the ends (i64 big-endian each). A cursor names positions in the log, so it outlives
//! sealing, compaction and restarts.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event::{Seq, TrailId, filter::Filter};
use sha2::{Digest, Sha256};

use crate::{Order, TimeRange};

const VERSION: u8 = 1;
const BYTES: usize = 1 + FINGERPRINT_BYTES + 8 + 8 + 1 + 8 + 8;
const FINGERPRINT_BYTES: usize = 16;

/// A request as it was asked: a cursor of one is no cursor of another.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The trail.
    pub trail: &'a TrailId,
    /// Which events.
    pub filter: &'a Filter,
    /// The range's start as it was written: `-24h` is the same in all pages, the instant is not.
    pub from: Option<&'a str>,
    /// The range's end as it was written.
    pub to: Option<&'a str>,
    /// Direction.
    pub order: Order,
    /// Size of the view, if it was asked for.
    pub at: Option<u64>,
}

/// The end of a page, from which the next one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    fingerprint: [u8; FINGERPRINT_BYTES],
    /// Size of the view that the first page had: [`Snapshot::at`](crate::Snapshot::at).
    pub size: u64,
    /// The last row of the page before.
    pub after: Seq,
    /// The instants that the first page had.
    pub range: TimeRange,
}

/// Why a text is no cursor for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not a text that [`Cursor::to_text`] made.
    #[error("the cursor is malformed")]
    Malformed,
    /// A cursor of a request with another filter, range, order or snapshot.
    #[error("the cursor belongs to a request with another filter, range, order or snapshot")]
    Mismatch,
}

impl Cursor {
    /// The end of a page over a view of `size` events whose last row is `after`.
    #[must_use]
    pub fn new(asked: &Asked<'_>, range: TimeRange, size: u64, after: Seq) -> Self {
        Self {
            fingerprint: asked.fingerprint(),
            size,
            after,
            range,
        }
    }

    /// Reads the cursor of a request.
    ///
    /// # Errors
    /// [`CursorError::Malformed`] for any other text; [`CursorError::Mismatch`] for the cursor of
    /// another request.
    pub fn parse(text: &str, asked: &Asked<'_>) -> Result<Self, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes
            .and_then(|bytes| Self::from_bytes(&bytes))
            .ok_or(CursorError::Malformed)?;
        let same_view = asked.at.is_none_or(|at| at == cursor.size);
        if cursor.fingerprint != asked.fingerprint() || !same_view {
            return Err(CursorError::Mismatch);
        }
        Ok(cursor)
    }

    /// The opaque text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (from, to) = (self.range.from, self.range.to);
        let ends = u8::from(from.is_some()) | u8::from(to.is_some()) << 1;
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.fingerprint);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(&self.after.0.to_be_bytes());
        bytes.push(ends);
        bytes.extend_from_slice(&from.unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(&to.unwrap_or(0).to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (fingerprint, rest) = rest.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk()?;
        let (after, rest) = rest.split_first_chunk()?;
        let (ends, rest) = rest.split_first()?;
        let (from, rest) = rest.split_first_chunk()?;
        let (to, rest) = rest.split_first_chunk()?;
        let cursor = Self {
            fingerprint: *fingerprint,
            size: u64::from_be_bytes(*size),
            after: Seq(u64::from_be_bytes(*after)),
            range: TimeRange {
                from: (ends & 1 != 0).then(|| i64::from_be_bytes(*from)),
                to: (ends & 2 != 0).then(|| i64::from_be_bytes(*to)),
            },
        };
        let is_whole = *version == VERSION && rest.is_empty() && *ends < 4;
        (is_whole && cursor.after.0 < cursor.size).then_some(cursor)
    }
}

impl Asked<'_> {
    /// Fields with their lengths, so that no two requests give the same bytes. `at` is compared with
    /// the cursor's size instead: later pages may leave it out.
    fn fingerprint(&self) -> [u8; FINGERPRINT_BYTES] {
        let filter = self.filter.to_string();
        let mut hash = Sha256::new();
        hash.update(b"indelible/cursor/v1\0");
        for text in [Some(self.trail.as_str()), Some(&filter), self.from, self.to] {
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(text.unwrap_or(""));
        }
        hash.update([u8::from(self.order == Order::Oldest)]);
        let full: [u8; 32] = hash.finalize().into();
        full.first_chunk().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail() -> TrailId {
        TrailId::new("main").unwrap()
    }

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let (trail, filter) = (trail(), Filter::all());
        let asked = Asked {
            trail: &trail,
            filter: &filter,
            from: Some("-24h"),
            to: None,
            order: Order::Newest,
            at: None,
        };
        let range = TimeRange {
            from: Some(-5),
            to: None,
        };
        let cursor = Cursor::new(&asked, range, 10, Seq(3));
        let text = cursor.to_text();
        assert_eq!(Cursor::parse(&text, &asked), Ok(cursor));
        for cut in 0..text.len() {
            assert_eq!(
                Cursor::parse(&text[..cut], &asked),
                Err(CursorError::Malformed)
            );
        }
        let beyond = Cursor::new(&asked, range, 10, Seq(10)).to_text();
        assert_eq!(Cursor::parse(&beyond, &asked), Err(CursorError::Malformed));
        for other in ["", "!", "AAAA", &format!("{text}AA")] {
            assert_eq!(Cursor::parse(other, &asked), Err(CursorError::Malformed));
        }
    }

    #[test]
    fn a_cursor_of_another_request_is_refused() {
        let (trail, other_trail) = (trail(), TrailId::new("other").unwrap());
        let filter = event::filter::parse("actor:a").unwrap();
        let other_filter = event::filter::parse("actor:b").unwrap();
        let asked = Asked {
            trail: &trail,
            filter: &filter,
            from: Some("a"),
            to: Some("b"),
            order: Order::Newest,
            at: Some(10),
        };
        let text = Cursor::new(&asked, TimeRange::ALL, 10, Seq(3)).to_text();
        let parse = |asked: Asked<'_>| Cursor::parse(&text, &asked).map(|cursor| cursor.after);
        assert_eq!(parse(asked), Ok(Seq(3)));
        assert_eq!(parse(Asked { at: None, ..asked }), Ok(Seq(3)));
        for other in [
            Asked {
                trail: &other_trail,
                ..asked
            },
            Asked {
                filter: &other_filter,
                ..asked
            },
            Asked {
                from: None,
                ..asked
            },
            Asked {
                from: Some("ab"),
                to: Some(""),
                ..asked
            },
            Asked {
                to: Some("c"),
                ..asked
            },
            Asked {
                order: Order::Oldest,
                ..asked
            },
            Asked {
                at: Some(9),
                ..asked
            },
        ] {
            assert_eq!(parse(other), Err(CursorError::Mismatch), "{other:?}");
        }
    }
}
