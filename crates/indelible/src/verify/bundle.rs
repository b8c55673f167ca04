//! A proof bundle (docs/format.md §5), checked against a checkpoint that was verified before.

use base64::{Engine, engine::general_purpose::STANDARD};
use event::{Leaf, RecordView, commit_content, commit_record};
use serde::Deserialize;
use tlog::{Checkpoint, Hash};

/// What a bundle says.
#[derive(Debug, Deserialize)]
pub(super) struct Bundle {
    index: u64,
    record: Option<String>,
    content: Option<String>,
    salt_record: Option<String>,
    salt_content: Option<String>,
    leaf: String,
    proof: Vec<String>,
    #[serde(default)]
    content_withheld: bool,
}

/// What could be checked of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The event never had one.
    None,
    /// Its bytes are what was committed.
    Present,
    /// The key may not see it.
    Withheld,
    /// There was one, it is not here, and the key is not the reason.
    Gone,
}

/// What could be checked of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The record's bytes, rather than only its commitment.
    pub(super) record: bool,
    pub(super) content: Content,
    /// Exact leaf hash.
    pub(super) leaf_hash: Hash,
}

impl Bundle {
    /// Recomputes commitments, leaf, leaf hash and root.
    ///
    /// # Errors
    /// What does not hold.
    pub(super) fn check(&self, seq: u64, signed: &Checkpoint) -> Result<Verdict, String> {
        if self.index != seq {
            return Err(format!("the bundle is of event {}", self.index));
        }
        let bytes = STANDARD
            .decode(&self.leaf)
            .map_err(|error| format!("leaf: {error}"))?;
        let leaf = Leaf::parse(&bytes).map_err(|error| error.to_string())?;
        if let Some(record) = &self.record {
            let salt = salt(self.salt_record.as_deref())?;
            if commit_record(&salt, record.as_bytes()) != leaf.c_r {
                return Err("the record is not what was committed".to_owned());
            }
            let view = RecordView::parse(record.as_bytes()).map_err(|error| error.to_string())?;
            if view.seq.0 != seq || view.recorded_at != leaf.recorded_at {
                return Err("the record states another place or time than its leaf".to_owned());
            }
        }
        if let Some(content) = &self.content {
            let salt = salt(self.salt_content.as_deref())?;
            if commit_content(&salt, Some(content.as_bytes())) != leaf.c_c {
                return Err("the content is not what was committed".to_owned());
            }
        } else if self.has_content() && leaf.c_c == [0; 32] {
            return Err("the record tells of a content, the leaf has none".to_owned());
        }
        let leaf_hash = tlog::leaf_hash(&bytes);
        let proof: Result<Vec<Hash>, _> = self.proof.iter().map(|hash| hash.parse()).collect();
        let proof = proof.map_err(|error| format!("proof: {error}"))?;
        tlog::verify_inclusion(&leaf_hash, seq, signed.size, &signed.root, &proof)
            .map_err(|error| error.to_string())?;
        Ok(Verdict {
            record: self.record.is_some(),
            content: if self.content.is_some() {
                Content::Present
            } else if leaf.c_c == [0; 32] {
                Content::None
            } else if self.content_withheld {
                Content::Withheld
            } else {
                Content::Gone
            },
            leaf_hash,
        })
    }

    /// The record, if it is here and is one.
    pub(super) fn view(&self) -> Option<RecordView<'_>> {
        RecordView::parse(self.record.as_ref()?.as_bytes()).ok()
    }

    fn has_content(&self) -> bool {
        self.view().is_some_and(|view| view.content.is_some())
    }
}

fn salt(text: Option<&str>) -> Result<[u8; 16], String> {
    let bytes = STANDARD
        .decode(text.ok_or("a salt is missing")?)
        .map_err(|error| format!("salt: {error}"))?;
    bytes
        .try_into()
        .map_err(|_| "a salt is not 16 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::Micros;

    const RECORD: &str = "{\"v\":1,\"id\":\"x\",\"seq\":0,\"recorded_at\":\"1970-01-01T00:00:00.000009Z\",\
        \"time\":\"1970-01-01T00:00:00.000009Z\",\"actor\":{\"type\":\"agent\",\"id\":\"a\"},\"source\":\"app\",\
        \"action\":\"b\",\"content\":{\"bytes\":2,\"type\":\"application/json\"}}";

    fn sample() -> (Bundle, Checkpoint) {
        let leaf = Leaf {
            recorded_at: Micros(9),
            c_r: commit_record(&[1; 16], RECORD.as_bytes()),
            c_c: commit_content(&[2; 16], Some(b"{}")),
        };
        let bundle = Bundle {
            index: 0,
            record: Some(RECORD.to_owned()),
            content: Some("{}".to_owned()),
            salt_record: Some(STANDARD.encode([1; 16])),
            salt_content: Some(STANDARD.encode([2; 16])),
            leaf: STANDARD.encode(leaf.to_bytes()),
            proof: Vec::new(),
            content_withheld: false,
        };
        let signed = Checkpoint {
            origin: "o".to_owned(),
            size: 1,
            root: tlog::leaf_hash(&leaf.to_bytes()),
        };
        (bundle, signed)
    }

    #[test]
    fn a_true_bundle_holds_and_no_part_of_it_may_differ() {
        let (bundle, signed) = sample();
        assert!(
            bundle
                .check(0, &signed)
                .is_ok_and(|verdict| verdict.record && verdict.content == Content::Present)
        );
        assert!(bundle.check(1, &signed).is_err());
        let changes: [fn(&mut Bundle); 7] = [
            |bundle| bundle.record = Some(RECORD.replace("\"b\"", "\"c\"")),
            |bundle| bundle.content = Some("{ }".to_owned()),
            |bundle| bundle.salt_record = Some(STANDARD.encode([3; 16])),
            |bundle| bundle.salt_record = None,
            |bundle| bundle.salt_content = Some(STANDARD.encode([1; 15])),
            |bundle| bundle.proof.push(Hash([0; 32]).to_string()),
            |bundle| bundle.leaf = STANDARD.encode([1; 74]),
        ];
        for (index, change) in changes.iter().enumerate() {
            let (mut bundle, signed) = sample();
            change(&mut bundle);
            assert!(bundle.check(0, &signed).is_err(), "change {index}");
        }
    }

    #[test]
    fn what_is_withheld_is_told_from_what_never_was() {
        let (mut bundle, signed) = sample();
        (bundle.content, bundle.salt_content, bundle.content_withheld) = (None, None, true);
        let verdict = bundle.check(0, &signed).unwrap();
        assert_eq!(verdict.content, Content::Withheld);
        bundle.content_withheld = false;
        let verdict = bundle.check(0, &signed).unwrap();
        assert_eq!(verdict.content, Content::Gone);
    }
}
