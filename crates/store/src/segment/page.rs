//! Decoding single pages.

use bytes::Bytes;
use parquet::{basic::Encoding, column::page::Page, errors::ParquetError};

use super::hybrid;
use crate::column::{Column, Kind};

/// Bytes that cannot be a page of ours.
pub(super) fn malformed(detail: &str) -> ParquetError {
    ParquetError::General(detail.to_owned())
}

/// A data page taken apart: which rows have a value (all, if empty) and the encoded values.
pub(super) struct DataPage {
    pub(super) rows: usize,
    pub(super) present: Vec<u32>,
    pub(super) values: Bytes,
    pub(super) encoding: Encoding,
}

impl DataPage {
    /// Takes a page of the first version apart, the only one that segments have.
    pub(super) fn split(page: Page, optional: bool) -> Result<Self, ParquetError> {
        let Page::DataPage {
            buf,
            num_values,
            encoding,
            ..
        } = page
        else {
            return Err(malformed("not a data page of version 1"));
        };
        let rows = num_values as usize;
        let mut present = Vec::new();
        let mut values = buf;
        if optional {
            let length = values
                .first_chunk()
                .map(|bytes| u32::from_le_bytes(*bytes) as usize);
            let end = length
                .and_then(|length| length.checked_add(4))
                .filter(|end| *end <= values.len());
            let end = end.ok_or_else(|| malformed("levels end too early"))?;
            let levels = values.split_to(end);
            hybrid::decode(levels.get(4..).unwrap_or_default(), 1, rows, &mut present)
                .ok_or_else(|| malformed("levels end too early"))?;
        }
        Ok(Self {
            rows,
            present,
            values,
            encoding,
        })
    }

    /// Whether a row of the page has a value.
    pub(super) fn has(&self, row: usize) -> bool {
        self.present.is_empty() || self.present.get(row) == Some(&1)
    }
}

/// Values of plain encoding, one after another: each with its length before it, or of fixed length.
pub(super) struct PlainValues<'a> {
    bytes: &'a [u8],
    at: usize,
    fixed: Option<usize>,
}

impl<'a> PlainValues<'a> {
    pub(super) fn new(bytes: &'a [u8], fixed: Option<usize>) -> Self {
        Self {
            bytes,
            at: 0,
            fixed,
        }
    }

    /// Where the next value lies.
    pub(super) fn next_span(&mut self) -> Result<(usize, usize), ParquetError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (length, prefix) = match self.fixed {
            Some(length) => (Some(length), 0),
            None => (
                rest.first_chunk()
                    .map(|bytes| u32::from_le_bytes(*bytes) as usize),
                4,
            ),
        };
        let start = self.at + prefix;
        let end = length
            .and_then(|length| start.checked_add(length))
            .filter(|end| *end <= self.bytes.len())
            .ok_or_else(|| malformed("a value ends too early"))?;
        self.at = end;
        Ok((start, end))
    }
}

/// A decoded page of `record`, `content` or `digest`.
#[derive(Debug)]
pub(crate) struct PayloadPage {
    first_row: usize,
    bytes: Bytes,
    spans: Vec<Option<(u32, u32)>>,
}

impl PayloadPage {
    pub(super) fn decode(
        page: Page,
        column: Column,
        first_row: usize,
    ) -> Result<Self, ParquetError> {
        let page = DataPage::split(page, !column.is_required())?;
        if page.encoding != Encoding::PLAIN {
            return Err(malformed("a payload is not encoded plainly"));
        }
        let fixed = (column.kind() == Kind::Digest).then_some(16);
        let mut values = PlainValues::new(&page.values, fixed);
        let mut spans = Vec::with_capacity(page.rows);
        for row in 0..page.rows {
            let span = page.has(row).then(|| values.next_span()).transpose()?;
            spans.push(span.and_then(|(start, end)| {
                Some((u32::try_from(start).ok()?, u32::try_from(end).ok()?))
            }));
        }
        Ok(Self {
            first_row,
            bytes: page.values,
            spans,
        })
    }

    /// The value of a row of the row group, if it has one.
    pub(crate) fn get(&self, row: usize) -> Option<Bytes> {
        let (start, end) = (*self.spans.get(row.checked_sub(self.first_row)?)?)?;
        Some(self.bytes.slice(start as usize..end as usize))
    }

    /// Whether the row of the row group is in this page.
    pub(crate) fn holds(&self, row: usize) -> bool {
        row.checked_sub(self.first_row)
            .is_some_and(|row| row < self.spans.len())
    }

    /// Memory that it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.bytes.len() + self.spans.len() * size_of::<Option<(u32, u32)>>()
    }
}
