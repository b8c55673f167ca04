//! Evidence packages, checked without a server (`docs/format.md` §6).
//!
//! Nothing of a package is believed: what is in it is compared with itself, with the tree that the checkpoint signs, and
//! with the export's own record in that log. Whoever drops a record and repairs the counts changes the manifest, whose hash
//! that record holds. Memory does not depend on the number of events.

mod events;
mod fault;
mod lines;

use std::io::Read;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tlog::{Checkpoint, VerifierKey};

use crate::{
    archive::{Archive, Source},
    bundle::Bundle,
    gaps::{Gap, Numbers},
    manifest::{
        CHECKPOINT, CONTENTS, EVENTS, EXPORT, EXPORT_ACTION, FileEntry, GAPS, KEYS, KeyList,
        MANIFEST, Manifest, PROOFS, README, RECORDS, VERIFY, hex,
    },
    package::sha256_hex,
};
use events::Walked;
use fault::Faults;
pub use fault::{Fault, Wrong};

/// Called with the number of records that were looked at.
pub type Progress<'a> = &'a mut dyn FnMut(u64);

/// Longest manifest: a page of gaps for each of a few thousand producers.
const MANIFEST_BYTES: u64 = 64 << 20;
/// Longest of the other files that are read at once.
const FILE_BYTES: u64 = 64 << 20;
/// Files that every package has.
const NEEDED: [&str; 9] = [
    README, MANIFEST, RECORDS, PROOFS, CHECKPOINT, KEYS, GAPS, EVENTS, EXPORT,
];
/// Files that it may have, too.
const ALLOWED: [&str; 2] = [CONTENTS, VERIFY];

/// What was checked, and what was found.
#[derive(Debug)]
pub struct Report {
    /// What the package says of itself; none if that cannot be read.
    pub manifest: Option<Manifest>,
    /// The key that the checks were made with, `name+id+key` form.
    pub key: Option<VerifierKey>,
    /// Whether that key was given beforehand.
    pub is_pinned: bool,
    /// The signed checkpoint, if its signature is good.
    pub checkpoint: Option<Checkpoint>,
    /// The export's own record, if it holds.
    pub export: Option<ExportRecord>,
    /// How much was checked.
    pub checks: Checks,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// Whether so much is wrong that the rest was not looked at.
    pub is_cut: bool,
}

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Files whose SHA-256 is the manifest's.
    pub files: u64,
    /// Records whose bytes were hashed and found in the tree.
    pub records: u64,
    /// Contents whose bytes were hashed with them.
    pub contents: u64,
    /// Events that have a content that is not in the package, as nobody asked for it.
    pub withheld: u64,
    /// Records that the log tells were erased.
    pub erased: u64,
    /// Records of which only their contents say whether they were asked for.
    pub unjudged: u64,
    /// Producers' gaps that were found again in the records, or contradicted by none.
    pub gaps: u64,
}

/// What the log itself recorded of the export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportRecord {
    /// Position in the log.
    pub seq: u64,
    /// When the server recorded it, UTC.
    pub recorded_at: String,
    /// Who made the export.
    pub actor: String,
}

#[derive(Deserialize)]
struct ExportMeta {
    manifest_sha256: String,
}

/// A check under way.
struct Verifier<'a> {
    archive: Archive,
    report: Report,
    faults: Faults,
    pinned: Option<&'a VerifierKey>,
    /// Files of the manifest that were hashed while they were read.
    digests: Vec<(&'static str, Result<Digested, Wrong>)>,
}

/// SHA-256, hex, and length.
type Digested = (String, u64);

