//! Checkpoints: the signed size and root of a log (C2SP tlog-checkpoint).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::decimal;
use crate::hash::{Hash, HashError};
use crate::key::{KeyKind, SigningKey, VerifierKey, WitnessKey, is_key_name};
use crate::note::{Note, NoteError};

/// Origin, size and root of a log; `Display` and `FromStr` are the exact text that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Identity of the log, equal to the name of its key.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree of `size` leaves.
    pub root: Hash,
}

/// A checkpoint whose log signature has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
    cosignatures: Vec<Cosignature>,
}

/// A witness's verified signature: at `time` the checkpoint was the log's newest and consistent
/// with all that the witness had seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// Name of the witness.
    pub name: String,
    /// Seconds since 1970.
    pub time: u64,
}

/// Why a checkpoint cannot be signed or trusted.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// The note around it is malformed or not signed well.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Not exactly three lines.
    #[error("a checkpoint is three lines: origin, size and root")]
    Lines,
    /// The origin cannot be a key name.
    #[error("origin {origin:?} is empty or has white space, a plus or a control character")]
    OriginName {
        /// Origin found.
        origin: String,
    },
    /// Another log's origin.
    #[error("the origin is {actual:?}, the key is for {expected:?}")]
    Origin {
        /// Name of the log's key.
        expected: String,
        /// Origin found.
        actual: String,
    },
    /// Not an unsigned 64-bit decimal in shortest form.
    #[error("size {size:?} is not a decimal without sign and leading zeroes")]
    Size {
        /// Size found.
        size: String,
    },
    /// Not the base64 of 32 bytes.
    #[error("malformed root")]
    Root(#[source] HashError),
    /// Size 0 with a root other than [`Hash::EMPTY_ROOT`].
    #[error("the empty log has root {}, found {actual}", Hash::EMPTY_ROOT)]
    EmptyRoot {
        /// Root found.
        actual: Hash,
    },
    /// Signed, but not by the log.
    #[error("not signed by the log {log}")]
    NotByLog {
        /// Name of the log's key.
        log: String,
    },
}

impl OpenedCheckpoint {
    /// Origin, size and root.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note, with all its signatures, known or not.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// Good signatures of known witnesses, in the order of the lines.
    #[must_use]
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }

    /// Adds a witness's signature, made at `time` (seconds since 1970). It is the caller's to have
    /// verified consistency with the last checkpoint that the witness signed.
    ///
    /// # Errors
    /// If the note has no room for a signature, or `time` is above 2^63 - 1.
    pub fn cosign(&mut self, key: &WitnessKey, time: u64) -> Result<(), NoteError> {
        self.note.cosign(key, time)?;
        self.cosignatures.push(Cosignature {
            name: key.verifier().name().to_owned(),
            time,
        });
        Ok(())
    }

    pub(crate) fn from_note(
        note: Note,
        log: &VerifierKey,
        witnesses: &[VerifierKey],
    ) -> Result<Self, CheckpointError> {
        let known: Vec<_> = std::iter::once(log).chain(witnesses).collect();
        let verified = note.verify(&known)?;
        if log.kind() != KeyKind::Log || !verified.iter().any(|signed| signed.key == log) {
            return Err(CheckpointError::NotByLog {
                log: log.name().to_owned(),
            });
        }
        let cosignatures = verified.iter().filter_map(|signed| {
            Some(Cosignature {
                name: signed.key.name().to_owned(),
                time: signed.time?,
            })
        });
        let cosignatures = cosignatures.collect();
        let checkpoint: Checkpoint = note.text().parse()?;
        check_origin(&checkpoint, log)?;
        Ok(Self {
            checkpoint,
            note,
            cosignatures,
        })
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Lines);
        };
        if !is_key_name(origin) {
            return Err(CheckpointError::OriginName {
                origin: origin.to_owned(),
            });
        }
        let size = decimal::parse(size).ok_or_else(|| CheckpointError::Size {
            size: size.to_owned(),
        })?;
        let root: Hash = root.parse().map_err(CheckpointError::Root)?;
        if size == 0 && root != Hash::EMPTY_ROOT {
            return Err(CheckpointError::EmptyRoot { actual: root });
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)
    }
}

/// Signs a checkpoint with its log's key.
///
/// # Errors
/// If the origin is not the key's name, or an empty log has another root than
/// [`Hash::EMPTY_ROOT`].
pub fn sign_checkpoint(checkpoint: &Checkpoint, key: &SigningKey) -> Result<Note, CheckpointError> {
    check_origin(checkpoint, key.verifier())?;
    if checkpoint.size == 0 && checkpoint.root != Hash::EMPTY_ROOT {
        return Err(CheckpointError::EmptyRoot {
            actual: checkpoint.root,
        });
    }
    let mut note = Note::new(checkpoint.to_string())?;
    note.sign(key)?;
    Ok(note)
}

/// Opens a checkpoint: parses the note, verifies the signatures of the log and of known witnesses,
/// and checks that it is the log's own.
///
/// # Errors
/// If anything is malformed, the log has not signed, any signature by a known key fails, or the
/// origin is not the name of the log's key.
pub fn open_checkpoint(
    note: &[u8],
    log: &VerifierKey,
    witnesses: &[VerifierKey],
) -> Result<OpenedCheckpoint, CheckpointError> {
    OpenedCheckpoint::from_note(Note::parse(note)?, log, witnesses)
}

fn check_origin(checkpoint: &Checkpoint, log: &VerifierKey) -> Result<(), CheckpointError> {
    if checkpoint.origin == log.name() {
        return Ok(());
    }
    Err(CheckpointError::Origin {
        expected: log.name().to_owned(),
        actual: checkpoint.origin.clone(),
    })
}
