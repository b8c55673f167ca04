//! Taking a row group over into another segment without decoding it.

use std::ops::Range;

use parquet::column::writer::ColumnCloseResult;

use super::Segment;
use crate::{checked::CheckedFile, column::Column, error::StoreError};

/// The compressed columns of a row group, and what the new segment must know of its rows.
pub(crate) struct CopiedGroup {
    pub(crate) file: CheckedFile,
    pub(crate) columns: Vec<ColumnCloseResult>,
    pub(crate) hashes: Vec<u64>,
    pub(crate) recorded_at: [u64; 2],
    pub(crate) time: [i64; 2],
}

impl Segment {
    /// Bytes of the record and content pages of a row group before compression: a little more than
    /// the raw bytes.
    pub(crate) fn group_bytes(&self, group: usize) -> Result<u64, StoreError> {
        let opened = self.opened()?;
        let metadata = opened.metadata.row_groups().get(group);
        let column = |column: Column| {
            metadata
                .and_then(|group| group.columns().get(column.index()))
                .and_then(|chunk| u64::try_from(chunk.uncompressed_size()).ok())
                .unwrap_or(0)
        };
        Ok(column(Column::Record) + column(Column::Content))
    }

    /// Server times of the events of a range of the segment.
    pub(crate) fn recorded_at(&self, range: Range<u64>) -> Result<Vec<u64>, StoreError> {
        let mut times = Vec::new();
        for (index, group) in self.groups()?.iter().enumerate() {
            let Some(column) = self.ints(index, Column::RecordedAt)? else {
                continue;
            };
            for seq in range.start.max(group.first)..range.end.min(group.end) {
                let row = usize::try_from(seq - group.first).unwrap_or(usize::MAX);
                let time = column.get(row).and_then(|time| u64::try_from(time).ok());
                times.push(time.unwrap_or(0));
            }
        }
        Ok(times)
    }

    /// Reads what copying a row group needs; the compressed bytes are read when they are written.
    pub(crate) fn copied_group(&self, index: usize) -> Result<CopiedGroup, StoreError> {
        let opened = self.opened()?;
        let group = opened
            .groups
            .get(index)
            .ok_or(StoreError::NotHere { seq: self.info.end })?;
        let metadata = opened.metadata_with_index()?;
        let pages = metadata.page_index_for_row_group(index);
        let source = metadata.row_group(index);
        let column = |(position, chunk): (usize, &parquet::file::metadata::ColumnChunkMetaData)| {
            ColumnCloseResult {
                bytes_written: u64::try_from(chunk.compressed_size()).unwrap_or(0),
                rows_written: group.end - group.first,
                metadata: chunk.clone(),
                bloom_filter: None,
                column_index: pages.column_index(position).cloned(),
                offset_index: pages.offset_index(position).cloned(),
            }
        };
        Ok(CopiedGroup {
            file: (*opened.file).clone(),
            columns: source.columns().iter().enumerate().map(column).collect(),
            hashes: self.group_hashes(index)?,
            recorded_at: group.recorded_at,
            time: group.time,
        })
    }
}
