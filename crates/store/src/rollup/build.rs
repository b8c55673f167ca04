//! Adding up the rows of a segment.

mod cells;
mod dimension;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    CELLS_PART, CUBOID_PART, Cuboid, MIN_CELLS, MIN_CUBOID_CELLS, Measure, PLANS, Plan, UNITS_US,
    measures::Measures,
};
use crate::{column::Column, columns::Columns};
use cells::Cells;
use dimension::{Dimension, Slots};

/// Combinations of values that a cuboid can have, beyond which it is not tried.
const MAX_KEYS: usize = 1 << 22;
/// Rows that are added up at once.
const BLOCK_ROWS: usize = 512;

/// The cuboids of a rollup with what each is for, and the length of their spans of time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Built {
    pub(super) rows: u32,
    pub(super) unit_us: i64,
    pub(super) cuboids: Vec<(Plan, Cuboid)>,
}

/// The rollup of row groups that follow on each other; without cuboids if sums could overflow, or if a group is
/// of an earlier version of the columns.
pub(crate) fn build(groups: &[Arc<Columns>]) -> Built {
    let rows: usize = groups.iter().map(|group| group.rows()).sum();
    Built {
        rows: u32::try_from(rows).unwrap_or(u32::MAX),
        unit_us: UNITS_US[0],
        cuboids: Vec::new(),
    }
    .fill(groups)
}

impl Built {
    /// Leaves it as it is if that is impossible.
    fn fill(self, groups: &[Arc<Columns>]) -> Self {
        match cuboids(groups, self.rows as usize) {
            Some((unit_us, cuboids)) => Self {
                unit_us,
                cuboids,
                ..self
            },
            None => self,
        }
    }
}

fn cuboids(groups: &[Arc<Columns>], rows: usize) -> Option<(i64, Vec<(Plan, Cuboid)>)> {
    let measures: Vec<Measures> = groups.iter().map(|group| Measures::new(group)).collect();
    let largest = measures.iter().map(Measures::largest).max().unwrap_or(1);
    let has_all = |group: &Arc<Columns>| group.ints(Column::HasApproval).is_some();
    if i64::try_from(u128::from(largest) * rows as u128).is_err() || !groups.iter().all(has_all) {
        return None;
    }
    let mut dimensions = BTreeMap::new();
    for column in PLANS.iter().flat_map(|plan| plan.dimensions) {
        dimensions
            .entry(*column)
            .or_insert_with(|| Dimension::new(*column, groups));
    }
    let [short, long] = UNITS_US;
    let mut slots = Slots::new(short, groups);
    let mut cuboids = start(&slots, &dimensions, rows);
    let most = (rows / CELLS_PART).max(rows.min(MIN_CELLS));
    // Without the cells that never occur this can only be less.
    let first = cuboids.iter().take_while(|(plan, _)| plan.has_time);
    if first.map(|(_, cells)| cells.keys()).sum::<usize>() > most {
        slots = Slots::new(long, groups);
        cuboids = start(&slots, &dimensions, rows);
    }
    let mut first_row = 0;
    for (number, (group, measures)) in groups.iter().zip(&measures).enumerate() {
        let group = Group {
            number,
            first_row,
            columns: group,
            slots: &slots,
            dimensions: &dimensions,
        };
        group.add(measures, &mut cuboids)?;
        first_row += u32::try_from(group.columns.rows()).ok()?;
    }
    let mut left = most;
    let mut kept = Vec::new();
    for (plan, cells) in cuboids {
        if cells.len() <= left && !cells.is_given_up() {
            left -= cells.len();
            let cuboid = cells.finish(&plan, &slots, &dimensions)?;
            if plan.has_time {
                let plan = Plan {
                    has_time: false,
                    ..plan
                };
                kept.push((plan, cuboid.over_all_time()?));
            }
            kept.push((plan, cuboid));
        }
    }
    Some((slots.unit_us, kept))
}

/// Empty cuboids for all plans that are not hopeless.
fn start(
    slots: &Slots,
    dimensions: &BTreeMap<Column, Dimension>,
    rows: usize,
) -> Vec<(Plan, Cells)> {
    let most = (rows / CUBOID_PART).max(rows.min(MIN_CUBOID_CELLS));
    let mut cuboids = Vec::new();
    for plan in PLANS {
        let slots = if plan.has_time { slots.starts.len() } else { 1 };
        let codes = plan.dimensions.iter().map(|column| dimensions.get(column));
        let codes = codes.map(|dimension| dimension.map_or(1, Dimension::codes));
        let keys = codes.fold(slots, usize::saturating_mul);
        if keys <= MAX_KEYS {
            cuboids.push((plan, Cells::new(keys, most)));
        }
    }
    cuboids
}

/// A row group that is added up.
struct Group<'a> {
    number: usize,
    first_row: u32,
    columns: &'a Columns,
    slots: &'a Slots,
    dimensions: &'a BTreeMap<Column, Dimension>,
}

impl Group<'_> {
    fn add(&self, measures: &Measures, cuboids: &mut [(Plan, Cells)]) -> Option<()> {
        let times = self.columns.ints(Column::Time)?;
        let mut sums = vec![[0; Measure::ALL.len()]; BLOCK_ROWS];
        let mut keys = vec![0_u32; BLOCK_ROWS];
        for start in (0..self.columns.rows()).step_by(BLOCK_ROWS) {
            let count = BLOCK_ROWS.min(self.columns.rows() - start);
            let sums = sums.get_mut(..count)?;
            measures.read(start, sums);
            for (plan, cells) in cuboids.iter_mut() {
                if cells.is_given_up() {
                    continue;
                }
                let keys = keys.get_mut(..count)?;
                self.keys(plan, start, keys)?;
                cells.add(keys, sums);
                if plan.has_spans {
                    let first = self.first_row + u32::try_from(start).ok()?;
                    let times = (start..).map(|row| times.get(row).unwrap_or(0));
                    cells.add_spans(keys, (first..).zip(times));
                }
            }
        }
        Some(())
    }

    /// Writes the keys of rows from a position on.
    fn keys(&self, plan: &Plan, start: usize, keys: &mut [u32]) -> Option<()> {
        if plan.has_time {
            let slots = self.slots.codes.get(self.number)?.get(start..)?;
            for (key, slot) in keys.iter_mut().zip(slots) {
                *key = *slot;
            }
        } else {
            keys.fill(0);
        }
        for column in plan.dimensions {
            let dimension = self.dimensions.get(column)?;
            dimension.push(self.number, start, keys)?;
        }
        Some(())
    }
}
