use std::fmt;

mod civil;
mod rfc3339;

pub use rfc3339::instant_micros;

/// Microseconds since 1970-01-01T00:00:00Z; written as `YYYY-MM-DDThh:mm:ss.ffffffZ`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

/// A text that is not a time in the expected form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not `YYYY-MM-DDThh:mm:ss`, an optional fraction, and `Z` or `±hh:mm`.
    #[error("not an RFC 3339 time such as 2026-01-31T13:59:00.5Z")]
    Syntax,
    /// A month, day, hour, minute, second or offset that does not exist.
    #[error("the {part} does not exist")]
    NoSuch {
        /// Which part.
        part: &'static str,
    },
}

pub(crate) const MICROS_PER_SECOND: u64 = 1_000_000;

impl Micros {
    /// Length of the written form.
    pub const TEXT_BYTES: usize = 27;

    /// The end of the year 9999, the last time with a written form; a later one is written as this.
    pub const MAX: Self = Self(253_402_300_800 * MICROS_PER_SECOND - 1);

    /// The written form.
    #[must_use]
    pub fn to_text(self) -> [u8; Self::TEXT_BYTES] {
        let micros = self.min(Self::MAX).0;
        let seconds = micros / MICROS_PER_SECOND;
        let (year, month, day) = civil::date(seconds / 86_400);
        let in_day = seconds % 86_400;
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut text, 0, 4, year);
        digits(&mut text, 5, 2, month);
        digits(&mut text, 8, 2, day);
        digits(&mut text, 11, 2, in_day / 3600);
        digits(&mut text, 14, 2, in_day / 60 % 60);
        digits(&mut text, 17, 2, in_day % 60);
        digits(&mut text, 20, 6, micros % MICROS_PER_SECOND);
        text
    }

    /// Reads exactly the written form.
    ///
    /// # Errors
    ///
    /// [`TimeError`] for any other text, times before 1970 among them.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let micros = instant_micros(text)?;
        let micros = Self(u64::try_from(micros).map_err(|_| TimeError::Syntax)?);
        // One instant has many spellings; only the one that would be written is accepted.
        if micros.to_text() == text.as_bytes() {
            Ok(micros)
        } else {
            Err(TimeError::Syntax)
        }
    }
}

/// Overwrites `text[at..at + count]` with the lowest decimal digits of `number`.
#[inline]
fn digits(text: &mut [u8; Micros::TEXT_BYTES], at: usize, count: usize, number: u64) {
    let mut left = number;
    for place in text.iter_mut().skip(at).take(count).rev() {
        *place = b'0' + (left % 10) as u8;
        left /= 10;
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: [(u64, &str); 9] = [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (1_709_251_200_000_000, "2024-03-01T00:00:00.000000Z"),
        (1_767_225_600_000_000, "2026-01-01T00:00:00.000000Z"),
        (1_767_311_999_999_999, "2026-01-01T23:59:59.999999Z"),
        (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        (Micros::MAX.0, "9999-12-31T23:59:59.999999Z"),
    ];

    #[test]
    fn writes_and_reads() {
        for (micros, text) in WRITTEN {
            assert_eq!(Micros(micros).to_string(), text);
            assert_eq!(Micros::parse(text), Ok(Micros(micros)));
        }
        assert_eq!(Micros(u64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn reads_only_the_written_form() {
        for text in [
            "",
            "1969-12-31T23:59:59.999999Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.00000Z",
            "2026-01-01T00:00:00.0000000Z",
            "2026-01-01T00:00:00.000000+00:00",
            "2026-01-01t00:00:00.000000Z",
            "2026-12-31T23:59:60.000000Z",
        ] {
            assert!(Micros::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_after_the_one_before() {
        let mut before = Micros(0).to_string();
        for day in 1..146_097 {
            let text = Micros(day * 86_400 * MICROS_PER_SECOND).to_string();
            assert!(text > before, "{text} after {before}");
            assert_eq!(
                Micros::parse(&text),
                Ok(Micros(day * 86_400 * MICROS_PER_SECOND))
            );
            before = text;
        }
        assert_eq!(before, "2369-12-31T00:00:00.000000Z");
    }
}
