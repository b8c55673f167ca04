//! Content: its members, its limit, and what the record tells of it.

use event::{Limits, RecordView, Submitter, code, commit_whole};

use super::{ANYONE, prepare, write};

fn event(members: &str) -> String {
    format!(r#"{{"actor":{{"id":"a"}},"action":"x",{members}}}"#)
}

fn content(members: &str, limit: usize) -> (Option<String>, String) {
    let limits = Limits {
        content_bytes: limit,
        ..Limits::default()
    };
    let prepared = prepare(&event(members), &ANYONE, &limits).unwrap();
    let content = prepared
        .content()
        .map(|content| String::from_utf8(content.to_vec()).unwrap());
    let record = write(&prepared);
    assert_eq!(
        RecordView::parse(record.as_bytes())
            .unwrap()
            .content
            .map(|content| content.bytes),
        content
            .as_ref()
            .map(|content| i64::try_from(content.len()).unwrap())
    );
    let info = record
        .split_once("\"content\":")
        .map_or("", |(_, info)| info);
    (
        content,
        info.strip_suffix('}').unwrap_or_default().to_owned(),
    )
}

#[test]
fn members_in_order() {
    for (sent, stored) in [
        (r#""content":{}"#, None),
        (r#""input":null"#, Some(r#"{"input":null}"#)),
        (
            r#""output": 1.0 ,"input": "\u00e9" "#,
            Some(r#"{"input":"\u00e9","output":1.0}"#),
        ),
        (
            r#""content":{"stdout":"b","output":2,"argv":["a"],"input":1}"#,
            Some(r#"{"input":1,"output":2,"stdout":"b","argv":["a"]}"#),
        ),
        (
            r#""content":{"cwd":"/","input":1},"output":2"#,
            Some(r#"{"input":1,"output":2,"cwd":"/"}"#),
        ),
        (
            r#""content":{"a":1,"input":1,"a":2,"input":2}"#,
            Some(r#"{"input":1,"input":2,"a":1,"a":2}"#),
        ),
        (
            r#""content":{"stdout":{"base64":"//4AgA=="},"\u006fther":1}"#,
            Some(r#"{"stdout":{"base64":"//4AgA=="},"\u006fther":1}"#),
        ),
    ] {
        let (content, info) = content(sent, 1000);
        assert_eq!(content.as_deref(), stored, "{sent}");
        let expected = stored.map_or(String::new(), |stored| {
            format!(r#"{{"bytes":{},"type":"application/json"}}"#, stored.len())
        });
        assert_eq!(info, expected);
    }
}

#[test]
fn redactions_are_counted_by_gateways() {
    let gateway = Submitter {
        gateway: true,
        ..ANYONE
    };
    let info = |members: &str| {
        let record = write(&prepare(&event(members), &gateway, &Limits::default()).unwrap());
        record.split_once("\"action\":\"x\"").unwrap().1.to_owned()
    };
    assert_eq!(
        info(r#""redactions":2,"input":1"#),
        r#","content":{"bytes":11,"type":"application/json","redactions":2}}"#
    );
    assert_eq!(
        info(r#""redactions":0,"input":1"#),
        r#","content":{"bytes":11,"type":"application/json"}}"#
    );
    let reject = prepare(&event(r#""redactions":1"#), &gateway, &Limits::default()).unwrap_err();
    assert_eq!(reject.code, code::INVALID_VALUE);
}

#[test]
fn a_gateway_that_cut_says_so_and_a_second_cut_adds_up() {
    let gateway = Submitter {
        gateway: true,
        ..ANYONE
    };
    let info = |by: &Submitter<'_>, members: &str, content_bytes: usize| {
        let limits = Limits {
            content_bytes,
            ..Limits::default()
        };
        let record = write(&prepare(&event(members), by, &limits).unwrap());
        record.split_once("\"action\":\"x\"").unwrap().1.to_owned()
    };
    let cut = r#""truncated_bytes":7,"input":{"truncated":"abc"}"#;
    assert_eq!(
        info(&gateway, cut, 1000),
        r#","content":{"bytes":29,"type":"application/json","truncated_bytes":7}}"#
    );
    let long = format!(r#""truncated_bytes":7,"input":"{}""#, "x".repeat(100));
    let twice = info(&gateway, &long, 50);
    assert!(
        twice.contains(r#""truncated_bytes":86,"whole":""#),
        "{twice}"
    );
    let anyone = info(&ANYONE, cut, 1000);
    assert!(
        anyone.contains(r#""meta":{"truncated_bytes":7}"#),
        "{anyone}"
    );
}

#[test]
fn the_largest_value_is_cut_first() {
    let small = format!("\"{}\"", "s".repeat(30));
    let large = format!("\"{}\"", "l".repeat(100));
    let members = format!(r#""input":{small},"output":{large}"#);
    let whole = format!(r#"{{"input":{small},"output":{large}}}"#);
    let limit = whole.len() - 50;
    let (stored, info) = content(&members, limit);
    // 102 bytes of text become 52: 16 for the cut's own text, 35 of the prefix and its escaped quote.
    let kept = format!(r#"{{"truncated":"\"{}"}}"#, "l".repeat(34));
    assert_eq!(
        stored,
        Some(format!(r#"{{"input":{small},"output":{kept}}}"#))
    );
    assert_eq!(stored.map(|stored| stored.len()), Some(limit));
    let hash = commit_whole(&[9; 16], whole.as_bytes());
    let whole = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash);
    let expected = format!(
        r#"{{"bytes":{limit},"type":"application/json","truncated_bytes":67,"whole":"{whole}"}}"#
    );
    assert_eq!(info, expected);
}

#[test]
fn then_the_next_until_it_fits() {
    let members = format!(
        r#""input":"{}","output":"{}""#,
        "i".repeat(40),
        "o".repeat(50)
    );
    let (stored, _) = content(&members, 60);
    assert_eq!(
        stored.unwrap(),
        r#"{"input":{"truncated":"\"iiiiii"},"output":{"truncated":""}}"#
    );
}

#[test]
fn a_cut_keeps_characters_and_escapes_whole() {
    let value = format!(r#"{{"k":"é\n🔒{}"}}"#, "x".repeat(40));
    let members = format!(r#""input":{value}"#);
    // From nothing kept to the characters after the last one of four bytes.
    for limit in 26..50 {
        let (stored, _) = content(&members, limit);
        let stored = stored.unwrap();
        // A character of four bytes may leave three, an escaped one a byte.
        assert!((limit - 3..=limit).contains(&stored.len()), "{stored}");
        let parsed: serde_json::Value = serde_json::from_str(&stored).unwrap();
        let kept = parsed["input"]["truncated"].as_str().unwrap();
        assert!(value.starts_with(kept), "{kept}");
    }
}

#[test]
fn content_that_cannot_be_cut_enough() {
    let limits = Limits {
        content_bytes: 40,
        ..Limits::default()
    };
    let members = format!(r#""content":{{"{}":1}}"#, "n".repeat(40));
    assert_eq!(
        prepare(&event(&members), &ANYONE, &limits)
            .unwrap_err()
            .code,
        code::CONTENT_TOO_LARGE
    );
    let fits = format!(r#""content":{{"{}":1}}"#, "n".repeat(34));
    assert!(
        prepare(&event(&fits), &ANYONE, &limits)
            .unwrap()
            .content()
            .is_some()
    );
}
