//! That every reader of the file is led to the same rows.
//!
//! Some readers take a column's pages one after another, some by the page index, some skip what bounds and
//! Bloom filters rule out. Checksums do not tell whether these agree: whoever writes a file writes its
//! checksums.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes, buf::Reader};
use parquet::{
    basic::BoundaryOrder,
    column::page::PageReader,
    errors::ParquetError,
    file::{
        metadata::{ColumnChunkMetaData, KeyValue, ParquetMetaData},
        page_index::{column_index::ColumnIndexMetaData, offset_index::PageLocation},
        reader::{ChunkReader, Length},
        serialized_reader::SerializedPageReader,
        statistics::Statistics,
    },
};

use super::{Ints, opened::Opened, page::malformed};
use crate::{
    column::{self, Column},
    error::StoreError,
    manifest::SegmentInfo,
};

impl Opened {
    /// Checks schema, footer and page index against each other and against the pages.
    pub(super) fn check_layout(&self, info: &SegmentInfo) -> Result<(), StoreError> {
        let damaged = |offset: u64, detail: String| self.file.damaged(offset, detail);
        let footer = |detail: String| damaged(info.file_bytes, format!("footer: {detail}"));
        let metadata = self.metadata_with_index()?;
        check_file(&metadata, self.file.len(), info)
            .map_err(|error| StoreError::from_parquet(self.file.path(), error))?
            .map_err(|detail| footer(detail.to_owned()))?;
        for (group, row_group) in metadata.row_groups().iter().enumerate() {
            for (column, chunk) in Column::ALL.into_iter().zip(row_group.columns()) {
                let name = column.name();
                let place = format!("row group {group}, column {name}");
                let index = metadata.page_index();
                let has_index =
                    index.is_some_and(|index| index.column_index(group, column.index()).is_some());
                check_chunk(chunk, column, row_group.num_rows(), has_index)
                    .map_err(|detail| footer(format!("{place}: {detail}")))?;
                let (start, length) = chunk.byte_range();
                let bytes = self
                    .file
                    .read(start, usize::try_from(length).unwrap_or(usize::MAX))?;
                let pages = pages(bytes, chunk)
                    .map_err(|error| StoreError::from_parquet(self.file.path(), error))?;
                let is_same = self
                    .locations(group, column)
                    .iter()
                    .map(Place::of)
                    .eq(pages);
                if !is_same {
                    let detail =
                        format!("{place}: the page index names other pages than there are");
                    return Err(damaged(start, detail));
                }
            }
        }
        Ok(())
    }

    /// Checks the bounds that footer and page index give for a column without nulls.
    pub(super) fn check_bounds(
        &self,
        metadata: &ParquetMetaData,
        group: usize,
        column: Column,
        values: &Ints,
    ) -> Result<(), StoreError> {
        let chunk = metadata.row_group(group).column(column.index());
        let index = metadata
            .page_index()
            .and_then(|index| index.column_index(group, column.index()));
        let stated = match chunk.statistics() {
            Some(Statistics::Int64(range)) => {
                range.min_opt().copied().zip(range.max_opt().copied())
            }
            _ => None,
        };
        let rows = values.rows();
        let starts: Vec<usize> = self
            .locations(group, column)
            .iter()
            .map(|page| usize::try_from(page.first_row_index).unwrap_or(rows))
            .collect();
        let ends = starts.iter().skip(1).copied().chain([rows]);
        let pages: Vec<Option<(i64, i64)>> = starts
            .iter()
            .zip(ends)
            .map(|(start, end)| bounds(values, *start, end))
            .collect();
        let are_pages_right = index.is_none_or(|index| are_bounds(index, &pages));
        if stated == bounds(values, 0, rows) && are_pages_right {
            return Ok(());
        }
        let detail = format!(
            "row group {group}, column {}: its bounds are not those of its values",
            column.name()
        );
        Err(self.file.damaged(chunk.byte_range().0, detail))
    }
}

/// What concerns the whole file; the inner error is what is wrong.
fn check_file(
    metadata: &ParquetMetaData,
    file_bytes: u64,
    info: &SegmentInfo,
) -> Result<Result<(), &'static str>, ParquetError> {
    let file = metadata.file_metadata();
    let rows = u64::try_from(file.num_rows()).ok();
    let properties = file.key_value_metadata().map_or(&[][..], Vec::as_slice);
    let stated = |(format, _): &(&str, usize)| {
        let format = KeyValue::new(column::FORMAT_KEY.to_owned(), (*format).to_owned());
        properties == [format]
    };
    let Some((_, columns)) = column::FORMATS.into_iter().find(stated) else {
        return Ok(Err("other properties than a version that is known"));
    };
    Ok(if file.schema() != &*column::schema_of(columns)? {
        Err("another schema than its version's")
    } else if rows != Some(info.end - info.first) {
        Err("another number of rows than the manifest's")
    } else if file_bytes != info.file_bytes {
        Err("another length than the manifest's")
    } else {
        Ok(())
    })
}

