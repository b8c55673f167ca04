//! ZIP archives of one strict kind (`docs/format.md` §6), written and read.
//!
//! ZIP says everything twice, and readers differ in whom they believe: a hostile archive shows one file to a verifier and
//! another one to whoever unpacks it. So a package has members one after the other from the first byte on, stored or
//! deflated, the directory right behind them and nothing else, and both places agree on everything. What common tools
//! make of an unpacked package is read, too.

mod headers;
mod reader;
mod writer;

use std::{fs::File, os::unix::fs::FileExt, sync::Arc};

pub use reader::{Archive, Member};
pub use writer::Writer;

/// Most members: a package has eleven.
const MAX_MEMBERS: u64 = 32;
/// Longest name of a member.
const MAX_NAME_BYTES: usize = 64;
/// Deflate makes at most 1,032 bytes of one: a larger promise is a lie.
const MAX_RATIO: u64 = 1_032;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;

/// Extra field with sizes of 64 bits.
const EXTRA_64: u16 = 1;
/// Version that is needed for sizes of 64 bits.
const VERSION: u16 = 45;
/// Flag: the name is UTF-8.
const UTF_8: u16 = 1 << 11;
/// In place of a size that stands in the extra field.
const IN_EXTRA: u32 = u32::MAX;

/// How a member's bytes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As they are.
    Stored,
    /// RFC 1951.
    Deflated,
}

/// What a directory says of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Its name, without a path.
    pub name: String,
    /// How its bytes are kept.
    pub method: Method,
    /// CRC-32 of its bytes.
    pub crc: u32,
    /// Bytes in the archive.
    pub packed_bytes: u64,
    /// Bytes unpacked.
    pub bytes: u64,
}

/// Bytes that can be read at any place, by several readers at once.
pub trait ReadAt: Send + Sync {
    /// Length in bytes.
    ///
    /// # Errors
    /// If the system does not tell.
    fn len_bytes(&self) -> std::io::Result<u64>;

    /// Fills a buffer from an offset.
    ///
    /// # Errors
    /// If the bytes cannot be read or end before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()>;
}

impl ReadAt for File {
    fn len_bytes(&self) -> std::io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }
}

impl ReadAt for Vec<u8> {
    fn len_bytes(&self) -> std::io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(buffer.len())?));
        let bytes = range.and_then(|range| self.get(range));
        let bytes = bytes.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

/// An archive's bytes, shared by the readers of its members.
pub type Source = Arc<dyn ReadAt>;

/// Why a file is not an archive of this kind.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// No end record in the last bytes.
    #[error("not a ZIP file that ends with its directory: it may be cut")]
    NoEnd,
    /// Parts overlap, or there is something between them.
    #[error("{part} is not where it belongs, at byte {expected}")]
    Place {
        /// Which part.
        part: String,
        /// Where it belongs.
        expected: u64,
    },
    /// More members than a package has.
    #[error("at most {MAX_MEMBERS} files, this has {actual}")]
    TooMany {
        /// How many the directory promises.
        actual: u64,
    },
    /// A name with a path, or with other characters than letters, digits, `.`, `-` and `_`.
    #[error("a file has a name that no package has")]
    Name,
    /// Two members with one name.
    #[error("{name} is there twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Encryption, another method, or another feature of ZIP.
    #[error("{name} uses {what}, which a package never does")]
    Feature {
        /// The member.
        name: String,
        /// What it uses.
        what: &'static str,
    },
    /// The two places where a member is described do not agree.
    #[error("{name}: its header and the directory do not agree")]
    Disagree {
        /// The member.
        name: String,
    },
    /// More bytes than the packed ones can stand for.
    #[error("{name} promises {bytes} bytes from {packed_bytes}")]
    Bomb {
        /// The member.
        name: String,
        /// Bytes promised.
        bytes: u64,
        /// Bytes in the archive.
        packed_bytes: u64,
    },
}
