use std::borrow::Cow;

/// A string or member name as written, between its quotes, escapes kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a>(pub(super) &'a str);

impl<'a> Text<'a> {
    /// Part of a string as written, at whose ends no escape is cut.
    pub(crate) fn written(raw: &'a str) -> Self {
        Self(raw)
    }

    /// As written, without the quotes.
    #[must_use]
    pub fn raw(self) -> &'a str {
        self.0
    }

    /// With escapes decoded; lone surrogates become U+FFFD. Borrowed if there are none.
    #[must_use]
    pub fn decode(self) -> Cow<'a, str> {
        // A call for each of the many short texts would cost more than the search.
        if self.0.len() <= 64 && plain_prefix(self.0.as_bytes()) == self.0.len() {
            return Cow::Borrowed(self.0);
        }
        match memchr::memchr(b'\\', self.0.as_bytes()) {
            None => Cow::Borrowed(self.0),
            Some(first) => Cow::Owned(decode(self.0, first)),
        }
    }
}

/// Appends `text` as a JSON string, with the shortest escapes that RFC 8259 asks for.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let (plain, rest) = text.as_bytes().split_at(plain_prefix(text.as_bytes()));
    out.extend_from_slice(plain);
    for &byte in rest {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => {
                let [high, low] = [byte >> 4, byte & 15]
                    .map(|digit| HEX.get(usize::from(digit)).copied().unwrap_or_default());
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn decode(raw: &str, first: usize) -> String {
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut next = Some(first);
    while let Some((plain, escaped)) = next.and_then(|at| rest.split_at_checked(at)) {
        decoded.push_str(plain);
        let (character, length) = escape(escaped);
        decoded.push(character);
        rest = escaped.get(length..).unwrap_or_default();
        next = memchr::memchr(b'\\', rest.as_bytes());
    }
    decoded.push_str(rest);
    decoded
}

/// The character of the escape at the start of `text`, and the escape's length.
fn escape(text: &str) -> (char, usize) {
    let simple = |character| (character, 2);
    match text.as_bytes().get(1) {
        Some(b'n') => simple('\n'),
        Some(b't') => simple('\t'),
        Some(b'r') => simple('\r'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'u') => unicode_escape(text),
        Some(other) if other.is_ascii() => simple(char::from(*other)),
        _ => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn unicode_escape(text: &str) -> (char, usize) {
    const LONE: (char, usize) = (char::REPLACEMENT_CHARACTER, 6);
    let Some(first) = code_unit(text) else {
        return LONE;
    };
    if let Some(character) = char::from_u32(first) {
        return (character, 6);
    }
    let second = text.get(6..).and_then(code_unit);
    match (first, second) {
        (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            (
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                12,
            )
        }
        _ => LONE,
    }
}

/// The number of a `\uXXXX` at the start of `text`.
fn code_unit(text: &str) -> Option<u32> {
    let digits = text.get(..6)?.strip_prefix("\\u")?;
    u32::from_str_radix(digits, 16).ok()
}

/// Length of the prefix without `"`, `\` and control characters; eight bytes at a time.
#[inline]
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        let found = special_bytes(u64::from_le_bytes(*chunk));
        if found != 0 {
            return bytes.len() - rest.len() + (found.trailing_zeros() / 8) as usize;
        }
        rest = after;
    }
    let tail = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
    bytes.len() - rest.len() + tail.unwrap_or(rest.len())
}

/// Sets the top bit of each byte that is `"`, `\` or below 0x20. Bits above the lowest one set may be
/// wrong (a borrow runs upward), so only the lowest counts.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is_quote | is_backslash | is_control) & TOPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes() {
        for (raw, decoded) in [
            ("", ""),
            ("plain é", "plain é"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"a\u00e9\u00E9z", "aééz"),
            (r"\ud83d\udd12", "🔒"),
            (r"\ud83d", "\u{fffd}"),
            (r"\udd12\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83dx\udd12", "\u{fffd}x\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\ud83d\ud83d\udd12", "\u{fffd}🔒"),
            (r"\u0000", "\0"),
        ] {
            assert_eq!(Text(raw).decode(), decoded, "{raw}");
        }
    }

    #[test]
    fn decoding_what_is_not_json_ends() {
        for raw in ["\\", "\\u", "\\u12", "\\u12é", "\\é", "\\u+123", "a\\"] {
            assert!(
                Text(raw)
                    .decode()
                    .contains(|c: char| !c.is_ascii() || c == '\\'),
                "{raw}"
            );
        }
    }

    #[test]
    fn plain_prefix_agrees_with_a_byte_at_a_time() {
        for length in 0..20 {
            for at in 0..length {
                for special in 0..=255u8 {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = special;
                    let is_special = matches!(special, b'"' | b'\\' | 0..=0x1f);
                    let expected = if is_special { at } else { length };
                    assert_eq!(
                        plain_prefix(&bytes),
                        expected,
                        "{special:#x} at {at} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn writes_strings() {
        let mut out = Vec::new();
        write_string(&mut out, "a\"\\/\n\r\t\0\u{1f}\u{7f}é");
        let expected = "\"a\\\"\\\\/\\n\\r\\t\\u0000\\u001f\u{7f}é\"";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
