//! Writing one segment: the Parquet file, its checksums and its id table; collecting its index.

mod columns;
mod dictionary;

use std::{
    sync::{Arc, mpsc},
    thread,
};

use event::{Micros, RecordView, Seq, filter::Tokenizer};
use parquet::{
    errors::ParquetError,
    file::{metadata::KeyValue, writer::SerializedFileWriter},
};

use crate::{
    column,
    columns::{Collecting, Columns},
    error::StoreError,
    ids,
    index::{self, Builder, Collector, Loose, Run, Terms},
    manifest::SegmentInfo,
    objects::{Objects, Upload},
    segment::{CopiedGroup, SegmentFiles},
    sums::{Summing, sha256_hex},
};
use dictionary::Dictionaries;

/// Most rows in a row group; with [`GROUP_RAW_BYTES`] it bounds what reading one column takes.
pub(crate) const GROUP_ROWS: usize = 1 << 17;
/// Record and content bytes after which a row group is full.
pub(crate) const GROUP_RAW_BYTES: u64 = 64 << 20;

/// An event on its way into a segment.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    /// Position in the log.
    pub seq: u64,
    /// Server time, microseconds since 1970.
    pub recorded_at: u64,
    /// Exact bytes of the record.
    pub record: &'a [u8],
    /// Exact bytes of the content, if there is any.
    pub content: Option<&'a [u8]>,
    /// Keyed digest of the event as sent, if the producer gave its id.
    pub digest: Option<[u8; 16]>,
}

impl NewRow<'_> {
    pub(crate) fn raw_bytes(&self) -> u64 {
        (self.record.len() + self.content.map_or(0, <[u8]>::len)) as u64
    }
}

/// What index and rollup are made from.
pub(crate) struct Collected {
    pub(crate) index: Option<Builder>,
    /// Of the row groups that were written, not of those that were copied.
    pub(crate) columns: Vec<Arc<Columns>>,
}

/// Writes one segment; nothing is visible before [`SegmentWriter::finish`].
pub(crate) struct SegmentWriter<'a> {
    objects: &'a Objects,
    files: SegmentFiles,
    parquet: SerializedFileWriter<Summing<Upload>>,
    dictionaries: Dictionaries,
    hashes: Vec<u64>,
    collected: Collected,
    first: u64,
    raw_bytes: u64,
    recorded_at: Option<[u64; 2]>,
    time: [i64; 2],
}

impl<'a> SegmentWriter<'a> {
    /// Collects the index too if terms are given.
    pub(crate) fn new(
        objects: &'a Objects,
        files: SegmentFiles,
        first: u64,
        zstd_level: i32,
        terms: Option<Terms>,
    ) -> Result<Self, StoreError> {
        let upload = objects.upload(&files.parquet)?;
        let begin = || {
            let properties = column::properties(zstd_level)?;
            SerializedFileWriter::new(Summing::new(upload), column::schema()?, properties)
        };
        let failed = |error| StoreError::from_parquet(&objects.path(&files.parquet), error);
        let mut parquet = begin().map_err(failed)?;
        let dictionaries = Dictionaries::new(zstd_level).map_err(failed)?;
        parquet.append_key_value_metadata(KeyValue::new(
            column::FORMAT_KEY.to_owned(),
            column::FORMAT.to_owned(),
        ));
        let path = objects.path(&files.index);
        Ok(Self {
            objects,
            files,
            parquet,
            dictionaries,
            hashes: Vec::new(),
            collected: Collected {
                index: terms.map(|terms| Builder::new(terms, &path)),
                columns: Vec::new(),
            },
            first,
            raw_bytes: 0,
            recorded_at: None,
            time: [i64::MAX, i64::MIN],
        })
    }

    /// Names of the segment's files.
    pub(crate) fn files(&self) -> &SegmentFiles {
        &self.files
    }

