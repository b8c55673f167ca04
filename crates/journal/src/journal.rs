//! The writer.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::JournalError;
use crate::fs::Fs;

/// Number of a frame: 0 for the first one ever written to a journal, then one more for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FrameNo(pub u64);

impl fmt::Display for FrameNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Its number.
    pub frame: FrameNo,
    /// First frame of its file, which names the file.
    pub file: FrameNo,
    /// Offset of the frame in the file, in bytes.
    pub offset: u64,
    /// Length of the payload, in bytes.
    pub len: u32,
}

/// An error of a [`Visitor`].
pub type VisitError = Box<dyn Error + Send + Sync>;

/// Called with each frame in order: where it is and its payload.
pub type Visitor<'a> = dyn FnMut(Location, &[u8]) -> Result<(), VisitError> + 'a;

/// How a journal is kept.
#[derive(Debug, Clone)]
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

/// What was found on opening.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// First frame that is still there (equal to `next` if there is none).
    pub first: FrameNo,
    /// Number of the next frame.
    pub next: FrameNo,
    /// Files read.
    pub files: usize,
    /// Bytes read.
    pub bytes: u64,
    /// The torn end of the last write, if there was one.
    pub dropped: Option<DroppedTail>,
}

/// Bytes behind the last good frame that no successful sync covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedTail {
    /// The file.
    pub path: PathBuf,
    /// Where the tail begins, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The writer of a directory of numbered files. It holds the directory's lock.
#[derive(Debug)]
pub struct Journal {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
}

/// Reads single frames; cheap to clone and usable beside the writer.
#[derive(Debug, Clone)]
pub struct Reader {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
}

impl Journal {
    /// Opens or creates the journal in `dir`, visits every frame in order and makes it ready for appending.
    ///
    /// # Errors
    /// The first damage, with file and offset; nothing was modified then.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: Options,
        visitor: &mut Visitor<'_>,
    ) -> Result<(Self, Recovery), JournalError> {
        let _ = (fs, dir, options, visitor);
        todo!()
    }

    /// Visits every frame in order without a lock and without changing anything.
    ///
    /// # Errors
    /// The first damage, with file and offset.
    pub fn scan(
        fs: &dyn Fs,
        dir: &Path,
        visitor: &mut Visitor<'_>,
    ) -> Result<Recovery, JournalError> {
        let _ = (fs, dir, visitor);
        todo!()
    }

    /// Writes one frame whose payload is the parts one after the other. Durable after the next [`Journal::sync`].
    ///
    /// # Errors
    /// [`JournalError::FrameSize`] before anything is written; any other error poisons the journal.
    pub fn append(&mut self, parts: &[&[u8]]) -> Result<Location, JournalError> {
        let _ = parts;
        todo!()
    }

    /// Makes every appended frame durable.
    ///
    /// # Errors
    /// Any error poisons the journal.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        todo!()
    }

    /// Removes the files that hold only frames below `frame`; the file being written always stays.
    ///
    /// # Errors
    /// Any error poisons the journal.
    pub fn remove_before(&mut self, frame: FrameNo) -> Result<(), JournalError> {
        let _ = frame;
        todo!()
    }

    /// First frame that is still there (equal to [`Journal::next`] if there is none).
    #[must_use]
    pub fn first(&self) -> FrameNo {
        todo!()
    }

    /// Number of the next frame.
    #[must_use]
    pub fn next(&self) -> FrameNo {
        todo!()
    }

    /// Frames below this number are durable.
    #[must_use]
    pub fn synced(&self) -> FrameNo {
        todo!()
    }

    /// A reader of single frames.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader {
            fs: Arc::clone(&self.fs),
            dir: self.dir.clone(),
        }
    }
}

impl Reader {
    /// The payload of one frame, checked against its checksum.
    ///
    /// # Errors
    /// [`JournalError::NotThere`] if it is damaged, [`JournalError::Fs`] if its file was removed.
    pub fn read(&self, at: Location) -> Result<Vec<u8>, JournalError> {
        let _ = (at, &self.fs, &self.dir);
        todo!()
    }
}
