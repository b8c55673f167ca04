use std::borrow::Cow;
use std::cmp::Reverse;

use super::check::duplicate;
use super::gather::Gathered;
use super::rules::{CONTENT, INPUT, OUTPUT};
use crate::{Reject, code, json::write_string};

/// Content as it will be stored.
#[derive(Debug)]
pub(super) struct Content {
    /// Length of the stored bytes.
    pub(super) bytes: usize,
    pub(super) cut: Option<Cut>,
}

/// What is to be told of a content that was larger than the limit.
#[derive(Debug)]
pub(super) struct Cut {
    /// Bytes of JSON text that are missing.
    pub(super) truncated_bytes: usize,
    /// The content before the cut.
    pub(super) whole: Vec<u8>,
}

#[derive(Debug)]
struct Part<'a> {
    /// The name as written, without quotes.
    name: &'a str,
    value: Cow<'a, str>,
}

const CUT_BEFORE: &str = r#"{"truncated":""#;
const CUT_AFTER: &str = r#""}"#;

/// Appends the content's bytes (`format.md` §2) to `out`: `input`, `output`, then the others as sent.
/// `None` if there is no member.
pub(super) fn write_content(
    event: &Gathered<'_>,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<Option<Content>, Reject> {
    let mut parts = parts(event)?;
    if parts.is_empty() {
        return Ok(None);
    }
    let bytes = length(&parts);
    if bytes <= limit {
        write(&parts, out);
        return Ok(Some(Content { bytes, cut: None }));
    }
    let mut whole = Vec::with_capacity(bytes);
    write(&parts, &mut whole);
    let truncated_bytes = cut_largest(&mut parts, bytes, limit)?;
    write(&parts, out);
    let cut = Some(Cut {
        truncated_bytes,
        whole,
    });
    Ok(Some(Content {
        bytes: length(&parts),
        cut,
    }))
}

fn parts<'a>(event: &Gathered<'a>) -> Result<Vec<Part<'a>>, Reject> {
    let mut parts = Vec::new();
    for (name, place) in [("input", INPUT), ("output", OUTPUT)] {
        if let Some(value) = event.get(place) {
            parts.push(Part {
                name,
                value: value.as_str().into(),
            });
        }
    }
    let Some(content) = event.get(CONTENT) else {
        return Ok(parts);
    };
    for (name, value) in content.members() {
        let decoded = name.decode();
        let shorthand = match &*decoded {
            "input" => event.get(INPUT),
            "output" => event.get(OUTPUT),
            _ => None,
        };
        if shorthand.is_some() {
            let mut reject = duplicate(&decoded);
            reject.detail.push_str(": at the top and inside `content`");
            return Err(reject);
        }
        parts.push(Part {
            name: name.raw(),
            value: value.as_str().into(),
        });
    }
    if !parts.is_sorted_by_key(rank) {
        parts.sort_by_key(rank);
    }
    Ok(parts)
}

fn rank(part: &Part<'_>) -> u8 {
    match part.name {
        "input" => 0,
        "output" => 1,
        _ => 2,
    }
}

fn length(parts: &[Part<'_>]) -> usize {
    // Braces, and for each member two quotes, a colon and a comma, but for the last comma.
    let members: usize = parts
        .iter()
        .map(|part| part.name.len() + part.value.len() + 4)
        .sum();
    members + 1
}

fn write(parts: &[Part<'_>], out: &mut Vec<u8>) {
    let mut before = b"{\"";
    for part in parts {
        out.extend_from_slice(before);
        out.extend_from_slice(part.name.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(part.value.as_bytes());
        before = b",\"";
    }
    out.push(b'}');
}

/// Cuts values, the largest first, until the content has at most `limit` bytes. Answers how many bytes
/// of JSON text are missing.
fn cut_largest(parts: &mut [Part<'_>], bytes: usize, limit: usize) -> Result<usize, Reject> {
    let mut by_size: Vec<&mut Part<'_>> = parts.iter_mut().collect();
    by_size.sort_by_key(|part| Reverse(part.value.len()));
    let mut excess = bytes.saturating_sub(limit);
    let mut truncated_bytes = 0;
    for part in by_size {
        let before = part.value.len();
        if excess == 0 || before <= CUT_BEFORE.len() + CUT_AFTER.len() {
            break;
        }
        let (cut, kept_bytes) = cut(&part.value, before.saturating_sub(excess));
        truncated_bytes += before - kept_bytes;
        excess = excess.saturating_sub(before - cut.len());
        part.value = cut.into();
    }
    if excess == 0 {
        return Ok(truncated_bytes);
    }
    let detail = format!("the content is {excess} bytes over {limit} with every value cut");
    Err(Reject::of_event(code::CONTENT_TOO_LARGE, detail))
}

/// A value in its cut form (`format.md` §1), of at most `room` bytes if that is enough for an empty one, and
/// how many bytes of `text` it keeps. `text` is the value's compact JSON text, or the beginning of it.
#[must_use]
pub fn cut(text: &str, room: usize) -> (String, usize) {
    let kept = fitting_prefix(text, room);
    (cut_value(kept), kept.len())
}

/// The longest prefix of a value's text whose cut form has at most `room` bytes.
fn fitting_prefix(text: &str, room: usize) -> &str {
    let room = room.saturating_sub(CUT_BEFORE.len() + CUT_AFTER.len());
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += character.len_utf8() + escape_bytes(character);
        if used > room {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

fn cut_value(prefix: &str) -> String {
    let mut cut = Vec::with_capacity(prefix.len() + prefix.len() / 8 + CUT_BEFORE.len());
    cut.extend_from_slice(CUT_BEFORE.as_bytes());
    // Its quotes stand there.
    cut.pop();
    write_string(&mut cut, prefix);
    cut.push(b'}');
    String::from_utf8(cut).unwrap_or_default()
}

/// Bytes that a character takes more inside of a JSON string.
fn escape_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' => 1,
        '\0'..='\x1f' => 5,
        _ => 0,
    }
}
