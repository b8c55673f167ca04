//! Strings, and the runs of letters and digits in them, eight bytes at a time.

const ONES: u64 = u64::MAX / 255;
const TOPS: u64 = ONES << 7;

/// A string as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    /// Bytes before its closing quote.
    pub(super) length: usize,
    pub(super) is_ascii: bool,
    has_escape: bool,
}

impl Quoted {
    /// Reads what follows on the opening quote.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut quoted = Self {
            length: 0,
            is_ascii: true,
            has_escape: false,
        };
        let mut beyond = 0;
        while let Some(chunk) = bytes
            .get(quoted.length..)
            .and_then(<[u8]>::first_chunk::<8>)
        {
            let word = u64::from_le_bytes(*chunk);
            let found = quote_or_backslash(word);
            // Of the bytes up to the one that was found.
            beyond |= word & (found ^ found.wrapping_sub(1)) & TOPS;
            let at = found.trailing_zeros() as usize / 8;
            match chunk.get(at) {
                None => quoted.length += 8,
                Some(b'\\') => {
                    quoted.has_escape = true;
                    quoted.length += at + 2;
                }
                Some(_) => {
                    quoted.length += at;
                    quoted.is_ascii = beyond == 0;
                    return quoted;
                }
            }
        }
        let mut rest = bytes.get(quoted.length..).unwrap_or_default().iter();
        while let Some(byte) = rest.next() {
            match byte {
                b'"' => break,
                b'\\' => {
                    quoted.has_escape = true;
                    quoted.length += 1 + usize::from(rest.next().is_some());
                }
                _ => {
                    beyond |= u64::from(byte & 0x80);
                    quoted.length += 1;
                }
            }
        }
        quoted.length = quoted.length.min(bytes.len());
        quoted.is_ascii = beyond == 0;
        quoted
    }

    /// Whether it stands for itself and is ASCII.
    pub(super) fn is_plain(&self) -> bool {
        self.is_ascii && !self.has_escape
    }
}

/// Sets the top bit of each byte that is `"` or `\`. Of these only the lowest counts: a borrow runs upward.
#[inline]
fn quote_or_backslash(word: u64) -> u64 {
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    (is_quote | is_backslash) & TOPS
}

/// Calls `each` with the maximal runs of ASCII letters and digits. The text must be ASCII, its letters in
/// lower case.
#[inline]
pub(super) fn each_word<'a>(text: &'a [u8], mut each: impl FnMut(&'a [u8])) {
    let mut start = None;
    let mut at = 0;
    let mut chunk = |word: u64, at: usize| {
        let mut mask = word_bytes(word);
        let mut done = 0;
        loop {
            // Up to the next byte that begins or ends a run.
            let changes = if start.is_some() { !mask } else { mask };
            let next = (changes & 0xff_u64 << done).trailing_zeros() as usize;
            if next >= 8 {
                return;
            }
            match start.take() {
                Some(start) => each(text.get(start..at + next).unwrap_or_default()),
                None => start = Some(at + next),
            }
            done = next;
            mask &= 0xff;
        }
    };
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        chunk(u64::from_le_bytes(*word), at);
        at += 8;
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    chunk(u64::from_le_bytes(last), at);
    if let Some(start) = start {
        each(text.get(start..).unwrap_or_default());
    }
}

/// A bit for each byte that is a letter or digit.
#[inline]
fn word_bytes(word: u64) -> u64 {
    // Bytes are below 0x80, so no sum runs into the next one.
    let is_digit = (word + ONES * (0x80 - 0x30)) & !(word + ONES * (0x80 - 0x3a));
    let is_letter = (word + ONES * (0x80 - 0x61)) & !(word + ONES * (0x80 - 0x7b));
    let found = (is_digit | is_letter) & TOPS;
    (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_measured() {
        for (text, length, is_ascii, has_escape) in [
            ("\",1", 0, true, false),
            ("abc\"d", 3, true, false),
            ("abcdefgh\"", 8, true, false),
            ("abcdefghi\"é", 9, true, false),
            ("abé\"defghijk", 4, false, false),
            ("é234567890\"", 11, false, false),
            ("ab\\\"cdefg\"", 9, true, true),
            ("abcdefg\\\"\"", 9, true, true),
            ("a\\\\\"", 3, true, true),
            ("open", 4, true, false),
            ("open and long", 13, true, false),
            ("open\\", 5, true, true),
            ("1234567\\", 8, true, true),
        ] {
            let expected = Quoted {
                length,
                is_ascii,
                has_escape,
            };
            assert_eq!(Quoted::read(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn as_a_byte_at_a_time() {
        for byte in 0..0x80_u8 {
            let text = [b'-', byte];
            let mut found = Vec::new();
            each_word(&text, |word| found.push(word));
            let expected = byte.is_ascii_digit() || byte.is_ascii_lowercase();
            assert_eq!(found == [&text[1..]], expected, "{byte}");
        }
        let mut state = 1_u32;
        for length in 0..60 {
            for _ in 0..50 {
                let text: Vec<u8> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(0x9e37_79b1).wrapping_add(7);
                        if state >> 28 < 4 {
                            b' '
                        } else {
                            b'a' + (state >> 24) as u8 % 26
                        }
                    })
                    .collect();
                let mut found = Vec::new();
                each_word(&text, |word| found.push(word));
                let expected: Vec<&[u8]> = text
                    .split(|byte| *byte == b' ')
                    .filter(|word| !word.is_empty())
                    .collect();
                assert_eq!(found, expected, "{}", text.escape_ascii());
            }
        }
    }
}
