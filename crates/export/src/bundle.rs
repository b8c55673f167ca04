//! Proof bundles: one event with everything that proves it, as one JSON object (`docs/format.md` §5).

use base64::{Engine, engine::general_purpose::STANDARD};
use event::{Leaf, RecordView, Salts, json::write_string};
use serde::Deserialize;
use thiserror::Error;
use tlog::{
    Checkpoint, CheckpointError, Hash, Note, NoteError, OpenedCheckpoint, TlogProof, VerifierKey,
};

use crate::claim::{Checked, Claim, ClaimError, Content, parse_proof};

/// An event with its proof, as the server has it.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'a> {
    /// Position in the log.
    pub seq: u64,
    /// Exact bytes of the record.
    pub record: &'a [u8],
    /// Exact bytes of the content, if the event has any.
    pub content: Option<&'a [u8]>,
    /// Salts of both commitments.
    pub salts: Salts,
    /// The leaf.
    pub leaf: &'a [u8; Leaf::BYTES],
    /// Inclusion proof, leaf's sibling first.
    pub proof: &'a [Hash],
}

/// A bundle that was read. Nothing in it is to be trusted before [`Bundle::check`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Position in the log.
    pub index: u64,
    /// Exact bytes of the record.
    pub record: Option<String>,
    content: Option<String>,
    salt_record: Option<String>,
    salt_content: Option<String>,
    leaf: String,
    proof: Vec<String>,
    checkpoint: String,
    key: String,
    tlog_proof: String,
    /// Whether the content may not be seen by whoever asked.
    #[serde(default)]
    pub content_withheld: bool,
}

/// Why a bundle proves nothing.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The checkpoint is not the log's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The event is not what was logged, or not where it is said to be.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The bundle names another key than the one that it was checked with.
    #[error("the bundle names another key")]
    Key,
    /// The proof as text is another one.
    #[error("`tlog_proof` is not the proof of the other members")]
    Text,
}

impl Proven<'_> {
    /// Proof of the leaf alone, for C2SP `tlog-proof@v1`.
    ///
    /// # Errors
    /// If the checkpoint is no note.
    pub fn tlog_proof(&self, checkpoint: &str) -> Result<TlogProof, NoteError> {
        offline(self.seq, self.proof, checkpoint)
    }

    /// The bundle under a signed checkpoint of the log with this key. `with_content`: whether the reader may see the
    /// content; one that may not is told so.
    ///
    /// # Errors
    /// If the checkpoint is no note.
    pub fn to_bundle(
        &self,
        with_content: bool,
        checkpoint: &str,
        key: &VerifierKey,
    ) -> Result<Vec<u8>, NoteError> {
        let shown = self.content.filter(|_| with_content);
        let text = self.tlog_proof(checkpoint)?.to_string();
        let mut out = Vec::with_capacity(2 * self.record.len() + 4_096);
        let mut raw = |name: &str, value: &[u8]| {
            out.push(if out.is_empty() { b'{' } else { b',' });
            write_string(&mut out, name);
            out.push(b':');
            out.extend_from_slice(value);
        };
        raw("index", self.seq.to_string().as_bytes());
        raw("record", &string(self.record));
        raw("content", &or_null(shown.map(string)));
        raw("salt_record", &base64(&self.salts.record));
        let salt_content = shown.map(|_| base64(&self.salts.content));
        raw("salt_content", &or_null(salt_content));
        raw("leaf", &base64(self.leaf));
        raw("proof", &hashes(self.proof));
        raw("checkpoint", &string(checkpoint.as_bytes()));
        raw("key", &string(key.to_string().as_bytes()));
        raw("tlog_proof", &string(text.as_bytes()));
        if self.content.is_some() && shown.is_none() {
            raw("content_withheld", b"true");
        }
        out.push(b'}');
        Ok(out)
    }

    /// The line of a package's `proofs.jsonl`. Without the content, its salt would only help to guess it.
    pub(crate) fn to_line(self, with_content: bool) -> Vec<u8> {
        let shown = self.content.filter(|_| with_content);
        let salt_content = or_null(shown.map(|_| base64(&self.salts.content)));
        let mut out = Vec::with_capacity(300 + 48 * self.proof.len());
        for part in [
            b"{\"seq\":",
            self.seq.to_string().as_bytes(),
            b",\"salt_record\":",
            &base64(&self.salts.record),
            b",\"salt_content\":",
            &salt_content,
            b",\"leaf\":",
            &base64(self.leaf),
            b",\"proof\":",
            &hashes(self.proof),
            b"}\n",
        ] {
            out.extend_from_slice(part);
        }
        out
    }
}

