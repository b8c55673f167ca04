//! Sums by slot.

use std::ops::AddAssign;

use super::pick::BLOCK_ROWS;

/// Measures that are added in one pass over the rows. Sums of one slot wait for each other and those of
/// different measures do not, so several are added at once; more than this need not fit into registers.
const LANES: usize = 4;

/// The numbers of some rows, side by side as they are added.
pub(super) struct Lanes {
    tables: Vec<Vec<[i64; LANES]>>,
}

/// For each slot the sums of some measures.
pub(super) struct Sums<A> {
    tables: Vec<Vec<[A; LANES]>>,
}

impl Lanes {
    /// Zeroes.
    pub(super) fn new(measures: usize) -> Self {
        let tables = 0..measures.div_ceil(LANES);
        Self {
            tables: tables.map(|_| vec![[0; LANES]; BLOCK_ROWS]).collect(),
        }
    }

    /// The rows that have a measure, and where.
    pub(super) fn lane(&mut self, measure: usize) -> (&mut [[i64; LANES]], usize) {
        let rows = self.tables.get_mut(measure / LANES);
        (rows.map_or(&mut [], Vec::as_mut_slice), measure % LANES)
    }
}

impl<A: Copy + Default + AddAssign + From<i64> + Into<i128>> Sums<A> {
    pub(super) fn new(measures: usize) -> Self {
        let tables = 0..measures.div_ceil(LANES);
        Self {
            tables: tables.map(|_| Vec::new()).collect(),
        }
    }

    /// Adds the numbers of rows to the rows' slots, of which there are so many.
    pub(super) fn add(&mut self, slots: &[u64], count: usize, lanes: &Lanes) {
        for (table, rows) in self.tables.iter_mut().zip(&lanes.tables) {
            table.resize(count, [A::default(); LANES]);
            for (slot, numbers) in slots.iter().zip(rows) {
                let at = usize::try_from(*slot).unwrap_or(usize::MAX);
                if let Some(sums) = table.get_mut(at) {
                    for (sum, number) in sums.iter_mut().zip(numbers) {
                        *sum += A::from(*number);
                    }
                }
            }
        }
    }

    /// The sum of a measure in a slot.
    pub(super) fn get(&self, slot: usize, measure: usize) -> i128 {
        let table = self.tables.get(measure / LANES);
        let sums = table.and_then(|table| table.get(slot));
        let sum = sums.and_then(|sums| sums.get(measure % LANES));
        sum.map_or(0, |sum| (*sum).into())
    }
}

#[cfg(test)]
mod tests {
    use super::{Lanes, Sums};

    #[test]
    fn sums_beyond_64_bits_are_exact() {
        for measures in 1..=9 {
            let (mut sums, mut lanes) = (Sums::<i128>::new(measures), Lanes::new(measures));
            for measure in 0..measures {
                let (rows, lane) = lanes.lane(measure);
                for (row, number) in [i64::MAX, -1, i64::MAX].into_iter().enumerate() {
                    rows[row][lane] = number - i64::try_from(measure).unwrap();
                }
            }
            sums.add(&[2, 0, 2], 3, &lanes);
            sums.add(&[2, 2, 1], 3, &lanes);
            for measure in 0..measures {
                let less = i128::try_from(measure).unwrap();
                let most = i128::from(i64::MAX) - less;
                assert_eq!(sums.get(0, measure), -1 - less);
                assert_eq!(sums.get(1, measure), most);
                assert_eq!(sums.get(2, measure), 3 * most - 1 - less);
            }
        }
    }
}