/// Checks a package. `pinned`: the log's key, if the reader was given one on another way.
#[must_use]
pub fn verify(source: Source, pinned: Option<&VerifierKey>, progress: Progress<'_>) -> Report {
    let mut report = Report {
        manifest: None,
        key: None,
        is_pinned: pinned.is_some(),
        checkpoint: None,
        export: None,
        checks: Checks::default(),
        faults: Vec::new(),
        is_cut: false,
    };
    match Archive::open(source) {
        Ok(archive) => Verifier {
            archive,
            report,
            faults: Faults::default(),
            pinned,
            digests: Vec::new(),
        }
        .run(progress),
        Err(error) => {
            report.faults.push(Fault::of_all(error.into()));
            report
        }
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}

impl Verifier<'_> {
    fn run(mut self, progress: Progress<'_>) -> Report {
        self.names();
        let manifest = self.bytes_of(MANIFEST, MANIFEST_BYTES);
        let manifest_sha256 = manifest.as_deref().map(sha256_hex);
        let parsed = manifest.and_then(|bytes| self.parse::<Manifest>(MANIFEST, &bytes));
        let key = self.key();
        if let Some(key) = &key {
            self.checkpoint(key, parsed.as_ref());
        }
        if let Some(manifest) = &parsed {
            self.events(manifest, progress);
            self.gaps_file(manifest);
            self.files(manifest);
            if let (Some(key), Some(sha256)) = (&key, manifest_sha256) {
                self.export(key, manifest, &sha256);
            }
        }
        self.report.manifest = parsed;
        self.report.key = key;
        self.report.is_cut = self.faults.is_full();
        self.report.faults = self.faults.into_list();
        self.report
    }

    /// Nothing is there that does not belong, and nothing is missing.
    fn names(&mut self) {
        for info in self.archive.members() {
            let mut known = NEEDED.iter().chain(&ALLOWED);
            if !known.any(|name| *name == info.name) {
                let name = info.name.clone();
                self.faults.push(Fault::of_all(Wrong::Stranger { name }));
            }
        }
        for name in NEEDED {
            if self.archive.member(name).is_none() {
                self.faults.push(Fault::of(name, Wrong::Missing));
            }
        }
    }

    /// A file that is read at once. A missing one was told before.
    fn bytes_of(&mut self, name: &'static str, limit: u64) -> Option<Vec<u8>> {
        let read = self.archive.member(name)?.read_whole(limit);
        let wrong = match read {
            Ok(Some(bytes)) => return Some(bytes),
            Ok(None) => Wrong::TooLong { limit },
            Err(error) => error.into(),
        };
        self.faults.push(Fault::of(name, wrong));
        None
    }

    fn parse<T: DeserializeOwned>(&mut self, name: &'static str, bytes: &[u8]) -> Option<T> {
        let parsed = serde_json::from_slice(bytes);
        let wrong = |error: serde_json::Error| self.faults.push(Fault::of(name, error.into()));
        parsed.map_err(wrong).ok()
    }

    /// The key to check with: the pinned one, else the one that came along.
    fn key(&mut self) -> Option<VerifierKey> {
        let bytes = self.bytes_of(KEYS, FILE_BYTES);
        let list = bytes.and_then(|bytes| self.parse::<KeyList>(KEYS, &bytes));
        let mut keys = Vec::new();
        for text in list.iter().flat_map(|list| &list.log) {
            match text.parse::<VerifierKey>() {
                Ok(key) => keys.push(key),
                Err(error) => self.faults.push(Fault::of(KEYS, error.into())),
            }
        }
        if let Some(pinned) = self.pinned {
            if list.is_some() && !keys.contains(pinned) {
                self.faults.push(Fault::of(KEYS, Wrong::OtherKey));
            }
            return Some(pinned.clone());
        }
        if list.is_some() && keys.is_empty() {
            self.faults.push(Fault::of(KEYS, Wrong::NoKey));
        }
        keys.into_iter().next()
    }

    fn checkpoint(&mut self, key: &VerifierKey, manifest: Option<&Manifest>) {
        let Some(note) = self.bytes_of(CHECKPOINT, FILE_BYTES) else {
            return;
        };
        match tlog::open_checkpoint(&note, key, &[]) {
            Ok(opened) => {
                let checkpoint = opened.checkpoint();
                let actual = checkpoint.size;
                let expected = manifest.map_or(actual, |manifest| manifest.tree_size);
                if actual != expected {
                    let wrong = Wrong::TreeSize { expected, actual };
                    self.faults.push(Fault::of(CHECKPOINT, wrong));
                }
                self.report.checkpoint = Some(checkpoint.clone());
            }
            Err(error) => self.faults.push(Fault::of(CHECKPOINT, error.into())),
        }
    }

    /// Every record, proof and content.
    fn events(&mut self, manifest: &Manifest, progress: Progress<'_>) {
        let Some(signed) = self.report.checkpoint.clone() else {
            return;
        };
        let walked = events::walk(
            &self.archive,
            manifest,
            &signed,
            &mut self.report.checks,
            &mut self.faults,
            progress,
        );
        let Some(Walked {
            numbers,
            is_everything,
            files,
        }) = walked
        else {
            return;
        };
        self.gaps(manifest, &numbers, is_everything);
        for lines in files {
            let file = lines.file();
            let expected = match file {
                RECORDS => Some(manifest.counts.records),
                CONTENTS => Some(manifest.counts.contents),
                _ => None,
            };
            let actual = lines.count();
            if let Some(expected) = expected.filter(|expected| *expected != actual) {
                let wrong = Wrong::Count { expected, actual };
                self.faults.push(Fault::of(file, wrong));
            }
            self.digests.push((file, lines.digest()));
        }
    }

    /// The gaps that the manifest tells, against the numbers of the records that are here.
    fn gaps(&mut self, manifest: &Manifest, numbers: &Numbers, is_everything: bool) {
        let mut wrong = |producer: &str| {
            let producer = producer.to_owned();
            self.faults
                .push(Fault::of(MANIFEST, Wrong::Gaps { producer }));
        };
        if is_everything {
            let found = numbers.gaps(None, None);
            let pairs = found.iter().zip(&manifest.gaps);
            let same = pairs.take_while(|(found, told)| found == told).count();
            if let Some(gap) = found.get(same).or_else(|| manifest.gaps.get(same)) {
                wrong(gap.producer());
            }
        } else if let Some(gap) = manifest.gaps.iter().find(|gap| numbers.contradict(gap)) {
            wrong(gap.producer());
        }
        self.report.checks.gaps = manifest.gaps.len() as u64;
    }

    fn gaps_file(&mut self, manifest: &Manifest) {
        let bytes = self.bytes_of(GAPS, FILE_BYTES);
        let gaps = bytes.and_then(|bytes| self.parse::<Vec<Gap>>(GAPS, &bytes));
        if gaps.is_some_and(|gaps| gaps != manifest.gaps) {
            self.faults.push(Fault::of(GAPS, Wrong::Disagrees));
        }
    }

    /// The SHA-256 and length of every file that the manifest lists, and that it lists every file.
    fn files(&mut self, manifest: &Manifest) {
        let bound = [MANIFEST, EXPORT];
        for name in NEEDED.into_iter().chain(ALLOWED) {
            if bound.contains(&name) {
                continue;
            }
            let is_here = self.archive.member(name).is_some();
            match manifest.files.get(name) {
                Some(entry) if is_here => self.file(name, entry),
                // A needed one that is missing was told before.
                Some(_) if NEEDED.contains(&name) => {}
                Some(_) => self.faults.push(Fault::of(name, Wrong::Missing)),
                None if is_here => self.faults.push(Fault::of(name, Wrong::NotListed)),
                None => {}
            }
        }
        for name in manifest.files.keys() {
            let mut known = NEEDED.iter().chain(&ALLOWED);
            if !known.any(|known| known == name) || bound.contains(&name.as_str()) {
                let name = name.clone();
                self.faults
                    .push(Fault::of(MANIFEST, Wrong::Stranger { name }));
            }
        }
    }

    fn file(&mut self, name: &'static str, entry: &FileEntry) {
        let read = self.digests.iter().position(|(file, _)| *file == name);
        let digest = match read {
            Some(at) => self.digests.swap_remove(at).1,
            None => match self.archive.member(name) {
                Some(member) => digest(member),
                None => return,
            },
        };
        let wrong = match digest {
            Err(wrong) => wrong,
            Ok((_, actual)) if actual != entry.bytes => Wrong::FileBytes {
                expected: entry.bytes,
                actual,
            },
            Ok((actual, _)) if actual != entry.sha256 => Wrong::FileHash {
                expected: entry.sha256.clone(),
                actual,
            },
            Ok(_) => {
                self.report.checks.files += 1;
                return;
            }
        };
        self.faults.push(Fault::of(name, wrong));
    }

    /// The export's own record in the log, which names the manifest.
    fn export(&mut self, key: &VerifierKey, manifest: &Manifest, sha256: &str) {
        let bytes = self.bytes_of(EXPORT, FILE_BYTES);
        let Some(bundle) = bytes.and_then(|bytes| self.parse::<Bundle>(EXPORT, &bytes)) else {
            return;
        };
        let wrong = match bundle.verify(key) {
            Err(error) => error.into(),
            Ok(_) => match named_manifest(&bundle, manifest.query.at) {
                None => Wrong::NotAnExport,
                Some((_, named)) if named != sha256 => Wrong::Manifest {
                    expected: named,
                    actual: sha256.to_owned(),
                },
                Some((export, _)) => {
                    self.report.export = Some(export);
                    return;
                }
            },
        };
        self.faults.push(Fault::of(EXPORT, wrong));
    }
}

/// The manifest that an export's record names; none if it is another record, or older than what was exported.
fn named_manifest(bundle: &Bundle, at: u64) -> Option<(ExportRecord, String)> {
    let view = bundle.view()?;
    if view.source != "system" || view.action != EXPORT_ACTION || view.seq.0 < at {
        return None;
    }
    let meta: ExportMeta = serde_json::from_str(view.meta?.as_str()).ok()?;
    let export = ExportRecord {
        seq: view.seq.0,
        recorded_at: view.recorded_at.to_string(),
        actor: view.actor.id.clone().into_owned(),
    };
    Some((export, meta.manifest_sha256))
}

fn digest(mut member: impl Read) -> Result<Digested, Wrong> {
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        let count = member.read(&mut buffer)?;
        if count == 0 {
            return Ok((hex(&sha256.finalize()), bytes));
        }
        sha256.update(buffer.get(..count).unwrap_or_default());
        bytes += count as u64;
    }
}
