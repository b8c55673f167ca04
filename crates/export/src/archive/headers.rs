//! The headers of a ZIP file, read.

use super::{
    ArchiveError, CENTRAL, DESCRIPTOR, END, END_64, EXTRA_64, IN_EXTRA, Info, LOCAL, LOCATOR_64,
    MAX_MEMBERS, MAX_NAME_BYTES, Method, Source, UTF_8, VERSION,
};

const END_BYTES: u64 = 22;
const END_64_BYTES: u64 = 56;
const LOCATOR_64_BYTES: u64 = 20;
const LOCAL_BYTES: u64 = 30;
/// Longest run of headers that is read at once: each has 46 bytes, a name and a few extra fields.
const MAX_HEADER_BYTES: u64 = MAX_MEMBERS * 512;
/// Flag: CRC and sizes stand behind the bytes.
const IS_STREAMED: u16 = 1 << 3;
/// Extra fields with times and owners of files, which say nothing here. Others could give a file a second name.
const IDLE_EXTRA: [u16; 3] = [0x000a, 0x5455, 0x7875];

/// Where directory and end lie.
pub(super) struct End {
    pub(super) count: u64,
    pub(super) directory_bytes: u64,
    pub(super) directory_start: u64,
}

/// A member as one of its two headers describes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) info: Info,
    /// Where its local header begins; 0 in that one.
    pub(super) offset: u64,
    flags: u16,
}

/// Numbers out of a header, in their order; zeroes where there are none.
pub(super) struct Fields<'a>(&'a [u8]);

impl End {
    pub(super) fn find(source: &Source) -> Result<Self, ArchiveError> {
        let length = source.len_bytes()?;
        let start = length.checked_sub(END_BYTES).ok_or(ArchiveError::NoEnd)?;
        let bytes = read(source, start, END_BYTES)?;
        let mut fields = Fields(&bytes);
        let is_end = fields.u32() == END && fields.u32() == 0;
        let (on_disk, count) = (fields.u16(), fields.u16());
        let (directory_bytes, directory_start) = (fields.u32(), fields.u32());
        if !is_end || on_disk != count || fields.u16() != 0 {
            return Err(ArchiveError::NoEnd);
        }
        let is_large = directory_bytes == IN_EXTRA || directory_start == IN_EXTRA;
        let (found, end) = if is_large {
            Self::find_64(source, start)?
        } else {
            let found = Self {
                count: count.into(),
                directory_bytes: directory_bytes.into(),
                directory_start: directory_start.into(),
            };
            (found, start)
        };
        if found.directory_start.checked_add(found.directory_bytes) != Some(end) {
            return Err(ArchiveError::NoEnd);
        }
        Ok(found)
    }

    /// The end record with numbers of 64 bits, right before the one at `end`, and where it begins.
    fn find_64(source: &Source, end: u64) -> Result<(Self, u64), ArchiveError> {
        let locator = end.checked_sub(LOCATOR_64_BYTES);
        let start = locator.and_then(|at| at.checked_sub(END_64_BYTES));
        let (Some(locator), Some(start)) = (locator, start) else {
            return Err(ArchiveError::NoEnd);
        };
        let bytes = read(source, locator, LOCATOR_64_BYTES)?;
        let mut fields = Fields(&bytes);
        let is_there = fields.u32() == LOCATOR_64 && fields.u32() == 0;
        if !is_there || fields.u64() != start || fields.u32() != 1 {
            return Err(ArchiveError::NoEnd);
        }
        let bytes = read(source, start, END_64_BYTES)?;
        let mut fields = Fields(&bytes);
        let is_end = fields.u32() == END_64 && fields.u64() == END_64_BYTES - 12;
        fields.u32();
        let on_one_disk = fields.u64() == 0;
        let (on_disk, count) = (fields.u64(), fields.u64());
        if !is_end || !on_one_disk || on_disk != count {
            return Err(ArchiveError::NoEnd);
        }
        let found = Self {
            count,
            directory_bytes: fields.u64(),
            directory_start: fields.u64(),
        };
        Ok((found, start))
    }
}

impl Header {
    /// The next entry of the directory.
    pub(super) fn central(rest: &mut Fields<'_>) -> Result<Self, ArchiveError> {
        if rest.u32() != CENTRAL {
            return Err(ArchiveError::NoEnd);
        }
        rest.u16();
        let common = Common::read(rest);
        let (name, extra) = (rest.u16(), rest.u16());
        let is_plain = rest.u16() == 0 && rest.u16() == 0;
        rest.u16();
        rest.u32();
        let offset = rest.u32().into();
        let (name, extra) = (rest.take(name), rest.take(extra));
        let mut header = common.named(name, offset)?;
        if !is_plain {
            return Err(header.feature("a comment or a second disk"));
        }
        header.read_extra(extra.ok_or(ArchiveError::NoEnd)?)?;
        Ok(header)
    }

