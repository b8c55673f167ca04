//! Evidence packages, written (`docs/format.md` §6).
//!
//! One pass over the events fills four files beside each other, packed as they grow; they are put together at the end. So
//! the memory that is needed does not depend on the number of events.

mod part;
mod readme;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use event::{Micros, Seq, json::write_string};
use sha2::{Digest, Sha256};
use tlog::VerifierKey;

use crate::{
    archive::Writer,
    bundle::Proven,
    erasures::Erasure,
    gaps::Gap,
    manifest::{
        Asked, CHECKPOINT, CONTENTS, Counts, EVENTS, EXPORT, FileEntry, GAPS, KEYS, KeyList,
        MANIFEST, Manifest, PROOFS, README, RECORDS, VERIFY, hex,
    },
    sheet::{Csv, Sheet, SheetError},
    web,
};
use part::{Packed, Part};

/// A package that still takes events.
pub struct Draft {
    dir: PathBuf,
    records: Part,
    contents: Option<Part>,
    proofs: Part,
    events: Csv<Part>,
    counts: Counts,
}

/// What a package says besides its events.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What was asked for.
    pub query: Asked,
    /// Name of the trail.
    pub trail: &'a str,
    /// When the package was made.
    pub made_at: Micros,
    /// Who made it.
    pub exporter: &'a str,
    /// What for, in their words.
    pub purpose: &'a str,
    /// The signed note that the proofs lead to.
    pub checkpoint: &'a str,
    /// Size of its tree.
    pub tree_size: u64,
    /// The log's key.
    pub key: &'a VerifierKey,
    /// What is missing among the numbers of producers.
    pub gaps: Vec<Gap>,
    /// What the log tells of erasures.
    pub erasures: Vec<Erasure>,
}

/// A package that lacks nothing but the proof of its own record.
pub struct Sealed {
    files: Vec<Packed>,
    manifest: Packed,
    counts: Counts,
    dir: PathBuf,
}

/// Why a package could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The copy for spreadsheets cannot be written.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// Stored bytes that are not text, which no record is made of.
    #[error("event {seq} is not text")]
    NotText {
        /// Position in the log.
        seq: Seq,
    },
    /// A file with text cannot be made.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Draft {
    /// A package whose files grow in a directory of its own.
    ///
    /// # Errors
    /// If the files cannot be created.
    pub fn create(dir: &Path, with_contents: bool) -> Result<Self, PackageError> {
        let contents = with_contents.then(|| Part::create(dir, CONTENTS));
        Ok(Self {
            records: Part::create(dir, RECORDS)?,
            contents: contents.transpose()?,
            proofs: Part::create(dir, PROOFS)?,
            events: Csv::new(Part::create(dir, EVENTS)?, with_contents)?,
            counts: Counts::default(),
            dir: dir.to_owned(),
        })
    }

    /// Adds an event. They come in the order of the log.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn put(&mut self, event: &Proven<'_>) -> Result<(), PackageError> {
        let seq = Seq(event.seq);
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| PackageError::NotText { seq });
        let record = text(event.record)?;
        let content = event.content.map(text).transpose()?;
        let content = content.filter(|_| self.contents.is_some());
        self.records.write_all(event.record)?;
        self.records.write_all(b"\n")?;
        self.proofs.write_all(&event.to_line(content.is_some()))?;
        if let (Some(contents), Some(content)) = (&mut self.contents, content) {
            let mut line = format!("{{\"seq\":{seq},\"content\":").into_bytes();
            write_string(&mut line, content);
            line.extend_from_slice(b"}\n");
            contents.write_all(&line)?;
            self.counts.contents += 1;
        }
        self.events.put(record, content)?;
        self.counts.records += 1;
        Ok(())
    }

    /// Bytes on the disk so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        let contents = self.contents.as_ref().map_or(0, Part::size_bytes);
        let events = self.events.get_ref().size_bytes();
        self.records.size_bytes() + self.proofs.size_bytes() + contents + events
    }

    /// Writes everything that is known now, and the manifest.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn seal(self, facts: Facts<'_>) -> Result<Sealed, PackageError> {
        let counts = self.counts;
        let keys = KeyList {
            log: vec![facts.key.to_string()],
            witnesses: Vec::new(),
        };
        let dir = &self.dir;
        let whole = |name, bytes: &[u8]| -> Result<Packed, PackageError> {
            let mut part = Part::create(dir, name)?;
            part.write_all(bytes)?;
            Ok(part.finish()?)
        };
        let readme = readme::render(&facts, counts, self.contents.is_some());
        let mut files = vec![
            whole(README, readme.as_bytes())?,
            self.records.finish()?,
            self.proofs.finish()?,
            self.events.into_inner()?.finish()?,
            whole(CHECKPOINT, facts.checkpoint.as_bytes())?,
            whole(KEYS, &serde_json::to_vec(&keys)?)?,
            whole(GAPS, &serde_json::to_vec(&facts.gaps)?)?,
            whole(VERIFY, web::verify_page().as_bytes())?,
        ];
        if let Some(contents) = self.contents {
            files.push(contents.finish()?);
        }
        let entry = |file: &Packed| {
            let entry = FileEntry {
                sha256: file.sha256.clone(),
                bytes: file.info.bytes,
            };
            (file.info.name.clone(), entry)
        };
        let manifest = Manifest {
            query: facts.query,
            tree_size: facts.tree_size,
            counts,
            exporter: facts.exporter.to_owned(),
            purpose: facts.purpose.to_owned(),
            files: files.iter().map(entry).collect(),
            gaps: facts.gaps,
            erasures: facts.erasures,
        };
        let manifest = whole(MANIFEST, &serde_json::to_vec(&manifest)?)?;
        Ok(Sealed {
            files,
            manifest,
            counts,
            dir: self.dir,
        })
    }
}

impl Sealed {
    /// SHA-256 of the manifest, hex, for the export's own record.
    #[must_use]
    pub fn manifest_sha256(&self) -> &str {
        &self.manifest.sha256
    }

    /// How much the package holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Puts the package together, with the proof bundle of the export's own record; its length in bytes.
    ///
    /// # Errors
    /// If the files cannot be read or written.
    pub fn finish<W: Write>(self, export: &[u8], out: W) -> Result<(W, u64), PackageError> {
        let mut part = Part::create(&self.dir, EXPORT)?;
        part.write_all(export)?;
        let export = part.finish()?;
        let mut archive = Writer::new(out);
        let (readme, files) = self.files.split_at(1);
        // What a person looks at first comes first.
        for file in readme.iter().chain([&self.manifest, &export]).chain(files) {
            archive.add(file.info.clone(), &mut file.open()?)?;
        }
        Ok(archive.finish()?)
    }
}

/// SHA-256, hex.
#[must_use]
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
