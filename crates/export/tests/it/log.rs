//! A log in memory, and packages of it.

use std::{collections::BTreeMap, convert::Infallible, io::Read, sync::Arc};

use event::{Leaf, Micros, RecordView, Salts, commit_content, commit_record};
use flate2::Crc;
use indelible_export::{
    Asked, Draft, Erasure, Facts, Gap, Numbered, Numbers, Proven,
    archive::{Archive, Info, Method, Writer},
    verify::{Report, verify},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tlog::{Checkpoint, Frontier, Hash, Prover, SigningKey, Tile, VerifierKey};

pub(crate) struct Log {
    key: SigningKey,
    pub(crate) events: Vec<Event>,
}

#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) record: String,
    pub(crate) content: Option<String>,
    pub(crate) leaf: Leaf,
    pub(crate) salts: Salts,
}

/// What is asked of a log.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) q: &'static str,
    pub(crate) with_contents: bool,
    pub(crate) gaps: Option<Vec<Gap>>,
    pub(crate) erasures: Vec<Erasure>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            q: "",
            with_contents: true,
            gaps: None,
            erasures: Vec::new(),
        }
    }
}

impl Log {
    /// A log of so many events; every third has a content, every one a number of its producer, whose number 5 is missing.
    pub(crate) fn of(count: u64) -> Self {
        let mut log = Self {
            key: SigningKey::from_seed("log.example/t", &[7; 32]).unwrap(),
            events: Vec::new(),
        };
        for n in 0..count {
            let number = if n < 5 { n } else { n + 1 };
            let member = format!(
                "\"actor\":{{\"type\":\"agent\",\"id\":\"a{}\"}},\"source\":\"app\",\"action\":\"=x\",\
                 \"producer\":{{\"id\":\"p\",\"seq\":{number}}},\"meta\":{{\"n\":{n}.50,\"t\":\"é\\u2028\"}}",
                n % 2
            );
            let content = (n % 3 == 0).then(|| format!("{{\"input\":\"\\u00e9 \\\" {n}\"}}"));
            log.append(&member, content);
        }
        log
    }

    pub(crate) fn vkey(&self) -> &VerifierKey {
        self.key.verifier()
    }

    pub(crate) fn append(&mut self, members: &str, content: Option<String>) -> u64 {
        let seq = self.events.len() as u64;
        let recorded_at = Micros(1_767_225_600_000_000 + 1_000 * seq);
        let told = content.as_ref().map_or(String::new(), |content| {
            let bytes = content.len();
            format!(",\"content\":{{\"bytes\":{bytes},\"type\":\"application/json\"}}")
        });
        let record = format!(
            "{{\"v\":1,\"id\":\"e-{seq}\",\"seq\":{seq},\"recorded_at\":\"{recorded_at}\",\
             \"time\":\"{recorded_at}\",{members}{told}}}"
        );
        let byte = u8::try_from(seq % 251).unwrap();
        let salts = Salts {
            record: [byte; 16],
            content: [byte + 1; 16],
        };
        let leaf = Leaf {
            recorded_at,
            c_r: commit_record(&salts.record, record.as_bytes()),
            c_c: commit_content(&salts.content, content.as_ref().map(String::as_bytes)),
        };
        self.events.push(Event {
            record,
            content,
            leaf,
            salts,
        });
        seq
    }

    /// The hashes of every level of tiles.
    fn levels(&self) -> (Vec<Vec<Hash>>, Hash) {
        let mut frontier = Frontier::new();
        let mut levels = vec![Vec::new()];
        for event in &self.events {
            let hash = tlog::leaf_hash(&event.leaf.to_bytes());
            levels[0].push(hash);
            frontier.append(hash, |level, hash| {
                let level = usize::from(level);
                levels.resize_with(levels.len().max(level + 1), Vec::new);
                levels[level].push(hash);
            });
        }
        (levels, frontier.root())
    }

    fn checkpoint(&self, root: Hash) -> String {
        let checkpoint = Checkpoint {
            origin: self.vkey().name().to_owned(),
            size: self.events.len() as u64,
            root,
        };
        tlog::sign_checkpoint(&checkpoint, &self.key)
            .unwrap()
            .to_string()
    }

    /// The bundle of one event under a checkpoint of everything.
    pub(crate) fn bundle(&self, seq: u64) -> Vec<u8> {
        let (levels, root) = self.levels();
        let size = self.events.len() as u64;
        let proof = tlog::inclusion_proof(seq, size, |tile| read(&levels, tile)).unwrap();
        let event = &self.events[usize::try_from(seq).unwrap()];
        let leaf = event.leaf.to_bytes();
        let proven = event.proven(seq, &leaf, &proof);
        let note = self.checkpoint(root);
        proven.to_bundle(true, &note, self.vkey()).unwrap()
    }