    /// Writes rows, which follow on those before, as one row group.
    ///
    /// The terms of the contents are collected meanwhile on another thread.
    pub(crate) fn write_group(&mut self, rows: &[NewRow<'_>]) -> Result<(), StoreError> {
        let Some(terms) = self.collected.index.as_ref().map(Builder::terms) else {
            let columns = self.collect(rows, |_, _| {})?;
            return self.write_columns(rows, &columns);
        };
        let run = thread::scope(|scope| {
            // Dropped on the way out, whatever fails here, so that the other thread ends.
            let (send, receive) = mpsc::channel();
            let indexing = thread::Builder::new()
                .name("indexer".to_owned())
                .spawn_scoped(scope, move || index_rows(terms, rows, &receive))
                .map_err(|source| self.failed(source))?;
            let (mut tokenizer, mut loose) = (Tokenizer::default(), Loose::new());
            let columns = self.collect(rows, |row, record| {
                index::rest(terms, &mut tokenizer, record, row, &mut loose);
            })?;
            let columns = Arc::new(columns);
            self.collected.columns.push(Arc::clone(&columns));
            // If nobody receives it, joining tells why.
            let _ = send.send((Arc::clone(&columns), loose));
            self.write_columns(rows, &columns)?;
            match indexing.join() {
                Ok(run) => Ok(run),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })?;
        if let Some((index, run)) = self.collected.index.as_mut().zip(run) {
            index.add(run, u32::try_from(rows.len()).unwrap_or(u32::MAX))?;
        }
        Ok(())
    }

    /// Reads the records of rows, and gives each with its position.
    fn collect(
        &mut self,
        rows: &[NewRow<'_>],
        mut each: impl FnMut(u32, &RecordView<'_>),
    ) -> Result<Columns, StoreError> {
        let mut columns = Collecting::default();
        for (position, row) in (0..).zip(rows) {
            let expected = self.first + self.hashes.len() as u64;
            if row.seq != expected {
                return Err(StoreError::NotContiguous {
                    path: self.objects.path(&self.files.parquet),
                    expected,
                    actual: row.seq,
                });
            }
            let record = RecordView::parse(row.record)
                .inspect_err(|error| tracing::error!(seq = row.seq, %error, "a record is sealed without columns"))
                .ok();
            let id = record.as_ref().map_or("", |record| record.id.as_ref());
            self.hashes.push(ids::hash_id(id));
            self.raw_bytes += row.raw_bytes();
            columns.add(Seq(row.seq), Micros(row.recorded_at), record.as_ref());
            if let Some(record) = &record {
                each(position, record);
            }
        }
        let columns = columns.finish();
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            self.widen([first.recorded_at, last.recorded_at], columns.time());
        }
        Ok(columns)
    }

    fn write_columns(&mut self, rows: &[NewRow<'_>], values: &Columns) -> Result<(), StoreError> {
        let written = columns::write(&mut self.parquet, &mut self.dictionaries, rows, values);
        written.map_err(|error| {
            StoreError::from_parquet(&self.objects.path(&self.files.parquet), error)
        })
    }

    fn failed(&self, source: std::io::Error) -> StoreError {
        StoreError::Io {
            path: self.objects.path(&self.files.index),
            source,
        }
    }

    /// Takes over a row group of another segment as it is, compressed bytes and all. Its raw bytes are
    /// not known here and for the caller to add.
    pub(crate) fn copy_group(&mut self, group: CopiedGroup) -> Result<(), StoreError> {
        self.hashes.extend_from_slice(&group.hashes);
        self.widen(group.recorded_at, group.time);
        let CopiedGroup { file, columns, .. } = group;
        let copy = |parquet: &mut SerializedFileWriter<_>| -> Result<(), ParquetError> {
            let mut target = parquet.next_row_group()?;
            for column in columns {
                target.append_column::<_>(&file, column)?;
            }
            target.close()?;
            Ok(())
        };
        copy(&mut self.parquet).map_err(|error| {
            StoreError::from_parquet(&self.objects.path(&self.files.parquet), error)
        })
    }

    /// Makes the segment durable: the Parquet file, then its checksums, then its id table. Index and rollup are
    /// still to be written.
    pub(crate) fn finish(self) -> Result<(SegmentInfo, Collected), StoreError> {
        let path = self.objects.path(&self.files.parquet);
        let summing = self
            .parquet
            .into_inner()
            .map_err(|error| StoreError::from_parquet(&path, error))?;
        let (upload, sums) = summing.finish();
        upload.finish()?;
        let sums_bytes = sums.to_bytes();
        let sums_sha256 = sha256_hex(&sums_bytes);
        self.objects.put(&self.files.sums, sums_bytes)?;
        self.objects
            .put(&self.files.ids, ids::encode(&self.hashes)?)?;
        let info = SegmentInfo {
            name: self.files.name,
            first: self.first,
            end: self.first + self.hashes.len() as u64,
            file_bytes: sums.file_bytes,
            raw_bytes: self.raw_bytes,
            recorded_at: self.recorded_at.unwrap_or_default(),
            time: self.time,
            sums_sha256,
        };
        Ok((info, self.collected))
    }

    fn widen(&mut self, recorded_at: [u64; 2], time: [i64; 2]) {
        let from = self.recorded_at.map_or(recorded_at[0], |range| range[0]);
        self.recorded_at = Some([from, recorded_at[1]]);
        self.time = [self.time[0].min(time[0]), self.time[1].max(time[1])];
    }
}

/// The terms of rows; without columns, since they could not be read, there are none.
fn index_rows(
    terms: Terms,
    rows: &[NewRow<'_>],
    columns: &mpsc::Receiver<(Arc<Columns>, Loose)>,
) -> Option<Run> {
    let mut group = Collector::new(terms, rows.len());
    for (position, row) in (0..).zip(rows) {
        if let Some(content) = row.content {
            group.content(position, content);
        }
    }
    let (columns, loose) = columns.recv().ok()?;
    group.loose(&loose);
    group.columns(&columns);
    Some(group.finish())
}
