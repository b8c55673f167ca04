use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Seq;

/// What the key of redactions is derived with.
const REDACTION_LABEL: &[u8] = b"indelible/redaction/v1";

/// The secret of one epoch (65,536 records), from which the salts of its records are derived.
///
/// Destroying it makes the commitments of the epoch's erased records unguessable for ever
/// (`format.md` §3). Random, and durable before its first use: both are the caller's duty.
#[derive(Clone)]
pub struct EpochSecret(pub [u8; 32]);

/// Derives the salts of an epoch's records; holds the keyed hash states, so that one salt costs two
/// SHA-256 blocks.
#[derive(Clone)]
pub struct Salter {
    record: Hmac<Sha256>,
    content: Hmac<Sha256>,
}

/// The two salts of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salts {
    /// `salt_r`, for the record's commitment.
    pub record: [u8; 16],
    /// `salt_c`, for the content's commitment.
    pub content: [u8; 16],
}

/// Key of a trail under which events are remembered for recognising repeats.
///
/// Keyed, because a plain hash of an erased event would let its text be guessed.
#[derive(Clone)]
pub struct DedupKey(Hmac<Sha256>);

impl EpochSecret {
    /// Precomputes the keyed states.
    #[must_use]
    pub fn salter(&self) -> Salter {
        let keyed = keyed(&self.0);
        Salter {
            record: keyed.clone().chain_update(b"record"),
            content: keyed.chain_update(b"content"),
        }
    }
}

impl Salter {
    /// The salts of one record: HMAC-SHA-256 over a label and `seq` as u64 big-endian, cut to 16
    /// bytes (`format.md` §3).
    #[must_use]
    pub fn salts(&self, seq: Seq) -> Salts {
        let seq = seq.0.to_be_bytes();
        Salts {
            record: cut(self.record.clone().chain_update(seq)),
            content: cut(self.content.clone().chain_update(seq)),
        }
    }
}

impl DedupKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(keyed(secret))
    }

    /// The key with which the trail's gateways hash the secrets that they take out of events: HMAC-SHA-256 over
    /// a label. No event has the text of the label.
    #[must_use]
    pub fn redaction_key(&self) -> [u8; 32] {
        let keyed = self.0.clone().chain_update(REDACTION_LABEL);
        keyed.finalize().into_bytes().into()
    }

    /// The first 16 bytes of HMAC-SHA-256 over an event's compact bytes.
    #[must_use]
    pub fn digest(&self, compact_event: &[u8]) -> [u8; 16] {
        cut(self.0.clone().chain_update(compact_event))
    }
}

/// HMAC with a key of half a block, built from the block-sized key so that it cannot fail.
fn keyed(secret: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(secret) {
        *to = *from;
    }
    // HMAC pads a short key with zeroes to the block size, so this is the same key.
    Hmac::new(&block.into())
}

fn cut(mac: Hmac<Sha256>) -> [u8; 16] {
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(full) {
        *to = from;
    }
    short
}

impl fmt::Debug for EpochSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochSecret(..)")
    }
}

impl fmt::Debug for Salter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salter(..)")
    }
}

impl fmt::Debug for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DedupKey(..)")
    }
}
