//! Numbers as people read them.

use query::Figures;

/// Digits in groups of three.
pub(super) fn grouped(number: impl std::fmt::Display) -> String {
    let digits = number.to_string();
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("−", rest),
        None => ("", digits.as_str()),
    };
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 3);
    text.push_str(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// US dollars from billionths: two places from a dollar on, four significant digits below.
/// What calls cost of which some have no known price: nothing known is not nothing.
pub(super) fn spent(nanousd: i128, unpriced: u64) -> String {
    if nanousd == 0 && unpriced > 0 {
        return "unpriced".to_owned();
    }
    money(nanousd)
}

pub(super) fn money(nanousd: i128) -> String {
    const DOLLAR: u128 = 1_000_000_000;
    let (sign, nano) = (if nanousd < 0 { "−" } else { "" }, nanousd.unsigned_abs());
    if nano == 0 {
        return "$0.00".to_owned();
    }
    // Rounded up to a whole dollar it is written as one.
    if nano >= DOLLAR - 50_000 {
        let cents = (nano + DOLLAR / 200) / (DOLLAR / 100);
        return format!("{sign}${}.{:02}", grouped(cents / 100), cents % 100);
    }
    let zeros = 8 - nano.ilog10();
    let places = (zeros + 4).min(9);
    let unit = 10_u128.pow(9 - places);
    let value = (nano + unit / 2) / unit;
    format!("{sign}$0.{value:0width$}", width = places as usize)
}

/// Share in per cent with one place and a thin space.
pub(super) fn share(part: u64, whole: u64) -> String {
    let permille = per_thousand(part.into(), whole.into());
    format!("{}.{}\u{2009}%", permille / 10, permille % 10)
}

/// How much a figure changed, `+6.2 %`; nothing where there was nothing before.
pub(super) fn change(now: i128, before: i128) -> Option<String> {
    if before <= 0 {
        return None;
    }
    let delta = now - before;
    let permille = per_thousand(delta.unsigned_abs(), before.unsigned_abs());
    let sign = match delta {
        0 => "",
        d if d < 0 => "−",
        _ => "+",
    };
    Some(match permille {
        // From a thousand per cent on nobody reads the rest.
        10_000.. => format!("{sign}{}\u{2009}%", grouped(permille / 10)),
        _ => format!("{sign}{}.{}\u{2009}%", permille / 10, permille % 10),
    })
}

fn per_thousand(part: u128, whole: u128) -> u128 {
    match whole {
        0 => 0,
        whole => (part.saturating_mul(1_000) + whole / 2) / whole,
    }
}

/// A span of time from microseconds: two parts at most.
pub(super) fn duration(us: i64) -> String {
    let (sign, us) = (if us < 0 { "−" } else { "" }, us.unsigned_abs());
    let text = match us {
        0 => "0 s".to_owned(),
        1..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..60_000_000 => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
        60_000_000..3_600_000_000 => parts(us / 1_000_000, 60, "m", "s"),
        3_600_000_000..86_400_000_000 => parts(us / 60_000_000, 60, "h", "m"),
        _ => parts(us / 3_600_000_000, 24, "d", "h"),
    };
    format!("{sign}{text}")
}

fn parts(count: u64, each: u64, large: &str, small: &str) -> String {
    match (count / each, count % each) {
        (whole, 0) => format!("{} {large}", grouped(whole)),
        (whole, rest) => format!("{} {large} {rest} {small}", grouped(whole)),
    }
}

/// How long ago, in one part.
pub(super) fn ago(us: i64) -> String {
    let seconds = us.max(0) / 1_000_000;
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", grouped(seconds / 86_400)),
    }
}

/// Tokens, and other counts that nobody reads to the last digit.
pub(super) fn about(count: i128) -> String {
    let scaled = |unit: u128, name: &str| {
        let count = count.unsigned_abs();
        let tenths = (count * 10 + unit / 2) / unit;
        match tenths {
            0..1_000 => format!("{}.{} {name}", tenths / 10, tenths % 10),
            _ => format!("{} {name}", grouped(tenths / 10)),
        }
    };
    match count.unsigned_abs() {
        0..10_000 => grouped(count),
        10_000..1_000_000 => scaled(1_000, "k"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "M"),
        _ => scaled(1_000_000_000, "G"),
    }
}

