//! Decoded typed columns.

use parquet::{
    basic::Encoding,
    column::{
        page::{Page, PageReader},
        reader::ColumnReaderImpl,
    },
    data_type::Int64Type,
    errors::ParquetError,
    schema::types::ColumnDescPtr,
};

use super::{
    hybrid,
    page::{DataPage, PlainValues, malformed},
};

/// An integer column of one row group.
#[derive(Debug, PartialEq, Eq)]
pub struct Ints {
    values: Vec<i64>,
    /// Empty if every row has a value.
    present: Vec<bool>,
}

impl Ints {
    pub(super) fn decode(
        rows: usize,
        descriptor: ColumnDescPtr,
        pages: impl PageReader + 'static,
    ) -> Result<Self, ParquetError> {
        let optional = descriptor.max_def_level() > 0;
        let mut reader = ColumnReaderImpl::<Int64Type>::new(descriptor, Box::new(pages));
        let (mut values, mut levels) = (Vec::with_capacity(rows), Vec::new());
        let mut read = 0;
        while read < rows {
            let levels = optional.then_some(&mut levels);
            let (now, _, _) = reader.read_records(rows - read, levels, None, &mut values)?;
            if now == 0 {
                return Err(malformed("a column has too few rows"));
            }
            read += now;
        }
        if !optional || values.len() == rows {
            return Ok(Self {
                values,
                present: Vec::new(),
            });
        }
        let mut dense = values.into_iter();
        let present: Vec<bool> = levels.iter().map(|level| *level == 1).collect();
        let values = present
            .iter()
            .map(|has| if *has { dense.next().unwrap_or(0) } else { 0 })
            .collect();
        Ok(Self { values, present })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len()
    }

    /// The value of a row, if it has one.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<i64> {
        if self.present.is_empty() || self.present.get(row) == Some(&true) {
            self.values.get(row).copied()
        } else {
            None
        }
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.values.len() * size_of::<i64>() + self.present.len()
    }
}

/// A text column of one row group: distinct values and, for each row, which one.
///
/// A value may stand there more than once. So a condition is decided once for each value, and then
/// for each row by comparing codes.
#[derive(Debug, PartialEq, Eq)]
pub struct Texts {
    values: String,
    ends: Vec<u32>,
    codes: Vec<u32>,
}

impl Texts {
    /// The code of a row without a value.
    pub const NULL: u32 = u32::MAX;

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
        Ok(Self {
            values,
            ends: builder.ends,
            codes: builder.codes,
        })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.codes.len()
    }

    /// For each row the position of its value, or [`Texts::NULL`].
    #[must_use]
    pub fn codes(&self) -> &[u32] {
        &self.codes
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

    /// The value of a row, if it has one.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        self.value(*self.codes.get(row)?)
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.values.len() + (self.ends.len() + self.codes.len()) * size_of::<u32>()
    }
}

struct Builder {
    values: Vec<u8>,
    ends: Vec<u32>,
    codes: Vec<u32>,
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
            let code = if page.has(row) {
                self.value(&page.values, &mut values)?
            } else {
                Texts::NULL
            };
            self.codes.push(code);
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
        let code = |level: &u32| match level {
            1 => codes.next().unwrap_or(Texts::NULL),
            _ => Texts::NULL,
        };
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
