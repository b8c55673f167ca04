//! A decoded text column.

use std::ops::Range;

use parquet::{
    basic::Encoding,
    column::page::{Page, PageReader},
    errors::ParquetError,
};

use super::{
    Packed, hybrid,
    page::{DataPage, PlainValues, malformed},
};
use crate::numbering::Numbering;

/// A text column of one row group: distinct values and, for each row, which one.
///
/// A value may stand there more than once. So a condition is decided once for each value, and then
/// for each row by comparing codes.
#[derive(Debug, PartialEq, Eq)]
pub struct Texts {
    values: String,
    ends: Vec<u32>,
    codes: Packed,
    numbering: Numbering,
}

impl Texts {
    pub(super) fn decode(rows: usize, mut pages: impl PageReader) -> Result<Self, ParquetError> {
        let mut builder = Builder {
            values: Vec::new(),
            ends: Vec::new(),
            codes: Vec::with_capacity(rows),
            dictionary: 0,
        };
        while let Some(page) = pages.get_next_page()? {
            builder.add(page)?;
        }
        if builder.codes.len() != rows {
            return Err(malformed("a column has too few rows"));
        }
        let values =
            String::from_utf8(builder.values).map_err(|_| malformed("text is not UTF-8"))?;
        Ok(Self::new(values, builder.ends, &builder.codes))
    }

    /// Values end to end, where each ends, and which one each row has.
    pub(crate) fn new(values: String, ends: Vec<u32>, codes: &[Option<u32>]) -> Self {
        let null = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        Self {
            codes: Packed::of_codes(codes, null),
            values,
            ends,
            numbering: Numbering::default(),
        }
    }

    /// Room for numbers of the values.
    #[must_use]
    pub fn numbering(&self) -> &Numbering {
        &self.numbering
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.codes.len()
    }

    /// For each row the position of its value; [`Texts::len`] without a value.
    #[must_use]
    pub fn codes(&self) -> &Packed {
        &self.codes
    }

    /// The same, one after another.
    pub(crate) fn codes_iter(&self) -> impl Iterator<Item = u32> {
        let codes = (0..self.rows()).map(|row| self.codes.get(row));
        codes.map(|code| code.and_then(|code| u32::try_from(code).ok()).unwrap_or(0))
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The value at a position.
    #[must_use]
    pub fn value(&self, code: u32) -> Option<&str> {
        let code = code as usize;
        let end = *self.ends.get(code)? as usize;
        let start = match code.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.values.get(start..end)
    }

    /// All values end to end.
    pub(crate) fn values(&self) -> &str {
        &self.values
    }

    /// Where each value lies in [`Texts::values`].
    pub(crate) fn spans(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = *end as usize;
            std::mem::replace(&mut start, end)..end
        })
    }

    /// The value of a row, if it has one.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        self.value(u32::try_from(self.codes.get(row)?).ok()?)
    }

    pub(crate) fn size_bytes(&self) -> usize {
        // The ends, and the numbers that the values may get.
        let values = self.values.len() + 2 * self.ends.len() * size_of::<u32>();
        values + self.codes.size_bytes()
    }
}

struct Builder {
    values: Vec<u8>,
    ends: Vec<u32>,
    codes: Vec<Option<u32>>,
    /// Values that came in the dictionary page.
    dictionary: usize,
}

impl Builder {
    fn add(&mut self, page: Page) -> Result<(), ParquetError> {
        if let Page::DictionaryPage {
            buf, num_values, ..
        } = page
        {
            let mut values = PlainValues::new(&buf, None);
            for _ in 0..num_values {
                self.value(&buf, &mut values)?;
            }
            self.dictionary = self.ends.len();
            return Ok(());
        }
        let page = DataPage::split(page, true)?;
        match page.encoding {
            Encoding::PLAIN => self.plain(&page),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => self.coded(&page),
            _ => Err(malformed("an unknown encoding of text")),
        }
    }

    fn plain(&mut self, page: &DataPage) -> Result<(), ParquetError> {
        let mut values = PlainValues::new(&page.values, None);
        for row in 0..page.rows {
            let value = page.has(row).then(|| self.value(&page.values, &mut values));
            self.codes.push(value.transpose()?);
        }
        Ok(())
    }

    fn coded(&mut self, page: &DataPage) -> Result<(), ParquetError> {
        let count = page.present.iter().filter(|level| **level == 1).count();
        let (width, bytes) = page
            .values
            .split_first()
            .map_or((0, &[][..]), |(width, rest)| (*width, rest));
        let mut codes = Vec::new();
        hybrid::decode(bytes, u32::from(width), count, &mut codes)
            .filter(|()| codes.iter().all(|code| (*code as usize) < self.dictionary))
            .ok_or_else(|| malformed("a dictionary code that does not exist"))?;
        let mut codes = codes.into_iter();
        let code = |level: &u32| if *level == 1 { codes.next() } else { None };
        self.codes.extend(page.present.iter().map(code));
        Ok(())
    }

    fn value(&mut self, bytes: &[u8], values: &mut PlainValues<'_>) -> Result<u32, ParquetError> {
        let (start, end) = values.next_span()?;
        self.values
            .extend_from_slice(bytes.get(start..end).unwrap_or_default());
        let code = u32::try_from(self.ends.len()).map_err(|_| malformed("too many values"))?;
        let end = u32::try_from(self.values.len()).map_err(|_| malformed("too much text"))?;
        self.ends.push(end);
        Ok(code)
    }
}
