//! A disk in memory for tests: it forgets what was not synced, tears writes and fails on request.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::fs::{Fs, FsError, FsFile, FsLock};

/// What happens at the chosen mutating call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error, and nothing was changed.
    Fail,
    /// An error although the change was made.
    FailPersisted,
    /// A part of a write, or of a sync, is done, then an error; other calls fail without effect.
    Torn,
    /// The call succeeds; then the power is cut: every later call, reads too, fails.
    CrashAfter,
}

impl Fault {
    /// All of them, for loops that cross every call with every fault.
    pub const ALL: [Self; 4] = [Self::Fail, Self::FailPersisted, Self::Torn, Self::CrashAfter];
}

/// The error that a fault reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errno {
    /// EIO: the device failed.
    Io,
    /// ENOSPC: the disk is full.
    NoSpace,
}

/// A simulated disk; clones share it.
#[derive(Debug, Clone)]
pub struct SimFs {
    seed: u64,
}

impl SimFs {
    /// An empty disk. The seed decides where writes tear and what survives a crash.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The disk as an [`Fs`].
    #[must_use]
    pub fn handle(&self) -> Arc<dyn Fs> {
        Arc::new(self.clone())
    }

    /// The `n`-th mutating call from now (1 is the next one) meets this fault.
    pub fn fail_at(&self, n: u64, fault: Fault, errno: Errno) {
        let _ = (n, fault, errno);
        todo!()
    }

    /// Mutating calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        todo!()
    }

    /// The power is cut: returns the disk as it is after the next start. Unsynced bytes and names are gone, kept or
    /// torn, as the seed decides. This disk and its open files are dead from now on.
    #[must_use]
    pub fn crash(&self) -> Self {
        todo!()
    }

    /// The process is killed: unsynced bytes and names stay (and stay unsynced), locks are given back. This handle and
    /// its open files are dead from now on.
    #[must_use]
    pub fn restart(&self) -> Self {
        todo!()
    }

    /// Flips bits of a stored byte, on the disk and in the cache.
    pub fn corrupt(&self, path: &Path, offset: u64, mask: u8) {
        let _ = (path, offset, mask);
        todo!()
    }
}

impl Fs for SimFs {
    fn create_dir_all(&self, _path: &Path) -> Result<(), FsError> {
        todo!()
    }
    fn list(&self, _dir: &Path) -> Result<Vec<String>, FsError> {
        todo!()
    }
    fn read(&self, _path: &Path) -> Result<Vec<u8>, FsError> {
        todo!()
    }
    fn len(&self, _path: &Path) -> Result<u64, FsError> {
        todo!()
    }
    fn exists(&self, _path: &Path) -> Result<bool, FsError> {
        todo!()
    }
    fn create_new_with_mode(
        &self,
        _path: &Path,
        _mode: Option<u32>,
    ) -> Result<Box<dyn FsFile>, FsError> {
        todo!()
    }
    fn open_append(&self, _path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        todo!()
    }
    fn open_overwrite(&self, _path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        todo!()
    }
    fn open_read(&self, _path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        todo!()
    }
    fn rename(&self, _from: &Path, _to: &Path) -> Result<(), FsError> {
        todo!()
    }
    fn remove(&self, _path: &Path) -> Result<(), FsError> {
        todo!()
    }
    fn sync_dir(&self, _dir: &Path) -> Result<(), FsError> {
        todo!()
    }
    fn lock_exclusive(&self, path: &Path) -> Result<Box<dyn FsLock>, FsError> {
        Err(FsError::io("lock", path, io::ErrorKind::Other.into()))
    }
}
