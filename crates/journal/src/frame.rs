//! Bytes of a journal file: a header, then frames. Integers are little endian.
//!
//! ```text
//! header  magic 8 | version u32 | crc u32 | first u64                         crc over all but itself
//! frame   crc u32 | len u32 | number u64 | group u64 | payload (len bytes)    crc over all behind it
//! ```
//!
//! `group` is the first frame that no sync covered when the frame was written. A readable frame whose group lies above
//! an unreadable one proves that the unreadable one was durable: that is damage. Without such a proof it is the torn
//! end of the last write, whose pages reach the disk in any order.

use std::fmt;

/// Longest payload of a frame in bytes: bounds the memory of a recovery.
pub const MAX_FRAME_BYTES: usize = 64 << 20;

/// Bytes of a file header.
pub(crate) const HEADER_BYTES: usize = 24;

/// Bytes of a frame in front of its payload.
pub(crate) const PREFIX_BYTES: usize = 24;

const MAGIC: [u8; 8] = *b"INDLJRNL";
const VERSION: u32 = 1;

/// Number of a frame: 0 for the first one ever written to a journal, then one more for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FrameNo(pub u64);

impl FrameNo {
    /// The number after this one.
    #[must_use]
    pub fn following(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for FrameNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The beginning of a journal file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) first: FrameNo,
}

impl Header {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.crc().to_le_bytes());
        out.extend_from_slice(&self.first.0.to_le_bytes());
        out
    }

    /// Parses a header, or says what is wrong with it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut at = bytes;
        if take(&mut at) != Some(MAGIC) {
            return Err("it does not begin like a journal file");
        }
        if take(&mut at).map(u32::from_le_bytes) != Some(VERSION) {
            return Err("its format version is not 1");
        }
        let (Some(crc), Some(first)) = (take(&mut at), take(&mut at)) else {
            return Err("its header is cut");
        };
        let header = Self {
            first: FrameNo(u64::from_le_bytes(first)),
        };
        if u32::from_le_bytes(crc) != header.crc() {
            return Err("the checksum of its header is wrong");
        }
        Ok(header)
    }

    fn crc(self) -> u32 {
        let crc = crc32c::crc32c(&MAGIC);
        let crc = crc32c::crc32c_append(crc, &VERSION.to_le_bytes());
        crc32c::crc32c_append(crc, &self.first.0.to_le_bytes())
    }
}

/// What stands in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) crc: u32,
    pub(crate) len: u32,
    pub(crate) number: FrameNo,
    pub(crate) group: FrameNo,
}

impl Prefix {
    /// The prefix of a payload of `len` bytes given in parts.
    pub(crate) fn of(number: FrameNo, group: FrameNo, len: u32, parts: &[&[u8]]) -> Self {
        let mut prefix = Self {
            crc: 0,
            len,
            number,
            group,
        };
        prefix.crc = prefix.crc_with(parts);
        prefix
    }

    pub(crate) fn to_bytes(self) -> [u8; PREFIX_BYTES] {
        let mut out = [0; PREFIX_BYTES];
        let (crc, rest) = out.split_at_mut(4);
        crc.copy_from_slice(&self.crc.to_le_bytes());
        rest.copy_from_slice(&self.checked_bytes());
        out
    }

    /// Parses a prefix whose length is allowed.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut at = bytes;
        let prefix = Self {
            crc: u32::from_le_bytes(take(&mut at)?),
            len: u32::from_le_bytes(take(&mut at)?),
            number: FrameNo(u64::from_le_bytes(take(&mut at)?)),
            group: FrameNo(u64::from_le_bytes(take(&mut at)?)),
        };
        (1..=MAX_FRAME_BYTES)
            .contains(&prefix.payload_len())
            .then_some(prefix)
    }

    pub(crate) fn payload_len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn matches(&self, payload: &[u8]) -> bool {
        self.crc == self.crc_with(&[payload])
    }

    fn crc_with(&self, parts: &[&[u8]]) -> u32 {
        let crc = crc32c::crc32c(&self.checked_bytes());
        parts
            .iter()
            .fold(crc, |crc, part| crc32c::crc32c_append(crc, part))
    }

    fn checked_bytes(&self) -> [u8; PREFIX_BYTES - 4] {
        let mut out = [0; PREFIX_BYTES - 4];
        let (len, rest) = out.split_at_mut(4);
        let (number, group) = rest.split_at_mut(8);
        len.copy_from_slice(&self.len.to_le_bytes());
        number.copy_from_slice(&self.number.0.to_le_bytes());
        group.copy_from_slice(&self.group.0.to_le_bytes());
        out
    }
}

/// Length of a payload given in parts, if it is allowed.
pub(crate) fn payload_len(parts: &[&[u8]]) -> Option<u32> {
    let len = parts.iter().map(|part| part.len()).sum();
    let allowed = (1..=MAX_FRAME_BYTES).contains(&len);
    u32::try_from(len).ok().filter(|_| allowed)
}

fn take<const N: usize>(at: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = at.split_first_chunk()?;
    *at = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_bytes_are_frozen() {
        let header = Header {
            first: FrameNo(0x0102),
        };
        let bytes = header.to_bytes();
        assert_eq!(&bytes[..12], b"INDLJRNL\x01\0\0\0");
        assert_eq!(&bytes[16..], b"\x02\x01\0\0\0\0\0\0");
        let mut summed = bytes[..12].to_vec();
        summed.extend_from_slice(&bytes[16..]);
        assert_eq!(bytes[12..16], crc32c::crc32c(&summed).to_le_bytes());
        assert_eq!(Header::parse(&bytes), Ok(header));
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let bytes = Header { first: FrameNo(7) }.to_bytes();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::parse(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn prefix_bytes_are_frozen() {
        let prefix = Prefix::of(FrameNo(5), FrameNo(4), 3, &[b"ab", b"", b"c"]);
        let bytes = prefix.to_bytes();
        let checked = b"\x03\0\0\0\x05\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0";
        assert_eq!(&bytes[4..], checked);
        let crc = crc32c::crc32c(&[checked.as_slice(), b"abc"].concat());
        assert_eq!(bytes[..4], crc.to_le_bytes());
        assert_eq!(Prefix::parse(&bytes), Some(prefix));
        assert!(prefix.matches(b"abc"));
        assert!(!prefix.matches(b"abd"));
    }

    #[test]
    fn empty_and_oversized_payloads_are_not_allowed() {
        assert_eq!(payload_len(&[b"", b""]), None);
        assert_eq!(Prefix::parse(&[0; PREFIX_BYTES]), None);
        let half = vec![0; MAX_FRAME_BYTES / 2 + 1];
        assert_eq!(payload_len(&[&half, &half]), None);
        let mut bytes = [0; PREFIX_BYTES];
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Prefix::parse(&bytes), None);
    }
}
