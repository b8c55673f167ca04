//! Signed checkpoints: the newest one in its own file, the kept ones in two journals.
//!
//! `checkpoint` is replaced atomically and guards against rollback. `checkpoints/recent` keeps at least the
//! last 10,000, `checkpoints/hourly` the first of every hour for ever; a frame is the time of publication
//! (u64 little-endian, microseconds since 1970) and the note.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use event::Micros;
use journal::{Fs, Journal, Location, Options, Reader};
use tlog::{Checkpoint, Hash, Note, VerifierKey};

use crate::{
    env::Env,
    error::{LedgerError, NoCheckpoint},
    recovery::unwrap_visit,
};

/// Checkpoints kept whatever their age.
const RECENT: usize = 10_000;
/// A file of the recent journal: about 4,000 notes.
const RECENT_FILE_BYTES: u64 = 1 << 20;
const HOUR_US: u64 = 3_600_000_000;

/// A checkpoint that was made durable and published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree of these leaves.
    pub root: Hash,
    /// The signed note, exact bytes.
    pub note: String,
}

impl SignedCheckpoint {
    /// Opens a note with the log's own key.
    pub(crate) fn open(note: &str, key: &VerifierKey, path: &Path) -> Result<Self, LedgerError> {
        let opened = tlog::open_checkpoint(note.as_bytes(), key, &[]).map_err(|_| {
            LedgerError::Malformed {
                path: path.to_owned(),
                what: "not a checkpoint signed by this log's key",
            }
        })?;
        let Checkpoint { size, root, .. } = *opened.checkpoint();
        Ok(Self {
            size,
            root,
            note: note.to_owned(),
        })
    }
}

pub(crate) fn newest_path(dir: &Path) -> PathBuf {
    dir.join("checkpoint")
}

/// Reads the newest checkpoint of a trail, if it ever signed one.
pub(crate) fn read_newest(
    fs: &dyn Fs,
    dir: &Path,
    key: &VerifierKey,
) -> Result<Option<SignedCheckpoint>, LedgerError> {
    let path = newest_path(dir);
    if !fs.exists(&path)? {
        return Ok(None);
    }
    let note = String::from_utf8(fs.read(&path)?).map_err(|_| LedgerError::Malformed {
        path: path.clone(),
        what: "not text",
    })?;
    SignedCheckpoint::open(&note, key, &path).map(Some)
}

/// Reads everything that was signed and is kept, smallest first, without changing anything.
pub(crate) fn read_signed(
    fs: &dyn Fs,
    dir: &Path,
    key: &VerifierKey,
) -> Result<Vec<SignedCheckpoint>, LedgerError> {
    let mut signed = BTreeMap::new();
    let mut scan = |journal: &str| {
        let path = dir.join(journal);
        let mut end = None;
        if !fs.exists(&path)? {
            return Ok(end);
        }
        let scanned = Journal::scan(fs, &path, &mut |_, frame| {
            let (time, note) = note_of(frame).ok_or("a kept checkpoint is not text")?;
            let checkpoint = SignedCheckpoint::open(note, key, &path)?;
            end = Some((time / HOUR_US, checkpoint.size));
            signed.insert(checkpoint.size, checkpoint);
            Ok(())
        });
        scanned.map(|_| end).map_err(unwrap_visit)
    };
    let ends = Ends {
        hourly: scan("checkpoints/hourly")?.map(|(hour, _)| hour),
        recent: scan("checkpoints/recent")?,
    };
    let newest = read_newest(fs, dir, key)?;
    ends.check(dir, newest.as_ref())?;
    signed.extend(newest.map(|newest| (newest.size, newest)));
    Ok(signed.into_values().collect())
}

/// Where the two journals end. A torn last frame is dropped by every journal; whether it was torn or damaged
/// later shows in what was written after it.
#[derive(Debug, Default)]
struct Ends {
    /// Hour of the last frame.
    hourly: Option<u64>,
    /// Hour and size of the last frame.
    recent: Option<(u64, u64)>,
}

impl Ends {
    /// `publish` syncs the hourly journal, then the recent one, then replaces the file.
    fn check(&self, dir: &Path, newest: Option<&SignedCheckpoint>) -> Result<(), LedgerError> {
        let short = |journal| LedgerError::Malformed {
            path: dir.join("checkpoints").join(journal),
            what: "the last checkpoints of this journal are missing",
        };
        if self.recent.map(|(_, size)| size) < newest.map(|newest| newest.size) {
            return Err(short("recent"));
        }
        if self.hourly < self.recent.map(|(hour, _)| hour) {
            return Err(short("hourly"));
        }
        Ok(())
    }
}

/// A checkpoint that is kept, and when it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// The server's time.
    pub published_at: Micros,
    /// The checkpoint.
    pub checkpoint: SignedCheckpoint,
}

