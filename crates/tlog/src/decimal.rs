//! The one spelling of a number that C2SP texts allow.

/// Parses an ASCII decimal without sign, white space or leading zeroes.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    if !canonical || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_the_shortest_spelling() {
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("18446744073709551615"), Some(u64::MAX));
        for bad in [
            "",
            "00",
            "07",
            "+7",
            "-7",
            " 7",
            "7 ",
            "7.0",
            "0x7",
            "٧",
            "18446744073709551616",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