impl Bundle {
    /// Checks the event against a checkpoint that was verified before.
    ///
    /// # Errors
    /// [`ClaimError`] says what does not hold.
    pub fn check(&self, signed: &Checkpoint) -> Result<Checked, ClaimError> {
        self.check_proof(&parse_proof(&self.proof)?, signed)
    }

    /// Checks the bundle's own checkpoint with a key, the event against it, and that the members that say the same
    /// once more do.
    ///
    /// # Errors
    /// [`BundleError`] says what does not hold.
    pub fn verify(&self, key: &VerifierKey) -> Result<(Checked, OpenedCheckpoint), BundleError> {
        let opened = tlog::open_checkpoint(self.checkpoint.as_bytes(), key, &[])?;
        let proof = parse_proof(&self.proof)?;
        let checked = self.check_proof(&proof, opened.checkpoint())?;
        if self.key != key.to_string() {
            return Err(BundleError::Key);
        }
        let text = offline(self.index, &proof, &self.checkpoint);
        if text.map_or(true, |text| text.to_string() != self.tlog_proof) {
            return Err(BundleError::Text);
        }
        Ok((checked, opened))
    }

    fn check_proof(&self, proof: &[Hash], signed: &Checkpoint) -> Result<Checked, ClaimError> {
        let claim = Claim {
            seq: self.index,
            record: self.record.as_deref(),
            content: self.content.as_deref(),
            salt_record: self.salt_record.as_deref(),
            salt_content: self.salt_content.as_deref(),
            leaf: &self.leaf,
            proof,
        };
        claim.check(signed)
    }

    /// Whether there was a content that is not here, and the reader's key is not the reason.
    #[must_use]
    pub fn lacks_content(&self, checked: &Checked) -> bool {
        checked.content == Content::Absent && !self.content_withheld
    }

    /// The record, if it is here and is one.
    #[must_use]
    pub fn view(&self) -> Option<RecordView<'_>> {
        RecordView::parse(self.record.as_ref()?.as_bytes()).ok()
    }
}

fn offline(index: u64, proof: &[Hash], checkpoint: &str) -> Result<TlogProof, NoteError> {
    Ok(TlogProof {
        extra: Vec::new(),
        index,
        proof: proof.to_vec(),
        checkpoint: Note::parse(checkpoint.as_bytes())?,
    })
}

/// A JSON string of stored bytes, which are UTF-8.
fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 4 + 2);
    write_string(&mut out, &String::from_utf8_lossy(bytes));
    out
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    format!("\"{}\"", STANDARD.encode(bytes)).into_bytes()
}

fn hashes(proof: &[Hash]) -> Vec<u8> {
    let hashes: Vec<_> = proof.iter().map(|hash| format!("\"{hash}\"")).collect();
    format!("[{}]", hashes.join(",")).into_bytes()
}

fn or_null(value: Option<Vec<u8>>) -> Vec<u8> {
    value.unwrap_or_else(|| b"null".to_vec())
}

#[cfg(test)]
mod tests {
    use event::{Micros, commit_content, commit_record};

    use super::*;

    const RECORD: &str = "{\"v\":1,\"id\":\"x\",\"seq\":0,\"recorded_at\":\"1970-01-01T00:00:00.000009Z\",\
        \"time\":\"1970-01-01T00:00:00.000009Z\",\"actor\":{\"type\":\"agent\",\"id\":\"a\"},\"source\":\"app\",\
        \"action\":\"b\",\"content\":{\"bytes\":2,\"type\":\"application/json\"}}";

    fn leaf() -> [u8; Leaf::BYTES] {
        let leaf = Leaf {
            recorded_at: Micros(9),
            c_r: commit_record(&[1; 16], RECORD.as_bytes()),
            c_c: commit_content(&[2; 16], Some(b"{}")),
        };
        leaf.to_bytes()
    }

    fn log() -> tlog::SigningKey {
        tlog::SigningKey::from_seed("log/t", &[7; 32]).unwrap()
    }

