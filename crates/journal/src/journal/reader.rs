//! Single frames by location.

use std::path::PathBuf;
use std::sync::Arc;

use super::layout;
use crate::error::JournalError;
use crate::frame::{FrameNo, PREFIX_BYTES, Prefix};
use crate::fs::{Fs, FsError, FsFile};

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

/// Reads single frames; cheap to clone and usable beside the writer.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) dir: PathBuf,
}

impl Reader {
    /// The payload of one frame, checked against its checksum. Frames that were appended and not yet synced are found
    /// too.
    ///
    /// # Errors
    /// [`JournalError::NotThere`] if the frame is damaged, [`JournalError::Fs`] if its file was removed.
    pub fn read(&self, at: Location) -> Result<Vec<u8>, JournalError> {
        let path = layout::file_path(&self.dir, at.file);
        let file = self.fs.open_read(&path)?;
        match frame_at(&*file, at.offset)? {
            Some((prefix, payload)) if prefix.number == at.frame => Ok(payload),
            _ => Err(JournalError::NotThere {
                path,
                offset: at.offset,
                frame: at.frame,
            }),
        }
    }
}

/// The intact frame at an offset, whatever its number.
pub(super) fn frame_at(
    file: &dyn FsFile,
    offset: u64,
) -> Result<Option<(Prefix, Vec<u8>)>, FsError> {
    let mut head = [0; PREFIX_BYTES];
    if file.read_at(offset, &mut head)? < PREFIX_BYTES {
        return Ok(None);
    }
    let Some(prefix) = Prefix::parse(&head) else {
        return Ok(None);
    };
    let begin = offset.saturating_add(PREFIX_BYTES as u64);
    if file.len()?.saturating_sub(begin) < u64::from(prefix.len) {
        return Ok(None);
    }
    let mut payload = vec![0; prefix.payload_len()];
    file.read_exact_at(begin, &mut payload)?;
    Ok(prefix.matches(&payload).then_some((prefix, payload)))
}
