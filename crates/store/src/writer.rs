//! Writing one segment: the Parquet file, its checksums and its id table.

use bytes::Bytes;
use event::RecordView;
use parquet::{
    data_type::{
        BoolType, ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
    },
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter},
    },
};

use crate::{
    column::{self, Column, Kind},
    error::StoreError,
    fields::{self, Fields},
    ids,
    manifest::SegmentInfo,
    objects::{Objects, Upload},
    segment::{CopiedGroup, SegmentFiles},
    sums::{Summing, sha256_hex},
};

/// Most rows in a row group; with [`GROUP_RAW_BYTES`] it bounds what reading one column takes.
pub(crate) const GROUP_ROWS: usize = 1 << 17;
/// Record and content bytes after which a row group is full.
pub(crate) const GROUP_RAW_BYTES: u64 = 64 << 20;
/// Values given to a column writer at once.
const BATCH_ROWS: usize = 1024;
/// Payload bytes given to a column writer at once.
const BATCH_BYTES: usize = 1 << 20;

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

/// Writes one segment; nothing is visible before [`SegmentWriter::finish`].
pub(crate) struct SegmentWriter<'a> {
    objects: &'a Objects,
    files: SegmentFiles,
    parquet: SerializedFileWriter<Summing<Upload>>,
    hashes: Vec<u64>,
    first: u64,
    raw_bytes: u64,
    recorded_at: Option<[u64; 2]>,
    time: [i64; 2],
}

impl<'a> SegmentWriter<'a> {
    pub(crate) fn new(
        objects: &'a Objects,
        files: SegmentFiles,
        first: u64,
        zstd_level: i32,
    ) -> Result<Self, StoreError> {
        let upload = objects.upload(&files.parquet)?;
        let begin = || {
            let properties = column::properties(zstd_level)?;
            SerializedFileWriter::new(Summing::new(upload), column::schema()?, properties)
        };
        let mut parquet = begin()
            .map_err(|error| StoreError::from_parquet(&objects.path(&files.parquet), error))?;
        parquet.append_key_value_metadata(KeyValue::new(
            column::FORMAT_KEY.to_owned(),
            column::FORMAT.to_owned(),
        ));
        Ok(Self {
            objects,
            files,
            parquet,
            hashes: Vec::new(),
            first,
            raw_bytes: 0,
            recorded_at: None,
            time: [i64::MAX, i64::MIN],
        })
    }

