//! A text column with few values, as the pages of a column chunk: the codes are known, so that nothing has to be
//! looked up again.
//!
//! Source: Parquet format, "Data Pages" and "Dictionary Encoding (`PLAIN_DICTIONARY` = 2 and `RLE_DICTIONARY` = 8)".

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding, PageType, ZstdLevel},
    column::{
        page::{CompressedPage, Page, PageWriter},
        writer::ColumnCloseResult,
    },
    errors::ParquetError,
    file::{
        metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats},
        writer::{SerializedPageWriter, TrackedWrite},
    },
    schema::types::ColumnDescPtr,
};

use crate::segment::{Texts, hybrid};

/// Most bytes of a dictionary page, as other writers have it.
const MAX_DICTIONARY_BYTES: usize = 1 << 20;
/// Rows of a data page, so too.
const PAGE_ROWS: usize = 20_000;

/// Writes column chunks.
pub(super) struct Dictionaries {
    level: ZstdLevel,
    zstd: zstd::bulk::Compressor<'static>,
}

impl Dictionaries {
    pub(super) fn new(level: i32) -> Result<Self, ParquetError> {
        Ok(Self {
            level: ZstdLevel::try_new(level)?,
            zstd: zstd::bulk::Compressor::new(level)?,
        })
    }

    /// The chunk of an optional column; `None` if its values are too long for a dictionary.
    pub(super) fn chunk(
        &mut self,
        texts: &Texts,
        column: ColumnDescPtr,
    ) -> Result<Option<(Bytes, ColumnCloseResult)>, ParquetError> {
        if texts.values().len() + texts.len() * size_of::<u32>() > MAX_DICTIONARY_BYTES {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut sink = TrackedWrite::new(&mut bytes);
        let mut writer = SerializedPageWriter::new(&mut sink);
        let mut offsets = OffsetIndexBuilder::new();
        let mut dictionary = Vec::new();
        for span in texts.spans() {
            dictionary.extend_from_slice(&number(span.len())?.to_le_bytes());
            dictionary.extend_from_slice(texts.values().get(span).unwrap_or_default().as_bytes());
        }
        let page = |buf| {
            Ok(Page::DictionaryPage {
                buf,
                num_values: number(texts.len())?,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            })
        };
        let written = writer.write_page(self.compress(&dictionary, page)?)?;
        let data_offset = written.bytes_written;
        let mut raw_bytes = written.uncompressed_size;
        let codes: Vec<u32> = texts.codes_iter().collect();
        let mut pages = 0;
        let mut body = Vec::new();
        for codes in codes.chunks(PAGE_ROWS) {
            write_body(codes, number(texts.len())?, &mut body)?;
            let page = |buf| {
                Ok(Page::DataPage {
                    buf,
                    num_values: number(codes.len())?,
                    encoding: Encoding::RLE_DICTIONARY,
                    def_level_encoding: Encoding::RLE,
                    rep_level_encoding: Encoding::RLE,
                    statistics: None,
                })
            };
            let written = writer.write_page(self.compress(&body, page)?)?;
            raw_bytes += written.uncompressed_size;
            offsets.append_row_count(signed(codes.len())?);
            offsets.append_offset_and_size(
                signed(written.offset)?,
                i32::try_from(written.compressed_size)?,
            );
            pages += 1;
        }
        writer.close()?;
        drop(sink);
        let stats = |page_type, encoding, count| PageEncodingStats {
            page_type,
            encoding,
            count,
        };
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(Compression::ZSTD(self.level))
            .set_encodings(vec![
                Encoding::PLAIN,
                Encoding::RLE,
                Encoding::RLE_DICTIONARY,
            ])
            .set_page_encoding_stats(vec![
                stats(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1),
                stats(PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, pages),
            ])
            .set_total_compressed_size(signed(bytes.len())?)
            .set_total_uncompressed_size(signed(raw_bytes)?)
            .set_num_values(signed(codes.len())?)
            .set_data_page_offset(signed(data_offset)?)
            .set_dictionary_page_offset(Some(0))
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: codes.len() as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(offsets.build()),
        };
        Ok(Some((bytes.into(), close)))
    }

    fn compress(
        &mut self,
        body: &[u8],
        page: impl Fn(Bytes) -> Result<Page, ParquetError>,
    ) -> Result<CompressedPage, ParquetError> {
        let compressed = self.zstd.compress(body)?;
        Ok(CompressedPage::new(page(compressed.into())?, body.len()))
    }
}

/// Levels and codes of a page; a row without a value has `null` for a code.
fn write_body(codes: &[u32], null: u32, body: &mut Vec<u8>) -> Result<(), ParquetError> {
    body.clear();
    let levels: Vec<u32> = codes.iter().map(|code| u32::from(*code != null)).collect();
    body.extend_from_slice(&[0; 4]);
    hybrid::encode(&levels, 1, body);
    let length = number(body.len() - 4)?.to_le_bytes();
    for (byte, value) in body.iter_mut().zip(length) {
        *byte = value;
    }
    let width = u32::BITS - null.saturating_sub(1).leading_zeros();
    body.push(u8::try_from(width)?);
    let codes: Vec<u32> = codes.iter().copied().filter(|code| *code != null).collect();
    hybrid::encode(&codes, width, body);
    Ok(())
}

fn number(size: usize) -> Result<u32, ParquetError> {
    Ok(u32::try_from(size)?)
}

fn signed<T>(size: T) -> Result<i64, ParquetError>
where
    i64: TryFrom<T, Error = std::num::TryFromIntError>,
{
    Ok(i64::try_from(size)?)
}
