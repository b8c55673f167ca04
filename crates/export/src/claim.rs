//! What a proof says of one event, checked from the bytes up (`docs/format.md` §3 to §5).

use base64::{Engine, engine::general_purpose::STANDARD};
use event::{Leaf, LeafError, RecordError, RecordView, commit_content, commit_record};
use thiserror::Error;
use tlog::{Checkpoint, Hash, HashError, VerifyError};

/// Commitment of an event without content.
const NO_CONTENT: [u8; 32] = [0; 32];

/// What somebody says of one event; nothing of it is believed before [`Claim::check`].
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Position in the log.
    pub seq: u64,
    /// Exact bytes of the record; none if they are gone.
    pub record: Option<&'a str>,
    /// Exact bytes of the content; none if there never was one, or it is not here.
    pub content: Option<&'a str>,
    /// Salt of the record's commitment, base64.
    pub salt_record: Option<&'a str>,
    /// Salt of the content's commitment, base64.
    pub salt_content: Option<&'a str>,
    /// The leaf, base64.
    pub leaf: &'a str,
    /// Inclusion proof, leaf's sibling first.
    pub proof: &'a [Hash],
}

/// What could be checked of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The event never had one.
    None,
    /// Its bytes are what was committed.
    Present,
    /// The event had one, and it is not here.
    Absent,
}

/// A claim that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Whether the record's bytes were there, rather than only their commitment.
    pub record: bool,
    /// What is known of the content.
    pub content: Content,
    /// Hash of the leaf, found in the tree.
    pub leaf_hash: Hash,
}

/// Why a claim does not hold.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ClaimError {
    /// Not standard base64 with padding.
    #[error("{member} is not base64")]
    Base64 {
        /// The member.
        member: &'static str,
    },
    /// A commitment cannot be made again without its salt.
    #[error("{member} is missing")]
    NoSalt {
        /// The member.
        member: &'static str,
    },
    /// A salt of another length.
    #[error("{member} has 16 bytes, found {actual}")]
    Salt {
        /// The member.
        member: &'static str,
        /// Bytes found.
        actual: usize,
    },
    /// Not a leaf of this version.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// The record's commitment is another one.
    #[error("the record is not what was logged: computed {computed}, in the log {logged}")]
    Record {
        /// Commitment to the bytes that are here.
        computed: Hash,
        /// Commitment in the leaf.
        logged: Hash,
    },
    /// The content's commitment is another one.
    #[error("the content is not what was logged: computed {computed}, in the log {logged}")]
    Content {
        /// Commitment to the bytes that are here.
        computed: Hash,
        /// Commitment in the leaf.
        logged: Hash,
    },
    /// The committed bytes are no record.
    #[error(transparent)]
    Malformed(#[from] RecordError),
    /// The record says that it is somewhere else.
    #[error("the record states another place or time than its leaf")]
    Place,
    /// The record tells of a content and the leaf has none, or the other way round.
    #[error("record and leaf do not agree on whether there is a content")]
    HasContent,
    /// An element of the inclusion proof is no hash.
    #[error("hash {position} of the proof is malformed")]
    Hash {
        /// Position in the proof, from 0.
        position: usize,
        /// What is wrong.
        source: HashError,
    },
    /// The leaf is not in the tree at this place.
    #[error(transparent)]
    Inclusion(#[from] VerifyError),
}

impl Claim<'_> {
    /// Recomputes commitments, leaf, leaf hash and root.
    ///
    /// # Errors
    /// [`ClaimError`] says what does not hold.
    pub fn check(&self, signed: &Checkpoint) -> Result<Checked, ClaimError> {
        let bytes = base64("leaf", self.leaf)?;
        let leaf = Leaf::parse(&bytes)?;
        if let Some(record) = self.record {
            self.check_record(record, &leaf)?;
        }
        if let Some(content) = self.content {
            let salt = salt("salt_content", self.salt_content)?;
            let computed = commit_content(&salt, Some(content.as_bytes()));
            if computed != leaf.c_c {
                return Err(ClaimError::Content {
                    computed: Hash(computed),
                    logged: Hash(leaf.c_c),
                });
            }
        }
        let leaf_hash = tlog::leaf_hash(&bytes);
        tlog::verify_inclusion(&leaf_hash, self.seq, signed.size, &signed.root, self.proof)?;
        Ok(Checked {
            record: self.record.is_some(),
            content: if self.content.is_some() {
                Content::Present
            } else if leaf.c_c == NO_CONTENT {
                Content::None
            } else {
                Content::Absent
            },
            leaf_hash,
        })
    }

    fn check_record(&self, record: &str, leaf: &Leaf) -> Result<(), ClaimError> {
        let salt = salt("salt_record", self.salt_record)?;
        let computed = commit_record(&salt, record.as_bytes());
        if computed != leaf.c_r {
            return Err(ClaimError::Record {
                computed: Hash(computed),
                logged: Hash(leaf.c_r),
            });
        }
        let view = RecordView::parse(record.as_bytes())?;
        if view.seq.0 != self.seq || view.recorded_at != leaf.recorded_at {
            return Err(ClaimError::Place);
        }
        if view.content.is_some() != (leaf.c_c != NO_CONTENT) {
            return Err(ClaimError::HasContent);
        }
        Ok(())
    }
}

/// Reads the elements of an inclusion proof.
///
/// # Errors
/// [`ClaimError::Hash`] for the first that is none.
pub(crate) fn parse_proof<S: AsRef<str>>(proof: &[S]) -> Result<Vec<Hash>, ClaimError> {
    let hashes = proof.iter().enumerate().map(|(position, hash)| {
        let hash = hash.as_ref().parse();
        hash.map_err(|source| ClaimError::Hash { position, source })
    });
    hashes.collect()
}

fn base64(member: &'static str, text: &str) -> Result<Vec<u8>, ClaimError> {
    STANDARD
        .decode(text)
        .map_err(|_| ClaimError::Base64 { member })
}

fn salt(member: &'static str, text: Option<&str>) -> Result<[u8; 16], ClaimError> {
    let bytes = base64(member, text.ok_or(ClaimError::NoSalt { member })?)?;
    let actual = bytes.len();
    bytes
        .try_into()
        .map_err(|_| ClaimError::Salt { member, actual })
}
