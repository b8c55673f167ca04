//! Whole numbers of one row group, in as few bytes each as they all fit into.

/// Numbers in a row. Loops over them are written once for each width.
#[derive(Debug, PartialEq, Eq)]
pub enum Packed {
    /// All fit into 8 bits.
    Bytes(Vec<u8>),
    /// All fit into 16 bits.
    Shorts(Vec<u16>),
    /// All fit into 32 bits.
    Words(Vec<u32>),
    /// Others, or some are negative.
    Longs(Vec<i64>),
}

impl Packed {
    pub(crate) fn new(numbers: Vec<i64>) -> Self {
        let (lowest, highest) = numbers.iter().fold((0, 0), |(lowest, highest), number| {
            (*number.min(&lowest), *number.max(&highest))
        });
        // The casts lose nothing: every number lies between the two.
        if lowest < 0 || highest > u32::MAX.into() {
            Self::Longs(numbers)
        } else if highest <= u8::MAX.into() {
            Self::Bytes(cast(&numbers, |number| number.to_le_bytes()[0]))
        } else if highest <= u16::MAX.into() {
            let low = |number: i64| [number.to_le_bytes()[0], number.to_le_bytes()[1]];
            Self::Shorts(cast(&numbers, |number| u16::from_le_bytes(low(number))))
        } else {
            Self::Words(cast(&numbers, |number| {
                u32::try_from(number).unwrap_or(u32::MAX)
            }))
        }
    }

    /// Codes below a bound; rows without one get the bound.
    pub(super) fn of_codes(codes: &[Option<u32>], bound: u32) -> Self {
        let all = codes.iter().map(|code| code.unwrap_or(bound));
        // The casts lose nothing: no code is above the bound.
        if bound <= u8::MAX.into() {
            Self::Bytes(all.map(|code| code.to_le_bytes()[0]).collect())
        } else if bound <= u16::MAX.into() {
            let low = |code: u32| [code.to_le_bytes()[0], code.to_le_bytes()[1]];
            Self::Shorts(all.map(|code| u16::from_le_bytes(low(code))).collect())
        } else {
            Self::Words(all.collect())
        }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(numbers) => numbers.len(),
            Self::Shorts(numbers) => numbers.len(),
            Self::Words(numbers) => numbers.len(),
            Self::Longs(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at a position.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<i64> {
        match self {
            Self::Bytes(numbers) => numbers.get(at).map(|number| i64::from(*number)),
            Self::Shorts(numbers) => numbers.get(at).map(|number| i64::from(*number)),
            Self::Words(numbers) => numbers.get(at).map(|number| i64::from(*number)),
            Self::Longs(numbers) => numbers.get(at).copied(),
        }
    }

    pub(super) fn size_bytes(&self) -> usize {
        let width = match self {
            Self::Bytes(_) => 1,
            Self::Shorts(_) => 2,
            Self::Words(_) => 4,
            Self::Longs(_) => 8,
        };
        self.len() * width
    }
}

fn cast<T>(numbers: &[i64], to: impl Fn(i64) -> T) -> Vec<T> {
    numbers.iter().map(|number| to(*number)).collect()
}

#[cfg(test)]
mod tests {
    use super::Packed;

    #[test]
    fn numbers_take_the_bytes_that_they_need() {
        for (numbers, bytes) in [
            (vec![0, 255], 1),
            (vec![256, 0], 2),
            (vec![65_535], 2),
            (vec![65_536, 7], 4),
            (vec![i64::from(u32::MAX)], 4),
            (vec![i64::from(u32::MAX) + 1], 8),
            (vec![-1, 0], 8),
            (vec![i64::MIN, i64::MAX], 8),
        ] {
            let packed = Packed::new(numbers.clone());
            assert_eq!(packed.size_bytes(), bytes * numbers.len(), "{numbers:?}");
            let back: Vec<i64> = (0..packed.len()).filter_map(|at| packed.get(at)).collect();
            assert_eq!(back, numbers);
            assert_eq!(packed.get(numbers.len()), None);
        }
        assert!(Packed::new(Vec::new()).is_empty());
    }
}
