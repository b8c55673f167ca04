//! The vector file `tests/vectors/tlog.json`, as far as it concerns this crate.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use indelible_tlog::{Hash, HashError};
use serde::{Deserialize, Deserializer};

pub(crate) static VECTORS: LazyLock<Vectors> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../vectors/tlog.json")).expect("the vector file parses")
});

/// Bytes given in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl Hex {
    pub(crate) fn hash(&self) -> Hash {
        self.try_hash().expect("a vector's hash has 32 bytes")
    }

    pub(crate) fn try_hash(&self) -> Result<Hash, HashError> {
        Hash::try_from(self.0.as_slice())
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        assert!(
            text.len().is_multiple_of(2),
            "odd number of hex digits: {text}"
        );
        let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16);
        let bytes: Result<Vec<u8>, _> = (0..text.len()).step_by(2).map(digit).collect();
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
pub(crate) struct Vectors {
    pub(crate) tree: Trees,
    pub(crate) tiles: Tiles,
    pub(crate) signed_note: SignedNote,
    pub(crate) leaves: Leaves,
}

#[derive(Deserialize)]
pub(crate) struct Trees {
    pub(crate) small: Small,
    pub(crate) numbered: Numbered,
    pub(crate) inclusion: Vec<Inclusion>,
    pub(crate) inclusion_reject: Vec<Inclusion>,
    pub(crate) consistency: Vec<Consistency>,
    pub(crate) consistency_reject: Vec<Consistency>,
}

#[derive(Deserialize)]
pub(crate) struct Small {
    pub(crate) leaves: Vec<Hex>,
    pub(crate) leaf_hashes: Vec<Hex>,
    pub(crate) roots: Vec<Root>,
}

#[derive(Deserialize)]
pub(crate) struct Numbered {
    pub(crate) leaf_hashes: Vec<NumberedLeaf>,
    pub(crate) roots: Vec<Root>,
}

#[derive(Deserialize)]
pub(crate) struct NumberedLeaf {
    pub(crate) index: u64,
    pub(crate) leaf_hash: Hex,
}

#[derive(Deserialize)]
pub(crate) struct Root {
    pub(crate) size: u64,
    pub(crate) root: Hex,
}

#[derive(Deserialize)]
pub(crate) struct Inclusion {
    #[serde(default)]
    pub(crate) why: String,
    #[serde(default)]
    pub(crate) tree: String,
    pub(crate) index: u64,
    pub(crate) size: u64,
    pub(crate) leaf_hash: Hex,
    pub(crate) root: Hex,
    pub(crate) proof: Vec<Hex>,
}

#[derive(Deserialize)]
pub(crate) struct Consistency {
    #[serde(default)]
    pub(crate) why: String,
    #[serde(default)]
    pub(crate) tree: String,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) from_root: Hex,
    pub(crate) to_root: Hex,
    pub(crate) proof: Vec<Hex>,
}

#[derive(Deserialize)]
pub(crate) struct Tiles {
    pub(crate) n: Vec<TileNumber>,
    pub(crate) paths_valid: Vec<ValidPath>,
    pub(crate) paths_reject: Vec<RejectedPath>,
    pub(crate) layouts: Vec<Layout>,
    pub(crate) contents: Vec<Contents>,
}

#[derive(Deserialize)]
pub(crate) struct TileNumber {
    pub(crate) n: u64,
    pub(crate) text: String,
}

#[derive(Deserialize)]
pub(crate) struct ValidPath {
    pub(crate) path: String,
    pub(crate) level: serde_json::Value,
    pub(crate) n: u64,
    pub(crate) width: u16,
}

#[derive(Deserialize)]
pub(crate) struct RejectedPath {
    pub(crate) path: String,
    pub(crate) why: String,
}

#[derive(Deserialize)]
pub(crate) struct Layout {
    pub(crate) size: u64,
    pub(crate) levels: Vec<Level>,
    pub(crate) count: usize,
    pub(crate) paths_sha256: Hex,
    pub(crate) paths: Option<Vec<String>>,
}

#[expect(clippy::struct_field_names, reason = "the names of the vector file")]
#[derive(Deserialize)]
pub(crate) struct Level {
    pub(crate) level: u8,
    pub(crate) full_tiles: u64,
    pub(crate) partial_width: u16,
}

#[derive(Deserialize)]
pub(crate) struct Contents {
    pub(crate) tree: String,
    pub(crate) size: u64,
    pub(crate) path: String,
    pub(crate) length: usize,
    pub(crate) sha256: Hex,
    pub(crate) bytes: Option<Hex>,
}

#[derive(Deserialize)]
pub(crate) struct SignedNote {
    pub(crate) log: Key,
    pub(crate) witness: Key,
    pub(crate) checkpoint_text: String,
    pub(crate) signature_line: String,
    pub(crate) cosignature_line: String,
    pub(crate) signed: String,
    pub(crate) cosigned: String,
    pub(crate) accept: Vec<NoteCase>,
    pub(crate) reject: Vec<NoteCase>,
    pub(crate) vkey_reject: Vec<RejectedKey>,
    pub(crate) checkpoint_accept: Vec<CheckpointCase>,
    pub(crate) checkpoint_reject: Vec<CheckpointCase>,
    pub(crate) tlog_proof: TlogProofCase,
}

#[expect(clippy::struct_field_names, reason = "the names of the vector file")]
#[derive(Deserialize)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) seed: Hex,
    pub(crate) public_key: Hex,
    pub(crate) key_id: Hex,
    pub(crate) vkey: String,
    #[serde(default)]
    pub(crate) time: u64,
}

#[derive(Deserialize)]
pub(crate) struct NoteCase {
    pub(crate) why: String,
    input: Option<String>,
    input_hex: Option<Hex>,
    pub(crate) keys: Vec<String>,
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) verified: Vec<String>,
}

impl NoteCase {
    pub(crate) fn input(&self) -> Vec<u8> {
        match (&self.input, &self.input_hex) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(hex)) => hex.0.clone(),
            _ => panic!("{}: give one of input and input_hex", self.why),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct RejectedKey {
    pub(crate) why: String,
    pub(crate) vkey: String,
}

#[derive(Deserialize)]
pub(crate) struct CheckpointCase {
    pub(crate) why: String,
    pub(crate) input: String,
    pub(crate) keys: Vec<String>,
    pub(crate) origin: String,
    pub(crate) size: Option<u64>,
    pub(crate) root: Option<Hex>,
}

#[derive(Deserialize)]
pub(crate) struct TlogProofCase {
    pub(crate) index: u64,
    pub(crate) size: u64,
    pub(crate) text: String,
}

#[derive(Deserialize)]
pub(crate) struct Leaves {
    pub(crate) records: Vec<LeafCase>,
    pub(crate) roots: BTreeMap<String, Hex>,
    pub(crate) entry_bundle: EntryBundle,
}

#[derive(Deserialize)]
pub(crate) struct LeafCase {
    pub(crate) leaf: Hex,
    pub(crate) leaf_hash: Hex,
}

#[derive(Deserialize)]
pub(crate) struct EntryBundle {
    pub(crate) path: String,
    pub(crate) bytes: Hex,
}
