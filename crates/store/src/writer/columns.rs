//! The columns of a row group, as Parquet takes them.

use std::io::Write;

use bytes::Bytes;
use parquet::{
    data_type::{
        BoolType, ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
    },
    errors::ParquetError,
    file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter},
};

use super::{NewRow, dictionary::Dictionaries};
use crate::{
    column::{Column, Kind},
    columns::Columns,
    segment::{Ints, Texts},
};

/// Values given to a column writer at once.
const BATCH_ROWS: usize = 1024;
/// Payload bytes given to a column writer at once.
const BATCH_BYTES: usize = 1 << 20;

/// Writes rows and their typed columns as one row group.
pub(super) fn write<W: Write + Send>(
    parquet: &mut SerializedFileWriter<W>,
    dictionaries: &mut Dictionaries,
    rows: &[NewRow<'_>],
    values: &Columns,
) -> Result<(), ParquetError> {
    let lacks = || ParquetError::General("a typed column is not there".to_owned());
    let schema = parquet.schema_descr().columns().to_vec();
    let mut group = parquet.next_row_group()?;
    for (column, description) in Column::ALL.into_iter().zip(schema) {
        if column.has_dictionary()
            && let Some(texts) = values.texts(column)
            && let Some((bytes, chunk)) = dictionaries.chunk(texts, description)?
        {
            group.append_column(&bytes, chunk)?;
            continue;
        }
        let mut writer = next_column(&mut group)?;
        let ints = || values.ints(column).ok_or_else(lacks);
        match column.kind() {
            Kind::Int => write_ints(&mut writer, column, ints()?)?,
            Kind::Flag => write_flags(&mut writer, ints()?)?,
            Kind::Text => write_texts(&mut writer, values.texts(column).ok_or_else(lacks)?)?,
            Kind::Digest => write_digests(&mut writer, rows)?,
            Kind::Payload if column == Column::Record => {
                write_payload(&mut writer, rows, false, |row| Some(row.record))?;
            }
            Kind::Payload => write_payload(&mut writer, rows, true, |row| row.content)?,
        }
        writer.close()?;
    }
    group.close()?;
    Ok(())
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
    ints: &Ints,
) -> Result<(), ParquetError> {
    let (values, levels) = dense(ints);
    let levels = (!column.is_required()).then_some(levels.as_slice());
    writer
        .typed::<Int64Type>()
        .write_batch(&values, levels, None)?;
    Ok(())
}

fn write_flags(writer: &mut SerializedColumnWriter<'_>, ints: &Ints) -> Result<(), ParquetError> {
    let flags: Vec<bool> = dense(ints).0.iter().map(|value| *value != 0).collect();
    writer.typed::<BoolType>().write_batch(&flags, None, None)?;
    Ok(())
}

/// The values of the rows that have one, and for each row whether it has.
fn dense(ints: &Ints) -> (Vec<i64>, Vec<i16>) {
    let rows = (0..ints.rows()).map(|row| ints.get(row));
    let levels = rows.clone().map(|value| i16::from(value.is_some()));
    (rows.clone().flatten().collect(), levels.collect())
}

fn write_texts(writer: &mut SerializedColumnWriter<'_>, texts: &Texts) -> Result<(), ParquetError> {
    let bytes = Bytes::copy_from_slice(texts.values().as_bytes());
    let values: Vec<ByteArray> = texts
        .spans()
        .map(|span| ByteArray::from(bytes.slice(span)))
        .collect();
    let codes = (0..texts.rows()).map(|row| usize::try_from(texts.codes().get(row)?).ok());
    let rows = codes.map(|code| values.get(code?));
    let levels: Vec<i16> = rows
        .clone()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values: Vec<ByteArray> = rows.flatten().cloned().collect();
    writer
        .typed::<ByteArrayType>()
        .write_batch(&values, Some(&levels), None)?;
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
