//! How an index is laid out, and what its file says of itself.

use super::terms::{TERM_BITS, Term};

/// First bytes of the file, and of its footer.
pub(super) const MAGIC: &[u8; 8] = b"INDIDX01";
/// What letters are, and their lower case, depends on it.
const UNICODE: [u8; 3] = {
    let (major, minor, update) = char::UNICODE_VERSION;
    [major, minor, update]
};

/// What the codes of an index depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Number of rows.
    pub(super) rows: u32,
    /// Bits that are kept of a term of one row: all, or so many that few others have the same.
    prefix_bits: u32,
}

/// The end of the file: magic, seed (u64), where the directory lies (u64), number of pages (u32), number of
/// rows (u32), bits of a prefix (u8), version of Unicode (3 bytes), CRC-32C of the directory (u32), CRC-32C of
/// all this (u32). The directory before it has a [`Place`] for each page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) seed: u64,
    unicode: [u8; 3],
    pub(super) shape: Shape,
    pub(super) directory: u64,
    pub(super) pages: u32,
    pub(super) directory_sum: u32,
}

/// Where a page lies: its first term (u64), then its length below 2^20 and its offset in one number (u64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) first: Term,
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Shape {
    /// For a segment that will be merged: every term whole.
    pub(crate) fn whole(rows: u32) -> Self {
        Self {
            rows,
            prefix_bits: TERM_BITS,
        }
    }

    /// For a segment that stays as it is. Of 16 million terms that are in one row each, one that is in none has
    /// the prefix of another about once in 16 times; a look at that row shows it.
    pub(crate) fn short(rows: u32) -> Self {
        /// With these many more bits than rows have.
        const MORE_BITS: u32 = 8;
        Self {
            prefix_bits: (Self::whole(rows).row_bits() + MORE_BITS).min(TERM_BITS),
            ..Self::whole(rows)
        }
    }

    /// Whether terms of one row are kept whole.
    pub(super) fn is_whole(self) -> bool {
        self.prefix_bits == TERM_BITS
    }

    /// What is kept of a term of one row.
    pub(super) fn prefix(self, term: Term) -> u64 {
        term.0 >> (TERM_BITS - self.prefix_bits)
    }

    /// Bits of a row.
    pub(super) fn row_bits(self) -> u32 {
        u32::BITS - self.rows.saturating_sub(1).leading_zeros()
    }
}

impl Place {
    pub(super) const BYTES: usize = 16;
    const LENGTH_BITS: u32 = 20;

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let place = self.offset << Self::LENGTH_BITS | self.length;
        (u128::from(place) << u64::BITS | u128::from(self.first.0)).to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let number = u128::from_le_bytes(*bytes);
        let [first, place] = [number, number >> u64::BITS]
            .map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0));
        Self {
            first: Term(first),
            offset: place >> Self::LENGTH_BITS,
            length: place & ((1 << Self::LENGTH_BITS) - 1),
        }
    }
}

impl Footer {
    pub(super) const BYTES: usize = 44;

    /// Of an index that is written now.
    pub(super) fn new(seed: u64, shape: Shape, directory: u64, places: &[u8]) -> Self {
        Self {
            seed,
            unicode: UNICODE,
            shape,
            directory,
            pages: u32::try_from(places.len() / Place::BYTES).unwrap_or(u32::MAX),
            directory_sum: crc32c::crc32c(places),
        }
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.seed.to_le_bytes());
        bytes.extend_from_slice(&self.directory.to_le_bytes());
        bytes.extend_from_slice(&self.pages.to_le_bytes());
        bytes.extend_from_slice(&self.shape.rows.to_le_bytes());
        let [prefix_bits, ..] = self.shape.prefix_bits.to_le_bytes();
        bytes.push(prefix_bits);
        bytes.extend_from_slice(&self.unicode);
        bytes.extend_from_slice(&self.directory_sum.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// Whether what is a letter, and its lower case, was told as it is now.
    pub(super) fn has_our_letters(&self) -> bool {
        self.unicode == UNICODE
    }

    /// `None` if these are not the bytes of one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (all, sum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(all).to_le_bytes() != *sum {
            return None;
        }
        let rest = all.strip_prefix(MAGIC)?;
        let (seed, rest) = rest.split_first_chunk()?;
        let (directory, rest) = rest.split_first_chunk()?;
        let (pages, rest) = rest.split_first_chunk()?;
        let (rows, rest) = rest.split_first_chunk()?;
        let (kinds, rest) = rest.split_first_chunk::<4>()?;
        let [prefix_bits, unicode @ ..] = *kinds;
        let prefix_bits = u32::from(prefix_bits);
        let directory_sum = rest.try_into().ok()?;
        (1..=TERM_BITS).contains(&prefix_bits).then_some(Self {
            seed: u64::from_le_bytes(*seed),
            unicode,
            shape: Shape {
                rows: u32::from_le_bytes(*rows),
                prefix_bits,
            },
            directory: u64::from_le_bytes(*directory),
            pages: u32::from_le_bytes(*pages),
            directory_sum: u32::from_le_bytes(directory_sum),
        })
    }
}
