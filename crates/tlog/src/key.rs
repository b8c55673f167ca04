//! Keys of logs and witnesses, and their text form (C2SP signed-note).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Signature type 0x01: Ed25519 over the note text.
    Log,
    /// Signature type 0x04: Ed25519 over a time and the note text (C2SP tlog-cosignature v1).
    Witness,
}

/// A public key with the name that it signs under.
///
/// `Display` and `FromStr` use the form `name+id+key`: id in lower-case hex, key the base64 of
/// signature type and public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    kind: KeyKind,
    key: ed25519_dalek::VerifyingKey,
}

/// The private key of a log. Its seed is wiped when it is dropped and never printed.
#[derive(Debug)]
pub struct SigningKey {
    verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

/// The private key of a witness. Its seed is wiped when it is dropped and never printed.
#[derive(Debug)]
pub struct WitnessKey {
    verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

/// A key or key name that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// Empty, or with white space, `+` or a control character.
    #[error("key name {name:?} is empty or has white space, a plus or a control character")]
    Name {
        /// The name found.
        name: String,
    },
    /// Not `name+id+key` with an id of eight lower-case hex digits and a base64 key.
    #[error("a verifier key is name+id+key: eight lower-case hex digits, then base64")]
    Form,
    /// Neither 0x01 nor 0x04.
    #[error("signature type {found:#04x} is not known")]
    Kind {
        /// The signature type found.
        found: u8,
    },
    /// Not 32 bytes that name a point of the curve, or a point that anybody can sign for.
    #[error("the key is not a usable Ed25519 public key")]
    PublicKey,
    /// The id does not belong to this name and key.
    #[error("key id {found} does not belong to this name and key, whose id is {expected}")]
    Id {
        /// Id of the name and key, hex.
        expected: String,
        /// Id found, hex.
        found: String,
    },
}

impl KeyKind {
    const fn signature_type(self) -> u8 {
        match self {
            Self::Log => 0x01,
            Self::Witness => 0x04,
        }
    }
}

impl VerifierKey {
    /// A key of `kind` that signs under `name`, from the 32 bytes of an Ed25519 public key.
    ///
    /// # Errors
    /// If the name is not a key name or the bytes are not a usable public key.
    pub fn new(name: &str, kind: KeyKind, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name {
                name: name.to_owned(),
            });
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(public_key);
        let key = key
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or(KeyError::PublicKey)?;
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, kind, public_key),
            kind,
            key,
        })
    }

    /// The name that it signs under; a log's is its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of SHA-256(name || 0x0A || signature type || public key).
    #[must_use]
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// How it signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether `signature` is this key's over exactly `message`.
    pub(crate) fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let id_digits = id.len() == 8 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let key = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
        let (true, Some((found, key))) = (id_digits, key.split_first()) else {
            return Err(KeyError::Form);
        };
        let kind = match *found {
            0x01 => KeyKind::Log,
            0x04 => KeyKind::Witness,
            found => return Err(KeyError::Kind { found }),
        };
        let public_key = key.try_into().map_err(|_| KeyError::PublicKey)?;
        let key = Self::new(name, kind, public_key)?;
        let expected = hex(key.id);
        if expected == id {
            Ok(key)
        } else {
            Err(KeyError::Id {
                expected,
                found: id.to_owned(),
            })
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind.signature_type()];
        key.extend_from_slice(self.public_key());
        write!(f, "{}+{}+{}", self.name, hex(self.id), STANDARD.encode(key))
    }
}

impl SigningKey {
    /// The log key that signs under `name`, from its 32-byte Ed25519 seed.
    ///
    /// # Errors
    /// If `name` is not a key name.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let (verifier, key) = from_seed(name, KeyKind::Log, seed)?;
        Ok(Self { verifier, key })
    }

    /// The public key.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl WitnessKey {
    /// The witness key that signs under `name`, from its 32-byte Ed25519 seed.
    ///
    /// # Errors
    /// If `name` is not a key name.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let (verifier, key) = from_seed(name, KeyKind::Witness, seed)?;
        Ok(Self { verifier, key })
    }

    /// The public key.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

/// Whether `name` may stand in a signature line: not empty, no white space, plus or control
/// character.
pub(crate) fn is_key_name(name: &str) -> bool {
    let refused = |c: char| c.is_whitespace() || c.is_ascii_control() || c == '+';
    !name.is_empty() && !name.contains(refused)
}

fn from_seed(
    name: &str,
    kind: KeyKind,
    seed: &[u8; 32],
) -> Result<(VerifierKey, ed25519_dalek::SigningKey), KeyError> {
    let key = ed25519_dalek::SigningKey::from_bytes(seed);
    Ok((
        VerifierKey::new(name, kind, key.verifying_key().as_bytes())?,
        key,
    ))
}

fn key_id(name: &str, kind: KeyKind, public_key: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new_with_prefix(name)
        .chain_update([b'\n', kind.signature_type()])
        .chain_update(public_key)
        .finalize();
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
    [a, b, c, d]
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