    /// Writes rows, which follow on those before, as one row group.
    pub(crate) fn write_group(&mut self, rows: &[NewRow<'_>]) -> Result<(), StoreError> {
        let mut fields = Fields::new();
        for row in rows {
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
            let recorded_at = row.recorded_at;
            let time = record
                .as_ref()
                .map_or(i64::try_from(recorded_at).unwrap_or(i64::MAX), |record| {
                    record.time_us
                });
            self.widen([recorded_at; 2], [time; 2]);
            self.raw_bytes += row.raw_bytes();
            fields::derive(row.seq, recorded_at, record.as_ref(), &mut fields);
        }
        self.write_columns(rows, &mut fields).map_err(|error| {
            StoreError::from_parquet(&self.objects.path(&self.files.parquet), error)
        })
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

    /// Makes the segment durable: the Parquet file, then its checksums, then its id table.
    pub(crate) fn finish(self) -> Result<SegmentInfo, StoreError> {
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
        Ok(SegmentInfo {
            name: self.files.name,
            first: self.first,
            end: self.first + self.hashes.len() as u64,
            file_bytes: sums.file_bytes,
            raw_bytes: self.raw_bytes,
            recorded_at: self.recorded_at.unwrap_or_default(),
            time: self.time,
            sums_sha256,
        })
    }

    fn widen(&mut self, recorded_at: [u64; 2], time: [i64; 2]) {
        let from = self.recorded_at.map_or(recorded_at[0], |range| range[0]);
        self.recorded_at = Some([from, recorded_at[1]]);
        self.time = [self.time[0].min(time[0]), self.time[1].max(time[1])];
    }

    fn write_columns(
        &mut self,
        rows: &[NewRow<'_>],
        fields: &mut Fields,
    ) -> Result<(), ParquetError> {
        let mut group = self.parquet.next_row_group()?;
        for column in Column::ALL {
            let mut writer = next_column(&mut group)?;
            match column {
                Column::Record => write_payload(&mut writer, rows, false, |row| Some(row.record))?,
                Column::Content => write_payload(&mut writer, rows, true, |row| row.content)?,
                _ => match column.kind() {
                    Kind::Digest => write_digests(&mut writer, rows)?,
                    Kind::Flag => write_flags(&mut writer, column, fields)?,
                    Kind::Int => write_ints(&mut writer, column, fields)?,
                    Kind::Text | Kind::Payload => write_texts(&mut writer, column, fields)?,
                },
            }
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }
}

fn next_column<'g, W: std::io::Write + Send>(
    group: &'g mut SerializedRowGroupWriter<'_, W>,
) -> Result<SerializedColumnWriter<'g>, ParquetError> {
    group.next_column()?.ok_or_else(|| {
        ParquetError::General("the schema has fewer columns than expected".to_owned())
    })
}

fn write_ints(
    writer: &mut SerializedColumnWriter<'_>,
    column: Column,
    fields: &mut Fields,
) -> Result<(), ParquetError> {
    let ints = fields.take_ints(column);
    let present = (!column.is_required()).then_some(ints.present.as_slice());
    writer
        .typed::<Int64Type>()
        .write_batch(&ints.values, present, None)?;
    Ok(())
}

fn write_flags(
    writer: &mut SerializedColumnWriter<'_>,
    column: Column,
    fields: &mut Fields,
) -> Result<(), ParquetError> {
    let ints = fields.take_ints(column);
    let flags: Vec<bool> = ints.values.iter().map(|value| *value != 0).collect();
    writer.typed::<BoolType>().write_batch(&flags, None, None)?;
    Ok(())
}

fn write_texts(
    writer: &mut SerializedColumnWriter<'_>,
    column: Column,
    fields: &mut Fields,
) -> Result<(), ParquetError> {
    let (values, present) = fields.take_texts(column).into_values();
    writer
        .typed::<ByteArrayType>()
        .write_batch(&values, Some(&present), None)?;
    Ok(())
}

fn write_digests(
    writer: &mut SerializedColumnWriter<'_>,
    rows: &[NewRow<'_>],
) -> Result<(), ParquetError> {
    let mut bytes = Vec::with_capacity(BATCH_ROWS * 16);
    for batch in rows.chunks(BATCH_ROWS) {
        let present: Vec<i16> = batch
            .iter()
            .map(|row| i16::from(row.digest.is_some()))
            .collect();
        bytes.clear();
        bytes.extend(batch.iter().filter_map(|row| row.digest).flatten());
        let shared = Bytes::copy_from_slice(&bytes);
        let values: Vec<FixedLenByteArray> = (0..shared.len() / 16)
            .map(|at| FixedLenByteArray::from(ByteArray::from(shared.slice(at * 16..at * 16 + 16))))
            .collect();
        writer
            .typed::<FixedLenByteArrayType>()
            .write_batch(&values, Some(&present), None)?;
    }
    Ok(())
}

fn write_payload<'r>(
    writer: &mut SerializedColumnWriter<'_>,
    rows: &[NewRow<'r>],
    optional: bool,
    payload: impl Fn(&NewRow<'r>) -> Option<&'r [u8]>,
) -> Result<(), ParquetError> {
    let mut batch = Batch::default();
    for row in rows {
        batch.add(payload(row));
        if batch.present.len() >= BATCH_ROWS || batch.bytes.len() >= BATCH_BYTES {
            batch.write(writer, optional)?;
        }
    }
    batch.write(writer, optional)
}

#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    present: Vec<i16>,
}

impl Batch {
    fn add(&mut self, value: Option<&[u8]>) {
        self.present.push(i16::from(value.is_some()));
        if let Some(value) = value {
            self.bytes.extend_from_slice(value);
            self.ends.push(self.bytes.len());
        }
    }

    fn write(
        &mut self,
        writer: &mut SerializedColumnWriter<'_>,
        optional: bool,
    ) -> Result<(), ParquetError> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let mut start = 0;
        let values: Vec<ByteArray> = self
            .ends
            .drain(..)
            .map(|end| ByteArray::from(bytes.slice(std::mem::replace(&mut start, end)..end)))
            .collect();
        let present = optional.then_some(self.present.as_slice());
        writer
            .typed::<ByteArrayType>()
            .write_batch(&values, present, None)?;
        self.present.clear();
        Ok(())
    }
}
