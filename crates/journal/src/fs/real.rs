//! The operating system's files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Fs, FsError, FsFile, FsLock};

/// [`Fs`] on the operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

#[derive(Debug)]
struct RealFile {
    file: File,
    path: PathBuf,
}

/// The lock lives as long as the open file.
#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl FsLock for RealLock {}

impl RealFs {
    fn open(
        op: &'static str,
        path: &Path,
        options: &OpenOptions,
    ) -> Result<Box<RealFile>, FsError> {
        let file = options
            .open(path)
            .map_err(|source| FsError::io(op, path, source))?;
        let path = path.to_owned();
        Ok(Box::new(RealFile { file, path }))
    }
}

impl Fs for RealFs {
    fn create_dir_all(&self, path: &Path) -> Result<(), FsError> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(Path::new("."));
        self.create_dir_all(parent)?;
        match fs::create_dir(path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                Err(FsError::io("create directory", path, e))
            }
            _ => self.sync_dir(parent),
        }
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, FsError> {
        let failed = |source| FsError::io("list directory", dir, source);
        let mut names = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            names.push(name.to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, FsError> {
        fs::read(path).map_err(|source| FsError::io("read", path, source))
    }

    fn len(&self, path: &Path) -> Result<u64, FsError> {
        let meta = fs::metadata(path).map_err(|source| FsError::io("look up", path, source))?;
        Ok(meta.len())
    }

    fn exists(&self, path: &Path) -> Result<bool, FsError> {
        path.try_exists()
            .map_err(|source| FsError::io("look up", path, source))
    }

    fn create_new_with_mode(
        &self,
        path: &Path,
        mode: Option<u32>,
    ) -> Result<Box<dyn FsFile>, FsError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        if let Some(mode) = mode {
            options.mode(mode);
        }
        Ok(Self::open("create", path, &options)?)
    }

    fn open_append(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        Ok(Self::open(
            "open",
            path,
            OpenOptions::new().read(true).append(true),
        )?)
    }

    fn open_read(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        Ok(Self::open("open", path, OpenOptions::new().read(true))?)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FsError> {
        fs::rename(from, to).map_err(|source| FsError::io("rename", from, source))
    }

    fn remove(&self, path: &Path) -> Result<(), FsError> {
        fs::remove_file(path).map_err(|source| FsError::io("remove", path, source))
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), FsError> {
        let dir = if dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            dir
        };
        File::open(dir)
            .and_then(|file| file.sync_all())
            .map_err(|source| FsError::io("sync directory", dir, source))
    }

    fn lock_exclusive(&self, path: &Path) -> Result<Box<dyn FsLock>, FsError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = Self::open("open", path, &options)?.file;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(RealLock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(FsError::Locked {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(FsError::io("lock", path, source)),
        }
    }
}

impl RealFile {
    fn write_all(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        if let [one] = parts {
            return self.file.write_all(one);
        }
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = slices.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0); // drops leading empty parts
        while !rest.is_empty() {
            match self.file.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl FsFile for RealFile {
    fn append_vectored(&mut self, parts: &[&[u8]]) -> Result<(), FsError> {
        self.write_all(parts)
            .map_err(|source| FsError::io("write to", &self.path, source))
    }

    fn sync_data(&mut self) -> Result<(), FsError> {
        self.file
            .sync_data()
            .map_err(|source| FsError::io("sync", &self.path, source))
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(FsError::io("read", &self.path, e)),
            }
        }
        Ok(done)
    }

    fn len(&self) -> Result<u64, FsError> {
        let meta = self.file.metadata();
        let meta = meta.map_err(|source| FsError::io("look up", &self.path, source))?;
        Ok(meta.len())
    }

    fn set_len(&mut self, len: u64) -> Result<(), FsError> {
        self.file
            .set_len(len)
            .map_err(|source| FsError::io("set the length of", &self.path, source))?;
        self.file
            .seek(SeekFrom::Start(len))
            .map_err(|source| FsError::io("seek in", &self.path, source))?;
        Ok(())
    }

    fn path(&self) -> &Path {
        &self.path
    }
}
