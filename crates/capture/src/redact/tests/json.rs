//! Strings of JSON: long ones, and JSON inside of them.

use super::*;

/// The length beyond which the secret of a member is not kept as a whole.
const LONG: usize = 64 << 10;

fn parsed(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn an_option_too_long_to_be_kept_is_a_secret() {
    let redactor = redactor();
    let certificates = format!("-----BEGIN CERTIFICATE-----\\n{}", "MIIB\\n".repeat(12_000));
    let escapes = |before: usize| format!("--{}{}", "x".repeat(before), "\\u0041".repeat(12_000));
    let long = [
        format!("--{}", "x".repeat(70_000)),
        format!("--{}", "x".repeat(LONG - 1)),
        certificates,
        escapes(0),
        escapes(1),
        escapes(5),
    ];
    for element in long {
        let body = format!("[\"--password\",\"{element}\",\"next\"]");
        let whole = value(&redactor, body.as_bytes(), &[]).unwrap();
        let clean = parsed(&whole.json);
        assert_eq!(without_hashes(&clean[1]), "[REDACTED:secret-option:*]");
        assert_eq!(
            (clean[0].as_str(), clean[2].as_str()),
            ("--password", "next")
        );
        assert_eq!((whole.redactions, whole.truncated_bytes), (1, 0));
        for cuts in [[40, LONG], [LONG + 14, LONG + 15], [LONG + 16, LONG + 17]] {
            assert_eq!(value(&redactor, body.as_bytes(), &cuts).unwrap(), whole);
        }
    }
}

#[test]
fn an_option_that_is_kept_as_a_whole_stays() {
    let redactor = redactor();
    let escapes = "\\n".repeat(LONG / 2 - 1);
    for element in [
        format!("--{}", "x".repeat(LONG - 2)),
        format!("--{escapes}"),
    ] {
        let body = format!("[\"--password\",\"{element}\",\"next\"]");
        let whole = value(&redactor, body.as_bytes(), &[100, LONG]).unwrap();
        assert_eq!((whole.json, whole.redactions), (body, 0));
    }
}

#[test]
fn what_follows_a_mark_is_not_lost_silently() {
    let redactor = redactor();
    for (before, rest) in [("", "-"), ("", "\\n"), ("x", "\\n"), ("Bearer ", "\\u002d")] {
        let mark = format!("{before}[REDACTED:jwt:0123abcd]");
        let body = format!("{{\"password\":\"{mark}{}\"}}", rest.repeat(LONG + 1));
        let whole = value(&redactor, body.as_bytes(), &[]).unwrap();
        let clean: serde_json::Value = serde_json::from_str(&whole.json).unwrap();
        let clean = clean["password"].as_str().unwrap();
        assert!(clean.contains("[REDACTED:secret-member:"), "{clean:.90}");
        assert_eq!((whole.redactions, clean.len() < 100), (1, true));
    }
}
