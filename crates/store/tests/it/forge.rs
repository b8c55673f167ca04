//! A segment rewritten by somebody who knows the formats: every checksum is right afterwards.

use std::path::{Path, PathBuf};

use parquet::{
    basic::Compression,
    column::writer::ColumnCloseResult,
    data_type::Int64Type,
    file::{
        metadata::{PageIndexPolicy, ParquetMetaDataReader},
        properties::{EnabledStatistics, WriterProperties},
        reader::FileReader,
        serialized_reader::SerializedFileReader,
        writer::SerializedFileWriter,
    },
};
use sha2::{Digest, Sha256};

/// What happens to the column.
pub enum Forgery<'a> {
    /// Its values are written anew, altered, with or without bounds.
    Values(&'a dyn Fn(&mut Vec<Option<i64>>), EnabledStatistics),
    /// Its pages stay, what the footer says of them is altered.
    Footer(&'a dyn Fn(&mut ColumnCloseResult)),
}

/// Rewrites the trail's first segment, of one row group, with a forged integer column.
pub fn column(trail: &Path, column: usize, forgery: &Forgery<'_>) {
    let path = first_parquet(trail);
    let source = bytes::Bytes::from(std::fs::read(&path).unwrap());
    let metadata = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Optional)
        .parse_and_finish(&source)
        .unwrap();
    let statistics = match forgery {
        Forgery::Values(_, statistics) => *statistics,
        Forgery::Footer(_) => EnabledStatistics::None,
    };
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_statistics_enabled(statistics)
        .set_key_value_metadata(metadata.file_metadata().key_value_metadata().cloned())
        .build();
    let schema = metadata.file_metadata().schema_descr().root_schema_ptr();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties.into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let row_group = metadata.row_group(0);
    let pages = metadata.page_index_for_row_group(0);
    for (position, chunk) in row_group.columns().iter().enumerate() {
        if let Forgery::Values(alter, _) = forgery
            && position == column
        {
            let mut values = ints(&source, column);
            alter(&mut values);
            let present: Vec<i16> = values
                .iter()
                .map(|value| i16::from(value.is_some()))
                .collect();
            let dense: Vec<i64> = values.into_iter().flatten().collect();
            let mut writer = group.next_column().unwrap().unwrap();
            let is_optional = chunk.column_descr().max_def_level() > 0;
            writer
                .typed::<Int64Type>()
                .write_batch(&dense, is_optional.then_some(&present), None)
                .unwrap();
            writer.close().unwrap();
            continue;
        }
        let mut taken = ColumnCloseResult {
            bytes_written: chunk.compressed_size().try_into().unwrap(),
            rows_written: row_group.num_rows().try_into().unwrap(),
            metadata: chunk.clone(),
            bloom_filter: None,
            column_index: pages.column_index(position).cloned(),
            offset_index: pages.offset_index(position).cloned(),
        };
        if let Forgery::Footer(alter) = forgery
            && position == column
        {
            alter(&mut taken);
        }
        group.append_column(&source, taken).unwrap();
    }
    group.close().unwrap();
    replace(trail, &path, &writer.into_inner().unwrap());
}

/// Alters the newest manifest's text, and its digest with it.
pub fn manifest(trail: &Path, alter: impl Fn(&str) -> String) {
    let path = newest(&trail.join("manifest"));
    let text = std::fs::read_to_string(&path).unwrap();
    let (_, rest) = text.split_once(r#"{"manifest":"#).unwrap();
    let (value, _) = rest.rsplit_once(r#","sha256":""#).unwrap();
    let value = alter(value);
    let digest = sha256(value.as_bytes());
    std::fs::write(
        path,
        format!(r#"{{"manifest":{value},"sha256":"{digest}"}}"#),
    )
    .unwrap();
}

fn replace(trail: &Path, path: &Path, bytes: &[u8]) {
    let mut sums = b"INDSUM01".to_vec();
    sums.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    for block in bytes.chunks(16 << 10) {
        sums.extend_from_slice(&crc32c::crc32c(block).to_le_bytes());
    }
    let old_bytes = std::fs::metadata(path).unwrap().len();
    let old_sums = std::fs::read(path.with_extension("sum")).unwrap();
    std::fs::write(path, bytes).unwrap();
    std::fs::write(path.with_extension("sum"), &sums).unwrap();
    manifest(trail, |value| {
        value
            .replace(
                &format!(r#""file_bytes":{old_bytes},"#),
                &format!(r#""file_bytes":{},"#, bytes.len()),
            )
            .replace(&sha256(&old_sums), &sha256(&sums))
    });
}

fn ints(source: &bytes::Bytes, column: usize) -> Vec<Option<i64>> {
    let reader = SerializedFileReader::new(source.clone()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        use parquet::record::Field;
        match row.unwrap().get_column_iter().nth(column).unwrap().1 {
            Field::Long(value) | Field::TimestampMicros(value) => Some(*value),
            _ => None,
        }
    })
    .collect()
}

fn first_parquet(trail: &Path) -> PathBuf {
    let entries = std::fs::read_dir(trail.join("segments")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_parquet = |path: &PathBuf| path.extension().is_some_and(|it| it == "parquet");
    paths.filter(is_parquet).min().unwrap()
}

fn newest(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).max().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes).into_iter();
    digest.fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