/// Bytes in binary units.
pub(super) fn bytes(count: u64) -> String {
    let scaled = |unit: u64, name: &str| {
        let tenths = (u128::from(count) * 10 + u128::from(unit) / 2) / u128::from(unit);
        format!("{}.{} {name}", grouped(tenths / 10), tenths % 10)
    };
    match count {
        1 => "1 byte".to_owned(),
        0..10_240 => format!("{} bytes", grouped(count)),
        10_240..1_048_576 => scaled(1 << 10, "KiB"),
        1_048_576..1_073_741_824 => scaled(1 << 20, "MiB"),
        _ => scaled(1 << 30, "GiB"),
    }
}

/// A count with its noun.
pub(super) fn count_of(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{} {many}", grouped(count)),
    }
}

/// Adds figures to figures.
pub(super) fn add(sum: &mut Figures, more: &Figures) {
    sum.count += more.count;
    sum.failures += more.failures;
    sum.unpriced += more.unpriced;
    sum.input_tokens += more.input_tokens;
    sum.output_tokens += more.output_tokens;
    sum.cache_read_tokens += more.cache_read_tokens;
    sum.cache_write_tokens += more.cache_write_tokens;
    sum.reasoning_tokens += more.reasoning_tokens;
    sum.cost_nanousd += more.cost_nanousd;
    sum.duration_us += more.duration_us;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        let numbers = [0_i64, 7, 999, 1_000, 1_000_003, -12_345];
        let texts = ["0", "7", "999", "1,000", "1,000,003", "−12,345"];
        assert_eq!(numbers.map(grouped), texts);
    }

    #[test]
    fn what_has_no_price_is_not_free() {
        assert_eq!(spent(0, 3), "unpriced");
        assert_eq!(spent(0, 0), "$0.00");
        assert_eq!(spent(24_100_000, 3), "$0.02410");
    }

    #[test]
    fn money_has_two_places_or_four_digits() {
        for (nano, text) in [
            (0, "$0.00"),
            (412_860_000_000, "$412.86"),
            (1_692_734_999_999, "$1,692.73"),
            (1_000_000_000, "$1.00"),
            (999_999_999, "$1.00"),
            (24_100_000, "$0.02410"),
            (183_000_000, "$0.1830"),
            (1, "$0.000000001"),
            (12_345, "$0.00001235"),
            (-2_500_000_000, "−$2.50"),
        ] {
            assert_eq!(money(nano), text, "{nano}");
        }
    }

    #[test]
    fn shares_and_changes() {
        assert_eq!(share(1, 3), "33.3\u{2009}%");
        assert_eq!(share(0, 0), "0.0\u{2009}%");
        assert_eq!(change(106, 100).as_deref(), Some("+6.0\u{2009}%"));
        assert_eq!(change(88, 100).as_deref(), Some("−12.0\u{2009}%"));
        assert_eq!(change(100, 100).as_deref(), Some("0.0\u{2009}%"));
        assert_eq!(change(5_000, 100).as_deref(), Some("+4,900\u{2009}%"));
        assert_eq!(change(5, 0), None);
    }

    #[test]
    fn durations_have_two_parts() {
        for (us, text) in [
            (0, "0 s"),
            (999, "999 µs"),
            (1_500, "1.5 ms"),
            (38_000, "38 ms"),
            (1_449_000, "1.4 s"),
            (221_000_000, "3 m 41 s"),
            (120_000_000, "2 m"),
            (9_000_000_000, "2 h 30 m"),
            (900_000_000_000, "10 d 10 h"),
            (-1_000_000, "−1.0 s"),
        ] {
            assert_eq!(duration(us), text, "{us}");
        }
        assert_eq!(ago(12_900_000), "12 s ago");
        assert_eq!(ago(-5), "now");
    }

    #[test]
    fn large_counts_are_shortened() {
        assert_eq!(
            [9_999, 14_200, 61_400_000].map(about),
            ["9,999", "14.2 k", "61.4 M"]
        );
        assert_eq!(
            [0, 1, 612, 65_536, 5 << 20].map(bytes),
            ["0 bytes", "1 byte", "612 bytes", "64.0 KiB", "5.0 MiB"]
        );
        assert_eq!(count_of(1, "event", "events"), "1 event");
    }
}
