//! Signed notes: text and the signatures under it (C2SP signed-note).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::key::{KeyKind, SigningKey, VerifierKey, WitnessKey, is_key_name};

/// Longest note that is read, in bytes.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// Most signatures that a note may have: every one by a known key costs a verification.
pub const MAX_SIGNATURES: usize = 100;

/// Latest time that a cosignature may state (C2SP tlog-cosignature).
const MAX_TIME: u64 = i64::MAX.unsigned_abs();

/// A note as parsed or built. Nothing in it is to be trusted before [`Note::verify`].
///
/// `Display` gives the exact bytes that [`Note::parse`] took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

/// A good signature by a known key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'k> {
    /// The key that signed.
    pub key: &'k VerifierKey,
    /// When a witness signed, in seconds since 1970; none for a log's signature.
    pub time: Option<u64>,
}

/// Why a note is not a note, or is not to be trusted.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("a note has at most {MAX_NOTE_BYTES} bytes, found {actual}")]
    TooLong {
        /// Length found, in bytes.
        actual: usize,
    },
    /// Not UTF-8, or a control character other than a line feed.
    #[error("byte {offset} of the note is no UTF-8 or a control character")]
    Character {
        /// Offset in bytes.
        offset: usize,
    },
    /// The text does not end in a line feed, or no empty line and signatures follow it.
    #[error("a note is text, an empty line and signature lines, each ending in a line feed")]
    Shape,
    /// Not `— name base64` with a key id and a signature.
    #[error("signature line {line} is malformed")]
    SignatureLine {
        /// Line among the signature lines, from 0.
        line: usize,
    },
    /// More than [`MAX_SIGNATURES`].
    #[error("a note has at most {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A known key's signature fails.
    #[error("the signature of {name} is wrong")]
    BadSignature {
        /// Name of the known key.
        name: String,
    },
    /// No known key signed.
    #[error("no known key has signed the note")]
    NoKnownKey,
    /// A cosignature cannot state this time.
    #[error("time {time} is above the latest that a cosignature can state")]
    Time {
        /// Seconds since 1970.
        time: u64,
    },
}

impl Note {
    /// An unsigned note. `text` ends in a line feed.
    ///
    /// # Errors
    /// If the text is too long, does not end in a line feed or has other control characters.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_characters(text.as_bytes())?;
        if !text.ends_with('\n') {
            return Err(NoteError::Shape);
        }
        Ok(Self {
            text,
            signatures: Vec::new(),
        })
    }

    /// Takes a note apart without verifying it.
    ///
    /// # Errors
    /// If it is too long, malformed anywhere, or has no signature or too many.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let note = check_characters(bytes)?;
        // The text may itself hold empty lines and signature lines: only the last empty line counts.
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Shape)?;
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut parsed = Vec::new();
        for (line, content) in lines.split('\n').enumerate() {
            if line == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            let signature = NoteSignature::parse(content);
            parsed.push(signature.ok_or(NoteError::SignatureLine { line })?);
        }
        Ok(Self {
            text: format!("{text}\n"),
            signatures: parsed,
        })
    }

    /// The text that is signed, ending in a line feed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in order, verified or not.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a log's signature.
    ///
    /// # Errors
    /// If the note has [`MAX_SIGNATURES`] already.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), NoteError> {
        let signature = key.sign(self.text.as_bytes());
        self.push(key.verifier(), signature.to_vec())
    }

    /// Adds a witness's signature, made at `time` (seconds since 1970).
    ///
    /// # Errors
    /// If the note has [`MAX_SIGNATURES`] already, or `time` is above 2^63 - 1.
    pub(crate) fn cosign(&mut self, key: &WitnessKey, time: u64) -> Result<(), NoteError> {
        if time > MAX_TIME {
            return Err(NoteError::Time { time });
        }
        let mut signature = time.to_be_bytes().to_vec();
        signature.extend_from_slice(&key.sign(&cosigned_message(time, &self.text)));
        self.push(key.verifier(), signature)
    }

    /// Verifies the signatures of known keys, in the order of the lines; others are ignored.
    ///
    /// # Errors
    /// If any signature by a known key fails (a key that signs twice must be good twice), or no
    /// known key has signed.
    pub fn verify<'k>(&self, known: &[&'k VerifierKey]) -> Result<Vec<Verified<'k>>, NoteError> {
        let mut verified = Vec::new();
        for signature in &self.signatures {
            let mut keys = known.iter().copied();
            let key = keys
                .find(|key| (key.id(), key.name()) == (signature.key_id, signature.name.as_str()));
            if let Some(key) = key {
                verified.push(signature.verify(&self.text, key)?);
            }
        }
        if verified.is_empty() {
            Err(NoteError::NoKnownKey)
        } else {
            Ok(verified)
        }
    }

    fn push(&mut self, key: &VerifierKey, signature: Vec<u8>) -> Result<(), NoteError> {
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let (name, key_id) = (key.name().to_owned(), key.id());
        self.signatures.push(NoteSignature {
            name,
            key_id,
            signature,
        });
        Ok(())
    }
}

impl NoteSignature {
    /// Name of the key that is said to have signed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of the key that is said to have signed.
    #[must_use]
    pub const fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = STANDARD.decode(base64).ok()?;
        let (key_id, signature) = bytes.split_first_chunk::<4>()?;
        if !is_key_name(name) || signature.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            key_id: *key_id,
            signature: signature.to_vec(),
        })
    }

    fn verify<'k>(&self, text: &str, key: &'k VerifierKey) -> Result<Verified<'k>, NoteError> {
        let bad = || NoteError::BadSignature {
            name: self.name.clone(),
        };
        let (time, good) = match key.kind() {
            KeyKind::Log => (None, key.is_signed(text.as_bytes(), &self.signature)),
            KeyKind::Witness => {
                let (time, signature) = self.signature.split_first_chunk::<8>().ok_or_else(bad)?;
                let time = u64::from_be_bytes(*time);
                let message = cosigned_message(time, text);
                (
                    Some(time),
                    time <= MAX_TIME && key.is_signed(&message, signature),
                )
            }
        };
        if good {
            Ok(Verified { key, time })
        } else {
            Err(bad())
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for NoteSignature {
            name,
            key_id,
            signature,
        } in &self.signatures
        {
            let bytes = [key_id.as_slice(), signature].concat();
            writeln!(f, "— {name} {}", STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

/// What a witness signs (C2SP tlog-cosignature, Ed25519 signed message).
fn cosigned_message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

fn check_characters(bytes: &[u8]) -> Result<&str, NoteError> {
    if bytes.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong {
            actual: bytes.len(),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| NoteError::Character {
        offset: error.valid_up_to(),
    })?;
    match bytes.iter().position(|b| *b < 0x20 && *b != b'\n') {
        None => Ok(text),
        Some(offset) => Err(NoteError::Character { offset }),
    }
}
