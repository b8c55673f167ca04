//! What is known of the rows of a piece without reading their payload.

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

/// The verdicts on all rows of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdicts {
    All(Verdict),
    Rows(Vec<Verdict>),
    /// No for all others.
    Few(Few),
}

/// Rows, rising, that match or may match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Few(Vec<(u32, Verdict)>);

impl Verdict {
    pub(super) fn not(self) -> Self {
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

impl Few {
    /// Adds a row above those before.
    pub(super) fn push(&mut self, row: u32, verdict: Verdict) {
        if verdict != Verdict::No {
            self.0.push((row, verdict));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rows(&self) -> Vec<u32> {
        self.0.iter().map(|(row, _)| *row).collect()
    }

    /// Those that match besides, judged in their order.
    pub(super) fn and(&self, others: impl Iterator<Item = Verdict>) -> Self {
        let mut both = Self::default();
        for ((row, verdict), other) in self.0.iter().zip(others) {
            both.push(*row, (*verdict).min(other));
        }
        both
    }

    /// How many of them only may match.
    pub(super) fn open(&self) -> usize {
        let open = self
            .0
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::Maybe);
        open.count()
    }

    /// The same rows, judged anew in their order.
    pub(super) fn decide(&self, verdicts: impl Iterator<Item = Verdict>) -> Self {
        let mut decided = Self::default();
        for ((row, _), verdict) in self.0.iter().zip(verdicts) {
            decided.push(*row, verdict);
        }
        decided
    }

    /// Those of both.
    pub(super) fn and_few(&self, other: &Self) -> Self {
        let (few, many) = if self.len() < other.len() {
            (self, other)
        } else {
            (other, self)
        };
        few.and(few.0.iter().map(|(row, _)| many.get(*row)))
    }

    /// Those of either.
    pub(super) fn or_few(&self, other: &Self) -> Self {
        let mut all = [self.0.as_slice(), other.0.as_slice()].concat();
        // Of one row the higher verdict comes first and stays.
        all.sort_unstable_by(|one, other| (one.0, other.1).cmp(&(other.0, one.1)));
        all.dedup_by_key(|(row, _)| *row);
        Self(all)
    }

    fn get(&self, row: u32) -> Verdict {
        let found = self.0.binary_search_by_key(&row, |(row, _)| *row);
        let found = found.ok().and_then(|at| self.0.get(at));
        found.map_or(Verdict::No, |(_, verdict)| *verdict)
    }

    fn within(&self, rows: &Range<usize>) -> &[(u32, Verdict)] {
        let before = |end: usize| self.0.partition_point(|(row, _)| (*row as usize) < end);
        self.0
            .get(before(rows.start)..before(rows.end))
            .unwrap_or_default()
    }
}

impl Verdicts {
    pub(super) fn get(&self, row: usize) -> Verdict {
        match self {
            Self::All(verdict) => *verdict,
            Self::Rows(rows) => rows.get(row).copied().unwrap_or(Verdict::No),
            Self::Few(few) => u32::try_from(row).map_or(Verdict::No, |row| few.get(row)),
        }
    }

    /// The rows that match or may match, if they are no more than so many.
    pub(super) fn few(&self, most: usize) -> Option<Few> {
        match self {
            Self::All(_) => None,
            Self::Few(few) => (few.len() <= most).then(|| few.clone()),
            Self::Rows(rows) => {
                let matching = rows.iter().filter(|verdict| **verdict != Verdict::No);
                (matching.count() <= most).then(|| {
                    let mut few = Few::default();
                    for (row, verdict) in (0..).zip(rows) {
                        few.push(row, *verdict);
                    }
                    few
                })
            }
        }
    }

    pub(super) fn are_all(&self, verdict: Verdict) -> bool {
        *self == Self::All(verdict)
    }

    /// The rows of a range that are not known.
    pub(super) fn open(&self, rows: Range<usize>) -> Vec<usize> {
        let is_open = |row: &usize| self.get(*row) == Verdict::Maybe;
        match self {
            Self::All(Verdict::Maybe) => rows.collect(),
            Self::All(_) => Vec::new(),
            Self::Rows(_) => rows.filter(is_open).collect(),
            Self::Few(few) => {
                let rows = few.within(&rows).iter().map(|(row, _)| *row as usize);
                rows.filter(is_open).collect()
            }
        }
    }

    /// Decides on one of so many rows.
    pub(super) fn set(&mut self, row: usize, verdict: Verdict, rows: usize) {
        if let Self::All(all) = self {
            *self = Self::Rows(vec![*all; rows]);
        }
        match self {
            Self::Rows(rows) => {
                if let Some(at) = rows.get_mut(row) {
                    *at = verdict;
                }
            }
            Self::Few(few) => {
                let known = few.0.binary_search_by_key(&row, |(row, _)| *row as usize);
                if let Some((_, known)) = known.ok().and_then(|at| few.0.get_mut(at)) {
                    *known = verdict;
                }
            }
            Self::All(_) => {}
        }
    }

    /// Takes the last, or the first, row of a range that matches or may match, and all beyond it, out of the
    /// range.
    pub(super) fn take(&self, rows: &mut Range<usize>, last: bool) -> Option<(usize, Verdict)> {
        if self.are_all(Verdict::No) {
            *rows = 0..0;
            return None;
        }
        if let Self::Few(few) = self {
            let within = few.within(rows);
            let next = if last { within.last() } else { within.first() };
            let Some((row, verdict)) = next.copied() else {
                *rows = 0..0;
                return None;
            };
            let row = row as usize;
            *rows = if last {
                rows.start..row
            } else {
                row + 1..rows.end
            };
            return Some((row, verdict));
        }
        loop {
            let row = if last { rows.next_back() } else { rows.next() }?;
            match self.get(row) {
                Verdict::No => {}
                verdict => return Some((row, verdict)),
            }
        }
    }

    /// Appends those of the rows that match.
    pub(super) fn push_matching(&self, rows: Range<usize>, out: &mut Vec<u32>) {
        let number = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
        match self {
            Self::All(Verdict::Yes) => out.extend(rows.map(number)),
            Self::All(_) => {}
            Self::Few(few) => {
                let matching = few.within(&rows).iter();
                let matching = matching.filter(|(_, verdict)| *verdict == Verdict::Yes);
                out.extend(matching.map(|(row, _)| *row));
            }
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

    /// How many of the rows have this verdict, which is not no.
    pub(super) fn count(&self, verdict: Verdict, rows: &Range<usize>) -> u64 {
        match self {
            Self::All(one) if *one == verdict => rows.len() as u64,
            Self::All(_) => 0,
            Self::Rows(all) => {
                let rows = all.get(rows.clone()).unwrap_or_default();
                rows.iter().filter(|one| **one == verdict).count() as u64
            }
            Self::Few(few) => {
                let rows = few.within(rows).iter();
                rows.filter(|(_, one)| *one == verdict).count() as u64
            }
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(all), other) | (other, Self::All(all)) => match (all, other) {
                (Verdict::No, _) => Self::All(Verdict::No),
                (Verdict::Yes, other) => other,
                (Verdict::Maybe, other) => other.map(|verdict| verdict.min(Verdict::Maybe)),
            },
            (Self::Few(one), Self::Few(other)) => Self::Few(one.and_few(&other)),
            (Self::Few(few), Self::Rows(rows)) | (Self::Rows(rows), Self::Few(few)) => {
                let rows = few.0.iter().map(|(row, _)| rows.get(*row as usize));
                Self::Few(few.and(rows.map(|row| row.copied().unwrap_or(Verdict::No))))
            }
            (Self::Rows(rows), Self::Rows(others)) => combine(rows, &others, Verdict::min),
        }
    }

    /// Over so many rows.
    pub(super) fn or(self, other: Self, rows: usize) -> Self {
        match (self, other) {
            (Self::All(all), other) | (other, Self::All(all)) => match (all, other) {
                (Verdict::Yes, _) => Self::All(Verdict::Yes),
                (Verdict::No, other) => other,
                (Verdict::Maybe, other @ Self::Few(_)) => {
                    Self::Rows(vec![Verdict::Maybe; rows]).or(other, rows)
                }
                (Verdict::Maybe, other) => other.map(|verdict| verdict.max(Verdict::Maybe)),
            },
            (Self::Few(one), Self::Few(other)) => Self::Few(one.or_few(&other)),
            (Self::Few(few), Self::Rows(mut rows)) | (Self::Rows(mut rows), Self::Few(few)) => {
                for (row, verdict) in few.0 {
                    if let Some(known) = rows.get_mut(row as usize) {
                        *known = verdict.max(*known);
                    }
                }
                Self::Rows(rows)
            }
            (Self::Rows(rows), Self::Rows(others)) => combine(rows, &others, Verdict::max),
        }
    }

    /// The complement over so many rows.
    pub(super) fn not(self, rows: usize) -> Self {
        match self {
            Self::Few(few) => {
                let mut others = vec![Verdict::Yes; rows];
                for (row, verdict) in few.0 {
                    if let Some(other) = others.get_mut(row as usize) {
                        *other = verdict.not();
                    }
                }
                Self::Rows(others)
            }
            dense => dense.map(Verdict::not),
        }
    }

    /// The same, with one verdict for all rows that have the same.
    pub(super) fn settled(self) -> Self {
        match &self {
            Self::Rows(rows) => match rows.split_first() {
                Some((first, rest)) if rest.iter().all(|row| row == first) => Self::All(*first),
                _ => self,
            },
            Self::Few(few) if few.is_empty() => Self::All(Verdict::No),
            Self::All(_) | Self::Few(_) => self,
        }
    }

    /// Of few rows only those are changed.
    fn map(self, with: impl Fn(Verdict) -> Verdict) -> Self {
        match self {
            Self::All(verdict) => Self::All(with(verdict)),
            Self::Rows(mut rows) => {
                for row in &mut rows {
                    *row = with(*row);
                }
                Self::Rows(rows)
            }
            Self::Few(mut few) => {
                for (_, verdict) in &mut few.0 {
                    *verdict = with(*verdict);
                }
                Self::Few(few)
            }
        }
    }
}

fn combine(
    mut rows: Vec<Verdict>,
    others: &[Verdict],
    with: fn(Verdict, Verdict) -> Verdict,
) -> Verdicts {
    for (row, other) in rows.iter_mut().zip(others) {
        *row = with(*row, *other);
    }
    Verdicts::Rows(rows)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    const ROWS: usize = 6;

    fn verdict() -> impl Strategy<Value = Verdict> {
        select(vec![Verdict::No, Verdict::Maybe, Verdict::Yes])
    }

    fn verdicts() -> impl Strategy<Value = Verdicts> {
        let few = |rows: Vec<Verdict>| {
            let mut few = Few::default();
            for (row, verdict) in (0..).zip(rows) {
                few.push(row, verdict);
            }
            Verdicts::Few(few)
        };
        prop_oneof![
            verdict().prop_map(Verdicts::All),
            vec(verdict(), ROWS).prop_map(Verdicts::Rows),
            vec(verdict(), ROWS).prop_map(few),
        ]
    }

    fn list(verdicts: &Verdicts) -> Vec<Verdict> {
        (0..ROWS).map(|row| verdicts.get(row)).collect()
    }

    proptest! {
        #[test]
        fn every_form_means_the_same(
            one in verdicts(),
            other in verdicts(),
            from in 0..ROWS,
            to in 0..=ROWS,
            last: bool,
        ) {
            let both = |with: fn(Verdict, Verdict) -> Verdict| -> Vec<Verdict> {
                list(&one).into_iter().zip(list(&other)).map(|(one, other)| with(one, other)).collect()
            };
            prop_assert_eq!(list(&one.clone().and(other.clone())), both(Verdict::min));
            prop_assert_eq!(list(&one.clone().or(other.clone(), ROWS)), both(Verdict::max));
            let not: Vec<Verdict> = list(&one).into_iter().map(Verdict::not).collect();
            prop_assert_eq!(list(&one.clone().not(ROWS)), not);
            prop_assert_eq!(list(&one.clone().settled()), list(&one));
            if list(&one).iter().all(|verdict| *verdict == Verdict::No) {
                prop_assert!(one.clone().settled().are_all(Verdict::No));
            }

            let rows = from..to.max(from);
            let of = |verdict| rows.clone().filter(|row| one.get(*row) == verdict).collect::<Vec<_>>();
            prop_assert_eq!(one.open(rows.clone()), of(Verdict::Maybe));
            for verdict in [Verdict::Maybe, Verdict::Yes] {
                prop_assert_eq!(one.count(verdict, &rows), of(verdict).len() as u64);
            }
            let mut matching = Vec::new();
            one.push_matching(rows.clone(), &mut matching);
            let matching: Vec<usize> = matching.into_iter().map(|row| row as usize).collect();
            prop_assert_eq!(matching, of(Verdict::Yes));

            let (mut left, mut taken) = (rows.clone(), Vec::new());
            while let Some((row, verdict)) = one.take(&mut left, last) {
                prop_assert_eq!(one.get(row), verdict);
                taken.push(row);
            }
            let mut expected: Vec<usize> = rows.filter(|row| one.get(*row) != Verdict::No).collect();
            if last {
                expected.reverse();
            }
            prop_assert_eq!(taken, expected);

            let mut set = one.clone();
            if one.get(from) != Verdict::No {
                set.set(from, Verdict::No, ROWS);
                let mut expected = list(&one);
                expected[from] = Verdict::No;
                prop_assert_eq!(list(&set), expected);
            }
        }
    }
}
