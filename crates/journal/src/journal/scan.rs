//! Reads a journal from its first frame to its last and judges what is behind the last one.

use std::error::Error;
use std::path::{Path, PathBuf};

use super::layout::{self, Listing};
use super::reader::{Location, frame_at};
use super::window::Window;
use crate::error::JournalError;
use crate::frame::{FrameNo, HEADER_BYTES, Header, PREFIX_BYTES, Prefix};
use crate::fs::{Fs, FsError, FsFile};

/// An error of a [`Visitor`].
pub type VisitError = Box<dyn Error + Send + Sync>;

/// Called with each frame in order: where it is and its payload.
pub type Visitor<'a> = dyn FnMut(Location, &[u8]) -> Result<(), VisitError> + 'a;

/// What was found on opening.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// First frame that is still there (equal to `next` if there is none).
    pub first: FrameNo,
    /// Number of the next frame.
    pub next: FrameNo,
    /// Files read.
    pub files: usize,
    /// Bytes of headers and good frames.
    pub bytes: u64,
    /// The torn end of the last write, if there was one.
    pub dropped: Option<DroppedTail>,
}

/// Bytes behind the last good frame which nothing proves to have been durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedTail {
    /// The file.
    pub path: PathBuf,
    /// Where the tail begins, in bytes.
    pub offset: u64,
    /// Bytes from there to the end of the file.
    pub bytes: u64,
    /// Whether they hold all the bytes of the next frame and yet not that frame. A killed process does not leave
    /// this behind, only a power cut or damage.
    pub complete: bool,
}

/// A journal that is free of damage.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) recovery: Recovery,
    pub(super) listing: Listing,
    /// Good bytes of the last file; 0 if not even its header is whole.
    pub(super) end: u64,
}

/// One file that is being read.
struct Walk<'a> {
    path: PathBuf,
    file: &'a dyn FsFile,
    window: Window<'a>,
    header: Header,
    /// Begin of the frame `next`.
    offset: u64,
    next: FrameNo,
}

pub(super) fn scan(
    fs: &dyn Fs,
    dir: &Path,
    visitor: &mut Visitor<'_>,
) -> Result<Scanned, JournalError> {
    let listing = Listing::of(dir, &fs.list(dir)?);
    let mut end = 0;
    let mut recovery = Recovery {
        files: listing.files.len(),
        ..Recovery::default()
    };
    if let Some(&first) = listing.files.first() {
        (recovery.first, recovery.next) = (first, first);
    }
    for (index, &first) in listing.files.iter().enumerate() {
        let path = layout::file_path(dir, first);
        if first != recovery.next {
            return Err(JournalError::OutOfSequence {
                path,
                expected: recovery.next,
                actual: first,
            });
        }
        let is_last = index + 1 == recovery.files;
        let file = fs.open_read(&path)?;
        if is_last && file.len()? < HEADER_BYTES as u64 {
            // Cut before anything was stored in it.
            let bytes = file.len()?;
            end = 0;
            recovery.dropped = Some(DroppedTail {
                path,
                offset: 0,
                bytes,
                complete: false,
            });
            break;
        }
        let mut walk = Walk::begin(path, &*file, first)?;
        walk.visit_all(visitor)?;
        recovery.dropped = walk.judge_tail(is_last)?;
        (recovery.next, end) = (walk.next, walk.offset);
        recovery.bytes += end;
    }
    Ok(Scanned {
        recovery,
        listing,
        end,
    })
}

impl<'a> Walk<'a> {
    fn begin(path: PathBuf, file: &'a dyn FsFile, first: FrameNo) -> Result<Self, JournalError> {
        let mut window = Window::new(file)?;
        let bytes = window.get(0, HEADER_BYTES)?.unwrap_or_default();
        let header = match Header::parse(bytes) {
            Ok(header) => header,
            Err(reason) => return Err(JournalError::BadHeader { path, reason }),
        };
        if header.first != first {
            return Err(JournalError::WrongFirst {
                path,
                expected: first,
                actual: header.first,
            });
        }
        Ok(Self {
            path,
            file,
            window,
            header,
            offset: HEADER_BYTES as u64,
            next: first,
        })
    }

