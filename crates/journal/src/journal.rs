//! Numbered frames in numbered files.
//!
//! A directory holds `<first frame, 20 digits>.wal` files, `.wal.tmp` files that are not begun yet,
//! and `lock`. Only the last `.wal` file is written; a file is closed durably before the next one appears.

mod layout;
mod reader;
mod scan;
mod window;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use reader::{Location, Reader};
pub use scan::{DroppedTail, Recovery, VisitError, Visitor};

use self::writer::Writer;
use crate::error::JournalError;
use crate::frame::{FrameNo, MAX_FRAME_BYTES, payload_len};
use crate::fs::{Fs, FsError, FsLock};

/// How a journal is kept.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// A file that has reached this many bytes is followed by a new one.
    pub rotate_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rotate_bytes: 64 << 20,
        }
    }
}

/// The writer of a directory of numbered files. It holds the directory's lock.
///
/// The first failed write or fsync poisons it for good: what the disk holds is unknown then, and only a recovery may
/// find out.
#[derive(Debug)]
pub struct Journal {
    writer: Writer,
    poison: Option<Arc<FsError>>,
    _lock: Box<dyn FsLock>,
}

impl Journal {
    /// Opens or creates the journal in `dir`, visits every frame in order and makes it ready for appending. A visitor
    /// may see frames before damage behind them is found.
    ///
    /// A journal cannot know that whole files are missing at its end or its beginning: compare [`Recovery`] with what
    /// is known from elsewhere.
    ///
    /// # Errors
    /// The first damage, with file and offset; nothing was modified then.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: Options,
        visitor: &mut Visitor<'_>,
    ) -> Result<(Self, Recovery), JournalError> {
        fs.create_dir_all(dir)?;
        let lock = fs.lock_exclusive(&layout::lock_path(dir))?;
        let scanned = scan::scan(&*fs, dir, visitor)?;
        let recovery = scanned.recovery.clone();
        let journal = Self {
            writer: Writer::begin(fs, dir, options.rotate_bytes, scanned)?,
            poison: None,
            _lock: lock,
        };
        Ok((journal, recovery))
    }

    /// Visits every frame in order without a lock and without changing anything: for a journal that nobody writes.
    ///
    /// # Errors
    /// The first damage, with file and offset.
    pub fn scan(
        fs: &dyn Fs,
        dir: &Path,
        visitor: &mut Visitor<'_>,
    ) -> Result<Recovery, JournalError> {
        Ok(scan::scan(fs, dir, visitor)?.recovery)
    }

    /// Writes one frame whose payload is the parts one after the other. Durable after the next [`Journal::sync`].
    ///
    /// # Errors
    /// [`JournalError::FrameSize`] before anything is written; any other error poisons the journal.
    pub fn append(&mut self, parts: &[&[u8]]) -> Result<Location, JournalError> {
        let Some(len) = payload_len(parts) else {
            return Err(JournalError::FrameSize {
                bytes: parts.iter().map(|part| part.len() as u64).sum(),
                max: MAX_FRAME_BYTES as u64,
            });
        };
        self.guarded(|writer| writer.append(len, parts))
    }

    /// Makes every appended frame durable.
    ///
    /// # Errors
    /// Any error poisons the journal.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.guarded(Writer::sync)
    }

    /// Removes the files that hold only frames below `frame`. If that is every frame, the file that is written is
    /// closed first and an empty one begun.
    ///
    /// # Errors
    /// Any error poisons the journal.
    pub fn remove_before(&mut self, frame: FrameNo) -> Result<(), JournalError> {
        self.guarded(|writer| writer.remove_before(frame))
    }

    /// First frame that is still there (equal to [`Journal::next`] if there is none).
    #[must_use]
    pub fn first(&self) -> FrameNo {
        self.writer.first()
    }

    /// Number of the next frame.
    #[must_use]
    pub fn next(&self) -> FrameNo {
        self.writer.next
    }

    /// Frames below this number are durable.
    #[must_use]
    pub fn synced(&self) -> FrameNo {
        self.writer.synced
    }

    /// The error that stopped the journal, if one did.
    #[must_use]
    pub fn poison(&self) -> Option<&FsError> {
        self.poison.as_deref()
    }

    /// A reader of single frames.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader {
            fs: Arc::clone(&self.writer.fs),
            dir: self.writer.dir.clone(),
        }
    }

    fn guarded<T>(
        &mut self,
        change: impl FnOnce(&mut Writer) -> Result<T, FsError>,
    ) -> Result<T, JournalError> {
        if let Some(first) = &self.poison {
            return Err(JournalError::Poisoned(Arc::clone(first)));
        }
        change(&mut self.writer).map_err(|e| {
            let first = Arc::new(e);
            self.poison = Some(Arc::clone(&first));
            JournalError::Write(first)
        })
    }
}