/// The checkpoints of one trail.
pub(crate) struct Checkpoints {
    env: Env,
    dir: PathBuf,
    recent: Journal,
    hourly: Journal,
    /// Where the kept note of each size is.
    kept: BTreeMap<u64, Kept>,
    newest: Option<Arc<SignedCheckpoint>>,
    last_hour: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Kept {
    Recent(Location),
    Hourly(Location),
}

impl Checkpoints {
    pub(crate) fn open(env: Env, dir: &Path, key: &VerifierKey) -> Result<Self, LedgerError> {
        let mut kept = BTreeMap::new();
        let mut last = None;
        let mut ends = Ends::default();
        let (hourly, _) = Journal::open(
            Arc::clone(&env.fs),
            &dir.join("checkpoints/hourly"),
            Options::default(),
            &mut |at, frame| {
                let (time, size) = read_frame(frame, key)?;
                ends.hourly = Some(time / HOUR_US);
                kept.insert(size, Kept::Hourly(at));
                Ok(())
            },
        )?;
        let (recent, _) = Journal::open(
            Arc::clone(&env.fs),
            &dir.join("checkpoints/recent"),
            Options {
                rotate_bytes: RECENT_FILE_BYTES,
            },
            &mut |at, frame| {
                let (time, size) = read_frame(frame, key)?;
                ends.recent = Some((time / HOUR_US, size));
                last = Some(at);
                kept.entry(size).or_insert(Kept::Recent(at));
                Ok(())
            },
        )?;
        let mut newest = read_newest(env.fs.as_ref(), dir, key)?;
        ends.check(dir, newest.as_ref())?;
        // A crash between the two writes of `publish` leaves a signed note in the journal that the file
        // does not have yet. It binds us all the same.
        if let Some(at) = last {
            let kept = KeptNote(recent.reader(), at).read(key, dir)?;
            if newest.as_ref().is_none_or(|newest| newest.size < kept.size) {
                newest = Some(kept);
            }
        }
        Ok(Self {
            env,
            dir: dir.to_owned(),
            recent,
            hourly,
            kept,
            newest: newest.map(Arc::new),
            last_hour: ends.hourly,
        })
    }

    pub(crate) fn newest(&self) -> Option<Arc<SignedCheckpoint>> {
        self.newest.clone()
    }

    /// Makes a signed checkpoint durable; only after that may anyone see it.
    pub(crate) fn publish(
        &mut self,
        signed: SignedCheckpoint,
        now: Micros,
    ) -> Result<Arc<SignedCheckpoint>, LedgerError> {
        let parts: [&[u8]; 2] = [&now.0.to_le_bytes(), signed.note.as_bytes()];
        let hour = now.0 / HOUR_US;
        if self.last_hour.is_none_or(|last| last < hour) {
            let at = self.hourly.append(&parts)?;
            self.hourly.sync()?;
            self.last_hour = Some(hour);
            self.kept.insert(signed.size, Kept::Hourly(at));
        }
        let at = self.recent.append(&parts)?;
        self.recent.sync()?;
        self.kept.entry(signed.size).or_insert(Kept::Recent(at));
        self.env
            .fs
            .write_atomic(&newest_path(&self.dir), signed.note.as_bytes(), Some(0o644))?;
        let signed = Arc::new(signed);
        self.newest = Some(Arc::clone(&signed));
        self.forget_old()?;
        Ok(signed)
    }

    /// Drops whole files of the recent journal that hold none of the last [`RECENT`].
    fn forget_old(&mut self) -> Result<(), LedgerError> {
        let next = self.recent.next().0;
        let first = self.recent.first();
        if next - first.0 < 2 * RECENT as u64 {
            return Ok(());
        }
        self.recent
            .remove_before(journal::FrameNo(next - RECENT as u64))?;
        let first = self.recent.first();
        self.kept.retain(|_, kept| match kept {
            Kept::Recent(at) => at.frame >= first,
            Kept::Hourly(_) => true,
        });
        Ok(())
    }

    /// Where to read the newest kept notes, the newest first.
    pub(crate) fn latest(&self, most: usize) -> Vec<KeptNote> {
        let kept = self.kept.values().rev().take(most);
        kept.map(|kept| self.reader(*kept)).collect()
    }

    /// Where to read the kept note of a size.
    pub(crate) fn locate(&self, size: u64) -> Result<KeptNote, NoCheckpoint> {
        let kept = self.kept.get(&size).ok_or_else(|| NoCheckpoint {
            next: self.kept.range(size..).next().map(|(size, _)| *size),
        })?;
        Ok(self.reader(*kept))
    }

    fn reader(&self, kept: Kept) -> KeptNote {
        match kept {
            Kept::Recent(at) => KeptNote(self.recent.reader(), at),
            Kept::Hourly(at) => KeptNote(self.hourly.reader(), at),
        }
    }
}

/// A kept note that is still to be read.
pub(crate) struct KeptNote(Reader, Location);

impl KeptNote {
    pub(crate) fn read(
        &self,
        key: &VerifierKey,
        dir: &Path,
    ) -> Result<SignedCheckpoint, LedgerError> {
        self.read_kept(key, dir).map(|kept| kept.checkpoint)
    }

    pub(crate) fn read_kept(
        &self,
        key: &VerifierKey,
        dir: &Path,
    ) -> Result<KeptCheckpoint, LedgerError> {
        let frame = self.0.read(self.1)?;
        let (time, note) = note_of(&frame).ok_or(LedgerError::Malformed {
            path: dir.join("checkpoints"),
            what: "a kept checkpoint is not text",
        })?;
        Ok(KeptCheckpoint {
            published_at: Micros(time),
            checkpoint: SignedCheckpoint::open(note, key, dir)?,
        })
    }
}

fn note_of(frame: &[u8]) -> Option<(u64, &str)> {
    let (time, note) = frame.split_first_chunk()?;
    Some((u64::from_le_bytes(*time), std::str::from_utf8(note).ok()?))
}

fn read_frame(frame: &[u8], key: &VerifierKey) -> Result<(u64, u64), journal::VisitError> {
    let (time, note) = note_of(frame).ok_or("a kept checkpoint is not text")?;
    // The signature is checked when the note is used; here its 10,000 neighbours would delay the start.
    let checkpoint: Checkpoint = Note::parse(note.as_bytes())?.text().parse()?;
    if checkpoint.origin != key.name() {
        return Err("a kept checkpoint has another origin".into());
    }
    Ok((time, checkpoint.size))
}
