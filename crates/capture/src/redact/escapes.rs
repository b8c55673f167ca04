//! What stands between words once it is read: escapes of JSON and programs, colours of terminals, percent-encoding.

/// The text with every escape replaced by as many bytes: what it stands for, after spaces. `None` if there is none.
///
/// Before a secret an escape ends in a letter or a digit, such as that of `\n`, and would hide where the secret begins.
pub(super) fn read(text: &[u8]) -> Option<Vec<u8>> {
    let mut read = None;
    let mut at = 0;
    while let Some(next) = text
        .get(at..)
        .and_then(|rest| memchr::memchr3(b'\\', ESCAPE, b'%', rest))
    {
        let start = at + next;
        let rest = text.get(start..).unwrap_or_default();
        let Some((length, value)) = escape(rest) else {
            at = start + 1;
            continue;
        };
        at = start + length;
        // A quote that ends a value stands right behind it.
        let before = start.checked_sub(1).and_then(|at| text.get(at));
        let ends = matches!(value, Some(b'"' | b'\''))
            && before.is_some_and(|byte| !byte.is_ascii_whitespace() && !b"{[(,:=".contains(byte));
        let read = read.get_or_insert_with(|| text.to_vec());
        if let (Some(place), value) = (read.get_mut(start..at), value) {
            place.fill(b' ');
            let at = if ends {
                place.first_mut()
            } else {
                place.last_mut()
            };
            if let (Some(at), Some(value)) = (at, value) {
                *at = value;
            }
        }
    }
    read
}

const ESCAPE: u8 = 0x1b;

/// Length of the escape that a text begins with, and the character it stands for if that is a visible one.
fn escape(text: &[u8]) -> Option<(usize, Option<u8>)> {
    let (length, value) = match text.first()? {
        b'\\' => backslash(text)?,
        b'%' => (3, hex(text.get(1..3)?)?),
        _ => (1, ESCAPE),
    };
    if value == ESCAPE {
        let sequence = text.get(length..).map_or(0, control_sequence);
        return Some((length + sequence, None));
    }
    Some((
        length,
        (value.is_ascii_graphic() || value == b'\n').then_some(value),
    ))
}

/// Backslashes, more than one in a text inside of another, and what they escape.
fn backslash(text: &[u8]) -> Option<(usize, u8)> {
    let run = text.iter().take_while(|byte| **byte == b'\\').count();
    let after = text.get(run..)?;
    let (length, value) = match after.first()? {
        b'n' | b'r' => (1, b'\n'),
        b't' | b'b' | b'f' => (1, b' '),
        b'e' if after.get(1) == Some(&b'[') => (1, ESCAPE),
        quote @ (b'"' | b'\'' | b'/') => (1, *quote),
        b'u' => match after.get(1..5)? {
            [b'0', b'0', low @ ..] => (5, hex(low)?),
            digits => digits
                .iter()
                .all(u8::is_ascii_hexdigit)
                .then_some((5, b' '))?,
        },
        b'x' => (3, hex(after.get(1..3)?)?),
        b'0' if after.get(1..3) == Some(b"33") => (3, ESCAPE),
        _ => return None,
    };
    Some((run + length, value))
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
}

/// Length of what follows an escape character in a control sequence (ECMA-48, section 5.4).
fn control_sequence(text: &[u8]) -> usize {
    let Some((b'[', parameters)) = text.split_first() else {
        return 0;
    };
    let length = parameters
        .iter()
        .take_while(|byte| (0x20..0x40).contains(*byte))
        .count();
    match parameters.get(length) {
        Some(0x40..=0x7e) => length + 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::read;

    #[test]
    fn an_escape_becomes_what_it_stands_for() {
        for (text, expected) in [
            (r"a\nghp_1", "a \nghp_1"),
            (r"a\\\\nb", "a    \nb"),
            (r#"{\"k\":\"v\"}"#, r#"{ "k" : "v" }"#),
            (
                r"k\u003dv \u001b[1mx \u2028y",
                "k     =v          x       y",
            ),
            (r"b'\x1b[32mx\033[my\e[0mz", "b'        x      y     z"),
            ("\u{1b}[38;5;1mx\u{1b}[my\u{1b}z", "         x   y z"),
            ("x%3Dy%zz%4", "x  =y%zz%4"),
        ] {
            let read = read(text.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(read).unwrap(), expected, "{text}");
        }
        for text in [r"C:\Users\Q", "100 %", "plain", "\\", r"\u12", r"\x1"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn places_stay(text in prop::collection::vec(prop::sample::select(&b"\\\\\\nrux%[]m013fF\"\x1b; \xc3"[..]), 0..60)) {
            if let Some(read) = read(&text) {
                prop_assert_eq!(read.len(), text.len());
            }
        }
    }
}
