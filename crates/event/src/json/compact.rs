use super::{JsonError, JsonErrorKind, MAX_DEPTH, Scanner};

/// Appends the value in `input` to `out` with insignificant white space removed and nothing else
/// changed. After an error `out` may hold a part of the value.
///
/// # Errors
///
/// [`JsonError`] if `input` is not exactly one value by RFC 8259 in UTF-8 without byte order mark,
/// or nests deeper than [`MAX_DEPTH`].
pub fn compact(input: &[u8], out: &mut String) -> Result<(), JsonError> {
    scan(input, out).map(|_| ())
}

/// The beginning of a value's text without insignificant white space.
///
/// Nothing is checked: of what is not JSON, the result is no beginning of JSON either.
#[must_use]
pub fn compact_prefix(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', ' ', '\t', '\n', '\r']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = if from.starts_with('"') {
            let end = string_end(from);
            out.push_str(from.get(..end).unwrap_or(from));
            end
        } else {
            1
        };
        rest = from.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Where the string ends that `text` begins with, or that begins in it and does not end.
fn string_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut from = 1;
    while let Some(at) = bytes
        .get(from..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        match bytes.get(from + at) {
            Some(b'\\') => from += at + 2,
            _ => return from + at + 1,
        }
    }
    text.len()
}

/// As [`compact`]; answers the scanner, which knows the value's members.
pub(crate) fn scan<'a>(input: &'a [u8], out: &mut String) -> Result<Scanner<'a>, JsonError> {
    let mut scanner = Scanner::new(utf8(input)?);
    scanner.white_space(out);
    scanner.value(out, MAX_DEPTH)?;
    scanner.white_space(out);
    scanner.end()?;
    Ok(scanner)
}

pub(crate) fn utf8(input: &[u8]) -> Result<&str, JsonError> {
    std::str::from_utf8(input).map_err(|error| JsonError {
        offset: error.valid_up_to(),
        kind: JsonErrorKind::Utf8,
    })
}
