//! Bytes of a file that checks itself, or of one that was just made.

use std::{
    fs::File,
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::error::StoreError;

/// Where the bytes are, and how they are called in errors.
#[derive(Debug)]
pub(crate) struct Source {
    place: Place,
    length: u64,
    path: PathBuf,
}

#[derive(Debug)]
enum Place {
    Disk(File),
    Memory(Bytes),
}

impl Source {
    pub(crate) fn disk(file: File, path: &Path) -> Result<Self, StoreError> {
        let metadata = file.metadata().map_err(|source| StoreError::Io {
            path: path.to_path_buf(),
            source,
        })?;
        Ok(Self {
            place: Place::Disk(file),
            length: metadata.len(),
            path: path.to_path_buf(),
        })
    }

    pub(crate) fn memory(bytes: Vec<u8>, path: &Path) -> Self {
        Self {
            length: bytes.len() as u64,
            place: Place::Memory(bytes.into()),
            path: path.to_path_buf(),
        }
    }

    /// Bytes in it.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn read(&self, offset: u64, length: u64) -> Result<Bytes, StoreError> {
        let end = offset.checked_add(length).filter(|end| *end <= self.length);
        let (Some(end), Ok(length)) = (end, usize::try_from(length)) else {
            return Err(self.damaged(offset, "the file ends too early"));
        };
        match &self.place {
            Place::Disk(file) => {
                let mut bytes = vec![0; length];
                match file.read_exact_at(&mut bytes, offset) {
                    Ok(()) => Ok(bytes.into()),
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                        Err(self.damaged(offset, "the file ends too early"))
                    }
                    Err(source) => Err(StoreError::Io {
                        path: self.path.clone(),
                        source,
                    }),
                }
            }
            Place::Memory(bytes) => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
                Ok(bytes.slice(at(offset)..at(end)))
            }
        }
    }

    /// The last bytes, and where they begin; fewer if there are not so many.
    pub(crate) fn tail(&self, length: usize) -> Result<(Bytes, u64), StoreError> {
        let offset = self.length.saturating_sub(length as u64);
        Ok((self.read(offset, self.length - offset)?, offset))
    }

    /// Whether the file begins with a magic, whose last two bytes are its version.
    pub(crate) fn has_magic(&self, magic: [u8; 8]) -> Result<bool, StoreError> {
        Ok(self.read(0, self.length.min(8))? == magic.as_slice())
    }

    /// Whether the file begins with the magic of another version.
    pub(crate) fn is_other_version(&self, magic: [u8; 8]) -> Result<bool, StoreError> {
        let bytes = self.read(0, self.length.min(8))?;
        let (name, _) = magic.split_at(6);
        let Some((own_name, version)) = bytes.split_at_checked(6) else {
            return Ok(false);
        };
        let is_version = version.len() == 2 && version.iter().all(u8::is_ascii_digit);
        Ok(own_name == name && is_version && bytes != magic.as_slice())
    }

    /// The first place where other bytes are not the same, if there is one.
    pub(crate) fn difference(&self, other: &[u8]) -> Result<Option<u64>, StoreError> {
        let own = self.read(0, self.length)?;
        let pairs = own.iter().zip(other);
        let same = pairs.take_while(|(own, other)| own == other).count();
        Ok((same < own.len().max(other.len())).then_some(same as u64))
    }

    /// The error that names a place of this file.
    pub(crate) fn damaged(&self, offset: u64, detail: &str) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            offset,
            detail: detail.to_owned(),
        }
    }
}
