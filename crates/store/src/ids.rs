//! Where an event lies, by its id: one table beside each segment.
//!
//! Layout, integers little-endian: magic `INDIDS01`, number of entries (u64), length of the filter's
//! fingerprints (u64), a binary fuse filter over the hashes (20 bytes of parameters, fingerprints), CRC-32C
//! of all this (u32); then pages of 4,096 bytes, the last one shorter: up to 511 entries, then their CRC-32C
//! (u64). An entry is a u64, the upper 40 bits of the id's hash and the row in 24 bits; entries are sorted.
//!
//! The table only says where to look: who asks must compare the id of the row. It can be rebuilt
//! from the segment.

use sha2::{Digest, Sha256};
use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter, FilterRef};

use crate::{error::StoreError, source::Source};

const MAGIC: &[u8; 8] = b"INDIDS01";
const PAGE_BYTES: usize = 4096;
const ENTRY_BYTES: usize = 8;
const PAGE_ENTRIES: usize = PAGE_BYTES / ENTRY_BYTES - 1;
const ROW_BITS: u32 = 24;
const ROW_MASK: u64 = (1 << ROW_BITS) - 1;
const HEADER_BYTES: usize = 24 + BinaryFuse8::DESCRIPTOR_LEN;

/// Most rows that a segment can have.
pub(crate) const MAX_ROWS: usize = 1 << ROW_BITS;

/// The hash that tables are sorted by: the first eight bytes of the id's SHA-256, big-endian.
#[must_use]
pub(crate) fn hash_id(id: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    digest
        .first_chunk()
        .map_or(0, |head| u64::from_be_bytes(*head))
}

/// The bytes of a table over the hashes of all rows, in the order of the rows.
pub(crate) fn encode(hashes: &[u64]) -> Result<Vec<u8>, StoreError> {
    if hashes.len() > MAX_ROWS {
        return Err(StoreError::TooManyRows {
            rows: hashes.len(),
            max: MAX_ROWS,
        });
    }
    let mut entries: Vec<u64> = (0u64..)
        .zip(hashes)
        .map(|(row, hash)| hash & !ROW_MASK | row)
        .collect();
    entries.sort_unstable();
    let (descriptor, fingerprints) = filter(hashes);

    let pages = entries.len().div_ceil(PAGE_ENTRIES);
    let mut bytes = Vec::with_capacity(
        HEADER_BYTES + fingerprints.len() + 4 + (entries.len() + pages) * ENTRY_BYTES,
    );
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(fingerprints.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&descriptor);
    bytes.extend_from_slice(&fingerprints);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    for page in entries.chunks(PAGE_ENTRIES) {
        let mut crc = 0;
        for entry in page {
            let entry = entry.to_le_bytes();
            crc = crc32c::crc32c_append(crc, &entry);
            bytes.extend_from_slice(&entry);
        }
        bytes.extend_from_slice(&u64::from(crc).to_le_bytes());
    }
    Ok(bytes)
}

/// No fingerprints if there is nothing to filter or no filter was found: then every hash may be in.
fn filter(hashes: &[u64]) -> ([u8; BinaryFuse8::DESCRIPTOR_LEN], Box<[u8]>) {
    let mut keys = hashes.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let mut descriptor = [0; BinaryFuse8::DESCRIPTOR_LEN];
    if keys.is_empty() {
        return (descriptor, Box::default());
    }
    match BinaryFuse8::try_from(&keys) {
        Ok(filter) => {
            filter.dma_copy_descriptor_to(&mut descriptor);
            (descriptor, filter.fingerprints)
        }
        Err(error) => {
            tracing::warn!(
                error,
                keys = keys.len(),
                "an id table is written without its filter"
            );
            (descriptor, Box::default())
        }
    }
}

/// An open table: the filter in memory, the pages on disk (or, rebuilt, in memory).
#[derive(Debug)]
pub(crate) struct IdTable {
    source: Source,
    entries: u64,
    descriptor: Vec<u8>,
    fingerprints: Vec<u8>,
    first_page: u64,
}

impl IdTable {
    /// Opens the table of a segment of `rows` rows.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if the filter's checksum or the length is wrong.
    pub(crate) fn open(source: Source, rows: u64) -> Result<Self, StoreError> {
        let head = source.read(0, HEADER_BYTES as u64)?;
        let number = |at: usize| {
            head.get(at..at + 8)
                .and_then(|bytes| bytes.first_chunk())
                .map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
        };
        let fingerprints = number(16);
        let pages_bytes = (rows + rows.div_ceil(PAGE_ENTRIES as u64)) * ENTRY_BYTES as u64;
        let due = (HEADER_BYTES as u64 + 4 + pages_bytes).checked_add(fingerprints);
        if !head.starts_with(MAGIC) || number(8) != rows || due != Some(source.length()) {
            return Err(source.damaged(0, "not the id table of this segment"));
        }
        let rest = source.read(HEADER_BYTES as u64, fingerprints + 4)?;
        let (fingerprints, sum) = rest.split_at(rest.len() - 4);
        let actual = crc32c::crc32c_append(crc32c::crc32c(&head), fingerprints);
        if sum != actual.to_le_bytes() {
            return Err(source.damaged(0, "the filter's checksum is wrong"));
        }
        Ok(Self {
            entries: rows,
            descriptor: head.get(24..).unwrap_or_default().to_vec(),
            fingerprints: fingerprints.to_vec(),
            first_page: source.length() - pages_bytes,
            source,
        })
    }