    /// Where the bytes of a member begin, after its local header was found to say the same as this one.
    pub(super) fn check_local(&self, source: &Source) -> Result<u64, ArchiveError> {
        let bytes = read(source, self.offset, LOCAL_BYTES)?;
        let mut fields = Fields(&bytes);
        if fields.u32() != LOCAL {
            return Err(ArchiveError::Place {
                part: self.info.name.clone(),
                expected: self.offset,
            });
        }
        let common = Common::read(&mut fields);
        let (name, extra) = (fields.u16(), fields.u16());
        let behind = u64::from(name) + u64::from(extra);
        let bytes = read(source, self.offset + LOCAL_BYTES, behind)?;
        let mut fields = Fields(&bytes);
        let (name, extra) = (fields.take(name), fields.take(extra));
        let mut local = common.named(name, 0)?;
        local.read_extra(extra.ok_or(ArchiveError::NoEnd)?)?;
        if self.is_streamed() {
            let sizes = [local.info.packed_bytes, local.info.bytes];
            if local.info.crc == 0 && sizes == [0, 0] {
                local.info = Info {
                    name: local.info.name,
                    ..self.info.clone()
                };
            }
        }
        if (&local.info, local.flags) != (&self.info, self.flags) {
            return Err(ArchiveError::Disagree {
                name: self.info.name.clone(),
            });
        }
        Ok(self.offset + LOCAL_BYTES + behind)
    }

    /// Where a member ends whose packed bytes end at `end`, with what may stand behind them.
    pub(super) fn check_descriptor(&self, source: &Source, end: u64) -> Result<u64, ArchiveError> {
        if !self.is_streamed() {
            return Ok(end);
        }
        let sizes = [self.info.packed_bytes, self.info.bytes];
        let mut short = DESCRIPTOR.to_le_bytes().to_vec();
        short.extend_from_slice(&self.info.crc.to_le_bytes());
        let mut long = short.clone();
        for size in sizes {
            short.extend_from_slice(&u32::try_from(size).unwrap_or(IN_EXTRA).to_le_bytes());
            long.extend_from_slice(&size.to_le_bytes());
        }
        for expected in [short, long] {
            let length = expected.len() as u64;
            if read(source, end, length).is_ok_and(|found| found == expected) {
                return Ok(end + length);
            }
        }
        Err(ArchiveError::Disagree {
            name: self.info.name.clone(),
        })
    }

    fn is_streamed(&self) -> bool {
        self.flags & IS_STREAMED != 0
    }

    /// Takes the numbers that do not fit from the field that is for them, in the order of the specification.
    fn read_extra(&mut self, extra: &[u8]) -> Result<(), ArchiveError> {
        let mut fields = Fields(extra);
        while !fields.0.is_empty() {
            let (id, bytes) = (fields.u16(), fields.u16());
            let value = fields.take(bytes).ok_or(ArchiveError::NoEnd)?;
            if id == EXTRA_64 {
                let mut value = Fields(value);
                let sizes = [&mut self.info.bytes, &mut self.info.packed_bytes];
                for number in sizes.into_iter().chain([&mut self.offset]) {
                    if *number == u64::from(IN_EXTRA) {
                        *number = value.u64();
                    }
                }
            } else if !IDLE_EXTRA.contains(&id) {
                return Err(self.feature("an extra field"));
            }
        }
        Ok(())
    }

    fn feature(&self, what: &'static str) -> ArchiveError {
        ArchiveError::Feature {
            name: self.info.name.clone(),
            what,
        }
    }
}

/// What both headers have in common, from the version that is needed to the sizes.
struct Common {
    version: u16,
    flags: u16,
    method: u16,
    crc: u32,
    packed_bytes: u64,
    bytes: u64,
}

impl Common {
    fn read(fields: &mut Fields<'_>) -> Self {
        let (version, flags, method) = (fields.u16(), fields.u16(), fields.u16());
        fields.u32();
        Self {
            version,
            // Whether a name in ASCII is UTF-8, too, makes no difference.
            flags: flags & !UTF_8,
            method,
            crc: fields.u32(),
            packed_bytes: fields.u32().into(),
            bytes: fields.u32().into(),
        }
    }

    fn named(&self, name: Option<&[u8]>, offset: u64) -> Result<Header, ArchiveError> {
        let name = name.ok_or(ArchiveError::NoEnd)?;
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.iter().all(fits) {
            return Err(ArchiveError::Name);
        }
        let header = Header {
            info: Info {
                name: String::from_utf8_lossy(name).into_owned(),
                method: if self.method == 0 {
                    Method::Stored
                } else {
                    Method::Deflated
                },
                crc: self.crc,
                packed_bytes: self.packed_bytes,
                bytes: self.bytes,
            },
            offset,
            flags: self.flags,
        };
        // The low bits of deflate's level are for people.
        let is_known = self.flags & !(IS_STREAMED | 0b110) == 0 && matches!(self.method, 0 | 8);
        if !is_known || self.version & 0xff > VERSION {
            return Err(header.feature("encryption, another method or a newer version"));
        }
        Ok(header)
    }
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, bytes: u16) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes.into())?;
        self.0 = rest;
        Some(taken)
    }

    fn number<const N: usize>(&mut self) -> [u8; N] {
        let Some((taken, rest)) = self.0.split_first_chunk() else {
            self.0 = &[];
            return [0; N];
        };
        self.0 = rest;
        *taken
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.number())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.number())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.number())
    }
}

/// A run of headers.
pub(super) fn read(source: &Source, offset: u64, bytes: u64) -> Result<Vec<u8>, ArchiveError> {
    if bytes > MAX_HEADER_BYTES {
        return Err(ArchiveError::NoEnd);
    }
    let mut buffer = vec![0; usize::try_from(bytes).unwrap_or(0)];
    source.read_exact_at(&mut buffer, offset)?;
    Ok(buffer)
}
