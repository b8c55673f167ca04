//! Sums by slot.
//!
//! Most figures are small, so several measures share one 64-bit sum, each with as many bits as it can
//! need over the rows of a piece: adding them is one addition.

use std::ops::AddAssign;

use super::{measure::Numbers, pick::BLOCK_ROWS};

/// Sums that are added in one pass over the rows. Those of one slot wait for each other and those of
/// different lanes do not.
const LANES: usize = 4;
/// Bits of a sum but the sign.
const SUM_BITS: u32 = 63;

/// Which sum has which measure, and where in it.
pub(super) struct Layout {
    /// None for a measure that is zero everywhere.
    places: Vec<Option<Place>>,
    lanes: usize,
    /// Whether all sums fit into 64 bits.
    pub(super) is_narrow: bool,
}

/// Where a measure is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) lane: usize,
    pub(super) shift: u32,
    /// Of a lane that is shared.
    bits: Option<u32>,
}

/// What is added for each row of a block.
pub(super) struct Lanes(Vec<[i64; BLOCK_ROWS]>);

/// For each slot its sums.
pub(super) struct Sums<A> {
    layout: Layout,
    tables: Vec<Vec<[A; LANES]>>,
}

impl Layout {
    /// For measures over so many rows.
    pub(super) fn new(measures: &[Numbers], rows: usize) -> Self {
        let most = |numbers: &Numbers| u128::from(numbers.largest()) * rows as u128;
        let bits = |numbers: &Numbers| u128::BITS - most(numbers).leading_zeros();
        let is_narrow = measures.iter().all(|numbers| bits(numbers) <= SUM_BITS);
        // The longest first, so that the short ones find room beside them.
        let mut by_bits: Vec<(usize, u32)> = measures
            .iter()
            .map(|numbers| {
                if is_narrow && !numbers.can_be_negative() {
                    bits(numbers)
                } else {
                    SUM_BITS
                }
            })
            .enumerate()
            .filter(|(measure, _)| {
                measures
                    .get(*measure)
                    .is_some_and(|numbers| !numbers.are_zero())
            })
            .collect();
        by_bits.sort_by_key(|(_, bits)| std::cmp::Reverse(*bits));
        let mut places = vec![None; measures.len()];
        let mut used: Vec<u32> = Vec::new();
        for (measure, bits) in by_bits {
            let lane = used.iter().position(|used| used + bits <= SUM_BITS);
            let lane = lane.unwrap_or_else(|| {
                used.push(0);
                used.len() - 1
            });
            if let (Some(place), Some(used)) = (places.get_mut(measure), used.get_mut(lane)) {
                *place = Some(Place {
                    lane,
                    shift: *used,
                    bits: (bits < SUM_BITS).then_some(bits),
                });
                *used += bits;
            }
        }
        Self {
            places,
            lanes: used.len(),
            is_narrow,
        }
    }

    /// Where a measure is; none if it is zero everywhere.
    pub(super) fn place(&self, measure: usize) -> Option<Place> {
        self.places.get(measure).copied().flatten()
    }
}

impl Lanes {
    pub(super) fn new(layout: &Layout) -> Self {
        Self(vec![[0; BLOCK_ROWS]; layout.lanes])
    }

    /// Forgets the rows before.
    pub(super) fn clear(&mut self) {
        for lane in &mut self.0 {
            lane.fill(0);
        }
    }

    /// The rows of a lane.
    pub(super) fn lane(&mut self, lane: usize) -> &mut [i64] {
        self.0.get_mut(lane).map_or(&mut [], |lane| lane)
    }
}

impl<A: Copy + Default + AddAssign + From<i64> + Into<i128>> Sums<A> {
    pub(super) fn new(layout: Layout) -> Self {
        let tables = 0..layout.lanes.div_ceil(LANES);
        Self {
            tables: tables.map(|_| Vec::new()).collect(),
            layout,
        }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Adds the rows of a block to the rows' slots, of which there are so many.
    pub(super) fn add(&mut self, slots: &[u64], count: usize, lanes: &Lanes) {
        const NOTHING: [i64; BLOCK_ROWS] = [0; BLOCK_ROWS];
        for (table, lanes) in self.tables.iter_mut().zip(lanes.0.chunks(LANES)) {
            table.resize(count, [A::default(); LANES]);
            let lane = |at: usize| lanes.get(at).unwrap_or(&NOTHING).iter();
            let rows = lane(0).zip(lane(1)).zip(lane(2).zip(lane(3)));
            for (slot, ((one, two), (three, four))) in slots.iter().zip(rows) {
                let at = usize::try_from(*slot).unwrap_or(usize::MAX);
                if let Some(sums) = table.get_mut(at) {
                    for (sum, number) in sums.iter_mut().zip([one, two, three, four]) {
                        *sum += A::from(*number);
                    }
                }
            }
        }
    }

    /// The sum of a measure in a slot.
    pub(super) fn get(&self, slot: usize, measure: usize) -> i128 {
        let Some(place) = self.layout.place(measure) else {
            return 0;
        };
        let table = self.tables.get(place.lane / LANES);
        let sums = table.and_then(|table| table.get(slot));
        let sum = sums.and_then(|sums| sums.get(place.lane % LANES));
        let sum: i128 = sum.map_or(0, |sum| (*sum).into());
        match place.bits {
            Some(bits) => sum >> place.shift & ((1 << bits) - 1),
            None => sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::pick::Picked;

    fn sums<A>(measures: &[Numbers], layout: Layout) -> Vec<i128>
    where
        A: Copy + Default + AddAssign + From<i64> + Into<i128>,
    {
        let (mut lanes, mut sums) = (Lanes::new(&layout), Sums::<A>::new(layout));
        for (measure, numbers) in measures.iter().enumerate() {
            if let Some(place) = sums.layout().place(measure) {
                let picked = Picked::All(0..BLOCK_ROWS);
                numbers.add(&picked, lanes.lane(place.lane), place.shift);
            }
        }
        sums.add(&[1; BLOCK_ROWS], 2, &lanes);
        assert!((0..measures.len()).all(|measure| sums.get(0, measure) == 0));
        let all = 0..measures.len();
        all.map(|measure| sums.get(1, measure)).collect()
    }

    #[test]
    fn measures_that_share_a_sum_do_not_touch_each_other() {
        for count in 1..40 {
            let measures: Vec<Numbers> = (0..count)
                .map(|at| {
                    if at % 7 == 3 {
                        Numbers::Zeroes
                    } else {
                        Numbers::Ones
                    }
                })
                .collect();
            let rows = i128::try_from(BLOCK_ROWS).unwrap();
            let expected: Vec<i128> = (0..count)
                .map(|at| if at % 7 == 3 { 0 } else { rows })
                .collect();
            // As many as the bits are for, so that a bit less would be noticed.
            let layout = Layout::new(&measures, BLOCK_ROWS);
            assert!(layout.is_narrow && layout.lanes <= measures.len().div_ceil(5));
            assert_eq!(sums::<i64>(&measures, layout), expected);
            let wide = Layout::new(&measures, usize::MAX);
            assert!(!wide.is_narrow);
            assert_eq!(sums::<i128>(&measures, wide), expected);
        }
    }
}
