use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Micros, Seq, commit_whole};

/// A valid event whose record lacks only what is known at commit.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// One after the other, so that an event costs one allocation: the content, the id and the time
    /// as written (empty if they were not sent), and the record from the comma after `time` on.
    pub(super) bytes: Vec<u8>,
    pub(super) content_end: usize,
    pub(super) id_end: usize,
    pub(super) time_end: usize,
    /// The id decoded, if it was written with escapes.
    pub(super) escaped_id: Option<Box<str>>,
    pub(super) digest: Option<[u8; 16]>,
    /// The content before it was cut. The record then ends inside its member `content`.
    pub(super) whole: Option<Box<[u8]>>,
}

const BEFORE_ID: &[u8] = b"{\"v\":1,\"id\":\"";
const BEFORE_SEQ: &[u8] = b"\",\"seq\":";
const BEFORE_RECORDED_AT: &[u8] = b",\"recorded_at\":\"";
const BEFORE_TIME: &[u8] = b"\",\"time\":\"";
const AFTER_TIME: &[u8] = b"\"";
const BEFORE_WHOLE: &[u8] = b",\"whole\":\"";
const AFTER_WHOLE: &[u8] = b"\"}}";

const MAX_SEQ_DIGITS: usize = 20;
const UUID_BYTES: usize = 36;
/// Standard base64 of 32 bytes.
const WHOLE_BYTES: usize = 44;

const FIXED_BYTES: usize = BEFORE_ID.len()
    + BEFORE_SEQ.len()
    + MAX_SEQ_DIGITS
    + BEFORE_RECORDED_AT.len()
    + Micros::TEXT_BYTES
    + BEFORE_TIME.len()
    + AFTER_TIME.len();

impl Prepared {
    /// The producer's id, escapes decoded; `None` asks for one from the server.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let written = self.part(self.content_end, self.id_end);
        self.escaped_id
            .as_deref()
            .or_else(|| std::str::from_utf8(written).ok())
            .filter(|id| !id.is_empty())
    }

    /// Keyed hash over the event's compact bytes as sent, by which a repeat of its id is told from
    /// another event; `None` without an id.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 16]> {
        self.digest
    }

    /// The content's exact bytes.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        Some(self.part(0, self.content_end)).filter(|content| !content.is_empty())
    }

    /// Length that the record will have at most, with `seq` at its longest and an id of a UUID's
    /// length if the server gives it.
    #[must_use]
    pub fn record_len_hint(&self) -> usize {
        let or = |sent: usize, given: usize| if sent == 0 { given } else { sent };
        let id = or(self.id_end - self.content_end, UUID_BYTES);
        let time = or(self.time_end - self.id_end, Micros::TEXT_BYTES);
        let tail = self.bytes.len() - self.time_end;
        let whole = if self.whole.is_some() {
            BEFORE_WHOLE.len() + WHOLE_BYTES + AFTER_WHOLE.len()
        } else {
            0
        };
        FIXED_BYTES + id + time + tail + whole
    }

    /// Appends the record's exact bytes.
    ///
    /// `id` is used where [`id`](Self::id) gave `None`: a fresh one, without `"` and `\`. `salt_c` is
    /// used if the content was cut.
    pub fn write_record(
        &self,
        out: &mut Vec<u8>,
        id: &str,
        seq: Seq,
        at: Micros,
        salt_c: &[u8; 16],
    ) {
        let at = at.to_text();
        let sent_id = self.part(self.content_end, self.id_end);
        let sent_time = self.part(self.id_end, self.time_end);
        out.reserve(self.record_len_hint());
        out.extend_from_slice(BEFORE_ID);
        out.extend_from_slice(if sent_id.is_empty() {
            id.as_bytes()
        } else {
            sent_id
        });
        out.extend_from_slice(BEFORE_SEQ);
        out.extend_from_slice(itoa::Buffer::new().format(seq.0).as_bytes());
        out.extend_from_slice(BEFORE_RECORDED_AT);
        out.extend_from_slice(&at);
        out.extend_from_slice(BEFORE_TIME);
        out.extend_from_slice(if sent_time.is_empty() { &at } else { sent_time });
        out.extend_from_slice(AFTER_TIME);
        out.extend_from_slice(self.part(self.time_end, self.bytes.len()));
        if let Some(whole) = &self.whole {
            out.extend_from_slice(BEFORE_WHOLE);
            out.extend_from_slice(STANDARD.encode(commit_whole(salt_c, whole)).as_bytes());
            out.extend_from_slice(AFTER_WHOLE);
        }
    }

    fn part(&self, from: usize, to: usize) -> &[u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }
}
