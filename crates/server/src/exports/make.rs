//! Making one export.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use event::{Seq, SystemEvent};
use export::{
    Counts, Csv, Draft, Facts, Lines, PackageError, Proven, Sheet,
    manifest::{MANIFEST_SHA256, hex},
};
use ledger::{SignedCheckpoint, Trail};
use query::Engine;
use sha2::{Digest, Sha256};
use tlog::Prover;

use super::{Export, Exports, Format, events::Selected, gaps};
use crate::{
    api::proof::Proof,
    audit,
    node::Node,
    problem::{Code, Problem},
};

/// How long a checkpoint may take that covers what was exported.
const CHECKPOINT_PATIENCE: Duration = Duration::from_secs(15);
const POLL_EVERY: Duration = Duration::from_millis(20);
/// Events between two looks at whether to go on.
const STEP: u64 = 256;
/// Events between two looks at the disk.
const ROOM_STEP: u64 = 8_192;
const BUFFER_BYTES: usize = 1 << 20;

/// What was made.
pub(super) struct Made {
    pub(super) counts: Counts,
    pub(super) bytes: u64,
    /// Hex.
    pub(super) sha256: String,
    pub(super) event_seq: u64,
}

/// An export while it is made.
struct Making<'a> {
    node: &'a Node,
    exports: &'a Exports,
    export: &'a Export,
    trail: Arc<Trail>,
    engine: Engine,
    selected: Selected,
    work: PathBuf,
}

/// Makes an export's file and records it in the log.
pub(super) fn make(node: &Node, export: &Export) -> Result<Made, Problem> {
    let exports = node.exports();
    let trail = node.trail(&export.trail).ok_or_else(Problem::not_found)?;
    let work = exports.files.work(export);
    std::fs::create_dir_all(&work).map_err(|error| Problem::internal(&error))?;
    let making = Making {
        engine: node.engine(&trail),
        selected: Selected::of(export)?,
        node,
        exports,
        export,
        trail,
        work,
    };
    let total = making.selected.count(&making.engine)?;
    exports.expect(total);
    match export.format {
        Format::Evidence => making.package(),
        Format::Jsonl | Format::Csv => making.sheet(),
    }
}