    /// Rows whose id may have this hash, ascending.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if a page's checksum is wrong.
    pub(crate) fn rows(&self, hash: u64) -> Result<Vec<u64>, StoreError> {
        let mut found = Vec::new();
        let pages = self.pages();
        if pages == 0 || !self.may_have(hash) {
            return Ok(found);
        }
        let wanted = hash & !ROW_MASK;
        // Hashes are spread evenly, so the page is where the hash lies between 0 and 2^64.
        let guess = (u128::from(hash) * u128::from(pages)) >> 64;
        let mut page = u64::try_from(guess).unwrap_or(0);
        while page > 0
            && self
                .page(page)?
                .first()
                .is_none_or(|first| *first >= wanted)
        {
            page -= 1;
        }
        while page < pages {
            for entry in self.page(page)? {
                match entry & !ROW_MASK {
                    key if key == wanted => found.push(entry & ROW_MASK),
                    key if key > wanted => return Ok(found),
                    _ => {}
                }
            }
            page += 1;
        }
        Ok(found)
    }

    /// Reads and checks every page.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        for page in 0..self.pages() {
            self.page(page)?;
        }
        Ok(())
    }

    fn pages(&self) -> u64 {
        self.entries.div_ceil(PAGE_ENTRIES as u64)
    }

    fn may_have(&self, hash: u64) -> bool {
        self.fingerprints.is_empty()
            || BinaryFuse8Ref::from_dma(&self.descriptor, &self.fingerprints).contains(&hash)
    }

    fn page(&self, page: u64) -> Result<Vec<u64>, StoreError> {
        let before = page * PAGE_ENTRIES as u64;
        let entries = self.entries.saturating_sub(before).min(PAGE_ENTRIES as u64);
        let length = (usize::try_from(entries).unwrap_or(0) + 1) * ENTRY_BYTES;
        let offset = self.first_page + page * PAGE_BYTES as u64;
        let bytes = self.source.read(offset, length as u64)?;
        let (body, sum) = bytes.split_at(length - ENTRY_BYTES);
        if sum != u64::from(crc32c::crc32c(body)).to_le_bytes() {
            return Err(self.source.damaged(offset, "a page's checksum is wrong"));
        }
        let (entries, _) = body.as_chunks::<ENTRY_BYTES>();
        Ok(entries
            .iter()
            .map(|entry| u64::from_le_bytes(*entry))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn open(bytes: Vec<u8>, rows: u64) -> Result<IdTable, StoreError> {
        IdTable::open(Source::memory(bytes, Path::new("t.ids")), rows)
    }

    fn table(hashes: &[u64]) -> IdTable {
        let bytes = encode(hashes).unwrap();
        open(bytes, hashes.len() as u64).unwrap()
    }

    #[test]
    fn the_hash_is_pinned() {
        assert_eq!(hash_id("abc"), 0xba78_16bf_8f01_cfea);
    }

    #[test]
    fn every_row_is_found_and_hardly_any_other() {
        for rows in [0u64, 1, 2, 511, 512, 5_000] {
            let hashes: Vec<u64> = (0..rows)
                .map(|row| hash_id(&format!("event-{row}")))
                .collect();
            let table = table(&hashes);
            for (row, hash) in (0..).zip(&hashes) {
                assert_eq!(table.rows(*hash).unwrap(), vec![row], "of {rows}");
            }
            for other in 0..1000 {
                assert!(
                    table
                        .rows(hash_id(&format!("other-{other}")))
                        .unwrap()
                        .is_empty()
                );
            }
        }
    }

    #[test]
    fn rows_with_the_same_hash_are_all_found_across_pages() {
        let mut hashes = vec![7 << 40; 1200];
        hashes.extend((0..3000u32).map(|row| hash_id(&row.to_string())));
        hashes.push((7 << 40) + 1); // same 40 bits, another hash
        let table = table(&hashes);
        let mut expected: Vec<u64> = (0..1200).collect();
        expected.push(4200);
        assert_eq!(table.rows(7 << 40).unwrap(), expected);
    }

    #[test]
    fn a_flipped_bit_is_an_error_or_changes_nothing() {
        let hashes: Vec<u64> = (0..600u32).map(|row| hash_id(&row.to_string())).collect();
        let bytes = encode(&hashes).unwrap();
        for bit in (0..bytes.len() * 8).step_by(5) {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let found = open(changed, 600).and_then(|table| table.check());
            assert!(
                matches!(found, Err(StoreError::Damaged { .. })),
                "bit {bit}"
            );
        }
        for cut in 0..bytes.len() {
            let cut = open(bytes[..cut].to_vec(), 600);
            assert!(cut.is_err());
        }
    }
}