    /// The bundle of the only event of a log.
    fn bundle(with_content: bool) -> Vec<u8> {
        let leaf = leaf();
        let proven = Proven {
            seq: 0,
            record: RECORD.as_bytes(),
            content: Some(b"{}"),
            salts: Salts {
                record: [1; 16],
                content: [2; 16],
            },
            leaf: &leaf,
            proof: &[],
        };
        let checkpoint = Checkpoint {
            origin: "log/t".to_owned(),
            size: 1,
            root: tlog::leaf_hash(&leaf),
        };
        let note = tlog::sign_checkpoint(&checkpoint, &log()).unwrap();
        proven
            .to_bundle(with_content, &note.to_string(), log().verifier())
            .unwrap()
    }

    fn read(with_content: bool) -> Bundle {
        serde_json::from_slice(&bundle(with_content)).unwrap()
    }

    #[test]
    fn a_true_bundle_holds_and_no_part_of_it_may_differ() {
        let key = log();
        let (checked, opened) = read(true).verify(key.verifier()).unwrap();
        assert!(checked.record && checked.content == Content::Present);
        assert_eq!(opened.checkpoint().size, 1);
        let changes: [fn(&mut Bundle); 15] = [
            |bundle| bundle.key.push('='),
            |bundle| bundle.tlog_proof = bundle.tlog_proof.replace("index 0", "index 1"),
            |bundle| bundle.index = 1,
            |bundle| bundle.record = Some(RECORD.replace("\"b\"", "\"c\"")),
            |bundle| bundle.content = Some("{ }".to_owned()),
            |bundle| bundle.salt_record = Some(STANDARD.encode([3; 16])),
            |bundle| bundle.salt_record = Some("?".to_owned()),
            |bundle| bundle.salt_record = None,
            |bundle| bundle.salt_content = Some(STANDARD.encode([1; 15])),
            |bundle| bundle.proof.push(Hash([0; 32]).to_string()),
            |bundle| bundle.proof.push("x".to_owned()),
            |bundle| bundle.leaf = STANDARD.encode([1; 74]),
            |bundle| bundle.leaf.clear(),
            |bundle| bundle.checkpoint = bundle.checkpoint.replace("\n1\n", "\n2\n"),
            |bundle| bundle.checkpoint.clear(),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut bundle = read(true);
            change(&mut bundle);
            assert!(bundle.verify(key.verifier()).is_err(), "change {index}");
        }
        let other = tlog::SigningKey::from_seed("log/t", &[8; 32]).unwrap();
        assert!(read(true).verify(other.verifier()).is_err());
    }

    #[test]
    fn what_is_withheld_is_told_from_what_is_gone() {
        let text = String::from_utf8(bundle(false)).unwrap();
        assert!(
            text.contains("\"content\":null") && text.contains("\"salt_content\":null"),
            "{text}"
        );
        let mut bundle = read(false);
        let (checked, _) = bundle.verify(log().verifier()).unwrap();
        assert!(bundle.content_withheld && !bundle.lacks_content(&checked));
        bundle.content_withheld = false;
        assert!(bundle.lacks_content(&checked));
    }

    #[test]
    fn record_and_leaf_agree_on_whether_there_is_a_content() {
        let bare = RECORD.replace(
            ",\"content\":{\"bytes\":2,\"type\":\"application/json\"}",
            "",
        );
        for (record, c_c, fits) in [
            (RECORD, [1; 32], true),
            (RECORD, [0; 32], false),
            (&bare, [0; 32], true),
            (&bare, [1; 32], false),
        ] {
            let leaf = Leaf {
                recorded_at: Micros(9),
                c_r: commit_record(&[1; 16], record.as_bytes()),
                c_c,
            };
            let salt = STANDARD.encode([1; 16]);
            let claim = Claim {
                seq: 0,
                record: Some(record),
                content: None,
                salt_record: Some(&salt),
                salt_content: None,
                leaf: &STANDARD.encode(leaf.to_bytes()),
                proof: &[],
            };
            let signed = Checkpoint {
                origin: "o".to_owned(),
                size: 1,
                root: tlog::leaf_hash(&leaf.to_bytes()),
            };
            assert_eq!(claim.check(&signed).is_ok(), fits, "{record} {c_c:?}");
        }
    }
}
