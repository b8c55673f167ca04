//! A decoded integer column.

use std::collections::BTreeSet;

use parquet::{
    column::{page::PageReader, reader::ColumnReaderImpl},
    data_type::{BoolType, DataType, Int64Type},
    errors::ParquetError,
    schema::types::ColumnDescPtr,
};

use super::{Packed, page::malformed};
use crate::column::{Column, Kind};

/// An integer column of one row group.
#[derive(Debug, PartialEq, Eq)]
pub struct Ints {
    values: Packed,
    /// Empty if every row has a value.
    present: Vec<bool>,
    largest: u64,
    coded: Option<Coded>,
}

/// Distinct integers and, for each row, which one.
#[derive(Debug, PartialEq, Eq)]
pub struct Coded {
    /// Rising.
    pub values: Vec<i64>,
    /// For each row the position of its value; one past the last without a value.
    pub codes: Packed,
}

impl Ints {
    pub(super) fn decode(
        column: Column,
        rows: usize,
        descriptor: ColumnDescPtr,
        pages: impl PageReader + 'static,
    ) -> Result<Self, ParquetError> {
        let (dense, present) = match column.kind() {
            Kind::Flag => {
                let (flags, present) = read::<BoolType>(rows, descriptor, pages)?;
                (flags.into_iter().map(i64::from).collect(), present)
            }
            _ => read::<Int64Type>(rows, descriptor, pages)?,
        };
        Ok(Self::new(column, dense, present))
    }

    /// The values of the rows that have one, and which these are: empty if all.
    pub(crate) fn new(column: Column, dense: Vec<i64>, present: Vec<bool>) -> Self {
        let largest = dense.iter().map(|value| value.unsigned_abs()).max();
        let (values, present) = if dense.len() == present.len() {
            (dense, Vec::new())
        } else if present.is_empty() {
            (dense, present)
        } else {
            let mut dense = dense.into_iter();
            let of = |has: &bool| if *has { dense.next().unwrap_or(0) } else { 0 };
            (present.iter().map(of).collect(), present)
        };
        let coded = (column.has_dictionary()).then(|| Coded::new(&values, &present));
        Self {
            values: Packed::new(values),
            present,
            largest: largest.unwrap_or(0),
            coded,
        }
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
            self.values.get(row)
        } else {
            None
        }
    }

    /// The value of each row, 0 without one.
    #[must_use]
    pub fn values(&self) -> &Packed {
        &self.values
    }

    /// Which rows have a value; `None` if all.
    #[must_use]
    pub fn present(&self) -> Option<&[bool]> {
        (!self.present.is_empty()).then_some(&self.present)
    }

    /// The largest value without its sign; 0 if no row has one.
    #[must_use]
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// The same as distinct values, for columns that have few of them: `status`.
    #[must_use]
    pub fn coded(&self) -> Option<&Coded> {
        self.coded.as_ref()
    }

    pub(crate) fn size_bytes(&self) -> usize {
        let coded = self.coded.as_ref().map_or(0, |coded| {
            coded.codes.size_bytes() + coded.values.len() * size_of::<i64>()
        });
        self.values.size_bytes() + self.present.len() + coded
    }
}

impl Coded {
    fn new(values: &[i64], present: &[bool]) -> Self {
        let has = |row: usize| present.is_empty() || present.get(row) == Some(&true);
        let rows = || values.iter().enumerate();
        let mut distinct = BTreeSet::new();
        let mut last = None;
        for (row, value) in rows() {
            // Neighbours are often equal.
            if has(row) && last != Some(*value) {
                distinct.insert(*value);
                last = Some(*value);
            }
        }
        let distinct: Vec<i64> = distinct.into_iter().collect();
        let code = |(row, value): (usize, &i64)| {
            let found = distinct.binary_search(value).ok().filter(|_| has(row));
            i64::try_from(found.unwrap_or(distinct.len())).unwrap_or(i64::MAX)
        };
        Self {
            codes: Packed::new(rows().map(code).collect()),
            values: distinct,
        }
    }
}

/// The values of a column, and which rows have one: empty if all.
fn read<T: DataType>(
    rows: usize,
    descriptor: ColumnDescPtr,
    pages: impl PageReader + 'static,
) -> Result<(Vec<T::T>, Vec<bool>), ParquetError> {
    let optional = descriptor.max_def_level() > 0;
    let mut reader = ColumnReaderImpl::<T>::new(descriptor, Box::new(pages));
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
    Ok((values, levels.iter().map(|level| *level == 1).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_value_have_a_code_of_their_own() {
        let present = vec![true, false, true, true, false];
        let ints = Ints::new(Column::Status, vec![500, -2, 500], present);
        let coded = ints.coded().unwrap();
        assert_eq!(coded.values, [-2, 500]);
        assert_eq!(coded.codes, Packed::Bytes(vec![1, 2, 0, 1, 2]));
        assert_eq!(ints.largest(), 500);
        let rows: Vec<_> = (0..6).map(|row| ints.get(row)).collect();
        assert_eq!(rows, [Some(500), None, Some(-2), Some(500), None, None]);
    }

    #[test]
    fn a_column_without_values_and_one_without_gaps() {
        let none = Ints::new(Column::DurationUs, Vec::new(), vec![false; 3]);
        assert_eq!((none.rows(), none.get(0), none.largest()), (3, None, 0));
        assert!(none.coded().is_none());
        for present in [Vec::new(), vec![true; 2]] {
            let all = Ints::new(Column::DurationUs, vec![0, i64::MIN], present);
            assert_eq!((all.rows(), all.get(0)), (2, Some(0)));
            assert_eq!(all.present(), None);
            assert_eq!(all.largest(), 1 << 63);
        }
    }
}