impl Making<'_> {
    fn package(&self) -> Result<Made, Problem> {
        let at = self.export.query.at;
        let signed = self.wait_covered(at)?;
        let mut draft = Draft::create(&self.work, self.export.contents)?;
        let mut prover = Prover::new(signed.size, |tile| self.trail.tile(tile));
        let mut done = 0;
        self.selected.each(&self.engine, |view, event| {
            self.step(done, draft.size_bytes())?;
            let leaf = view.leaf(event)?.to_bytes();
            let proof = prover
                .inclusion(event.seq.0)
                .map_err(ledger::LedgerError::from)?;
            draft.put(&Proven {
                seq: event.seq.0,
                record: &event.record,
                content: event.content.as_deref(),
                salts: self.trail.salts(event.seq)?,
                leaf: &leaf,
                proof: &proof,
            })?;
            done += 1;
            Ok(())
        })?;
        self.exports.go_on(&self.export.id, done)?;
        let exporter = format!("{} (key {})", self.export.by_name, self.export.by);
        let view = self.selected.view(&self.engine)?;
        let sealed = draft.seal(Facts {
            query: self.export.query.clone(),
            trail: &self.export.trail,
            made_at: self.node.now(),
            exporter: &exporter,
            purpose: &self.export.purpose,
            checkpoint: &signed.note,
            tree_size: signed.size,
            key: self.trail.verifier_key(),
            gaps: gaps::gaps(&view, self.export)?,
            erasures: gaps::erasures(&view, self.export)?,
        })?;
        let (counts, sha256) = (sealed.counts(), sealed.manifest_sha256().to_owned());
        let seq = self.record(counts, MANIFEST_SHA256, &sha256)?;
        let bundle = self.bundle(seq)?;
        let written = self.work.join("package");
        let file = create(&written)?;
        let (file, bytes) = sealed.finish(&bundle, file)?;
        self.keep(file, &written)?;
        Ok(Made {
            counts,
            bytes,
            sha256,
            event_seq: seq.0,
        })
    }

    fn sheet(&self) -> Result<Made, Problem> {
        let written = self.work.join("sheet");
        let mut hashed = Hashed {
            file: create(&written)?,
            sha256: Sha256::new(),
            bytes: 0,
        };
        let mut counts = Counts::default();
        let with_contents = self.export.contents;
        {
            let mut sheet: Box<dyn Sheet + '_> = match self.export.format {
                Format::Csv => Box::new(Csv::new(&mut hashed, with_contents).map_err(sheet_error)?),
                _ => Box::new(Lines::new(&mut hashed)),
            };
            self.selected.each(&self.engine, |_, event| {
                self.step(counts.records, 0)?;
                let record = text(&event.record)?;
                let content = event.content.as_deref().filter(|_| with_contents);
                let content = content.map(text).transpose()?;
                sheet.put(record, content).map_err(sheet_error)?;
                counts.records += 1;
                counts.contents += u64::from(content.is_some());
                Ok(())
            })?;
            sheet.finish().map_err(sheet_error)?;
        }
        let (bytes, sha256) = (hashed.bytes, hex(&hashed.sha256.finalize()));
        let seq = self.record(counts, "sha256", &sha256)?;
        self.keep(hashed.file, &written)?;
        Ok(Made {
            counts,
            bytes,
            sha256,
            event_seq: seq.0,
        })
    }

    /// Now and then: whether to go on, and whether there is room. What is not packed is told by the disk alone.
    fn step(&self, done: u64, bytes: u64) -> Result<(), Problem> {
        if done.is_multiple_of(STEP) {
            self.exports.go_on(&self.export.id, done)?;
        }
        if done.is_multiple_of(ROOM_STEP) {
            self.exports.check_room(bytes)?;
        }
        Ok(())
    }

    /// The log's own record of the export. Nothing is handed out that it does not have.
    fn record(&self, counts: Counts, name: &str, sha256: &str) -> Result<Seq, Problem> {
        let query = &self.export.query;
        let mut meta = serde_json::json!({
            "format": self.export.format.as_str(),
            "q": query.q,
            "from": query.from,
            "to": query.to,
            "at": query.at,
            "contents": self.export.contents,
            "purpose": self.export.purpose,
            "records": counts.records,
        });
        if let Some(members) = meta.as_object_mut() {
            members.insert(name.to_owned(), sha256.into());
        }
        let meta = meta.to_string();
        let event = SystemEvent {
            actor_type: "user",
            actor_id: &self.export.by,
            actor_name: Some(self.export.by_name.as_str()).filter(|name| !name.is_empty()),
            resource: Some(("export", &self.export.id)),
            meta: Some(&meta),
            ..SystemEvent::new(export::manifest::EXPORT_ACTION)
        };
        Ok(audit::recorded(&self.trail, &event)?.seq)
    }

    /// The proof bundle of the export's own record.
    fn bundle(&self, seq: Seq) -> Result<Vec<u8>, Problem> {
        self.wait_covered(seq.0 + 1)?;
        let view = self.engine.snapshot()?;
        let event = view.get(seq)?.ok_or_else(Problem::not_found)?;
        Proof::make(&view, event, None, &self.trail)?.to_bundle(true)
    }

    fn wait_covered(&self, size: u64) -> Result<Arc<SignedCheckpoint>, Problem> {
        let deadline = Instant::now() + CHECKPOINT_PATIENCE;
        loop {
            // A log is never without an event, and so never for long without a checkpoint.
            if let Some(newest) = self.trail.checkpoint().filter(|newest| newest.size >= size) {
                return Ok(newest);
            }
            if Instant::now() > deadline {
                let detail = "no signed checkpoint covers what was exported";
                return Err(Problem::new(Code::NotIntegrated, detail));
            }
            std::thread::sleep(POLL_EVERY);
        }
    }

    fn keep(&self, file: BufWriter<File>, written: &Path) -> Result<(), Problem> {
        let file = file
            .into_inner()
            .map_err(|error| Problem::internal(error.error()))?;
        file.sync_all().map_err(|error| Problem::internal(&error))?;
        let kept = self.exports.files.keep(self.export, written);
        kept.map_err(|error| Problem::internal(&error))
    }
}

/// A file whose bytes are hashed as they are written.
struct Hashed {
    file: BufWriter<File>,
    sha256: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.sha256.update(bytes.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, Problem> {
    let file = File::create_new(path).map_err(|error| Problem::internal(&error))?;
    Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
}

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| Problem::internal(&error))
}

fn sheet_error(error: export::SheetError) -> Problem {
    PackageError::from(error).into()
}
