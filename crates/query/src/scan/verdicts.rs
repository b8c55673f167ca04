//! What is known of the rows of a block without reading their payload.

use std::ops::Range;

/// Whether a row matches. Ordered, so that the lower of two is their conjunction and the higher one
/// their disjunction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    No,
    /// The payload has to be read.
    Maybe,
    Yes,
}

/// The verdicts on all rows of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdicts {
    All(Verdict),
    Rows(Vec<Verdict>),
}

impl Verdict {
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Verdict {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}

impl FromIterator<bool> for Verdicts {
    fn from_iter<I: IntoIterator<Item = bool>>(rows: I) -> Self {
        Self::Rows(rows.into_iter().map(Verdict::from).collect())
    }
}

impl Verdicts {
    pub(super) fn get(&self, row: usize) -> Verdict {
        match self {
            Self::All(verdict) => *verdict,
            Self::Rows(rows) => rows.get(row).copied().unwrap_or(Verdict::No),
        }
    }

    pub(super) fn are_all(&self, verdict: Verdict) -> bool {
        *self == Self::All(verdict)
    }

    /// Whether no row is left open.
    pub(super) fn are_settled(&self) -> bool {
        match self {
            Self::All(verdict) => *verdict != Verdict::Maybe,
            Self::Rows(rows) => !rows.contains(&Verdict::Maybe),
        }
    }

    /// Decides on one of so many rows.
    pub(super) fn set(&mut self, row: usize, verdict: Verdict, rows: usize) {
        if let Self::All(all) = self {
            *self = Self::Rows(vec![*all; rows]);
        }
        if let Self::Rows(rows) = self
            && let Some(at) = rows.get_mut(row)
        {
            *at = verdict;
        }
    }

    /// Appends those of the rows that match.
    pub(super) fn push_matching(&self, rows: Range<usize>, out: &mut Vec<u32>) {
        let number = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
        match self {
            Self::All(Verdict::Yes) => out.extend(rows.map(number)),
            Self::All(_) => {}
            Self::Rows(all) => {
                // Every row is written and those that do not match are overwritten: no branch to guess.
                let (from, mut end) = (number(rows.start), out.len());
                let verdicts = all.get(rows).unwrap_or_default();
                out.resize(end + verdicts.len() + 1, 0);
                for (row, verdict) in (from..).zip(verdicts) {
                    if let Some(slot) = out.get_mut(end) {
                        *slot = row;
                    }
                    end += usize::from(*verdict == Verdict::Yes);
                }
                out.truncate(end);
            }
        }
    }

    /// How many of the rows have this verdict.
    pub(super) fn count(&self, verdict: Verdict, rows: &Range<usize>) -> u64 {
        match self {
            Self::All(one) if *one == verdict => rows.len() as u64,
            Self::All(_) => 0,
            Self::Rows(all) => {
                let rows = all.get(rows.clone()).unwrap_or_default();
                rows.iter().filter(|one| **one == verdict).count() as u64
            }
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        self.combine(other, Verdict::min)
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.combine(other, Verdict::max)
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::All(verdict) => Self::All(verdict.not()),
            Self::Rows(mut rows) => {
                for row in &mut rows {
                    *row = row.not();
                }
                Self::Rows(rows)
            }
        }
    }

    /// The same, with one verdict for all rows that have the same.
    pub(super) fn settled(self) -> Self {
        match &self {
            Self::Rows(rows) => match rows.split_first() {
                Some((first, rest)) if rest.iter().all(|row| row == first) => Self::All(*first),
                _ => self,
            },
            Self::All(_) => self,
        }
    }

    fn combine(self, other: Self, with: fn(Verdict, Verdict) -> Verdict) -> Self {
        match (self, other) {
            (Self::All(one), Self::All(other)) => Self::All(with(one, other)),
            (Self::Rows(mut rows), Self::All(all)) | (Self::All(all), Self::Rows(mut rows)) => {
                for row in &mut rows {
                    *row = with(*row, all);
                }
                Self::Rows(rows)
            }
            (Self::Rows(mut rows), Self::Rows(others)) => {
                for (row, other) in rows.iter_mut().zip(others) {
                    *row = with(*row, other);
                }
                Self::Rows(rows)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, Verdicts};

    #[test]
    fn what_is_not_known_stays_unknown() {
        use Verdict::{Maybe, No, Yes};
        let rows = |rows: &[Verdict]| Verdicts::Rows(rows.to_vec());
        let mixed = rows(&[No, Maybe, Yes]);
        assert_eq!(mixed.clone().not(), rows(&[Yes, Maybe, No]));
        let all = |verdict| Verdicts::All(verdict);
        assert_eq!(mixed.clone().and(all(Maybe)), rows(&[No, Maybe, Maybe]));
        assert_eq!(all(Maybe).or(mixed.clone()), rows(&[Maybe, Maybe, Yes]));
        assert_eq!(
            mixed.clone().and(mixed.clone().not()),
            rows(&[No, Maybe, No])
        );
        assert_eq!(mixed.count(Yes, &(1..3)), 1);
        assert_eq!(rows(&[No, No]).settled(), all(No));
        assert!(!mixed.are_settled() && all(Yes).are_settled() && !all(Maybe).are_settled());
        assert_eq!(mixed.clone().settled(), mixed);
    }

    #[test]
    fn rows_that_match_are_listed() {
        use Verdict::{Maybe, No, Yes};
        let matching = |verdicts: &Verdicts, rows| {
            let mut out = vec![7];
            verdicts.push_matching(rows, &mut out);
            out
        };
        let mut verdicts = Verdicts::All(Maybe);
        for (row, verdict) in [Yes, No, Yes, Yes, No].into_iter().enumerate() {
            verdicts.set(row, verdict, 5);
        }
        assert!(verdicts.are_settled());
        assert_eq!(matching(&verdicts, 0..5), [7, 0, 2, 3]);
        assert_eq!(matching(&verdicts, 1..3), [7, 2]);
        assert_eq!(matching(&verdicts, 4..5), [7]);
        assert_eq!(matching(&Verdicts::All(Yes), 3..5), [7, 3, 4]);
        assert_eq!(matching(&Verdicts::All(No), 3..5), [7]);
    }
}
