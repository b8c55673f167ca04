use sha2::{Digest, Sha256};

use crate::Micros;

/// What one record puts into the log: when, and two salted commitments (`format.md` §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The record's `recorded_at`.
    pub recorded_at: Micros,
    /// Commitment to the record's bytes.
    pub c_r: [u8; 32],
    /// Commitment to the content's bytes; zeroes without content.
    pub c_c: [u8; 32],
}

/// Bytes that are not a leaf of a known version and kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Not 74 bytes.
    #[error("a leaf has {expected} bytes, this one {actual}", expected = Leaf::BYTES)]
    Length {
        /// The length that was given.
        actual: usize,
    },
    /// The first byte.
    #[error("leaf version {actual:#04x} is unknown, expected 0x01")]
    Version {
        /// The version that was given.
        actual: u8,
    },
    /// The second byte.
    #[error("leaf kind {actual:#04x} is unknown, expected 0x00")]
    Kind {
        /// The kind that was given.
        actual: u8,
    },
}

impl Leaf {
    /// Length of a leaf.
    pub const BYTES: usize = 74;

    const VERSION: u8 = 1;
    const KIND_RECORD: u8 = 0;

    /// The leaf's bytes: version, kind, microseconds as u64 big-endian, `C_r`, `C_c`.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let head = [Self::VERSION, Self::KIND_RECORD];
        let time = self.recorded_at.0.to_be_bytes();
        let parts = head.iter().chain(&time).chain(&self.c_r).chain(&self.c_c);
        let mut bytes = [0; Self::BYTES];
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = *from;
        }
        bytes
    }

    /// Reads a leaf back.
    ///
    /// # Errors
    ///
    /// [`LeafError`] for another length, version or kind: only version 1 and kind 0 exist.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        let length = LeafError::Length {
            actual: bytes.len(),
        };
        if bytes.len() != Self::BYTES {
            return Err(length);
        }
        let ([version, kind], rest) = bytes.split_first_chunk().ok_or(length.clone())?;
        if *version != Self::VERSION {
            return Err(LeafError::Version { actual: *version });
        }
        if *kind != Self::KIND_RECORD {
            return Err(LeafError::Kind { actual: *kind });
        }
        let (time, rest) = rest.split_first_chunk().ok_or(length.clone())?;
        let (c_r, rest) = rest.split_first_chunk().ok_or(length.clone())?;
        let (c_c, _) = rest.split_first_chunk().ok_or(length)?;
        Ok(Self {
            recorded_at: Micros(u64::from_be_bytes(*time)),
            c_r: *c_r,
            c_c: *c_c,
        })
    }
}

/// `C_r` = SHA-256("indelible/record/v1" || 0x00 || `salt_r` || record) (`format.md` §3).
#[must_use]
pub fn commit_record(salt: &[u8; 16], record: &[u8]) -> [u8; 32] {
    commit(b"indelible/record/v1\0", salt, record)
}

/// `C_c` = SHA-256("indelible/content/v1" || 0x00 || `salt_c` || content), or zeroes for `None`
/// (`format.md` §3). Content of zero bytes is not the same as none.
#[must_use]
pub fn commit_content(salt: &[u8; 16], content: Option<&[u8]>) -> [u8; 32] {
    content.map_or([0; 32], |content| {
        commit(b"indelible/content/v1\0", salt, content)
    })
}

/// SHA-256("indelible/whole/v1" || 0x00 || `salt_c` || uncut content), by which the original of a cut
/// content can be recognised (`format.md` §1, `content.whole`).
#[must_use]
pub fn commit_whole(salt: &[u8; 16], uncut: &[u8]) -> [u8; 32] {
    commit(b"indelible/whole/v1\0", salt, uncut)
}

fn commit(domain: &[u8], salt: &[u8; 16], bytes: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(domain)
        .chain_update(salt)
        .chain_update(bytes)
        .finalize()
        .into()
}
