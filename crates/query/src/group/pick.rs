use std::ops::Range;

use store::Packed;

/// Rows that are added up at once: few enough that what is made of them stays in the nearest cache.
pub(super) const BLOCK_ROWS: usize = 1024;

/// Rows of a piece, at most [`BLOCK_ROWS`].
pub(super) enum Picked<'a> {
    All(Range<usize>),
    Some(&'a [u32]),
}

impl Picked<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::All(rows) => rows.len(),
            Self::Some(rows) => rows.len(),
        }
    }

    /// Does something with what belongs to each row and the row's number.
    pub(super) fn each<O>(&self, numbers: &Packed, out: &mut [O], with: impl Fn(&mut O, i64)) {
        match numbers {
            Packed::Bytes(numbers) => {
                self.each_of(numbers, out, |out, number| with(out, number.into()));
            }
            Packed::Shorts(numbers) => {
                self.each_of(numbers, out, |out, number| with(out, number.into()));
            }
            Packed::Words(numbers) => {
                self.each_of(numbers, out, |out, number| with(out, number.into()));
            }
            Packed::Longs(numbers) => self.each_of(numbers, out, with),
        }
    }

    /// The same with values of any type.
    pub(super) fn each_of<T: Copy, O>(
        &self,
        values: &[T],
        out: &mut [O],
        with: impl Fn(&mut O, T),
    ) {
        match self {
            Self::All(rows) => {
                let values = values.get(rows.clone()).unwrap_or_default();
                for (out, value) in out.iter_mut().zip(values) {
                    with(out, *value);
                }
            }
            Self::Some(rows) => {
                for (out, row) in out.iter_mut().zip(*rows) {
                    if let Some(value) = values.get(*row as usize) {
                        with(out, *value);
                    }
                }
            }
        }
    }

    /// Numbers of the rows in the piece.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> {
        let (all, some) = match self {
            Self::All(rows) => (rows.clone(), &[][..]),
            Self::Some(rows) => (0..0, *rows),
        };
        all.chain(some.iter().map(|row| *row as usize))
    }
}
