//! A file read in large chunks, so that a walk over its frames costs few calls and bounded memory.

use crate::fs::{FsError, FsFile};

/// Bytes read at once unless a single frame needs more.
const CHUNK_BYTES: usize = 1 << 20;

/// A part of a file in memory.
#[derive(Debug)]
pub(super) struct Window<'a> {
    file: &'a dyn FsFile,
    file_len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a dyn FsFile) -> Result<Self, FsError> {
        Ok(Self {
            file,
            file_len: file.len()?,
            start: 0,
            bytes: Vec::new(),
        })
    }

    pub(super) fn file_len(&self) -> u64 {
        self.file_len
    }

    /// `len` bytes from `offset`, or `None` if the file ends before.
    pub(super) fn get(&mut self, offset: u64, len: usize) -> Result<Option<&[u8]>, FsError> {
        if offset.saturating_add(len as u64) > self.file_len {
            return Ok(None);
        }
        if self.slice(offset, len).is_none() {
            self.load(offset, len)?;
        }
        Ok(self.slice(offset, len))
    }

    /// The bytes in memory from `offset` on, at least `at_least` of them unless the file ends before.
    pub(super) fn rest(&mut self, offset: u64, at_least: usize) -> Result<&[u8], FsError> {
        let left = self.file_len.saturating_sub(offset);
        let len = usize::try_from(left).map_or(at_least, |left| left.min(at_least));
        self.get(offset, len)?;
        let from = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.bytes.get(from..).unwrap_or_default())
    }

    fn slice(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..from.checked_add(len)?)
    }

    fn load(&mut self, offset: u64, len: usize) -> Result<(), FsError> {
        // A frame that begins in this window keeps its bytes: they are not read twice.
        let from = offset
            .checked_sub(self.start)
            .and_then(|from| usize::try_from(from).ok());
        match from.filter(|&from| from <= self.bytes.len()) {
            Some(from) => drop(self.bytes.drain(..from)),
            None => self.bytes.clear(),
        }
        self.start = offset;
        let kept = self.bytes.len();
        let left = usize::try_from(self.file_len - offset).unwrap_or(usize::MAX);
        self.bytes.resize(len.max(CHUNK_BYTES).min(left), 0);
        let unread = self.bytes.get_mut(kept..).unwrap_or_default();
        let read = self.file.read_at(offset + kept as u64, unread)?;
        self.bytes.truncate(kept + read);
        Ok(())
    }
}
