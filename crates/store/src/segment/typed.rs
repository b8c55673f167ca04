//! The typed columns of a row group against its records.

use std::fmt;

use event::RecordView;

use super::{Ints, Segment, Texts};
use crate::{
    column::{Column, Kind},
    error::StoreError,
    fields::{self, Sink},
};

/// Characters of a value that a [`Difference`] shows.
const SHOWN: usize = 60;

/// The decoded typed columns of a row group. Kept by nobody: as large as the group's cache entries together.
#[derive(Debug)]
pub struct TypedColumns {
    columns: Vec<Decoded>,
}

#[derive(Debug)]
enum Decoded {
    Ints(Ints),
    Texts(Texts),
    /// Digest and payload cannot be derived from the record; others came with later versions.
    None,
}

/// A column that says something else than the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The column.
    pub column: Column,
    /// What the record says, if anything; cut if it is long.
    pub expected: Option<String>,
    /// What the column says, if anything; cut if it is long.
    pub actual: Option<String>,
}

impl Segment {
    /// Decodes the typed columns of a row group, past the cache.
    ///
    /// # Errors
    ///
    /// As [`Segment::record`]; [`StoreError::Damaged`] too if the bounds that the file gives for `seq`,
    /// `recorded_at` and `time`, by which readers skip, are not those of the values.
    pub fn typed(&self, group: usize) -> Result<TypedColumns, StoreError> {
        let opened = self.opened()?;
        let index = opened.metadata_with_index()?;
        let decode = |column: Column| match column.kind() {
            _ if !opened.has(column) => Ok(Decoded::None),
            Kind::Int | Kind::Flag => {
                let ints = opened.ints(&self.info, group, column)?;
                if column.has_bounds() {
                    opened.check_bounds(&index, group, column, &ints)?;
                }
                Ok(Decoded::Ints(ints))
            }
            Kind::Text => Ok(Decoded::Texts(opened.texts(&self.info, group, column)?)),
            Kind::Digest | Kind::Payload => Ok(Decoded::None),
        };
        let columns = Column::ALL.into_iter().map(decode);
        Ok(TypedColumns {
            columns: columns.collect::<Result<_, StoreError>>()?,
        })
    }
}

impl TypedColumns {
    /// Compares a row of the row group with the record that lies there, column by column, and returns the
    /// first difference.
    #[must_use]
    pub fn difference(&self, row: usize, record: &RecordView<'_>) -> Option<Difference> {
        let mut comparison = Comparison {
            columns: &self.columns,
            row,
            found: None,
        };
        let (seq, recorded_at) = (record.seq.0, record.recorded_at.0);
        fields::derive(seq, recorded_at, Some(record), &mut comparison);
        comparison.found
    }
}

/// Compares what it is given with one row.
struct Comparison<'a> {
    columns: &'a [Decoded],
    row: usize,
    found: Option<Difference>,
}

impl Comparison<'_> {
    fn differs(&mut self, column: Column, expected: Option<String>, actual: Option<String>) {
        self.found.get_or_insert(Difference {
            column,
            expected,
            actual,
        });
    }
}

impl Sink for Comparison<'_> {
    fn int(&mut self, column: Column, value: Option<i64>) {
        let Some(Decoded::Ints(ints)) = self.columns.get(column.index()) else {
            return;
        };
        let actual = ints.get(self.row);
        if actual != value {
            let text = |value: Option<i64>| value.map(|value| value.to_string());
            self.differs(column, text(value), text(actual));
        }
    }

    fn text(&mut self, column: Column, value: Option<&str>) {
        let Some(Decoded::Texts(texts)) = self.columns.get(column.index()) else {
            return;
        };
        let code = texts.codes().get(self.row);
        let code = code.and_then(|code| u32::try_from(code).ok());
        let code = code.filter(|code| (*code as usize) < texts.len());
        let actual = code.map(|code| texts.value(code));
        if actual != value.map(Some) {
            let actual = actual.map(|actual| shown(actual.unwrap_or("�")));
            self.differs(column, value.map(shown), actual);
        }
    }
}

fn shown(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", value.get(..end).unwrap_or_default()),
        None => format!("{value:?}"),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
        write!(
            f,
            "column {} has {}, the record says {}",
            self.column.name(),
            value(&self.actual),
            value(&self.expected)
        )
    }
}
