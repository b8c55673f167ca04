//! `manifest.json` of an evidence package (`docs/format.md` §6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{erasures::Erasure, gaps::Gap};

/// The page for people.
pub const README: &str = "README.html";
/// What the package holds.
pub const MANIFEST: &str = "manifest.json";
/// A record a line.
pub const RECORDS: &str = "records.jsonl";
/// A content a line.
pub const CONTENTS: &str = "contents.jsonl";
/// The proof of a record a line.
pub const PROOFS: &str = "proofs.jsonl";
/// The signed note that all proofs lead to.
pub const CHECKPOINT: &str = "checkpoint.txt";
/// Keys that it is signed with.
pub const KEYS: &str = "keys.json";
/// The manifest's gaps once more, for programs that look at nothing else.
pub const GAPS: &str = "gaps.json";
/// The records for a spreadsheet.
pub const EVENTS: &str = "events.csv";
/// The page that checks a package.
pub const VERIFY: &str = "verify.html";
/// Proof of the export's own record, which binds the manifest.
pub const EXPORT: &str = "export.json";

/// Action of the export's own record.
pub const EXPORT_ACTION: &str = "export.created";
/// Member of its `meta` with the SHA-256 of the manifest, hex.
pub const MANIFEST_SHA256: &str = "manifest_sha256";

/// What a package holds, and what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What was asked for.
    pub query: Asked,
    /// Size of the tree that the proofs are for.
    pub tree_size: u64,
    /// How much there is.
    pub counts: Counts,
    /// Who made the package.
    pub exporter: String,
    /// What for, in their words.
    pub purpose: String,
    /// Every file but the manifest itself and `export.json`.
    pub files: BTreeMap<String, FileEntry>,
    /// What is missing among the numbers of producers.
    pub gaps: Vec<Gap>,
    /// What the log tells of erasures.
    pub erasures: Vec<Erasure>,
}

/// The question that a package answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The filter; empty for everything.
    pub q: String,
    /// Earliest `time`, RFC 3339.
    pub from: Option<String>,
    /// End of `time`, not included.
    pub to: Option<String>,
    /// Size of the log that was searched.
    pub at: u64,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Lines of `records.jsonl`.
    pub records: u64,
    /// Lines of `contents.jsonl`.
    pub contents: u64,
}

/// A file of the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// `keys.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyList {
    /// Verifier keys of the log.
    pub log: Vec<String>,
    /// Verifier keys of witnesses.
    pub witnesses: Vec<String>,
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
