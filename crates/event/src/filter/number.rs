use std::{cmp::Ordering, ops::RangeInclusive};

use super::Decimal;

/// The numbers that a term asks for, in the stored unit of its field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NumberRange {
    comparison: Comparison,
    /// The same for integers, both ends inside; empty if the first is above the second.
    integers: (i128, i128),
}

/// A comparison with one or two numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `:n`
    Equal(Decimal),
    /// `>n`
    Above(Decimal),
    /// `>=n`
    AtLeast(Decimal),
    /// `<n`
    Below(Decimal),
    /// `<=n`
    AtMost(Decimal),
    /// `:a..b`, both ends inside.
    Between(Decimal, Decimal),
}

impl NumberRange {
    pub(super) fn new(comparison: Comparison) -> Self {
        let integers = match &comparison {
            Comparison::Equal(n) => (ceil(n), n.floor().0),
            Comparison::Above(n) => (n.floor().0.saturating_add(1), i128::MAX),
            Comparison::AtLeast(n) => (ceil(n), i128::MAX),
            Comparison::Below(n) => (i128::MIN, ceil(n).saturating_sub(1)),
            Comparison::AtMost(n) => (i128::MIN, n.floor().0),
            Comparison::Between(low, high) => (ceil(low), high.floor().0),
        };
        Self {
            comparison,
            integers,
        }
    }

    /// What was asked.
    #[must_use]
    pub fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    /// The integers inside, `None` if there are none.
    #[must_use]
    pub fn integers(&self) -> Option<RangeInclusive<i128>> {
        let (low, high) = self.integers;
        (low <= high).then_some(low..=high)
    }

    /// Whether an integer is inside.
    #[must_use]
    pub fn contains(&self, integer: i128) -> bool {
        self.integers.0 <= integer && integer <= self.integers.1
    }

    /// Whether a number as JSON writes it is inside, whatever its size and precision.
    #[must_use]
    pub fn contains_json(&self, number: &str) -> bool {
        let is = |bound: &Decimal, test: fn(Ordering) -> bool| {
            // How the bound compares with the number, so turned round.
            bound
                .compare(number)
                .map(Ordering::reverse)
                .is_some_and(test)
        };
        match &self.comparison {
            Comparison::Equal(n) => is(n, Ordering::is_eq),
            Comparison::Above(n) => is(n, Ordering::is_gt),
            Comparison::AtLeast(n) => is(n, Ordering::is_ge),
            Comparison::Below(n) => is(n, Ordering::is_lt),
            Comparison::AtMost(n) => is(n, Ordering::is_le),
            Comparison::Between(low, high) => is(low, Ordering::is_ge) && is(high, Ordering::is_le),
        }
    }
}

fn ceil(number: &Decimal) -> i128 {
    match number.floor() {
        (floor, true) => floor,
        (floor, false) => floor.saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Decimal, NumberRange};

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn integers_and_json_numbers_agree() {
        for bound in [
            "-2.5", "-1", "-0.5", "0", "0.5", "1", "2.5", "1e50", "-1e50",
        ] {
            for make in [
                Comparison::Equal,
                Comparison::Above,
                Comparison::AtLeast,
                Comparison::Below,
                Comparison::AtMost,
                |n| Comparison::Between(n, decimal("1.5")),
            ] {
                let range = NumberRange::new(make(decimal(bound)));
                for integer in -4i128..=4 {
                    let expected = range.contains_json(&integer.to_string());
                    assert_eq!(range.contains(integer), expected, "{range:?} {integer}");
                    let listed = range.integers().is_some_and(|all| all.contains(&integer));
                    assert_eq!(listed, expected, "{range:?} {integer}");
                }
            }
        }
    }

    #[test]
    fn not_a_number_is_in_no_range() {
        let all = NumberRange::new(Comparison::AtLeast(decimal("-1e9")));
        assert!(!all.contains_json("true") && all.contains_json("-1E9"));
    }
}
