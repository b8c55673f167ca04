//! The open file of a segment.

use std::sync::Arc;

use parquet::{
    column::page::{Page, PageReader},
    file::{
        metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData},
        page_index::offset_index::PageLocation,
        serialized_reader::SerializedPageReader,
        statistics::Statistics,
    },
    schema::types::ColumnDescPtr,
};

use super::{Group, Ints, SegmentFiles, Texts, page};
use crate::{
    checked::CheckedFile,
    column::Column,
    error::StoreError,
    manifest::SegmentInfo,
    objects::Objects,
    sums::{Sums, sha256_hex},
};

/// The checked file, its footer and its page index.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: Arc<CheckedFile>,
    pub(super) metadata: ParquetMetaData,
    pub(super) groups: Vec<Group>,
}

/// The pages of one column of one row group.
pub(super) struct ColumnPages {
    pub(super) rows: usize,
    pub(super) descriptor: ColumnDescPtr,
    pub(super) reader: SerializedPageReader<CheckedFile>,
}

impl Opened {
    pub(super) fn load(
        objects: &Objects,
        files: &SegmentFiles,
        info: &SegmentInfo,
    ) -> Result<Self, StoreError> {
        let path = objects.path(&files.parquet);
        let file = objects.open(&files.parquet)?;
        let bytes = objects.get(&files.sums)?;
        let actual = sha256_hex(&bytes);
        let sums = Sums::parse(&bytes).filter(|_| actual == info.sums_sha256);
        let sums = sums.ok_or_else(|| StoreError::Damaged {
            path: objects.path(&files.sums),
            offset: 0,
            detail: format!("expected SHA-256 {}, found {actual}", info.sums_sha256),
        })?;
        let file = Arc::new(CheckedFile::new(file, path.clone(), sums)?);
        let metadata = ParquetMetaDataReader::new()
            .with_offset_index_policy(PageIndexPolicy::Required)
            .parse_and_finish(&*file)
            .map_err(|error| StoreError::from_parquet(&path, error))?;
        let mut first = info.first;
        let groups: Vec<Group> = metadata
            .row_groups()
            .iter()
            .map(|group| {
                let group = describe(group, first);
                first = group.end;
                group
            })
            .collect();
        if first != info.end {
            return Err(StoreError::Damaged {
                path,
                offset: 0,
                detail: format!(
                    "expected {} rows, found {}",
                    info.end - info.first,
                    first - info.first
                ),
            });
        }
        Ok(Self {
            file,
            metadata,
            groups,
        })
    }

    /// Whether the file's version has a column.
    pub(super) fn has(&self, column: Column) -> bool {
        let schema = self.metadata.file_metadata().schema_descr();
        column.index() < schema.num_columns()
    }

    /// Row group of an event and its row in there.
    pub(super) fn locate(&self, seq: u64) -> Option<(usize, usize)> {
        let group = self.groups.partition_point(|group| group.end <= seq);
        let row = seq.checked_sub(self.groups.get(group)?.first)?;
        Some((group, usize::try_from(row).ok()?))
    }

    pub(super) fn locations(&self, group: usize, column: Column) -> &[PageLocation] {
        self.metadata
            .page_index()
            .and_then(|index| index.page_locations(group, column.index()))
            .map_or(&[], Vec::as_slice)
    }

    pub(super) fn pages(
        &self,
        info: &SegmentInfo,
        group: usize,
        column: Column,
    ) -> Result<ColumnPages, StoreError> {
        let seq = info.end;
        if group >= self.groups.len() {
            return Err(StoreError::NotHere { seq });
        }
        let metadata = self.metadata.row_group(group);
        let rows = usize::try_from(metadata.num_rows()).unwrap_or(0);
        let chunk = metadata.column(column.index());
        let locations = self.locations(group, column).to_vec();
        let reader =
            SerializedPageReader::new(Arc::clone(&self.file), chunk, rows, Some(locations))
                .map_err(|error| StoreError::from_parquet(self.file.path(), error))?;
        Ok(ColumnPages {
            rows,
            descriptor: chunk.column_descr_ptr(),
            reader,
        })
    }

    /// An integer column of a row group.
    pub(super) fn ints(
        &self,
        info: &SegmentInfo,
        group: usize,
        column: Column,
    ) -> Result<Ints, StoreError> {
        let pages = self.pages(info, group, column)?;
        Ints::decode(column, pages.rows, pages.descriptor, pages.reader)
            .map_err(|error| StoreError::from_parquet(self.file.path(), error))
    }

    /// A text column of a row group.
    pub(super) fn texts(
        &self,
        info: &SegmentInfo,
        group: usize,
        column: Column,
    ) -> Result<Texts, StoreError> {
        let pages = self.pages(info, group, column)?;
        Texts::decode(pages.rows, pages.reader)
            .map_err(|error| StoreError::from_parquet(self.file.path(), error))
    }

    /// The footer again, this time with the column index, which reading does not need.
    pub(super) fn metadata_with_index(&self) -> Result<ParquetMetaData, StoreError> {
        ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(&*self.file)
            .map_err(|error| StoreError::from_parquet(self.file.path(), error))
    }

    /// One data page of a column without a dictionary.
    pub(super) fn page(
        &self,
        info: &SegmentInfo,
        group: usize,
        column: Column,
        page: usize,
    ) -> Result<Page, StoreError> {
        let mut reader = self.pages(info, group, column)?.reader;
        let read = || {
            for _ in 0..page {
                reader.skip_next_page()?;
            }
            reader
                .get_next_page()?
                .ok_or_else(|| page::malformed("a page is missing"))
        };
        let mut read = read;
        read().map_err(|error| StoreError::from_parquet(self.file.path(), error))
    }
}

fn describe(metadata: &RowGroupMetaData, first: u64) -> Group {
    let range = |column: Column| match metadata.column(column.index()).statistics() {
        Some(Statistics::Int64(range)) => [
            range.min_opt().copied().unwrap_or(i64::MIN),
            range.max_opt().copied().unwrap_or(i64::MAX),
        ],
        _ => [i64::MIN, i64::MAX],
    };
    Group {
        first,
        end: first + u64::try_from(metadata.num_rows()).unwrap_or(0),
        recorded_at: range(Column::RecordedAt).map(|micros| u64::try_from(micros).unwrap_or(0)),
        time: range(Column::Time),
    }
}
