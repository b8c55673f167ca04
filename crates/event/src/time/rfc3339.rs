use super::{MICROS_PER_SECOND, TimeError, civil};

/// The instant of an RFC 3339 text, in microseconds since 1970, negative before.
///
/// Digits beyond microseconds are cut. A leap second, allowed at 23:59:60 UTC on the last day of a
/// month, is the last microsecond before the next minute. Years 0000 to 9999 (RFC 3339, 5.6).
///
/// # Errors
///
/// [`TimeError`] if the text is something else.
pub fn instant_micros(text: &str) -> Result<i64, TimeError> {
    let mut rest = text.as_bytes();
    let year = number::<4>(&mut rest)?;
    literal(&mut rest, b"-")?;
    let month = number::<2>(&mut rest)?;
    literal(&mut rest, b"-")?;
    let day = number::<2>(&mut rest)?;
    literal(&mut rest, b"Tt")?;
    let hour = number::<2>(&mut rest)?;
    literal(&mut rest, b":")?;
    let minute = number::<2>(&mut rest)?;
    literal(&mut rest, b":")?;
    let second = number::<2>(&mut rest)?;
    let micros = fraction(&mut rest)?;
    let offset_minutes = offset(&mut rest)?;

    exists("month", 1, month, 12)?;
    exists("day", 1, day, civil::month_length(year, month))?;
    exists("hour", 0, hour, 23)?;
    exists("minute", 0, minute, 59)?;
    exists("second", 0, second, 60)?;

    let local_minutes = (civil::days(year, month, day) * 24 + hour) * 60 + minute;
    let utc_minutes = local_minutes - offset_minutes;
    if second == 60 {
        let next_minute = utc_minutes + 1;
        if !begins_a_month(next_minute) {
            return Err(TimeError::NoSuch {
                part: "leap second",
            });
        }
        return Ok(next_minute * 60 * MICROS - 1);
    }
    Ok((utc_minutes * 60 + second) * MICROS + micros)
}

const MICROS: i64 = MICROS_PER_SECOND.cast_signed();
const MINUTES_PER_DAY: i64 = 24 * 60;

fn begins_a_month(minutes: i64) -> bool {
    // Dates are computed for days from 1970 on; 400 years have a whole number of days.
    let days = minutes.div_euclid(MINUTES_PER_DAY).rem_euclid(146_097);
    minutes.rem_euclid(MINUTES_PER_DAY) == 0 && civil::date(days.cast_unsigned()).2 == 1
}

fn exists(part: &'static str, first: i64, number: i64, last: i64) -> Result<(), TimeError> {
    if (first..=last).contains(&number) {
        Ok(())
    } else {
        Err(TimeError::NoSuch { part })
    }
}

#[inline]
fn number<const DIGITS: usize>(rest: &mut &[u8]) -> Result<i64, TimeError> {
    let (digits, after) = rest
        .split_first_chunk::<DIGITS>()
        .ok_or(TimeError::Syntax)?;
    *rest = after;
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return Err(TimeError::Syntax);
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Ok(number)
}

#[inline]
fn literal(rest: &mut &[u8], one_of: &[u8]) -> Result<u8, TimeError> {
    let (first, after) = rest.split_first().ok_or(TimeError::Syntax)?;
    *rest = after;
    if one_of.contains(first) {
        Ok(*first)
    } else {
        Err(TimeError::Syntax)
    }
}

/// Microseconds of an optional `.` and digits.
fn fraction(rest: &mut &[u8]) -> Result<i64, TimeError> {
    let Some(after) = rest.strip_prefix(b".") else {
        return Ok(0);
    };
    let count = after
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, after) = after.split_at_checked(count).ok_or(TimeError::Syntax)?;
    if digits.is_empty() {
        return Err(TimeError::Syntax);
    }
    *rest = after;
    let padded = digits.iter().chain(b"000000").take(6);
    Ok(padded.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0')))
}

/// Minutes east of UTC; nothing may follow.
fn offset(rest: &mut &[u8]) -> Result<i64, TimeError> {
    let sign = match literal(rest, b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => {
            return if rest.is_empty() {
                Ok(0)
            } else {
                Err(TimeError::Syntax)
            };
        }
    };
    let hours = number::<2>(rest)?;
    literal(rest, b":")?;
    let minutes = number::<2>(rest)?;
    if !rest.is_empty() {
        return Err(TimeError::Syntax);
    }
    exists("offset", 0, hours, 23)?;
    exists("offset", 0, minutes, 59)?;
    Ok(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00z", 0),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T16:00:00-08:00", 0),
            ("1970-01-01T00:00:00-00:00", 0),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("1970-01-01T00:00:00.5Z", 500_000),
            ("1970-01-01T00:00:00.1234567891011Z", 123_456),
            ("1970-01-01T00:00:00.0000019Z", 1),
            ("2025-12-31T23:59:59Z", 1_767_225_599_000_000),
            ("2024-02-29T12:00:00+05:30", 1_709_188_200_000_000),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
            ("1990-12-31T23:59:60Z", 662_688_000_000_000 - 1),
            ("1990-12-31T15:59:60.5-08:00", 662_688_000_000_000 - 1),
            ("0000-02-29T23:59:60Z", -62_162_035_200_000_000 - 1),
        ] {
            assert_eq!(instant_micros(text), Ok(micros), "{text}");
        }
    }

    #[test]
    fn other_texts() {
        for text in [
            "",
            "now",
            "2026-01-01",
            "2026-01-01T00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00,5Z",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+01",
            "2026-01-01T00:00:00Z ",
            " 2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00+01:00Z",
            "2026-1-01T00:00:00Z",
            "+2026-01-01T00:00:00Z",
            "12026-01-01T00:00:00Z",
            "２026-01-01T00:00:00Z",
        ] {
            assert_eq!(instant_micros(text), Err(TimeError::Syntax), "{text}");
        }
        for (text, part) in [
            ("2026-00-01T00:00:00Z", "month"),
            ("2026-13-01T00:00:00Z", "month"),
            ("2026-01-00T00:00:00Z", "day"),
            ("2026-02-29T00:00:00Z", "day"),
            ("1900-02-29T00:00:00Z", "day"),
            ("2026-04-31T00:00:00Z", "day"),
            ("2026-01-01T24:00:00Z", "hour"),
            ("2026-01-01T00:60:00Z", "minute"),
            ("2026-01-01T00:00:61Z", "second"),
            ("2026-01-01T00:00:00+24:00", "offset"),
            ("2026-01-01T00:00:00+00:60", "offset"),
            ("2026-01-30T23:59:60Z", "leap second"),
            ("2026-06-30T22:59:60Z", "leap second"),
            ("2026-06-30T23:59:60+01:00", "leap second"),
        ] {
            assert_eq!(
                instant_micros(text),
                Err(TimeError::NoSuch { part }),
                "{text}"
            );
        }
    }
}
