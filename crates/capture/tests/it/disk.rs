//! A disk that takes no writes for a while.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use journal::{Fs, FsError, FsFile, FsLock, RealFs};

/// The real one while it is not full.
#[derive(Debug)]
pub(crate) struct Disk(pub(crate) Arc<AtomicBool>);

#[derive(Debug)]
struct File(Box<dyn FsFile>, Arc<AtomicBool>);

impl Disk {
    fn file(&self, file: Box<dyn FsFile>) -> Box<dyn FsFile> {
        Box::new(File(file, Arc::clone(&self.0)))
    }
}

impl Fs for Disk {
    fn create_dir_all(&self, path: &Path) -> Result<(), FsError> {
        RealFs.create_dir_all(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, FsError> {
        RealFs.list(dir)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, FsError> {
        RealFs.read(path)
    }

    fn len(&self, path: &Path) -> Result<u64, FsError> {
        RealFs.len(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, FsError> {
        RealFs.exists(path)
    }

    fn create_new_with_mode(
        &self,
        path: &Path,
        mode: Option<u32>,
    ) -> Result<Box<dyn FsFile>, FsError> {
        Ok(self.file(RealFs.create_new_with_mode(path, mode)?))
    }

    fn open_append(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        Ok(self.file(RealFs.open_append(path)?))
    }

    fn open_read(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        RealFs.open_read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FsError> {
        RealFs.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<(), FsError> {
        RealFs.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), FsError> {
        RealFs.sync_dir(dir)
    }

    fn lock_exclusive(&self, path: &Path) -> Result<Box<dyn FsLock>, FsError> {
        RealFs.lock_exclusive(path)
    }
}

impl FsFile for File {
    fn append_vectored(&mut self, parts: &[&[u8]]) -> Result<(), FsError> {
        if self.1.load(Ordering::SeqCst) {
            let full = io::Error::from(io::ErrorKind::StorageFull);
            return Err(FsError::io("write", self.0.path(), full));
        }
        self.0.append_vectored(parts)
    }

    fn sync_data(&mut self) -> Result<(), FsError> {
        self.0.sync_data()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        self.0.read_at(offset, buf)
    }

    fn len(&self) -> Result<u64, FsError> {
        self.0.len()
    }

    fn set_len(&mut self, len: u64) -> Result<(), FsError> {
        self.0.set_len(len)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}
