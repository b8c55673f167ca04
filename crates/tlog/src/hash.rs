//! RFC 6962 hashing with SHA-256.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Length of a hash in bytes.
pub const HASH_BYTES: usize = 32;

/// A SHA-256 hash: of a leaf, of an inner node, or the root of a tree.
///
/// `Display` and `FromStr` use standard base64 with padding, `Debug` prints hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; HASH_BYTES]);

/// Bytes or text that is not one hash.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HashError {
    /// Not 32 bytes.
    #[error("a hash has 32 bytes, found {actual}")]
    Length {
        /// Number of bytes found.
        actual: usize,
    },
    /// Not standard base64 with padding.
    #[error("a hash is standard base64 with padding")]
    Base64(#[source] base64::DecodeError),
}

impl Hash {
    /// Root of the tree without leaves: SHA-256 of nothing (RFC 6962, section 2.1).
    pub const EMPTY_ROOT: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        let actual = bytes.len();
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| HashError::Length { actual })
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = STANDARD.decode(text).map_err(HashError::Base64)?;
        Self::try_from(bytes.as_slice())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(&self.0, &STANDARD).fmt(f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Hash of a leaf: SHA-256(0x00 || leaf) (RFC 6962, section 2.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(
        Sha256::new_with_prefix([0])
            .chain_update(leaf)
            .finalize()
            .into(),
    )
}

/// Hash of an inner node: SHA-256(0x01 || left || right) (RFC 6962, section 2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let digest = Sha256::new_with_prefix([1])
        .chain_update(left.0)
        .chain_update(right.0);
    Hash(digest.finalize().into())
}
