//! Reading one segment.

mod copy;
mod files;
pub(crate) mod hybrid;
mod ints;
mod layout;
mod lookup;
mod opened;
mod packed;
mod page;
mod payloads;
mod projection;
mod rows;
mod texts;
mod typed;

use std::{
    ops::Range,
    sync::{Arc, OnceLock, RwLock},
};

use bytes::Bytes;
use event::TrailId;

pub(crate) use copy::CopiedGroup;
pub(crate) use files::SegmentFiles;
pub use ints::{Coded, Ints};
use opened::Opened;
pub use packed::Packed;
pub(crate) use page::PayloadPage;
pub use payloads::Payloads;
use projection::Projection;
pub use rows::{Order, Row, Rows};
pub use texts::Texts;
pub use typed::{Difference, TypedColumns};

use crate::{
    cache::{Cache, Cached, Key},
    column::{Column, Kind},
    error::StoreError,
    ids::IdTable,
    index::Index,
    manifest::SegmentInfo,
    objects::Objects,
    rollup::Rollup,
};

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
    index: Projection<Index>,
    rollup: Projection<Rollup>,
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
            index: Projection::new(),
            rollup: Projection::new(),
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

    /// An integer column of a row group, flags as 1 and 0; `None` for a column of another kind, or one
    /// that files of an earlier version lack.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`].
    pub fn ints(&self, group: usize, column: Column) -> Result<Option<Arc<Ints>>, StoreError> {
        if !matches!(column.kind(), Kind::Int | Kind::Flag) {
            return Ok(None);
        }
        let key = Key::column(self.number, group, column);
        if let Some(Cached::Ints(ints)) = self.cache.get(key) {
            return Ok(Some(ints));
        }
        let Some(ints) = self.read_ints(group, column)?.map(Arc::new) else {
            return Ok(None);
        };
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
        let texts = Arc::new(self.read_texts(group, column)?);
        self.cache.put(key, Cached::Texts(Arc::clone(&texts)));
        Ok(Some(texts))
    }

    /// An integer column past the cache; `None` if the file's version lacks it.
    pub(crate) fn read_ints(
        &self,
        group: usize,
        column: Column,
    ) -> Result<Option<Ints>, StoreError> {
        let opened = self.opened()?;
        let has = opened.has(column);
        has.then(|| opened.ints(&self.info, group, column))
            .transpose()
    }

    /// A text column past the cache.
    pub(crate) fn read_texts(&self, group: usize, column: Column) -> Result<Texts, StoreError> {
        self.opened()?.texts(&self.info, group, column)
    }

    /// The events of a range, cut to the segment, in either direction.
    #[must_use]
    pub fn rows(&self, range: Range<u64>, order: Order) -> Rows<'_> {
        Rows::new(self, range, order)
    }

    /// For many payloads that lie near each other. `keep`: they will be asked for again, so pages may displace
    /// others from the cache.
    #[must_use]
    pub fn payloads(&self, keep: bool) -> Payloads<'_> {
        Payloads::new(self, keep)
    }

    /// Checks every byte of the segment's files, and that all ways to its pages lead to the same ones.
    ///
    /// # Errors
    ///
    /// The first damage of each file, if any.
    pub fn check(&self) -> Result<(), Vec<StoreError>> {
        let mut errors = Vec::new();
        let parquet = self.opened().and_then(|opened| {
            opened.file.check()?;
            opened.check_layout(&self.info)
        });
        errors.extend(parquet.err());
        errors.extend(self.load_table().and_then(|table| table.check()).err());
        let index = self.load_index();
        errors.extend(projection_error(index, Index::check));
        let rollup = self.load_rollup();
        errors.extend(projection_error(rollup, Rollup::check));
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// Whether the file has all columns that are written now.
    pub(crate) fn is_current(&self) -> Result<bool, StoreError> {
        let opened = self.opened()?;
        Ok(Column::ALL.into_iter().all(|column| opened.has(column)))
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
}

/// What is wrong with something that is made from the events. It may be missing, or of another version.
fn projection_error<T>(
    opened: Result<Option<T>, StoreError>,
    check: impl FnOnce(&T) -> Result<(), StoreError>,
) -> Option<StoreError> {
    match opened {
        Ok(Some(projection)) => check(&projection).err(),
        Ok(None) | Err(StoreError::Missing { .. }) => None,
        Err(error) => Some(error),
    }
}
