use std::io::{self, Read, Write};

use super::{
    CENTRAL, END, END_64, EXTRA_64, IN_EXTRA, Info, LOCAL, LOCATOR_64, Method, UTF_8, VERSION,
};

/// Made by a Unix system, so that the mode below counts.
const MADE_BY: u16 = 3 << 8 | VERSION;
/// A plain file, readable by everybody.
const MODE: u32 = 0o100_644 << 16;
/// 1980-01-01, the first day that a ZIP file knows: times of files say nothing here.
const DATE: u16 = 1 << 5 | 1;

/// Writes an archive of members that are packed already.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    offset: u64,
    directory: Vec<(Info, u64)>,
}

impl<W: Write> Writer<W> {
    /// An archive without members.
    pub fn new(out: W) -> Self {
        Self {
            out,
            offset: 0,
            directory: Vec::new(),
        }
    }

    /// Adds a member from its packed bytes.
    ///
    /// # Errors
    /// If they cannot be read or written, or are not as many as `info` says.
    pub fn add(&mut self, info: Info, packed: &mut dyn Read) -> io::Result<()> {
        let start = self.offset;
        self.write(&local(&info))?;
        let copied = io::copy(&mut packed.take(info.packed_bytes), &mut self.out)?;
        if copied != info.packed_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += copied;
        self.directory.push((info, start));
        Ok(())
    }

    /// Writes the directory; gives the file back with its length.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        let start = self.offset;
        let directory = std::mem::take(&mut self.directory);
        for (info, offset) in &directory {
            self.write(&central(info, *offset))?;
        }
        let count = directory.len() as u64;
        let bytes = self.offset - start;
        let mut end = Vec::new();
        let is_large = start >= u64::from(IN_EXTRA) || bytes >= u64::from(IN_EXTRA);
        if is_large {
            put(&mut end, END_64.to_le_bytes());
            put(&mut end, 44_u64.to_le_bytes());
            put(&mut end, MADE_BY.to_le_bytes());
            put(&mut end, VERSION.to_le_bytes());
            put(&mut end, [0; 8]);
            for number in [count, count, bytes, start] {
                put(&mut end, number.to_le_bytes());
            }
            put(&mut end, LOCATOR_64.to_le_bytes());
            put(&mut end, [0; 4]);
            put(&mut end, self.offset.to_le_bytes());
            put(&mut end, 1_u32.to_le_bytes());
        }
        put(&mut end, END.to_le_bytes());
        put(&mut end, [0; 4]);
        for count in [count, count] {
            put(
                &mut end,
                u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes(),
            );
        }
        for number in [bytes, start] {
            put(&mut end, short(number).to_le_bytes());
        }
        put(&mut end, [0; 2]);
        self.write(&end)?;
        self.out.flush()?;
        Ok((self.out, self.offset))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

/// The number, or what says that it is in the extra field.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(IN_EXTRA)
}

fn put<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    out.extend_from_slice(&bytes);
}

/// The extra field for the numbers that do not fit. In a local header it has both sizes or none.
fn extra(numbers: &[u64]) -> Vec<u8> {
    let mut extra = Vec::new();
    if !numbers.is_empty() {
        put(&mut extra, EXTRA_64.to_le_bytes());
        let bytes = u16::try_from(8 * numbers.len()).unwrap_or(u16::MAX);
        put(&mut extra, bytes.to_le_bytes());
        for number in numbers {
            put(&mut extra, number.to_le_bytes());
        }
    }
    extra
}

/// What both headers have in common, from the version that is needed to the length of the name.
fn shared(out: &mut Vec<u8>, info: &Info, is_large: bool) {
    let method: u16 = match info.method {
        Method::Stored => 0,
        Method::Deflated => 8,
    };
    for number in [VERSION, UTF_8, method, 0, DATE] {
        put(out, number.to_le_bytes());
    }
    put(out, info.crc.to_le_bytes());
    for size in [info.packed_bytes, info.bytes] {
        let size = if is_large { IN_EXTRA } else { short(size) };
        put(out, size.to_le_bytes());
    }
    let name = u16::try_from(info.name.len()).unwrap_or(u16::MAX);
    put(out, name.to_le_bytes());
}

fn is_large(info: &Info) -> bool {
    let large = u64::from(IN_EXTRA);
    info.bytes >= large || info.packed_bytes >= large
}

fn local(info: &Info) -> Vec<u8> {
    let is_large = is_large(info);
    let mut out = Vec::new();
    put(&mut out, LOCAL.to_le_bytes());
    shared(&mut out, info, is_large);
    let sizes = [info.bytes, info.packed_bytes];
    let extra = extra(if is_large { &sizes } else { &[] });
    let length = u16::try_from(extra.len()).unwrap_or(u16::MAX);
    put(&mut out, length.to_le_bytes());
    out.extend_from_slice(info.name.as_bytes());
    out.extend_from_slice(&extra);
    out
}

fn central(info: &Info, offset: u64) -> Vec<u8> {
    let is_large = is_large(info);
    let mut out = Vec::new();
    put(&mut out, CENTRAL.to_le_bytes());
    put(&mut out, MADE_BY.to_le_bytes());
    shared(&mut out, info, is_large);
    let mut numbers = Vec::new();
    if is_large {
        numbers.extend([info.bytes, info.packed_bytes]);
    }
    if offset >= u64::from(IN_EXTRA) {
        numbers.push(offset);
    }
    let extra = extra(&numbers);
    let length = u16::try_from(extra.len()).unwrap_or(u16::MAX);
    put(&mut out, length.to_le_bytes());
    // No comment, the first disk, no internal attributes.
    put(&mut out, [0; 6]);
    put(&mut out, MODE.to_le_bytes());
    put(&mut out, short(offset).to_le_bytes());
    out.extend_from_slice(info.name.as_bytes());
    out.extend_from_slice(&extra);
    out
}
