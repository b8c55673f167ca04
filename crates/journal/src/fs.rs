//! The file system as the upper floors see it.

mod real;

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

pub use real::RealFs;

/// Ending of the names that [`Fs::write_atomic`] uses before the rename; what is left of them after a crash is waste.
pub const TEMP_SUFFIX: &str = ".tmp";

/// A failed file system call: what was tried, on which path, and why it failed.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// The operating system (or the simulated disk) refused the call.
    #[error("cannot {op} {path}: {source}", path = path.display())]
    Io {
        /// The operation as a verb phrase, such as `sync directory`.
        op: &'static str,
        /// The path as it was passed in.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Another process or handle holds the lock.
    #[error("{path} is locked: another process is using this directory", path = path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
}

impl FsError {
    /// Puts operation and path to an IO error.
    #[must_use]
    pub fn io(op: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            op,
            path: path.to_owned(),
            source,
        }
    }

    /// The kind of the cause; a held lock is `WouldBlock`.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Io { source, .. } => source.kind(),
            Self::Locked { .. } => io::ErrorKind::WouldBlock,
        }
    }

    /// Whether the path does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }
}

/// A file system. Names become durable with [`Fs::sync_dir`] on their directory, bytes with [`FsFile::sync_data`].
///
/// # Errors
/// Every call returns [`FsError`] with operation and path. After a failed call that changes something, the caller
/// must not assume that nothing was changed.
#[expect(clippy::missing_errors_doc, reason = "said once for all calls")]
pub trait Fs: Send + Sync + Debug {
    /// Creates a directory and its missing parents, durably.
    fn create_dir_all(&self, path: &Path) -> Result<(), FsError>;

    /// Names (not paths) in a directory, sorted.
    fn list(&self, dir: &Path) -> Result<Vec<String>, FsError>;

    /// All bytes of a file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, FsError>;

    /// Length of a file in bytes.
    fn len(&self, path: &Path) -> Result<u64, FsError>;

    /// Whether a file or directory has this path.
    fn exists(&self, path: &Path) -> Result<bool, FsError>;

    /// Creates an empty file that must not exist yet, position 0. `mode` are the Unix permission bits.
    fn create_new_with_mode(
        &self,
        path: &Path,
        mode: Option<u32>,
    ) -> Result<Box<dyn FsFile>, FsError>;

    /// Opens an existing file for writing, position at its end.
    fn open_append(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError>;

    /// Opens an existing file for [`FsFile::read_at`] only.
    fn open_read(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError>;

    /// Renames a file, replacing `to` if it exists.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FsError>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> Result<(), FsError>;

    /// Makes created, renamed and removed names of a directory durable.
    fn sync_dir(&self, dir: &Path) -> Result<(), FsError>;

    /// Takes an exclusive lock on a file that is created if absent; dropping the guard, or the end of the process,
    /// gives it back.
    ///
    /// # Errors
    /// [`FsError::Locked`] at once if somebody else holds it.
    fn lock_exclusive(&self, path: &Path) -> Result<Box<dyn FsLock>, FsError>;

    /// Creates an empty file that must not exist yet, position 0.
    fn create_new(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        self.create_new_with_mode(path, None)
    }

    /// Replaces or creates a file so that a crash leaves the old or the new bytes and never a mixture: temporary file
    /// beside it, fsync, rename, directory fsync. One writer per path.
    ///
    /// # Errors
    /// After an error the path holds the old or the new bytes.
    fn write_atomic(&self, path: &Path, bytes: &[u8], mode: Option<u32>) -> Result<(), FsError> {
        let invalid = || {
            let source = io::Error::from(io::ErrorKind::InvalidInput);
            FsError::io("replace", path, source)
        };
        let mut name = path.file_name().ok_or_else(invalid)?.to_owned();
        name.push(TEMP_SUFFIX);
        let temp = path.with_file_name(name);
        if self.exists(&temp)? {
            self.remove(&temp)?; // left over from a crash
        }
        let mut file = self.create_new_with_mode(&temp, mode)?;
        file.append(bytes)?;
        file.sync_data()?;
        self.rename(&temp, path)?;
        self.sync_dir(path.parent().ok_or_else(invalid)?)
    }
}

/// An open file with a position for writing.
///
/// # Errors
/// After a failed write the position and the bytes behind it are unknown: drop the file. After a failed
/// [`FsFile::sync_data`] the unsynced bytes may be gone although they can still be read; a second call proves nothing.
#[expect(clippy::missing_errors_doc, reason = "said once for all calls")]
#[expect(clippy::len_without_is_empty, reason = "len can fail")]
pub trait FsFile: Send + Sync + Debug {
    /// Writes all parts one after the other at the position and moves it behind them.
    fn append_vectored(&mut self, parts: &[&[u8]]) -> Result<(), FsError>;

    /// Makes all written bytes and the length durable (not the name: see [`Fs::sync_dir`]).
    fn sync_data(&mut self) -> Result<(), FsError>;

    /// Reads at a byte offset until the buffer is full or the file ends; returns the bytes read.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError>;

    /// Length in bytes.
    fn len(&self) -> Result<u64, FsError>;

    /// Cuts or extends (with zeros) the file and moves the position to the new end.
    fn set_len(&mut self, len: u64) -> Result<(), FsError>;

    /// The path that it was opened with.
    fn path(&self) -> &Path;

    /// Writes all bytes at the position and moves it behind them.
    fn append(&mut self, bytes: &[u8]) -> Result<(), FsError> {
        self.append_vectored(&[bytes])
    }

    /// Fills the buffer from a byte offset.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before.
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), FsError> {
        if self.read_at(offset, buf)? == buf.len() {
            return Ok(());
        }
        let source = io::Error::from(io::ErrorKind::UnexpectedEof);
        Err(FsError::io("read", self.path(), source))
    }
}

/// A held lock; dropping it gives it back.
pub trait FsLock: Send + Sync + Debug {}
