use std::{cmp::Ordering, fmt};

/// Largest exponent of a number in a filter, either way; numbers of records have no limit.
const MAX_EXPONENT: i64 = 1_000_000;
/// Where exponents of records stop counting: far beyond [`MAX_EXPONENT`] and any length of digits,
/// so that the comparison stays right.
const EXPONENT_CLAMP: i64 = i64::MAX / 4;
/// Numbers are printed without an exponent as long as that takes at most this many digits.
const MAX_PLAIN_DIGITS: i64 = 30;

/// A decimal number of any precision, exact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// ASCII digits without zeros at either end; empty for zero.
    digits: String,
    /// The value is `digits` times ten to this power.
    exponent: i64,
}

/// Why text is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecimalError {
    NotANumber,
    TooLarge,
}

/// A number as JSON writes it, taken apart.
#[derive(Clone, Copy)]
struct Literal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl Decimal {
    /// Reads a number of JSON's grammar.
    pub(super) fn parse(text: &str) -> Result<Self, DecimalError> {
        let literal = Literal::parse(text).ok_or(DecimalError::NotANumber)?;
        if literal.exponent.abs() > MAX_EXPONENT {
            return Err(DecimalError::TooLarge);
        }
        let digits = [literal.whole, literal.fraction].concat();
        let exponent = literal.exponent.saturating_sub(length(literal.fraction));
        Ok(Self::new(literal.negative, &digits, exponent))
    }

    fn new(negative: bool, digits: &str, exponent: i64) -> Self {
        let digits = digits.trim_start_matches('0');
        let trimmed = digits.trim_end_matches('0');
        if trimmed.is_empty() {
            return Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            };
        }
        Self {
            negative,
            digits: trimmed.to_owned(),
            exponent: exponent.saturating_add(length(digits).saturating_sub(length(trimmed))),
        }
    }

    /// How it compares with a number as JSON writes it; `None` if that is no number.
    pub(super) fn compare(&self, number: &str) -> Option<Ordering> {
        Some(self.literal().compare(Literal::parse(number)?))
    }

    /// Times `factor`, times ten to the power of `exponent`.
    pub(super) fn times(&self, factor: u32, exponent: i64) -> Self {
        let mut product = Vec::with_capacity(self.digits.len() + 10);
        let mut carry = 0u64;
        for digit in self.digits.bytes().rev() {
            carry += u64::from(digit - b'0') * u64::from(factor);
            product.push(to_digit(carry % 10));
            carry /= 10;
        }
        while carry > 0 {
            product.push(to_digit(carry % 10));
            carry /= 10;
        }
        let digits: String = product.into_iter().rev().collect();
        Self::new(
            self.negative,
            &digits,
            self.exponent.saturating_add(exponent),
        )
    }

    /// The greatest integer not above it, and whether it is that integer. Values beyond `i128`
    /// give its ends.
    pub(super) fn floor(&self) -> (i128, bool) {
        let end = if self.negative { i128::MIN } else { i128::MAX };
        let scale = u32::try_from(self.exponent).ok();
        let keep = length(&self.digits).saturating_add(self.exponent.min(0));
        let kept = usize::try_from(keep).unwrap_or(0);
        let whole = self.digits.get(..kept).unwrap_or_default();
        let magnitude = match whole {
            "" => Some(0),
            digits => digits.parse::<i128>().ok(),
        };
        let magnitude = match (magnitude, scale) {
            (Some(0), _) => Some(0),
            (Some(value), Some(scale)) => 10i128
                .checked_pow(scale)
                .and_then(|power| value.checked_mul(power)),
            (Some(value), None) if self.exponent < 0 => Some(value),
            _ => None,
        };
        let Some(magnitude) = magnitude else {
            return (end, false);
        };
        let exact = kept == self.digits.len();
        match (self.negative, exact) {
            (false, exact) => (magnitude, exact),
            (true, true) => (-magnitude, true),
            (true, false) => (-magnitude - 1, false),
        }
    }

    fn literal(&self) -> Literal<'_> {
        Literal {
            negative: self.negative,
            whole: &self.digits,
            fraction: "",
            exponent: self.exponent,
        }
    }

    /// The power of ten that its last digit counts.
    pub(super) fn exponent(&self) -> i64 {
        self.exponent
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.literal().compare(other.literal())
    }
}

/// As JSON writes it, the shortest way.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let length = length(&self.digits);
        let point = length.saturating_add(self.exponent);
        if self.digits.is_empty() {
            f.write_str("0")
        } else if self.exponent >= 0 && point <= MAX_PLAIN_DIGITS {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            write!(f, "{}{:0<zeros$}", self.digits, "")
        } else if self.exponent < 0 && (1..=length).contains(&point) {
            let (whole, fraction) = self
                .digits
                .split_at_checked(usize::try_from(point).unwrap_or(0))
                .unwrap_or((&self.digits, ""));
            write!(f, "{whole}.{fraction}")
        } else if self.exponent < 0 && (-MAX_PLAIN_DIGITS..=0).contains(&point) {
            let zeros = usize::try_from(-point).unwrap_or(0);
            write!(f, "0.{:0<zeros$}{}", "", self.digits)
        } else {
            write!(f, "{}e{}", self.digits, self.exponent)
        }
    }
}

