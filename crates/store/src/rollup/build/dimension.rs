//! What rows are grouped by, numbered alike in all row groups.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    column::{Column, Kind},
    columns::Columns,
    rollup::Labels,
};

/// The spans of time that occur, numbered as they follow on each other.
pub(super) struct Slots {
    pub(super) unit_us: i64,
    pub(super) starts: Vec<i64>,
    /// For each group and row.
    pub(super) codes: Vec<Vec<u32>>,
}

/// A dimension.
pub(super) struct Dimension {
    pub(super) labels: Labels,
    /// For each group and row, one past the last label without a value.
    rows: Vec<Vec<u32>>,
}

impl Slots {
    pub(super) fn new(unit_us: i64, groups: &[Arc<Columns>]) -> Self {
        let start = |time: i64| time.div_euclid(unit_us) * unit_us;
        let mut used = BTreeSet::new();
        let mut last = None;
        for time in groups.iter().flat_map(|group| times(group)) {
            // Neighbours mostly lie together.
            let start = start(time);
            if last != Some(start) {
                used.insert(start);
                last = Some(start);
            }
        }
        let starts: Vec<i64> = used.into_iter().collect();
        let code = |time: i64| {
            let found = starts.binary_search(&start(time)).unwrap_or(0);
            u32::try_from(found).unwrap_or(u32::MAX)
        };
        let codes = groups.iter().map(|group| times(group).map(code).collect());
        Self {
            unit_us,
            codes: codes.collect(),
            starts,
        }
    }
}

fn times(group: &Columns) -> impl Iterator<Item = i64> {
    let times = group.ints(Column::Time);
    times
        .into_iter()
        .flat_map(|times| (0..times.rows()).map(|row| times.get(row).unwrap_or(0)))
}

impl Dimension {
    pub(super) fn new(column: Column, groups: &[Arc<Columns>]) -> Self {
        if column.kind() == Kind::Text {
            Self::of_texts(column, groups)
        } else {
            Self::of_numbers(column, groups)
        }
    }

    fn of_texts(column: Column, groups: &[Arc<Columns>]) -> Self {
        let mut labels = BTreeMap::new();
        for texts in groups.iter().filter_map(|group| group.texts(column)) {
            let codes = 0..u32::try_from(texts.len()).unwrap_or(u32::MAX);
            labels.extend(codes.filter_map(|code| Some((texts.value(code)?, 0_u32))));
        }
        let (mut values, mut ends) = (String::new(), Vec::new());
        for ((value, label), number) in labels.iter_mut().zip(0..) {
            *label = number;
            values.push_str(value);
            ends.push(u32::try_from(values.len()).unwrap_or(u32::MAX));
        }
        let none = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        let rows = groups.iter().map(|group| {
            let Some(texts) = group.texts(column) else {
                return vec![none; group.rows()];
            };
            let codes = 0..u32::try_from(texts.len()).unwrap_or(u32::MAX);
            let label = |code: u32| labels.get(texts.value(code)?).copied();
            let codes: Vec<u32> = codes.map(|code| label(code).unwrap_or(none)).collect();
            let label = |code: i64| codes.get(usize::try_from(code).ok()?).copied();
            let rows = (0..texts.rows()).map(|row| texts.codes().get(row).and_then(label));
            rows.map(|label| label.unwrap_or(none)).collect()
        });
        Self {
            rows: rows.collect(),
            labels: Labels::Texts(values, ends),
        }
    }

    fn of_numbers(column: Column, groups: &[Arc<Columns>]) -> Self {
        let ints = |group: &Arc<Columns>| group.ints(column).cloned();
        let values = |group| {
            let ints = ints(group);
            let coded = ints.as_ref().and_then(|ints| ints.coded());
            coded.map_or_else(Vec::new, |coded| coded.values.clone())
        };
        let used: BTreeSet<i64> = groups.iter().flat_map(values).collect();
        let numbers: Vec<i64> = used.into_iter().collect();
        let none = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let label = |number: i64| {
            let found = numbers.binary_search(&number).ok();
            found.and_then(|label| u32::try_from(label).ok())
        };
        let rows = groups.iter().map(|group| {
            let ints = ints(group);
            let number = |row: usize| ints.as_ref().and_then(|ints| ints.get(row));
            let rows = (0..group.rows()).map(|row| number(row).and_then(label));
            rows.map(|label| label.unwrap_or(none)).collect()
        });
        Self {
            rows: rows.collect(),
            labels: Labels::Numbers(numbers),
        }
    }

    /// Number of codes, that of no value among them.
    pub(super) fn codes(&self) -> usize {
        self.labels.len() + 1
    }

    /// Appends the codes of rows from a position on to their keys.
    pub(super) fn push(&self, group: usize, start: usize, keys: &mut [u32]) -> Option<()> {
        let len = u32::try_from(self.codes()).ok()?;
        let codes = self.rows.get(group)?.get(start..)?;
        for (key, code) in keys.iter_mut().zip(codes) {
            *key = *key * len + code;
        }
        Some(())
    }
}
