//! What commands show, and what processes that were killed leave behind.

use std::{sync::LazyLock, time::Duration};

use capture::{
    payload::Payload,
    redact::Redactor,
    shell::session::{Header, Part, Session},
    spool::told,
};
use serde_json::Value;

/// Made once: its rules take a while.
static REDACTOR: LazyLock<Redactor> =
    LazyLock::new(|| Redactor::new(None, &[], &[0; 32]).expect("the built-in rules"));

/// The file of an action that has begun: its events are parts of its lines, and one that is cut off tells what an earlier
/// end of it told, or more.
pub fn begun(data: &[u8]) {
    let events = told(data);
    let lines: Vec<_> = data.split(|byte| *byte == b'\n').collect();
    for event in &events {
        assert!(!event.is_empty());
        assert!(lines.iter().any(|line| line.get(1..) == Some(event)));
    }
    let end = data.iter().rposition(|byte| *byte == b'\n');
    let whole = data.get(..end.map_or(0, |end| end + 1)).unwrap_or_default();
    assert_eq!(told(whole), events, "a line without its end says nothing");
}

/// What a terminal shows: an asciicast is one whatever comes, and times, secrets and text do not depend on how it comes.
pub fn terminal(data: &[u8]) {
    let whole = shown(data, data.len().max(1));
    for step in [1, 3, 100] {
        assert_eq!(shown(data, step), whole, "step {step}");
    }
    let (text, bytes, redactions) = whole;
    if redactions == 0 && std::str::from_utf8(data).is_ok() {
        assert_eq!(bytes, data.len() as u64);
        assert_eq!(text.as_bytes(), data);
    }
}

/// Text that a session shows, the bytes that are kept of it, and the secrets in it.
fn shown(data: &[u8], step: usize) -> (String, u64, u64) {
    let with = REDACTOR.with(&[]);
    let mut session = Session::new(Header {
        cols: 80,
        rows: 24,
        term: "xterm".to_owned(),
        command: "sh".to_owned(),
        began_s: 0,
    });
    let mut at = Duration::ZERO;
    for piece in data.chunks(step) {
        at += Duration::from_millis(1);
        session.output(&with, at, piece);
        let size = u16::from(piece.first().copied().unwrap_or_default());
        session.resize(at, size, size);
    }
    let (part, recorded) = session.finish(&with, at, 0);
    assert_eq!(part.redactions, recorded.redactions);
    let (text, took_s) = outputs(&part);
    assert!((took_s - at.as_secs_f64()).abs() < 1e-3);
    (text, recorded.excerpt.bytes(), part.redactions)
}

/// Output of an asciicast, and how long it takes.
fn outputs(part: &Part) -> (String, f64) {
    let mut lines = part.cast.lines();
    let head: Value = serde_json::from_str(lines.next().expect("a header")).expect("JSON");
    assert_eq!(head["version"], 3);
    let (mut text, mut took_s) = (String::new(), 0.0);
    for line in lines {
        let event: Value = serde_json::from_str(line).expect("JSON");
        took_s += event[0].as_f64().expect("a time");
        if event[1] == "o" {
            text.push_str(event[2].as_str().expect("a text"));
        }
    }
    (text, took_s)
}

/// A body that is recorded: JSON, the same however it comes, and what was sent where there was no secret in it.
pub fn payload(data: &[u8]) {
    let with = REDACTOR.with(&[]);
    let recorded = |data: &[u8], step: usize| {
        let mut payload = Payload::new(&["id"]).within("response");
        for piece in data.chunks(step) {
            payload.push(&with, piece);
        }
        payload.finish(&with)
    };
    let whole = recorded(data, data.len().max(1));
    for step in [1, 7] {
        assert_eq!(recorded(data, step), whole, "step {step}");
    }
    let Some(value) = whole else {
        return;
    };
    let json: Value = serde_json::from_str(&value.json).expect("a value is JSON");
    // A number or a word alone is taken for text.
    if value.redactions == 0
        && let Ok(sent @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(data)
    {
        assert_eq!(json, sent);
    }
}