impl<'a> Literal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, text) = split_digits(text);
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let (fraction, text) = match text.strip_prefix('.') {
            Some(rest) => split_digits(rest),
            None => ("0", text),
        };
        let exponent = match text.strip_prefix(['e', 'E']) {
            Some(rest) => parse_exponent(rest)?,
            None if text.is_empty() => 0,
            None => return None,
        };
        (!fraction.is_empty()).then_some(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// Digits from the first that is not zero.
    fn significant(self) -> impl Iterator<Item = u8> {
        let digits = self.whole.bytes().chain(self.fraction.bytes());
        digits.skip_while(|digit| *digit == b'0')
    }

    /// The power of ten just above the value; only for values other than zero.
    fn magnitude(self) -> i64 {
        let digits = self.whole.bytes().chain(self.fraction.bytes());
        let zeros = digits.take_while(|digit| *digit == b'0').count();
        length(self.whole)
            .saturating_sub(i64::try_from(zeros).unwrap_or(i64::MAX))
            .saturating_add(self.exponent)
    }

    fn sign(self) -> i8 {
        match (self.significant().next(), self.negative) {
            (None, _) => 0,
            (Some(_), true) => -1,
            (Some(_), false) => 1,
        }
    }

    fn compare(self, other: Literal<'_>) -> Ordering {
        let sign = self.sign();
        if sign != other.sign() || sign == 0 {
            return sign.cmp(&other.sign());
        }
        let size = self
            .magnitude()
            .cmp(&other.magnitude())
            .then_with(|| compare_digits(self.significant(), other.significant()));
        if sign < 0 { size.reverse() } else { size }
    }
}

/// Compares digits after a point, zeros at the end without weight.
fn compare_digits(
    mut left: impl Iterator<Item = u8>,
    mut right: impl Iterator<Item = u8>,
) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => match a.unwrap_or(b'0').cmp(&b.unwrap_or(b'0')) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = digits.bytes().fold(0i64, |value, digit| {
        let digit = i64::from(digit - b'0');
        value
            .saturating_mul(10)
            .saturating_add(digit)
            .min(EXPONENT_CLAMP)
    });
    Some(if negative { -value } else { value })
}

fn to_digit(value: u64) -> char {
    u32::try_from(value)
        .ok()
        .and_then(|value| char::from_digit(value, 10))
        .unwrap_or('0')
}

fn length(digits: &str) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{Decimal, DecimalError};

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn compares_beyond_binary_floating_point() {
        for (left, right, expected) in [
            ("1", "1.0", Ordering::Equal),
            ("0", "-0.00e9", Ordering::Equal),
            ("100", "1e2", Ordering::Equal),
            ("0.1", "0.10000000000000000001", Ordering::Less),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("-2", "-1", Ordering::Less),
            ("-1", "0.001", Ordering::Less),
            ("12", "9", Ordering::Greater),
            ("0.05", "0.5", Ordering::Less),
            ("1e1000000", "1e99999999999999999999999", Ordering::Less),
            (
                "1e-1000000",
                "1e-99999999999999999999999",
                Ordering::Greater,
            ),
            ("0", "0e99999999999999999999999", Ordering::Equal),
        ] {
            assert_eq!(
                decimal(left).compare(right),
                Some(expected),
                "{left} {right}"
            );
        }
    }

    #[test]
    fn takes_the_grammar_of_json() {
        for text in [
            "", "-", "01", "1.", ".5", "+1", "1e", "1e+", "0x1", "1 ", "NaN", "1.5.2",
        ] {
            assert_eq!(
                Decimal::parse(text),
                Err(DecimalError::NotANumber),
                "{text}"
            );
        }
        assert_eq!(Decimal::parse("1e1000001"), Err(DecimalError::TooLarge));
    }

    #[test]
    fn prints_shortest() {
        for (text, expected) in [
            ("1.0", "1"),
            ("-0", "0"),
            ("0.050", "0.05"),
            ("1200", "1200"),
            ("12.5e1", "125"),
            ("-12.25", "-12.25"),
            ("1e40", "1e40"),
            ("1e-40", "1e-40"),
            ("15e-41", "15e-41"),
        ] {
            assert_eq!(decimal(text).to_string(), expected);
        }
    }

    #[test]
    fn floors_towards_minus_infinity() {
        for (text, expected) in [
            ("1.5", (1, false)),
            ("-1.5", (-2, false)),
            ("-0.1", (-1, false)),
            ("0.1", (0, false)),
            ("1200", (1200, true)),
            ("-3", (-3, true)),
            ("0", (0, true)),
            ("1e60", (i128::MAX, false)),
            ("-1e60", (i128::MIN, false)),
            ("1e-60", (0, false)),
            (
                "170141183460469231731687303715884105728",
                (i128::MAX, false),
            ),
        ] {
            assert_eq!(decimal(text).floor(), expected, "{text}");
        }
    }

    #[test]
    fn multiplies_exactly() {
        assert_eq!(decimal("0.1").times(36, 8), decimal("360000000"));
        assert_eq!(decimal("99.9").times(99, 0), decimal("9890.1"));
        assert_eq!(decimal("0").times(36, 8), decimal("0"));
    }
}
