//! The rows of a term, as gaps in adaptive Golomb-Rice codes.
//!
//! The parameter of a code follows from the gaps before it, so that rows which lie together take
//! few bits, and rows that are spread evenly about log2(gap) + 1.5. Of more than half of all rows those
//! are written that are missing.

use super::bits::{BitReader, BitWriter};

/// The next code's parameter.
struct Gaps {
    /// Mean gap, times [`WEIGHT`].
    mean: u64,
}

/// How many gaps the mean looks back, about.
const WEIGHT: u64 = 8;

impl Gaps {
    fn new(count: u64, of: u64) -> Self {
        Self {
            mean: of * WEIGHT / count.max(1),
        }
    }

    /// Where Rice codes of geometrically distributed gaps are shortest: log2 of 0.69 times the mean.
    fn k(&self) -> u32 {
        (self.mean * 11 / (WEIGHT * 16)).max(1).ilog2()
    }

    fn saw(&mut self, gap: u64) {
        self.mean = self.mean + gap - self.mean / WEIGHT;
    }
}

/// Appends rows, rising and different, of so many that there are.
pub(super) fn write(rows: &[u32], of: u32, out: &mut BitWriter) {
    let lacks = u64::from(of) - rows.len() as u64;
    if rows.len() as u64 > lacks {
        let mut has = rows.iter().copied().peekable();
        let missing = (0..of).filter(|row| has.next_if_eq(row).is_none());
        write_gaps(missing, lacks, of, out);
    } else {
        write_gaps(rows.iter().copied(), rows.len() as u64, of, out);
    }
}

fn write_gaps(rows: impl Iterator<Item = u32>, count: u64, of: u32, out: &mut BitWriter) {
    let mut gaps = Gaps::new(count, of.into());
    let mut next = 0;
    for row in rows {
        let gap = u64::from(row - next);
        out.rice(gap, gaps.k());
        gaps.saw(gap);
        next = row + 1;
    }
}

/// Appends to `rows` what [`write()`] wrote of `count` rows; `None` if it did not write this.
pub(super) fn read(
    count: u32,
    of: u32,
    input: &mut BitReader<'_>,
    rows: &mut Vec<u32>,
) -> Option<()> {
    let lacks = of.checked_sub(count)?;
    if count <= lacks {
        return read_gaps(count, of, input, |row| rows.push(row));
    }
    let mut next = 0;
    read_gaps(lacks, of, input, |row| {
        rows.extend(next..row);
        next = row + 1;
    })?;
    rows.extend(next..of);
    Some(())
}

fn read_gaps(
    count: u32,
    of: u32,
    input: &mut BitReader<'_>,
    mut each: impl FnMut(u32),
) -> Option<()> {
    let mut gaps = Gaps::new(count.into(), of.into());
    let mut next = 0;
    for _ in 0..count {
        let gap = input.rice(gaps.k());
        gaps.saw(gap);
        let row = u64::from(next) + gap;
        if row >= u64::from(of) {
            return None;
        }
        let row = u32::try_from(row).ok()?;
        each(row);
        next = row + 1;
    }
    (!input.is_overrun()).then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    fn bytes(rows: &[u32], of: u32) -> Vec<u8> {
        let mut out = BitWriter::default();
        write(rows, of, &mut out);
        out.finish()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            of in 1..5_000_u32,
            some in btree_set(0..5_000_u32, 0..600),
            from in 0..5_000_u32,
            to in 0..5_000_u32,
        ) {
            // Scattered ones and a run, so that dense and clustered rows come too.
            let rows: Vec<u32> = (0..of).filter(|row| some.contains(row) || (from..to).contains(row)).collect();
            let bytes = bytes(&rows, of);
            let mut read_back = Vec::new();
            let mut input = BitReader::new(&bytes);
            prop_assert_eq!(read(u32::try_from(rows.len()).unwrap(), of, &mut input, &mut read_back), Some(()));
            prop_assert_eq!(read_back, rows);
        }

        #[test]
        fn any_bytes_end(bytes: Vec<u8>, count in 0..3_000_u32, of in 0..3_000_u32) {
            let mut rows = Vec::new();
            if read(count, of, &mut BitReader::new(&bytes), &mut rows).is_some() {
                prop_assert_eq!(rows.len(), count as usize);
                prop_assert!(rows.is_sorted() && rows.iter().all(|row| *row < of));
            }
        }
    }

    #[test]
    fn few_bits_are_needed() {
        let bits_per_row = |rows: &[u32], of| bytes(rows, of).len() * 8 / rows.len();
        let spread: Vec<u32> = (0..1000_u32).map(|row| row * 541 + row % 7 * 50).collect();
        assert!(bits_per_row(&spread, 545_000) <= 11);
        let together: Vec<u32> = (300_000..301_000).collect();
        assert!(bits_per_row(&together, 545_000) <= 1);
        let all: Vec<u32> = (0..545_000).collect();
        assert_eq!(bytes(&all, 545_000).len(), 0);
    }
}
