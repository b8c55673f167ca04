//! Reading a file so that every byte that comes out was checked.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};

use crate::{
    error::StoreError,
    sums::{BLOCK_BYTES, Sums},
};

/// A file and the checksums of its blocks.
#[derive(Clone, Debug)]
pub(crate) struct CheckedFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: File,
    path: PathBuf,
    sums: Sums,
}

impl CheckedFile {
    /// Takes an open file; its length is checked at once, its bytes when they are read.
    pub(crate) fn new(file: File, path: PathBuf, sums: Sums) -> Result<Self, StoreError> {
        let actual = match file.metadata() {
            Ok(metadata) => metadata.len(),
            Err(source) => return Err(StoreError::Io { path, source }),
        };
        if actual != sums.file_bytes {
            return Err(StoreError::Damaged {
                path,
                offset: actual.min(sums.file_bytes),
                detail: format!("expected {} bytes, found {actual}", sums.file_bytes),
            });
        }
        Ok(Self(Arc::new(Inner { file, path, sums })))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Reads a range of bytes, checking every block that it touches.
    pub(crate) fn read(&self, start: u64, length: usize) -> Result<Bytes, StoreError> {
        let end = start.saturating_add(length as u64);
        if end > self.0.sums.file_bytes {
            return Err(self.damaged(self.0.sums.file_bytes, "read beyond the end".to_owned()));
        }
        let block = BLOCK_BYTES as u64;
        let from = start / block * block;
        let to = (end.div_ceil(block) * block).min(self.0.sums.file_bytes);
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(usize::MAX)];
        self.0
            .file
            .read_exact_at(&mut bytes, from)
            .map_err(|source| self.unreadable(from, source))?;
        for (index, bytes) in (from / block..).zip(bytes.chunks(BLOCK_BYTES)) {
            let (expected, actual) = (self.0.sums.block(index), crc32c::crc32c(bytes));
            if expected != Some(actual) {
                let detail = format!(
                    "expected checksum {:08x}, found {actual:08x}",
                    expected.unwrap_or(0)
                );
                return Err(self.damaged(index * block, detail));
            }
        }
        let skip = usize::try_from(start - from).unwrap_or(0);
        Ok(Bytes::from(bytes).slice(skip..skip + length))
    }

    /// Reads and checks the whole file.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        const STEP: u64 = 64 * BLOCK_BYTES as u64;
        let mut at = 0;
        while at < self.0.sums.file_bytes {
            let length = STEP.min(self.0.sums.file_bytes - at);
            self.read(at, usize::try_from(length).unwrap_or(usize::MAX))?;
            at += length;
        }
        Ok(())
    }

    /// The error that names a place of this file.
    pub(crate) fn damaged(&self, offset: u64, detail: String) -> StoreError {
        StoreError::Damaged {
            path: self.0.path.clone(),
            offset,
            detail,
        }
    }

    fn unreadable(&self, offset: u64, source: io::Error) -> StoreError {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            return self.damaged(offset, "the file ends here".to_owned());
        }
        StoreError::Io {
            path: self.0.path.clone(),
            source,
        }
    }
}

impl Length for CheckedFile {
    fn len(&self) -> u64 {
        self.0.sums.file_bytes
    }
}

impl ChunkReader for CheckedFile {
    type T = CheckedRead;

    fn get_read(&self, start: u64) -> Result<CheckedRead, ParquetError> {
        Ok(CheckedRead {
            file: self.clone(),
            at: start,
            ready: Bytes::new(),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.read(start, length)
            .map_err(|error| ParquetError::External(Box::new(error)))
    }
}

/// A stream over a [`CheckedFile`].
pub(crate) struct CheckedRead {
    file: CheckedFile,
    at: u64,
    ready: Bytes,
}

impl Read for CheckedRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            const STEP: u64 = 16 * BLOCK_BYTES as u64;
            let length = STEP.min(self.file.len().saturating_sub(self.at));
            if length == 0 {
                return Ok(0);
            }
            let length = usize::try_from(length).unwrap_or(0);
            self.ready = self.file.read(self.at, length).map_err(io::Error::other)?;
            self.at += length as u64;
        }
        let now = self.ready.split_to(self.ready.len().min(buffer.len()));
        let (head, _) = buffer.split_at_mut(now.len());
        head.copy_from_slice(&now);
        Ok(now.len())
    }
}
