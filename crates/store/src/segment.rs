//! Reading one segment.

mod copy;
mod data;
mod hybrid;
mod page;
mod rows;

use std::{
    ops::Range,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use bytes::Bytes;
use event::{RecordView, Seq, TrailId};
use parquet::{
    column::page::{Page, PageReader},
    file::{
        metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData},
        page_index::offset_index::PageLocation,
        serialized_reader::SerializedPageReader,
        statistics::Statistics,
    },
};

pub(crate) use copy::CopiedGroup;
pub use data::{Ints, Texts};
pub(crate) use page::PayloadPage;
pub use rows::{Order, Row, Rows};

use crate::{
    cache::{Cache, Cached, Key},
    checked::CheckedFile,
    column::{Column, Kind},
    error::StoreError,
    ids::{self, IdTable},
    manifest::SegmentInfo,
    objects::Objects,
    sums::{Sums, sha256_hex},
};

/// Names of the three files of a segment.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFiles {
    /// Without folder and extension.
    pub(crate) name: String,
    pub(crate) parquet: String,
    pub(crate) sums: String,
    pub(crate) ids: String,
}

impl SegmentFiles {
    pub(crate) fn new(trail: &TrailId, name: &str) -> Self {
        let file = |extension: &str| format!("{}/{name}.{extension}", Self::folder(trail));
        Self {
            name: name.to_owned(),
            parquet: file("parquet"),
            sums: file("sum"),
            ids: file("ids"),
        }
    }

    pub(crate) fn folder(trail: &TrailId) -> String {
        format!("trails/{trail}/segments")
    }

    pub(crate) fn all(&self) -> [&str; 3] {
        [&self.parquet, &self.sums, &self.ids]
    }
}

/// A run of rows of a segment whose columns are read together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// First sequence number.
    pub first: u64,
    /// One past the last sequence number.
    pub end: u64,
    /// Server time of the first and the last event, microseconds since 1970.
    pub recorded_at: [u64; 2],
    /// Earliest and latest time that a producer claims, microseconds since 1970.
    pub time: [i64; 2],
}

/// A sealed run of events. Files are opened at first use and stay readable after they were replaced.
#[derive(Debug)]
pub struct Segment {
    info: SegmentInfo,
    files: SegmentFiles,
    objects: Objects,
    cache: Arc<Cache>,
    number: u64,
    /// Whether a missing or damaged id table may be written again.
    repairs: bool,
    opened: OnceLock<Opened>,
    table: RwLock<Option<Arc<IdTable>>>,
}

#[derive(Debug)]
struct Opened {
    file: Arc<CheckedFile>,
    metadata: ParquetMetaData,
    groups: Vec<Group>,
}

impl Segment {
    pub(crate) fn new(
        objects: &Objects,
        trail: &TrailId,
        info: SegmentInfo,
        cache: &Arc<Cache>,
        repairs: bool,
    ) -> Self {
        Self {
            files: SegmentFiles::new(trail, &info.name),
            info,
            objects: objects.clone(),
            cache: Arc::clone(cache),
            number: cache.next_number(),
            repairs,
            opened: OnceLock::new(),
            table: RwLock::default(),
        }
    }

    /// What the manifest says of it.
    #[must_use]
    pub fn info(&self) -> &SegmentInfo {
        &self.info
    }

