//! The file of a rollup.
//!
//! Layout, integers little-endian: magic, the cuboids ([`codec`]) in zstd frames, the directory, and the footer:
//! length of a span of time in microseconds (u64), number of rows (u32), number of cuboids (u32), where the
//! directory lies (u64), CRC-32C of the directory (u32), of the footer before this (u32). The directory has for
//! each cuboid: time (u8), spans (u8), number of dimensions (u8), the columns' numbers (u8 each), number of cells
//! (u32), where its frame lies (u64), length of the frame (u32) and of what is in it (u32), CRC-32C of the
//! frame (u32).

use super::{
    Cuboid,
    build::Built,
    codec::{self, Form},
};
use crate::{
    column::{Column, Kind},
    error::StoreError,
    source::Source,
};

const MAGIC: &[u8; 8] = b"INDROL01";
const FOOTER_BYTES: usize = 32;
/// Level of zstd: what is compressed is small.
const LEVEL: i32 = 3;
/// Most bytes of a cuboid before compression: far above what a segment can have.
const MAX_CUBOID_BYTES: u32 = 1 << 30;

/// The cuboids of a segment. They are read and checked when they are asked for.
#[derive(Debug)]
pub struct Rollup {
    source: Source,
    rows: u32,
    unit_us: i64,
    entries: Vec<Entry>,
}

/// What a cuboid has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// By whose values rows are grouped.
    pub dimensions: Vec<Column>,
    /// Whether rows are grouped by spans of time, too.
    pub has_time: bool,
    /// Whether first and last row and time of each cell are kept.
    pub has_spans: bool,
    /// Number of cells.
    pub cells: u32,
}

#[derive(Debug)]
struct Entry {
    shape: Shape,
    offset: u64,
    length: u32,
    raw_length: u32,
    sum: u32,
}

/// The bytes of a rollup.
pub(crate) fn to_bytes(built: &Built) -> std::io::Result<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    let (mut directory, mut raw) = (Vec::new(), Vec::new());
    let size = |size: usize| u32::try_from(size).map_err(std::io::Error::other);
    for (plan, cuboid) in &built.cuboids {
        raw.clear();
        codec::write(cuboid, &mut raw);
        let frame = zstd::bulk::compress(&raw, LEVEL)?;
        let columns = plan.dimensions.iter().map(|column| column.index());
        let columns: Vec<u8> = columns
            .filter_map(|index| u8::try_from(index).ok())
            .collect();
        let count = u8::try_from(columns.len()).unwrap_or(u8::MAX);
        directory.extend_from_slice(&[plan.has_time.into(), plan.has_spans.into(), count]);
        directory.extend_from_slice(&columns);
        directory.extend_from_slice(&size(cuboid.cells())?.to_le_bytes());
        directory.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        directory.extend_from_slice(&size(frame.len())?.to_le_bytes());
        directory.extend_from_slice(&size(raw.len())?.to_le_bytes());
        directory.extend_from_slice(&crc32c::crc32c(&frame).to_le_bytes());
        bytes.extend_from_slice(&frame);
    }
    let offset = bytes.len() as u64;
    bytes.extend_from_slice(&directory);
    let mut footer = built.unit_us.to_le_bytes().to_vec();
    footer.extend_from_slice(&built.rows.to_le_bytes());
    footer.extend_from_slice(&size(built.cuboids.len())?.to_le_bytes());
    footer.extend_from_slice(&offset.to_le_bytes());
    footer.extend_from_slice(&crc32c::crc32c(&directory).to_le_bytes());
    footer.extend_from_slice(&crc32c::crc32c(&footer).to_le_bytes());
    bytes.extend_from_slice(&footer);
    Ok(bytes)
}

impl Rollup {
    /// Opens the rollup of a segment of so many rows; `None` if another version wrote it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if it is not as it was written for this segment.
    pub(crate) fn open(source: Source, rows: u64) -> Result<Option<Self>, StoreError> {
        let (bytes, at) = source.tail(FOOTER_BYTES)?;
        let Some(footer) = Footer::parse(&bytes) else {
            if source.is_other_version(*MAGIC)? {
                return Ok(None);
            }
            return Err(source.damaged(at, "the footer's checksum is wrong"));
        };
        if !source.has_magic(*MAGIC)? || u64::from(footer.rows) != rows {
            return Err(source.damaged(0, "not the rollup of this segment"));
        }
        let directory = source.read(footer.directory, at.saturating_sub(footer.directory))?;
        if crc32c::crc32c(&directory) != footer.directory_sum {
            return Err(source.damaged(footer.directory, "the directory's checksum is wrong"));
        }
        let mut rest: &[u8] = &directory;
        let entries = (0..footer.cuboids).map(|_| Entry::take(&mut rest));
        let entries = entries
            .collect::<Option<Vec<_>>>()
            .filter(|_| rest.is_empty());
        let entries = entries
            .ok_or_else(|| source.damaged(footer.directory, "the directory cannot be read"))?;
        let mut end = MAGIC.len() as u64;
        for entry in &entries {
            if entry.offset != end {
                return Err(source.damaged(end, "nothing refers to what is here"));
            }
            end += u64::from(entry.length);
        }
        if end != footer.directory {
            return Err(source.damaged(end, "nothing refers to what is here"));
        }
        Ok(Some(Self {
            source,
            rows: footer.rows,
            unit_us: footer.unit_us,
            entries,
        }))
    }