/// What the footer says of a column's chunk.
fn check_chunk(
    chunk: &ColumnChunkMetaData,
    column: Column,
    rows: i64,
    has_index: bool,
) -> Result<(), &'static str> {
    let has_bounds = |chunk: &ColumnChunkMetaData| {
        has_index || chunk.statistics().is_some() || chunk.geo_statistics().is_some()
    };
    if chunk.file_path().is_some() {
        Err("its values are in another file")
    } else if chunk.num_values() != rows {
        Err("another number of values than of rows")
    } else if chunk.bloom_filter_offset().is_some() {
        Err("a Bloom filter, which no segment has")
    } else if has_bounds(chunk) && !column.has_bounds() {
        Err("bounds, which only seq and the times have")
    } else {
        Ok(())
    }
}

/// Where a data page lies and which row is its first.
#[derive(PartialEq, Eq)]
struct Place {
    offset: u64,
    bytes: u64,
    first_row: u64,
}

impl Place {
    /// As the page index says; what cannot be a place is none that there is.
    fn of(location: &PageLocation) -> Self {
        let number = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
        Self {
            offset: number(location.offset),
            bytes: number(location.compressed_page_size.into()),
            first_row: number(location.first_row_index),
        }
    }
}

/// The data pages of a column as they follow on each other.
fn pages(bytes: Bytes, chunk: &ColumnChunkMetaData) -> Result<Vec<Place>, ParquetError> {
    let (start, length) = chunk.byte_range();
    let rows = usize::try_from(chunk.num_values()).unwrap_or(0);
    let walk = Arc::new(Walk {
        bytes,
        start,
        begins: Mutex::default(),
    });
    let mut reader = SerializedPageReader::new(Arc::clone(&walk), chunk, rows, None)?;
    let mut counts = Vec::new();
    while let Some(page) = reader.peek_next_page()? {
        counts.push((!page.is_dict).then_some(page.num_levels.unwrap_or(0)));
        reader.skip_next_page()?;
    }
    let begins = walk.begins.lock().unwrap_or_else(PoisonError::into_inner);
    if begins.len() != counts.len() {
        return Err(malformed("a page of an unknown kind"));
    }
    let ends = begins.iter().skip(1).copied().chain([start + length]);
    let mut first_row = 0;
    let mut pages = Vec::with_capacity(counts.len());
    for ((position, begin), (end, count)) in begins.iter().enumerate().zip(ends.zip(&counts)) {
        let Some(count) = *count else {
            if position == 0 {
                continue;
            }
            return Err(malformed("a dictionary that is not the first page"));
        };
        pages.push(Place {
            offset: *begin,
            bytes: end.saturating_sub(*begin),
            first_row,
        });
        first_row += count as u64;
    }
    Ok(pages)
}

/// The bytes of a column's chunk; notes where the headers lie that are read.
struct Walk {
    bytes: Bytes,
    start: u64,
    begins: Mutex<Vec<u64>>,
}

impl Length for Walk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Walk {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let mut begins = self.begins.lock().unwrap_or_else(PoisonError::into_inner);
        begins.push(start);
        self.get_bytes(
            start,
            usize::try_from(self.len().saturating_sub(start)).unwrap_or(0),
        )
        .map(Buf::reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let from = start
            .checked_sub(self.start)
            .and_then(|from| usize::try_from(from).ok());
        let range = from.and_then(|from| Some(from..from.checked_add(length)?));
        range
            .filter(|range| range.end <= self.bytes.len())
            .map(|range| self.bytes.slice(range))
            .ok_or_else(|| malformed("a page lies outside its column"))
    }
}

/// Least and greatest of some rows, if there are any.
fn bounds(values: &Ints, start: usize, end: usize) -> Option<(i64, i64)> {
    let values = || (start..end).filter_map(|row| values.get(row));
    values().min().zip(values().max())
}

/// Whether the page index gives these bounds, and no order that they do not have.
fn are_bounds(index: &ColumnIndexMetaData, pages: &[Option<(i64, i64)>]) -> bool {
    let ColumnIndexMetaData::INT64(values) = index else {
        return false;
    };
    let stated = values.min_values_iter().zip(values.max_values_iter());
    let stated = stated.map(|(least, greatest)| least.copied().zip(greatest.copied()));
    let least = || pages.iter().map(|page| page.map(|page| page.0));
    let greatest = || pages.iter().map(|page| page.map(|page| page.1));
    let is_ordered = match index.get_boundary_order() {
        Some(BoundaryOrder::ASCENDING) => least().is_sorted() && greatest().is_sorted(),
        Some(BoundaryOrder::DESCENDING) => {
            least().rev().is_sorted() && greatest().rev().is_sorted()
        }
        Some(BoundaryOrder::UNORDERED) | None => true,
    };
    stated.eq(pages.iter().copied()) && is_ordered
}
