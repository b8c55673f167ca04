//! A disk in memory for tests: it forgets what was not synced, tears writes and fails on request.
//!
//! Bytes survive a crash for certain once [`FsFile::sync_data`] returned, names once [`Fs::sync_dir`] on their
//! directory did; whether the rest survives, whole or in pieces, depends on the seed. A failed sync behaves as on
//! Linux: the bytes stay readable, never reach the disk, and a second sync succeeds without writing them. Paths are
//! absolute; `/` exists.

mod disk;
mod inode;
mod rng;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::disk::Disk;
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
    pub const ALL: [Self; 4] = [
        Self::Fail,
        Self::FailPersisted,
        Self::Torn,
        Self::CrashAfter,
    ];
}

/// The error that a fault reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errno {
    /// EIO: the device failed.
    Io,
    /// ENOSPC: the disk is full.
    NoSpace,
}

impl Errno {
    fn error(self) -> io::Error {
        match self {
            Self::Io => io::Error::from_raw_os_error(5),
            Self::NoSpace => io::Error::from_raw_os_error(28),
        }
    }
}

/// A simulated disk; clones share it.
#[derive(Clone)]
pub struct SimFs {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug)]
struct SimFile {
    fs: SimFs,
    id: u64,
    path: PathBuf,
    position: usize,
    writable: bool,
}

#[derive(Debug)]
struct SimLock {
    fs: SimFs,
    path: PathBuf,
}

impl FsLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.fs.disk().locks.remove(&self.path);
    }
}

impl fmt::Debug for SimFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimFs")
    }
}

