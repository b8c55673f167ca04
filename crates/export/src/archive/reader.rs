use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read},
    sync::Arc,
};

use flate2::{Crc, bufread::DeflateDecoder};

use super::{
    ArchiveError, Info, MAX_MEMBERS, MAX_RATIO, Method, Source,
    headers::{End, Fields, Header, read},
};

/// Bytes read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// An archive whose every header was read and found in its place. Its members were not unpacked yet.
pub struct Archive {
    source: Source,
    members: BTreeMap<String, Placed>,
}

struct Placed {
    info: Info,
    /// Where the packed bytes begin.
    start: u64,
}

/// The bytes of a member as they are unpacked. An error if they are not those that the directory promises.
pub struct Member {
    packed: Packed,
    info: Info,
    left: u64,
    crc: Crc,
    is_done: bool,
}

enum Packed {
    Stored(Span),
    Deflated(Box<DeflateDecoder<Span>>),
}

/// A part of the archive.
struct Span {
    source: Source,
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl Archive {
    /// Reads the headers of an archive.
    ///
    /// # Errors
    /// [`ArchiveError`] if anything is not as a package has it.
    pub fn open(source: Source) -> Result<Self, ArchiveError> {
        let end = End::find(&source)?;
        if end.count > MAX_MEMBERS {
            return Err(ArchiveError::TooMany { actual: end.count });
        }
        let directory = read(&source, end.directory_start, end.directory_bytes)?;
        let mut rest = Fields::new(&directory);
        let mut members = BTreeMap::new();
        let mut expected = 0;
        for _ in 0..end.count {
            let header = Header::central(&mut rest)?;
            let name = header.info.name.clone();
            if header.offset != expected {
                return Err(ArchiveError::Place {
                    part: name,
                    expected,
                });
            }
            let start = header.check_local(&source)?;
            let packed_end = start
                .checked_add(header.info.packed_bytes)
                .filter(|packed_end| *packed_end <= end.directory_start)
                .ok_or(ArchiveError::NoEnd)?;
            expected = header.check_descriptor(&source, packed_end)?;
            check_size(&header.info)?;
            let info = header.info;
            if members
                .insert(name.clone(), Placed { info, start })
                .is_some()
            {
                return Err(ArchiveError::Twice { name });
            }
        }
        if expected != end.directory_start || !rest.is_empty() {
            let part = "the directory".to_owned();
            return Err(ArchiveError::Place { part, expected });
        }
        Ok(Self { source, members })
    }

    /// Every member, by name.
    pub fn members(&self) -> impl Iterator<Item = &Info> {
        self.members.values().map(|placed| &placed.info)
    }

    /// Unpacks a member from its start; any number of times and at once.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Member> {
        let Placed { info, start } = self.members.get(name)?;
        let span = Span {
            source: Arc::clone(&self.source),
            at: *start,
            end: start + info.packed_bytes,
            buffer: Vec::new(),
            used: 0,
        };
        let packed = match info.method {
            Method::Stored => Packed::Stored(span),
            Method::Deflated => Packed::Deflated(Box::new(DeflateDecoder::new(span))),
        };
        Some(Member {
            packed,
            left: info.bytes,
            info: info.clone(),
            crc: Crc::new(),
            is_done: false,
        })
    }
}

/// A promise that the packed bytes cannot keep would only be found after unpacking all of them.
fn check_size(info: &Info) -> Result<(), ArchiveError> {
    let is_possible = match info.method {
        Method::Stored => info.bytes == info.packed_bytes,
        Method::Deflated => info.bytes <= info.packed_bytes.saturating_mul(MAX_RATIO),
    };
    if is_possible {
        return Ok(());
    }
    Err(ArchiveError::Bomb {
        name: info.name.clone(),
        bytes: info.bytes,
        packed_bytes: info.packed_bytes,
    })
}

impl Read for Member {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            if !self.is_done {
                self.finish()?;
            }
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(out.len());
        let out = out.get_mut(..most).unwrap_or_default();
        let count = match &mut self.packed {
            Packed::Stored(span) => span.read(out)?,
            Packed::Deflated(decoder) => decoder.read(out)?,
        };
        if count == 0 && !out.is_empty() {
            return Err(wrong("has fewer bytes than the directory promises"));
        }
        self.crc.update(out.get(..count).unwrap_or_default());
        self.left -= count as u64;
        Ok(count)
    }
}

impl Member {
    /// All bytes of a member that has at most `limit`; `None` if it has more.
    ///
    /// # Errors
    /// If they are not those that the directory promises.
    pub fn read_whole(mut self, limit: u64) -> io::Result<Option<Vec<u8>>> {
        if self.info.bytes > limit {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn finish(&mut self) -> io::Result<()> {
        let is_used_up = match &mut self.packed {
            Packed::Stored(span) => span.is_used_up(),
            Packed::Deflated(decoder) => {
                decoder.read(&mut [0])? == 0 && decoder.get_ref().is_used_up()
            }
        };
        if !is_used_up {
            return Err(wrong("has more bytes than the directory promises"));
        }
        if self.crc.sum() != self.info.crc {
            return Err(wrong("has another CRC-32"));
        }
        self.is_done = true;
        Ok(())
    }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Span {
    fn is_used_up(&self) -> bool {
        self.at == self.end && self.used == self.buffer.len()
    }
}

impl BufRead for Span {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.buffer.len() {
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            self.buffer.resize(left.min(BUFFER_BYTES), 0);
            self.used = 0;
            self.source.read_exact_at(&mut self.buffer, self.at)?;
            self.at += self.buffer.len() as u64;
        }
        Ok(self.buffer.get(self.used..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.used = self.buffer.len().min(self.used + amount);
    }
}

impl Read for Span {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}
