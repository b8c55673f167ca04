//! Members of the content, without their secrets.

use std::{
    ffi::OsString,
    fmt::Write,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use event::json::write_string;

use super::{Excerpt, Invocation, excerpt::Kept, stream::Recorded};
use crate::{
    payload::{MAX_VALUE_BYTES, Value, hex},
    redact::{Piece, Redaction},
};

/// What stands between arguments while secrets are looked for across them, as when they were typed.
const BETWEEN: u8 = b' ';

/// `argv`, `cwd` and `env`.
pub(super) fn of_invocation(
    invocation: &Invocation,
    with: &Redaction<'_>,
) -> Vec<(&'static str, Value)> {
    let mut content = vec![("argv", argv(&invocation.argv, with))];
    if let Some(cwd) = &invocation.cwd {
        let mut value = Value::default();
        let clean = redacted(cwd.as_os_str().as_bytes(), with, &mut value.redactions);
        text(&clean, &mut value.json);
        content.push(("cwd", value));
    }
    content.push(("env", env(&invocation.env, with)));
    content
}

/// An output: all of it, or its two ends.
pub(super) fn stream(recorded: &Recorded) -> Value {
    let mut value = Value {
        redactions: recorded.redactions,
        ..Value::default()
    };
    match recorded.excerpt.kept() {
        Kept::Whole(bytes) => text(&bytes, &mut value.json),
        Kept::Edges(first, last) => {
            let kept = (first.len() + last.len()) as u64;
            value.truncated_bytes = recorded.excerpt.bytes() - kept;
            value.json.push_str("{\"first\":");
            text(&first, &mut value.json);
            value.json.push_str(",\"last\":");
            text(&last, &mut value.json);
            value.json.push('}');
        }
    }
    value
}

/// Length and hash of each whole stream. In the content, so that erasing it erases them too.
pub(super) fn digests(streams: &[(&str, &Excerpt)]) -> Value {
    let mut json = String::from("{");
    for (index, (name, excerpt)) in streams.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let sha256 = hex(&excerpt.sha256());
        // Writing into a string cannot fail.
        let _ = write!(
            json,
            "{comma}\"{name}\":{{\"bytes\":{},\"sha256\":\"{sha256}\"}}",
            excerpt.bytes()
        );
    }
    json.push('}');
    Value {
        json,
        ..Value::default()
    }
}

/// A text of ours, as a string.
pub(super) fn string(plain: &str) -> Value {
    let mut value = Value::default();
    text(plain.as_bytes(), &mut value.json);
    value
}

/// A secret of the arguments, by its place in the line that they would be when typed.
struct Spot {
    from: usize,
    to: usize,
    mark: Vec<u8>,
}

/// The arguments as a line.
pub(super) fn line(argv: &[OsString]) -> Vec<u8> {
    let words: Vec<&[u8]> = argv.iter().map(|arg| arg.as_bytes()).collect();
    words.join(&BETWEEN)
}

/// Arguments. A secret that reaches over several is replaced in each of them.
fn argv(argv: &[OsString], with: &Redaction<'_>) -> Value {
    let mut spots = Vec::new();
    let mut at = 0;
    with.pieces(&line(argv), &mut |piece| {
        let from = at;
        at += piece.length();
        if let Piece::Secret { mark, .. } = piece {
            let mark = mark.to_vec();
            spots.push(Spot { from, to: at, mark });
        }
    });
    let mut value = Value {
        redactions: spots.len() as u64,
        ..Value::default()
    };
    let mut begin = 0;
    value.json.push('[');
    for (index, arg) in argv.iter().enumerate() {
        if index > 0 {
            value.json.push(',');
        }
        text(&without(arg.as_bytes(), begin, &spots), &mut value.json);
        begin += arg.len() + 1;
    }
    value.json.push(']');
    bounded(value)
}

