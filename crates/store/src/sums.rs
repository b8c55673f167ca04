//! Checksums of the blocks of a file, kept beside it.
//!
//! Layout, integers little-endian: magic `INDSUM01`, length of the file (u64), then CRC-32C (u32) of
//! every block of 16 KiB, the last one shorter. The manifest holds the SHA-256 of these bytes, so that
//! file and checksums cannot be changed together unseen.

use sha2::{Digest, Sha256};

/// Bytes covered by one checksum.
pub(crate) const BLOCK_BYTES: usize = 16 << 10;
const MAGIC: &[u8; 8] = b"INDSUM01";
const HEADER_BYTES: usize = 16;

/// Checksums of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Length of the file, bytes.
    pub(crate) file_bytes: u64,
    blocks: Vec<u32>,
}

impl Sums {
    /// The checksum of the block with this index.
    pub(crate) fn block(&self, index: u64) -> Option<u32> {
        self.blocks.get(usize::try_from(index).ok()?).copied()
    }

    /// The file's bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.blocks.len() * 4);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.file_bytes.to_le_bytes());
        for sum in &self.blocks {
            bytes.extend_from_slice(&sum.to_le_bytes());
        }
        bytes
    }

    /// Reads bytes whose digest was checked before; `None` if they are no checksums of a file of a
    /// consistent length.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let file_bytes = u64::from_le_bytes(*length);
        let (sums, rest) = rest.as_chunks::<4>();
        let blocks: Vec<u32> = sums.iter().map(|sum| u32::from_le_bytes(*sum)).collect();
        let due = file_bytes.div_ceil(BLOCK_BYTES as u64);
        (rest.is_empty() && blocks.len() as u64 == due).then_some(Self { file_bytes, blocks })
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Computes checksums of what is written through it.
pub(crate) struct Summing<W> {
    inner: W,
    sums: Sums,
    crc: u32,
    in_block: usize,
}

impl<W: std::io::Write> Summing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            sums: Sums {
                file_bytes: 0,
                blocks: Vec::new(),
            },
            crc: 0,
            in_block: 0,
        }
    }

    /// The writer below and the checksums of all bytes.
    pub(crate) fn finish(mut self) -> (W, Sums) {
        if self.in_block > 0 {
            self.sums.blocks.push(self.crc);
        }
        (self.inner, self.sums)
    }

    fn add(&mut self, mut bytes: &[u8]) {
        self.sums.file_bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.in_block));
            self.crc = crc32c::crc32c_append(self.crc, now);
            self.in_block += now.len();
            if self.in_block == BLOCK_BYTES {
                self.sums.blocks.push(self.crc);
                (self.crc, self.in_block) = (0, 0);
            }
            bytes = later;
        }
    }
}

impl<W: std::io::Write> std::io::Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.add(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn sums_of(bytes: &[u8], step: usize) -> Sums {
        let mut writer = Summing::new(Vec::new());
        for part in bytes.chunks(step) {
            writer.write_all(part).unwrap();
        }
        writer.finish().1
    }

    #[test]
    fn blocks_do_not_depend_on_how_the_bytes_came() {
        let bytes: Vec<u8> = (0..BLOCK_BYTES * 2 + 7).map(|i| (i % 251) as u8).collect();
        let sums = sums_of(&bytes, 4096);
        assert_eq!(sums, sums_of(&bytes, 1000));
        assert_eq!(sums.file_bytes, bytes.len() as u64);
        assert_eq!(
            sums.block(2),
            Some(crc32c::crc32c(&bytes[BLOCK_BYTES * 2..]))
        );
        assert_eq!(sums.block(3), None);
    }

    #[test]
    fn a_full_last_block_has_no_empty_one_after_it() {
        let sums = sums_of(&vec![1; BLOCK_BYTES], 100);
        assert_eq!(sums.block(1), None);
        assert_eq!(Sums::parse(&sums.to_bytes()), Some(sums));
    }

    #[test]
    fn bytes_of_another_length_are_refused() {
        let bytes = sums_of(&[1; 100], 100).to_bytes();
        assert!(Sums::parse(&bytes).is_some());
        for cut in 0..bytes.len() {
            assert_eq!(Sums::parse(&bytes[..cut]), None, "cut at {cut}");
        }
        let mut longer = bytes.clone();
        longer.extend_from_slice(&[0; 4]);
        assert_eq!(Sums::parse(&longer), None);
    }
}