    /// A package of what matches; the export's own record is the log's last.
    pub(crate) fn package(&mut self, ask: Ask) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let (levels, root) = self.levels();
        let size = self.events.len() as u64;
        let mut prover = Prover::new(size, |tile| read(&levels, tile));
        let mut draft = Draft::create(dir.path(), ask.with_contents).unwrap();
        let mut numbers = Numbers::default();
        let filter = event::filter::parse(ask.q).unwrap();
        for (seq, event) in (0..).zip(&self.events) {
            let view = RecordView::parse(event.record.as_bytes());
            if let Some(numbered) = view.as_ref().ok().and_then(Numbered::of) {
                numbers.add(&numbered);
            }
            let content = event.content.as_ref().map(String::as_bytes);
            if view.is_ok_and(|view| !filter.matches(&view, content)) {
                continue;
            }
            let proof = prover.inclusion(seq).unwrap();
            let leaf = event.leaf.to_bytes();
            draft.put(&event.proven(seq, &leaf, &proof)).unwrap();
        }
        let gaps = ask.gaps.unwrap_or_else(|| numbers.gaps(None, None));
        let sealed = draft
            .seal(Facts {
                query: Asked {
                    q: ask.q.to_owned(),
                    from: None,
                    to: None,
                    at: size,
                },
                trail: "t",
                made_at: Micros(1_767_225_600_000_000),
                exporter: "<b>me</b>",
                purpose: "audit\u{202e}",
                checkpoint: &self.checkpoint(root),
                tree_size: size,
                key: &self.vkey().clone(),
                gaps,
                erasures: ask.erasures,
            })
            .unwrap();
        let seq = self.append_export(sealed.manifest_sha256());
        let (bytes, length) = sealed.finish(&self.bundle(seq), Vec::new()).unwrap();
        assert_eq!(bytes.len() as u64, length);
        bytes
    }

    pub(crate) fn append_export(&mut self, manifest_sha256: &str) -> u64 {
        let members = format!(
            "\"actor\":{{\"type\":\"user\",\"id\":\"k\"}},\"source\":\"system\",\"action\":\"export.created\",\
             \"meta\":{{\"manifest_sha256\":\"{manifest_sha256}\"}}"
        );
        self.append(&members, None)
    }
}

impl Event {
    fn proven<'a>(
        &'a self,
        seq: u64,
        leaf: &'a [u8; Leaf::BYTES],
        proof: &'a [Hash],
    ) -> Proven<'a> {
        Proven {
            seq,
            record: self.record.as_bytes(),
            content: self.content.as_ref().map(String::as_bytes),
            salts: self.salts,
            leaf,
            proof,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of a tile reader")]
fn read(levels: &[Vec<Hash>], tile: Tile) -> Result<Vec<u8>, Infallible> {
    let start = usize::try_from(tile.n).unwrap() * 256;
    let hashes = &levels[usize::from(tile.level)][start..start + usize::from(tile.width)];
    Ok(hashes.iter().flat_map(|hash| hash.0).collect())
}

/// The report on a package.
pub(crate) fn check(package: Vec<u8>, pinned: Option<&VerifierKey>) -> Report {
    verify(Arc::new(package), pinned, &mut |_| {})
}

/// What is wrong with a package, in words.
pub(crate) fn faults(package: Vec<u8>) -> Vec<String> {
    let report = check(package, None);
    report.faults.iter().map(ToString::to_string).collect()
}

/// The files of a package.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn unpack(package: &[u8]) -> Files {
    let archive = Archive::open(Arc::new(package.to_vec())).unwrap();
    let names: Vec<String> = archive.members().map(|info| info.name.clone()).collect();
    let file = |name: String| {
        let mut bytes = Vec::new();
        archive
            .member(&name)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        (name, bytes)
    };
    names.into_iter().map(file).collect()
}

/// A package of these files, stored as they are.
pub(crate) fn pack(files: &Files) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, bytes) in files {
        writer
            .add(stored(name, bytes), &mut bytes.as_slice())
            .unwrap();
    }
    writer.finish().unwrap().0
}

pub(crate) fn stored(name: &str, bytes: &[u8]) -> Info {
    let mut crc = Crc::new();
    crc.update(bytes);
    Info {
        name: name.to_owned(),
        method: Method::Stored,
        crc: crc.sum(),
        packed_bytes: bytes.len() as u64,
        bytes: bytes.len() as u64,
    }
}

/// Makes the manifest fit the files again, as somebody who tampers would.
pub(crate) fn repair(files: &mut Files) {
    let lines = |name: &str| {
        let bytes = files.get(name).map_or(&b""[..], Vec::as_slice);
        bytes.split(|byte| *byte == b'\n').count() - 1
    };
    let (records, contents) = (lines("records.jsonl"), lines("contents.jsonl"));
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    manifest["counts"] = json!({ "records": records, "contents": contents });
    for (name, entry) in manifest["files"].as_object_mut().unwrap() {
        let bytes = &files[name];
        let sha256 = indelible_export::manifest::hex(&Sha256::digest(bytes));
        *entry = json!({ "sha256": sha256, "bytes": bytes.len() });
    }
    files.insert(
        "manifest.json".to_owned(),
        manifest.to_string().into_bytes(),
    );
}