    fn visit_all(&mut self, visitor: &mut Visitor<'_>) -> Result<(), JournalError> {
        while let Some(payload) = good_frame(&mut self.window, self.offset, self.next)? {
            let at = Location {
                frame: self.next,
                file: self.header.first,
                offset: self.offset,
                len: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            };
            visitor(at, payload).map_err(|source| JournalError::Visit {
                path: self.path.clone(),
                offset: self.offset,
                frame: self.next,
                source,
            })?;
            self.offset += (PREFIX_BYTES + payload.len()) as u64;
            self.next = self.next.following();
        }
        Ok(())
    }

    /// Decides whether the bytes behind the last good frame are damage, a torn write, or nothing worth a word.
    fn judge_tail(&mut self, is_last: bool) -> Result<Option<DroppedTail>, JournalError> {
        if self.offset == self.window.file_len() {
            return Ok(None);
        }
        let proof = if is_last {
            self.later_frame()?
                .map(|(frame, at)| format!("frame {frame} at offset {at} was written after it"))
        } else {
            Some("a later file follows".to_owned())
        };
        if let Some(proof) = proof {
            return Err(JournalError::BadFrame {
                path: self.path.clone(),
                offset: self.offset,
                frame: self.next,
                proof,
            });
        }
        Ok(Some(DroppedTail {
            path: self.path.clone(),
            offset: self.offset,
            bytes: self.window.file_len() - self.offset,
            complete: self.is_complete()?,
        }))
    }

    fn is_complete(&mut self) -> Result<bool, FsError> {
        let left = self.window.file_len() - self.offset;
        let prefix = self.window.get(self.offset, PREFIX_BYTES)?;
        Ok(prefix.and_then(Prefix::parse).is_some_and(|prefix| {
            prefix.number == self.next && (PREFIX_BYTES + prefix.payload_len()) as u64 <= left
        }))
    }

    /// An intact frame further back that was begun when the unreadable one was already durable.
    fn later_frame(&mut self) -> Result<Option<(FrameNo, u64)>, FsError> {
        let file_len = self.window.file_len();
        let most = (file_len - self.offset) / (PREFIX_BYTES as u64 + 1);
        let numbers = self.next.following()..=FrameNo(self.next.0.saturating_add(most));
        let mut offset = self.offset + 1;
        loop {
            let bytes = self.window.rest(offset, PREFIX_BYTES)?;
            let found = bytes.windows(PREFIX_BYTES).position(|bytes| {
                Prefix::parse(bytes).is_some_and(|prefix| {
                    numbers.contains(&prefix.number) && numbers.contains(&prefix.group)
                })
            });
            if let Some(skipped) = found {
                offset += skipped as u64;
                if let Some((prefix, _)) = frame_at(self.file, offset)? {
                    return Ok(Some((prefix.number, offset)));
                }
                offset += 1;
            } else if bytes.len() < PREFIX_BYTES {
                return Ok(None);
            } else {
                offset += (bytes.len() - PREFIX_BYTES + 1) as u64;
            }
        }
    }
}

fn good_frame<'w>(
    window: &'w mut Window<'_>,
    offset: u64,
    number: FrameNo,
) -> Result<Option<&'w [u8]>, FsError> {
    let Some(prefix) = window.get(offset, PREFIX_BYTES)?.and_then(Prefix::parse) else {
        return Ok(None);
    };
    if prefix.number != number {
        return Ok(None);
    }
    let frame = window.get(offset, PREFIX_BYTES + prefix.payload_len())?;
    let payload = frame.and_then(|frame| frame.get(PREFIX_BYTES..));
    Ok(payload.filter(|payload| prefix.matches(payload)))
}