impl SimFs {
    /// An empty disk. The seed decides where writes tear and what survives a crash.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::on(Disk::new(seed))
    }

    /// The disk as an [`Fs`].
    #[must_use]
    pub fn handle(&self) -> Arc<dyn Fs> {
        Arc::new(self.clone())
    }

    /// The `n`-th mutating call from now (1 is the next one) meets this fault. Mutating calls are `create_dir_all`,
    /// `create_new`, `append`, `sync_data`, `set_len`, `rename`, `remove` and `sync_dir`.
    pub fn fail_at(&self, n: u64, fault: Fault, errno: Errno) {
        let mut disk = self.disk();
        disk.fault = Some((disk.calls + n, fault, errno));
    }

    /// Mutating calls so far, failed ones included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.disk().calls
    }

    /// The power is cut: returns the disk as it is after the next start. Unsynced bytes and names are gone, kept or
    /// torn, as the seed decides. This disk and its open files are dead from now on.
    #[must_use]
    pub fn crash(&self) -> Self {
        Self::on(self.disk().crashed())
    }

    /// The process is killed: unsynced bytes and names stay (and stay unsynced), locks are given back. This disk and
    /// its open files are dead from now on.
    #[must_use]
    pub fn restart(&self) -> Self {
        Self::on(self.disk().restarted())
    }

    /// Flips bits of a stored byte, on the disk and in the cache. A byte that does not exist is left alone.
    pub fn corrupt(&self, path: &Path, offset: u64, mask: u8) {
        let mut disk = self.disk();
        let (Ok(id), Ok(offset)) = (disk.file_id(path), usize::try_from(offset)) else {
            return;
        };
        if let Ok(inode) = disk.inode(id) {
            for bytes in [&mut inode.now, &mut inode.durable] {
                if let Some(byte) = bytes.get_mut(offset) {
                    *byte ^= mask;
                }
            }
        }
    }

    fn on(disk: Disk) -> Self {
        Self {
            disk: Arc::new(Mutex::new(disk)),
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that changes nothing.
    fn query<T>(
        &self,
        op: &'static str,
        path: &Path,
        query: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> Result<T, FsError> {
        let mut disk = self.disk();
        let answer = disk.check_power().and_then(|()| query(&mut disk));
        answer.map_err(|source| FsError::io(op, path, source))
    }

    /// A call that changes names; when it fails it changes nothing.
    fn change<T>(
        &self,
        op: &'static str,
        path: &Path,
        change: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> Result<T, FsError> {
        let done = self.disk().mutate(change, |_, _| {});
        done.map_err(|source| FsError::io(op, path, source))
    }

    fn file(&self, id: u64, path: &Path, position: usize, writable: bool) -> Box<dyn FsFile> {
        Box::new(SimFile {
            fs: self.clone(),
            id,
            path: path.to_owned(),
            position,
            writable,
        })
    }
}

impl Fs for SimFs {
    fn create_dir_all(&self, path: &Path) -> Result<(), FsError> {
        self.change("create directory", path, |disk| disk.create_dirs(path))
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, FsError> {
        self.query("list directory", dir, |disk| disk.children(dir))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, FsError> {
        self.query("read", path, |disk| {
            let id = disk.file_id(path)?;
            Ok(disk.inode(id)?.now.clone())
        })
    }

    fn len(&self, path: &Path) -> Result<u64, FsError> {
        self.query("look up", path, |disk| {
            let id = disk.file_id(path)?;
            Ok(disk.inode(id)?.now.len() as u64)
        })
    }

    fn exists(&self, path: &Path) -> Result<bool, FsError> {
        self.query("look up", path, |disk| Ok(disk.node(path).is_some()))
    }

    fn create_new_with_mode(
        &self,
        path: &Path,
        _mode: Option<u32>,
    ) -> Result<Box<dyn FsFile>, FsError> {
        let id = self.change("create", path, |disk| disk.create(path))?;
        Ok(self.file(id, path, 0, true))
    }

    fn open_append(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        let (id, position) = self.query("open", path, |disk| {
            let id = disk.file_id(path)?;
            Ok((id, disk.inode(id)?.now.len()))
        })?;
        Ok(self.file(id, path, position, true))
    }

    fn open_read(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        let id = self.query("open", path, |disk| disk.file_id(path))?;
        Ok(self.file(id, path, 0, false))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FsError> {
        self.change("rename", from, |disk| disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> Result<(), FsError> {
        self.change("remove", path, |disk| disk.remove(path))
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), FsError> {
        self.change("sync directory", dir, |disk| disk.sync_dir(dir))
    }

    fn lock_exclusive(&self, path: &Path) -> Result<Box<dyn FsLock>, FsError> {
        let taken = self.query("lock", path, |disk| Ok(disk.locks.insert(path.to_owned())))?;
        let path = path.to_owned();
        if !taken {
            return Err(FsError::Locked { path });
        }
        let fs = self.clone();
        Ok(Box::new(SimLock { fs, path }))
    }
}

impl SimFile {
    fn mutate(
        &mut self,
        op: &'static str,
        whole: impl FnOnce(&mut Disk) -> io::Result<()>,
        fail: impl FnOnce(&mut Disk, Fault),
    ) -> Result<(), FsError> {
        let done = if self.writable {
            self.fs.disk().mutate(whole, fail)
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        };
        done.map_err(|source| FsError::io(op, &self.path, source))
    }
}

impl FsFile for SimFile {
    fn append_vectored(&mut self, parts: &[&[u8]]) -> Result<(), FsError> {
        let (id, at, bytes) = (self.id, self.position, parts.concat());
        let write = |disk: &mut Disk, len: usize| {
            let bytes = bytes.get(..len).unwrap_or_default();
            disk.inode(id).map(|inode| inode.write(at, bytes))
        };
        self.mutate(
            "write to",
            |disk| write(disk, bytes.len()),
            |disk, fault| {
                if fault == Fault::Torn {
                    let len = disk.rng.up_to(bytes.len());
                    let _written = write(disk, len);
                }
            },
        )?;
        self.position = at + bytes.len();
        Ok(())
    }

    fn sync_data(&mut self) -> Result<(), FsError> {
        let id = self.id;
        self.mutate(
            "sync",
            |disk| disk.inode(id).map(inode::Inode::sync),
            |disk, fault| {
                let mut rng = rng::Rng(disk.rng.next());
                match (disk.inode(id), fault) {
                    (Ok(inode), Fault::Torn) => inode.tear_sync(&mut rng),
                    (Ok(inode), _) => inode.fail_sync(),
                    (Err(_), _) => {}
                }
            },
        )
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        self.fs.query("read", &self.path, |disk| {
            let bytes = &disk.inode(self.id)?.now;
            let rest = bytes.get(to_index(offset)?..).unwrap_or_default();
            let len = rest.len().min(buf.len());
            for (to, from) in buf.iter_mut().zip(rest) {
                *to = *from;
            }
            Ok(len)
        })
    }

    fn len(&self) -> Result<u64, FsError> {
        self.fs.query("look up", &self.path, |disk| {
            Ok(disk.inode(self.id)?.now.len() as u64)
        })
    }

    fn set_len(&mut self, len: u64) -> Result<(), FsError> {
        let op = "set the length of";
        let len = to_index(len).map_err(|source| FsError::io(op, &self.path, source))?;
        let id = self.id;
        let cut = |disk: &mut Disk| disk.inode(id).map(|inode| inode.set_len(len));
        self.mutate(op, cut, |_, _| {})?;
        self.position = len;
        Ok(())
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

fn to_index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}