    /// Length of a span of time, microseconds. Spans begin at multiples of it since 1970.
    #[must_use]
    pub fn unit_us(&self) -> i64 {
        self.unit_us
    }

    /// What the cuboids have.
    pub fn shapes(&self) -> impl Iterator<Item = &Shape> {
        self.entries.iter().map(|entry| &entry.shape)
    }

    /// Reads a cuboid by its position in [`Rollup::shapes`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if it is not as it was written.
    pub(crate) fn cuboid(&self, number: usize) -> Result<Cuboid, StoreError> {
        let entry = self.entries.get(number);
        let entry = entry.ok_or_else(|| self.source.damaged(0, "a cuboid that is not there"))?;
        let damaged = |detail| self.source.damaged(entry.offset, detail);
        let frame = self.source.read(entry.offset, entry.length.into())?;
        if crc32c::crc32c(&frame) != entry.sum {
            return Err(damaged("the checksum of a cuboid is wrong"));
        }
        let raw = zstd::bulk::decompress(&frame, entry.raw_length.min(MAX_CUBOID_BYTES) as usize)
            .map_err(|_| damaged("a cuboid cannot be unpacked"))?;
        let is_text = entry.shape.dimensions.iter();
        let is_text: Vec<bool> = is_text.map(|column| column.kind() == Kind::Text).collect();
        let form = Form {
            is_text: &is_text,
            has_time: entry.shape.has_time,
            has_spans: entry.shape.has_spans,
            rows: self.rows,
        };
        let cuboid = codec::read(&raw, form);
        let cuboid = cuboid.filter(|cuboid| cuboid.cells() == entry.shape.cells as usize);
        cuboid.ok_or_else(|| damaged("a cuboid cannot be read"))
    }

    /// The first cuboid that is not as built from the rows, if one differs.
    pub(crate) fn difference(&self, built: &Built) -> Result<Option<StoreError>, StoreError> {
        let differs = |offset| self.source.damaged(offset, "not what its events add up to");
        if self.entries.len() != built.cuboids.len() || self.unit_us != built.unit_us {
            return Ok(Some(differs(0)));
        }
        for (number, (entry, (plan, cuboid))) in self.entries.iter().zip(&built.cuboids).enumerate()
        {
            let shape = &entry.shape;
            let is_same_plan = shape.dimensions == plan.dimensions
                && shape.has_time == plan.has_time
                && shape.has_spans == plan.has_spans;
            if !is_same_plan || self.cuboid(number)? != *cuboid {
                return Ok(Some(differs(entry.offset)));
            }
        }
        Ok(None)
    }

    /// Reads and checks everything.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        (0..self.entries.len()).try_for_each(|number| self.cuboid(number).map(|_| ()))
    }
}

struct Footer {
    unit_us: i64,
    rows: u32,
    cuboids: u32,
    directory: u64,
    directory_sum: u32,
}

impl Footer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (all, sum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(all).to_le_bytes() != *sum {
            return None;
        }
        let mut rest = all;
        let footer = Self {
            unit_us: i64::from_le_bytes(take(&mut rest)?),
            rows: u32::from_le_bytes(take(&mut rest)?),
            cuboids: u32::from_le_bytes(take(&mut rest)?),
            directory: u64::from_le_bytes(take(&mut rest)?),
            directory_sum: u32::from_le_bytes(take(&mut rest)?),
        };
        (footer.unit_us > 0 && rest.is_empty()).then_some(footer)
    }
}

impl Entry {
    fn take(rest: &mut &[u8]) -> Option<Self> {
        let [has_time, has_spans, count] = take(rest)?;
        let (columns, after) = rest.split_at_checked(count.into())?;
        *rest = after;
        let column = |index: &u8| Column::ALL.get(usize::from(*index)).copied();
        Some(Self {
            shape: Shape {
                dimensions: columns.iter().map(column).collect::<Option<_>>()?,
                has_time: has_time == 1,
                has_spans: has_spans == 1,
                cells: u32::from_le_bytes(take(rest)?),
            },
            offset: u64::from_le_bytes(take(rest)?),
            length: u32::from_le_bytes(take(rest)?),
            raw_length: u32::from_le_bytes(take(rest)?),
            sum: u32::from_le_bytes(take(rest)?),
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}