/// An argument that begins at a place of the line, without the secrets that reach into it.
fn without(arg: &[u8], begin: usize, spots: &[Spot]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(arg.len());
    let mut at = 0;
    for spot in spots {
        let from = spot.from.saturating_sub(begin).max(at);
        let to = spot.to.saturating_sub(begin).min(arg.len());
        if from < to {
            clean.extend_from_slice(arg.get(at..from).unwrap_or_default());
            clean.extend_from_slice(&spot.mark);
            at = to;
        }
    }
    clean.extend_from_slice(arg.get(at..).unwrap_or_default());
    clean
}

fn env(env: &[(String, OsString)], with: &Redaction<'_>) -> Value {
    let mut value = Value::default();
    value.json.push('{');
    for (index, (name, content)) in env.iter().enumerate() {
        if index > 0 {
            value.json.push(',');
        }
        text(name.as_bytes(), &mut value.json);
        value.json.push(':');
        let content = content.clone().into_vec();
        text(
            &redacted(&content, with, &mut value.redactions),
            &mut value.json,
        );
    }
    value.json.push('}');
    bounded(value)
}

/// A command line can be longer than a content.
fn bounded(mut value: Value) -> Value {
    if value.json.len() > MAX_VALUE_BYTES {
        let length = value.json.len();
        let (cut, kept) = event::cut(&value.json, MAX_VALUE_BYTES);
        value.truncated_bytes = (length - kept) as u64;
        value.json = cut;
    }
    value
}

fn redacted(bytes: &[u8], with: &Redaction<'_>, count: &mut u64) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len());
    with.pieces(bytes, &mut |piece| {
        *count += u64::from(matches!(piece, Piece::Secret { .. }));
        clean.extend_from_slice(piece.after());
    });
    clean
}

/// Appends a string, or, for bytes that are no text, what stands for them.
fn text(bytes: &[u8], out: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let mut json = Vec::with_capacity(text.len() + 2);
            write_string(&mut json, text);
            out.push_str(&String::from_utf8_lossy(&json));
        }
        Err(_) => {
            let _ = write!(out, "{{\"base64\":\"{}\"}}", STANDARD.encode(bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redact::{Redactor, Secret, label};

    fn redactor() -> Redactor {
        Redactor::new(None, &[], &[0; 32]).unwrap()
    }

    fn parsed(args: &[&str], secrets: &[Secret]) -> Vec<String> {
        let args: Vec<_> = args.iter().map(OsString::from).collect();
        serde_json::from_str(&argv(&args, &redactor().with(secrets)).json).unwrap()
    }

    #[test]
    fn a_secret_goes_wherever_it_stands_and_the_rest_stays() {
        let args = [
            "curl",
            "-u",
            "joe:hunter2",
            "",
            "--password",
            "Tr0ub4dor",
            "x y",
        ];
        let clean = parsed(&args, &[]);
        assert_eq!(clean.len(), args.len());
        let all = clean.join(" ");
        assert!(
            !all.contains("hunter2") && !all.contains("Tr0ub4dor"),
            "{all}"
        );
        assert_eq!(
            (clean[0].as_str(), clean[3].as_str(), clean[6].as_str()),
            ("curl", "", "x y")
        );
    }

    #[test]
    fn a_secret_over_two_arguments_is_taken_out_of_both() {
        let secrets = [Secret {
            label: label::ARGUMENT,
            value: "first second".to_owned(),
        }];
        let clean = parsed(&["a first", "second b"], &secrets);
        assert_eq!(clean.len(), 2);
        assert!(
            clean[0].starts_with("a [REDACTED:argument:") && clean[1].ends_with("] b"),
            "{clean:?}"
        );
    }

    #[test]
    fn arguments_that_are_no_text_stay_apart() {
        let args = [OsString::from_vec(vec![0xff]), "x".into()];
        let json = argv(&args, &redactor().with(&[])).json;
        assert_eq!(json, r#"[{"base64":"/w=="},"x"]"#);
    }

    proptest! {
        #[test]
        fn arguments_without_secrets_are_as_they_were(args in proptest::collection::vec("[ a-z\"'\\\\\u{e9}\n]{0,12}", 1..6)) {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            prop_assert_eq!(parsed(&args, &[]), args);
        }
    }
}
