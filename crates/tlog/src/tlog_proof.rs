//! Offline proofs that a leaf is in a log (C2SP `tlog-proof@v1`).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::checkpoint::{CheckpointError, OpenedCheckpoint};
use crate::decimal;
use crate::hash::{Hash, HashError};
use crate::key::VerifierKey;
use crate::note::{MAX_NOTE_BYTES, Note, NoteError};
use crate::proof::{VerifyError, verify_inclusion};

/// Longest proof text that is read, in bytes: a note and as much before it.
pub const MAX_TLOG_PROOF_BYTES: usize = 2 * MAX_NOTE_BYTES;

/// Most hashes that an inclusion proof can have: one for each halving of 2^64 leaves.
const MAX_HASHES: usize = 64;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof as parsed or built; `Display` and `FromStr` are the exact text.
/// Nothing in it is to be trusted before [`TlogProof::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque bytes that nothing authenticates; empty: the text has no `extra` line.
    pub extra: Vec<u8>,
    /// Index of the leaf.
    pub index: u64,
    /// Inclusion proof, leaf's sibling first.
    pub proof: Vec<Hash>,
    /// Checkpoint of the tree that the proof is for.
    pub checkpoint: Note,
}

/// Text that is not a `tlog-proof@v1`.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TlogProofError {
    /// Longer than [`MAX_TLOG_PROOF_BYTES`].
    #[error("a proof has at most {MAX_TLOG_PROOF_BYTES} bytes, found {actual}")]
    TooLong {
        /// Length found, in bytes.
        actual: usize,
    },
    /// The first line is another.
    #[error("the first line of a proof is {HEADER}")]
    Header,
    /// Not the base64 of at least one byte.
    #[error("malformed extra line")]
    Extra,
    /// Not `index` and a decimal in shortest form.
    #[error("malformed index line")]
    Index,
    /// A line of the inclusion proof is not a hash.
    #[error("malformed hash {position}")]
    Hash {
        /// Position in the inclusion proof, from 0.
        position: usize,
        /// What is wrong.
        source: HashError,
    },
    /// More hashes than any tree needs.
    #[error("an inclusion proof has at most {MAX_HASHES} hashes")]
    TooManyHashes,
    /// No empty line and checkpoint after the hashes.
    #[error("no checkpoint after the hashes")]
    NoCheckpoint,
    /// The checkpoint is not a signed note.
    #[error("malformed checkpoint")]
    Checkpoint(#[source] NoteError),
}

/// Why a well-formed proof proves nothing.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TlogVerifyError {
    /// The checkpoint is not the log's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The leaf is not in the checkpoint's tree at that index.
    #[error(transparent)]
    Inclusion(#[from] VerifyError),
}

impl TlogProof {
    /// Verifies that the log has a leaf with `leaf_hash` at [`TlogProof::index`].
    ///
    /// # Errors
    /// If the checkpoint does not open with these keys, or the inclusion proof fails.
    pub fn verify(
        &self,
        leaf_hash: &Hash,
        log: &VerifierKey,
        witnesses: &[VerifierKey],
    ) -> Result<OpenedCheckpoint, TlogVerifyError> {
        let opened = OpenedCheckpoint::from_note(self.checkpoint.clone(), log, witnesses)?;
        let tree = opened.checkpoint();
        verify_inclusion(leaf_hash, self.index, tree.size, &tree.root, &self.proof)?;
        Ok(opened)
    }
}

impl FromStr for TlogProof {
    type Err = TlogProofError;

    fn from_str(text: &str) -> Result<Self, TlogProofError> {
        if text.len() > MAX_TLOG_PROOF_BYTES {
            return Err(TlogProofError::TooLong { actual: text.len() });
        }
        let (header, rest) = text.split_once('\n').ok_or(TlogProofError::Header)?;
        if header != HEADER {
            return Err(TlogProofError::Header);
        }
        let (extra, rest) = parse_extra(rest)?;
        let (index, rest) = rest.split_once('\n').ok_or(TlogProofError::Index)?;
        let index = index.strip_prefix("index ").and_then(decimal::parse);
        let index = index.ok_or(TlogProofError::Index)?;
        let (proof, note) = parse_hashes(rest)?;
        let checkpoint = Note::parse(note.as_bytes()).map_err(TlogProofError::Checkpoint)?;
        Ok(Self {
            extra,
            index,
            proof,
            checkpoint,
        })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", STANDARD.encode(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.proof
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

fn parse_extra(rest: &str) -> Result<(Vec<u8>, &str), TlogProofError> {
    let Some(extra) = rest.strip_prefix("extra ") else {
        return Ok((Vec::new(), rest));
    };
    let (base64, rest) = extra.split_once('\n').ok_or(TlogProofError::Extra)?;
    match STANDARD.decode(base64) {
        Ok(bytes) if !bytes.is_empty() => Ok((bytes, rest)),
        _ => Err(TlogProofError::Extra),
    }
}

/// The hashes up to the empty line, and what is after it.
fn parse_hashes(mut rest: &str) -> Result<(Vec<Hash>, &str), TlogProofError> {
    let mut hashes = Vec::new();
    loop {
        let (line, after) = rest.split_once('\n').ok_or(TlogProofError::NoCheckpoint)?;
        if line.is_empty() {
            return Ok((hashes, after));
        }
        let position = hashes.len();
        if position == MAX_HASHES {
            return Err(TlogProofError::TooManyHashes);
        }
        hashes.push(
            line.parse()
                .map_err(|source| TlogProofError::Hash { position, source })?,
        );
        rest = after;
    }
}
