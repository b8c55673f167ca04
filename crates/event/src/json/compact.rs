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
