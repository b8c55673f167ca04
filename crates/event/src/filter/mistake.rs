//! Terms as other query languages write them, told apart from text: `status=404`, `actor != x`,
//! `status >= 400`.

use std::ops::Range;

use super::{
    FilterError, parse,
    scan::{Scanner, in_quotes},
    suggest::meant_name,
};

/// Signs that are no operators here, longer ones first.
const SIGNS: [&str; 8] = ["!==", "!=", "===", "==", "=~", "=>", "=<", "="];
/// What has to touch its field and its value.
const OPERATORS: [&str; 5] = [":", ">=", ">", "<=", "<"];

/// The error for the term that begins here, if a field stands before such a sign. Any other word
/// with a sign in it is text: `/search?status=404`.
pub(super) fn find(scan: &Scanner<'_>) -> Option<FilterError> {
    let mut ahead = scan.clone();
    let mut field = ahead.until(&[&SIGNS[..], &OPERATORS].concat())?;
    let mut eat = |signs: &[&'static str]| signs.iter().copied().find(|sign| ahead.eat(sign));
    let sign = if field.is_empty() {
        field = word_before(scan)?;
        eat(&SIGNS).or_else(|| eat(&OPERATORS))?
    } else {
        eat(&SIGNS)?
    };
    let name = meant_name(scan.slice(field.clone()))?;
    let sign_end = ahead.at();
    let value = value(&mut ahead);
    let end = value.as_ref().map_or(sign_end, |value| value.end);
    let value = value.map(|value| scan.slice(value));
    let message = if OPERATORS.contains(&sign) {
        format!("`{sign}` touches its field and its value")
    } else {
        format!("`{sign}` is no operator")
    };
    let text = in_quotes(scan.slice(field.start..end));
    let suggestion = format!(
        "{}; text with such a sign goes in quotes: {text}",
        right(&name, sign, value)
    );
    Some(FilterError::new(field.start..end, message).suggest(suggestion))
}

/// The word directly before this place, if it is one without quotes.
fn word_before(scan: &Scanner<'_>) -> Option<Range<usize>> {
    let before = scan.slice(0..scan.at()).trim_end();
    let word = before
        .rsplit(|c: char| c.is_whitespace() || c == '(')
        .next();
    let word = word.unwrap_or_default().trim_start_matches('-');
    Some(before.len() - word.len()..before.len()).filter(|span| !span.is_empty())
}

/// The value here, or behind white space.
pub(super) fn value(ahead: &mut Scanner<'_>) -> Option<Range<usize>> {
    ahead.skip_space();
    let is_word = ["AND", "OR", "NOT"]
        .iter()
        .all(|word| !ahead.is_keyword(word));
    let value = ahead
        .value()
        .ok()
        .filter(|value| is_word && !value.span.is_empty());
    value.map(|value| value.span)
}

/// What to write instead.
fn right(name: &str, sign: &str, value: Option<&str>) -> String {
    let Some(value) = value else {
        return format!("write `{name}:` and the value directly after it, `{name}:*` for any");
    };
    let term = match sign {
        "=>" => format!("{name}>={value}"),
        "=<" => format!("{name}<={value}"),
        "!=" | "!==" => format!("-{name}:{value}"),
        "=~" if !value.contains(['"', '*']) => format!("{name}:*{value}*"),
        sign if OPERATORS.contains(&sign) => format!("{name}{sign}{value}"),
        _ => format!("{name}:{value}"),
    };
    match parse(&term) {
        Ok(_) => format!("write `{term}`"),
        Err(error) => error.suggestion.unwrap_or_default(),
    }
}
