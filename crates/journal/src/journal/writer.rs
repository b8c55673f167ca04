//! The files behind a journal: one that is written, and closed ones in front of it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout;
use super::reader::Location;
use super::scan::Scanned;
use crate::frame::{FrameNo, HEADER_BYTES, Header, PREFIX_BYTES, Prefix};
use crate::fs::{Fs, FsError, FsFile};

/// Bytes copied at once when the last file is rewritten.
const COPY_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) dir: PathBuf,
    rotate_bytes: u64,
    /// First frames of the closed files, ascending.
    closed: VecDeque<FrameNo>,
    /// First frame of the file that is written.
    current: FrameNo,
    file: Box<dyn FsFile>,
    /// End of the last frame in it.
    end: u64,
    pub(super) next: FrameNo,
    pub(super) synced: FrameNo,
}

impl Writer {
    /// Rewrites the last file and makes all names durable before anything is appended: after a failed fsync the cache
    /// can show bytes that are not on the disk, and a second fsync would not write them.
    pub(super) fn begin(
        fs: Arc<dyn Fs>,
        dir: &Path,
        rotate_bytes: u64,
        scanned: Scanned,
    ) -> Result<Self, FsError> {
        for temp in &scanned.listing.temps {
            fs.remove(temp)?;
        }
        let mut closed = VecDeque::from(scanned.listing.files);
        let current = closed.pop_back().unwrap_or_default();
        let file = rewrite(&*fs, dir, current, scanned.end)?;
        Ok(Self {
            end: file.len()?,
            fs,
            dir: dir.to_owned(),
            rotate_bytes,
            closed,
            current,
            file,
            next: scanned.recovery.next,
            synced: scanned.recovery.next,
        })
    }

    pub(super) fn first(&self) -> FrameNo {
        self.closed.front().copied().unwrap_or(self.current)
    }

    /// Writes a frame with a payload of `len` bytes; returns where it is.
    pub(super) fn append(&mut self, len: u32, parts: &[&[u8]]) -> Result<Location, FsError> {
        if self.is_full() {
            self.rotate()?;
        }
        let prefix = Prefix::of(self.next, self.synced, len, parts);
        let head = prefix.to_bytes();
        let mut all = Vec::with_capacity(parts.len() + 1);
        all.push(head.as_slice());
        all.extend_from_slice(parts);
        self.file.append_vectored(&all)?;
        let at = Location {
            frame: self.next,
            file: self.current,
            offset: self.end,
            len,
        };
        self.end += (PREFIX_BYTES + prefix.payload_len()) as u64;
        self.next = self.next.following();
        Ok(at)
    }

    pub(super) fn sync(&mut self) -> Result<(), FsError> {
        if self.synced < self.next {
            self.file.sync_data()?;
            self.synced = self.next;
        }
        Ok(())
    }

    /// Oldest first, and each removal durable before the next: a crash never leaves a gap in the sequence.
    pub(super) fn remove_before(&mut self, frame: FrameNo) -> Result<(), FsError> {
        if frame >= self.next && self.next > self.current {
            self.rotate()?;
        }
        while let Some(&oldest) = self.closed.front() {
            let after = self.closed.get(1).copied().unwrap_or(self.current);
            if after > frame {
                break;
            }
            self.fs.remove(&layout::file_path(&self.dir, oldest))?;
            self.fs.sync_dir(&self.dir)?;
            self.closed.pop_front();
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.end >= self.rotate_bytes && self.next > self.current
    }

    /// Closes the file durably, then begins the next one.
    fn rotate(&mut self) -> Result<(), FsError> {
        self.file.sync_data()?;
        self.synced = self.next;
        let first = self.next;
        let temp = layout::temp_path(&self.dir, first);
        let mut file = self.fs.create_new(&temp)?;
        file.append(&Header { first }.to_bytes())?;
        self.file = publish(&*self.fs, &self.dir, first, &temp, file)?;
        self.closed.push_back(self.current);
        self.current = first;
        self.end = HEADER_BYTES as u64;
        Ok(())
    }
}

/// Replaces a file (or creates it) with a header and the frames of its first `end` bytes.
fn rewrite(fs: &dyn Fs, dir: &Path, first: FrameNo, end: u64) -> Result<Box<dyn FsFile>, FsError> {
    let temp = layout::temp_path(dir, first);
    let mut file = fs.create_new(&temp)?;
    file.append(&Header { first }.to_bytes())?;
    let mut offset = HEADER_BYTES as u64;
    if offset < end {
        let old = fs.open_read(&layout::file_path(dir, first))?;
        let mut chunk = vec![0; COPY_BYTES];
        while offset < end {
            let len = usize::try_from(end - offset).map_or(COPY_BYTES, |left| left.min(COPY_BYTES));
            let bytes = chunk.get_mut(..len).unwrap_or_default();
            old.read_exact_at(offset, bytes)?;
            file.append(bytes)?;
            offset += len as u64;
        }
    }
    publish(fs, dir, first, &temp, file)
}

/// Makes a file that was begun under another name durable under its own, and opens it there.
fn publish(
    fs: &dyn Fs,
    dir: &Path,
    first: FrameNo,
    begun_as: &Path,
    mut file: Box<dyn FsFile>,
) -> Result<Box<dyn FsFile>, FsError> {
    file.sync_data()?;
    let path = layout::file_path(dir, first);
    fs.rename(begun_as, &path)?;
    fs.sync_dir(dir)?;
    fs.open_append(&path) // so that later errors name the file as it is called now
}