    /// The sequence numbers that it holds.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.info.first..self.info.end
    }

    pub(crate) fn files(&self) -> &SegmentFiles {
        &self.files
    }

    /// Its row groups, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the file cannot be opened or its footer is damaged. So for every reading method.
    pub fn groups(&self) -> Result<&[Group], StoreError> {
        Ok(&self.opened()?.groups)
    }

    /// The exact bytes of a record.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotHere`] if the segment does not hold the event; [`StoreError::Damaged`] if the
    /// bytes are not the ones that were written.
    pub fn record(&self, seq: u64) -> Result<Bytes, StoreError> {
        self.payload(Column::Record, seq)?
            .ok_or(StoreError::NotHere { seq })
    }

    /// The exact bytes of an event's content, if it has any.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`].
    pub fn content(&self, seq: u64) -> Result<Option<Bytes>, StoreError> {
        self.payload(Column::Content, seq)
    }

    /// The idempotency digest, if the producer gave the event's id.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`].
    pub fn digest(&self, seq: u64) -> Result<Option<[u8; 16]>, StoreError> {
        let digest = self.payload(Column::Digest, seq)?;
        Ok(digest.and_then(|bytes| bytes.first_chunk().copied()))
    }

    /// The event with this id, if it is here: its sequence number and record.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`]. A missing or damaged id table is rebuilt, no error.
    pub fn find(&self, id: &str) -> Result<Option<(Seq, Bytes)>, StoreError> {
        self.find_hashed(id, ids::hash_id(id))
    }

    pub(crate) fn find_hashed(
        &self,
        id: &str,
        hash: u64,
    ) -> Result<Option<(Seq, Bytes)>, StoreError> {
        let rows = match self.table()?.rows(hash) {
            Err(error @ StoreError::Damaged { .. }) => self.rebuilt_table(&error)?.rows(hash)?,
            rows => rows?,
        };
        for row in rows {
            let seq = self.info.first + row;
            let record = self.record(seq)?;
            if RecordView::parse(&record).is_ok_and(|view| view.id == id) {
                return Ok(Some((Seq(seq), record)));
            }
        }
        Ok(None)
    }

    /// An integer column of a row group; `None` for a column of another kind.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`].
    pub fn ints(&self, group: usize, column: Column) -> Result<Option<Arc<Ints>>, StoreError> {
        if column.kind() != Kind::Int {
            return Ok(None);
        }
        let key = Key::column(self.number, group, column);
        if let Some(Cached::Ints(ints)) = self.cache.get(key) {
            return Ok(Some(ints));
        }
        let opened = self.opened()?;
        let pages = opened.pages(&self.info, group, column)?;
        let ints = Ints::decode(pages.rows, pages.descriptor, pages.reader)
            .map_err(|error| StoreError::from_parquet(opened.file.path(), error))?;
        let ints = Arc::new(ints);
        self.cache.put(key, Cached::Ints(Arc::clone(&ints)));
        Ok(Some(ints))
    }

    /// A text column of a row group; `None` for a column of another kind.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`].
    pub fn texts(&self, group: usize, column: Column) -> Result<Option<Arc<Texts>>, StoreError> {
        if column.kind() != Kind::Text {
            return Ok(None);
        }
        let key = Key::column(self.number, group, column);
        if let Some(Cached::Texts(texts)) = self.cache.get(key) {
            return Ok(Some(texts));
        }
        let opened = self.opened()?;
        let pages = opened.pages(&self.info, group, column)?;
        let texts = Texts::decode(pages.rows, pages.reader)
            .map_err(|error| StoreError::from_parquet(opened.file.path(), error))?;
        let texts = Arc::new(texts);
        self.cache.put(key, Cached::Texts(Arc::clone(&texts)));
        Ok(Some(texts))
    }

    /// The events of a range, cut to the segment, in either direction.
    #[must_use]
    pub fn rows(self: &Arc<Self>, range: Range<u64>, order: Order) -> Rows {
        Rows::new(Arc::clone(self), range, order)
    }

    /// Checks every byte of the segment's files.
    ///
    /// # Errors
    ///
    /// The first damage of each file, if any.
    pub fn check(&self) -> Result<(), Vec<StoreError>> {
        let mut errors = Vec::new();
        if let Err(error) = self.opened().and_then(|opened| opened.file.check()) {
            errors.push(error);
        }
        if let Err(error) = self.load_table().and_then(|table| table.check()) {
            errors.push(error);
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// Opens the file if it was not, so that it stays readable when it is removed.
    pub(crate) fn hold(&self) -> Result<(), StoreError> {
        self.opened().map(|_| ())
    }

    fn payload(&self, column: Column, seq: u64) -> Result<Option<Bytes>, StoreError> {
        let (page, row) = self.payload_page(column, seq, true)?;
        Ok(page.get(row))
    }

    /// The decoded page that holds an event's payload, and the event's row in its row group.
    fn payload_page(
        &self,
        column: Column,
        seq: u64,
        keep: bool,
    ) -> Result<(Arc<PayloadPage>, usize), StoreError> {
        let opened = self.opened()?;
        let (group, row) = opened.locate(seq).ok_or(StoreError::NotHere { seq })?;
        let locations = opened.locations(group, column);
        let after = locations.partition_point(|page| {
            usize::try_from(page.first_row_index).is_ok_and(|first| first <= row)
        });
        let page = after.saturating_sub(1);
        let key = Key::page(self.number, group, column, page);
        if let Some(Cached::Payload(page)) = self.cache.get(key) {
            return Ok((page, row));
        }
        let first_row = locations
            .get(page)
            .and_then(|page| usize::try_from(page.first_row_index).ok())
            .unwrap_or(0);
        let decoded = opened.page(&self.info, group, column, page)?;
        let decoded = PayloadPage::decode(decoded, column, first_row)
            .map_err(|error| StoreError::from_parquet(opened.file.path(), error))?;
        let decoded = Arc::new(decoded);
        if keep {
            self.cache.put(key, Cached::Payload(Arc::clone(&decoded)));
        }
        Ok((decoded, row))
    }

    fn opened(&self) -> Result<&Opened, StoreError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = Opened::load(&self.objects, &self.files, &self.info)?;
        Ok(self.opened.get_or_init(|| opened))
    }

    fn load_table(&self) -> Result<IdTable, StoreError> {
        let file = self.objects.open(&self.files.ids)?;
        let rows = self.info.end - self.info.first;
        IdTable::open(file, &self.objects.path(&self.files.ids), rows)
    }

    fn table(&self) -> Result<Arc<IdTable>, StoreError> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = table.as_ref() {
            return Ok(Arc::clone(table));
        }
        drop(table);
        match self.load_table() {
            Ok(table) => Ok(self.keep_table(table)),
            Err(error @ (StoreError::Damaged { .. } | StoreError::Missing { .. })) => {
                self.rebuilt_table(&error)
            }
            Err(error) => Err(error),
        }
    }

    fn keep_table(&self, table: IdTable) -> Arc<IdTable> {
        let table = Arc::new(table);
        let mut kept = self.table.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Arc::clone(&table));
        table
    }

    fn rebuilt_table(&self, reason: &StoreError) -> Result<Arc<IdTable>, StoreError> {
        tracing::warn!(%reason, "an id table is rebuilt from its segment");
        let bytes = ids::encode(&self.hashes()?)?;
        if self.repairs
            && let Err(error) = self.objects.put(&self.files.ids, bytes.clone())
        {
            tracing::warn!(%error, "a rebuilt id table could not be written");
        }
        let rows = self.info.end - self.info.first;
        let table = IdTable::in_memory(bytes, &self.objects.path(&self.files.ids), rows)?;
        Ok(self.keep_table(table))
    }

    /// Hashes of the ids of all rows.
    fn hashes(&self) -> Result<Vec<u64>, StoreError> {
        let mut hashes = Vec::new();
        for group in 0..self.groups()?.len() {
            hashes.extend(self.group_hashes(group)?);
        }
        Ok(hashes)
    }

    fn group_hashes(&self, group: usize) -> Result<Vec<u64>, StoreError> {
        let opened = self.opened()?;
        let pages = opened.pages(&self.info, group, Column::Id)?;
        let texts = Texts::decode(pages.rows, pages.reader)
            .map_err(|error| StoreError::from_parquet(opened.file.path(), error))?;
        Ok((0..texts.rows())
            .map(|row| ids::hash_id(texts.get(row).unwrap_or("")))
            .collect())
    }
}

/// The pages of one column of one row group.
struct ColumnPages {
    rows: usize,
    descriptor: parquet::schema::types::ColumnDescPtr,
    reader: SerializedPageReader<CheckedFile>,
}

impl Opened {
    fn load(
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

    /// Row group of an event and its row in there.
    fn locate(&self, seq: u64) -> Option<(usize, usize)> {
        let group = self.groups.partition_point(|group| group.end <= seq);
        let row = seq.checked_sub(self.groups.get(group)?.first)?;
        Some((group, usize::try_from(row).ok()?))
    }

    fn locations(&self, group: usize, column: Column) -> &[PageLocation] {
        self.metadata
            .page_index()
            .and_then(|index| index.page_locations(group, column.index()))
            .map_or(&[], Vec::as_slice)
    }

    fn pages(
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

    /// One data page of a column without a dictionary.
    fn page(
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
