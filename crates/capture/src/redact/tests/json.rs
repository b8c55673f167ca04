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

/// Strings inside of each other, with a secret by name and one by rule in each; an escape costs five bytes a level.
fn nested(levels: usize) -> String {
    let mut text = String::new();
    for level in (0..=levels).rev() {
        let inside = text.replace('\\', "\\u005c").replace('"', "\\u0022");
        text = format!(
            "[{{\"name\":\"PIN_SECRET\",\"value\":\"own-{level:03}\"}},\"ghp_{level:020}\",\"{inside}\"]"
        );
    }
    text
}

#[test]
fn json_in_strings_is_read_four_levels_deep() {
    let redactor = redactor();
    for levels in [0, 1, 3, 4, 5, 60] {
        let body = nested(levels);
        assert!(body.len() < 128 << 10, "{} are not decoded", body.len());
        let clean = value(&redactor, body.as_bytes(), &[]).unwrap();
        let mut text = clean.json.clone();
        for level in 0..=levels {
            let elements: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            let by_name = elements[0]["value"].as_str().unwrap();
            let by_rule = elements[1].as_str().unwrap();
            if level <= 4 {
                assert_eq!(without_hashes(by_name), "[REDACTED:secret-member:*]");
            } else {
                assert_eq!(by_name, format!("own-{level:03}"), "of {levels}");
            }
            assert_eq!(without_hashes(by_rule), "[REDACTED:github-token:*]");
            text = elements[2].as_str().unwrap().to_owned();
        }
        let secrets = levels + 1 + levels.min(4) + 1;
        assert_eq!(clean.redactions, secrets as u64);
    }
}

#[test]
fn a_mark_by_a_rule_of_the_file_stays() {
    let file = "[[rules]]\nid = 'acme-token'\nregex = 'acme-[a-z0-9]{12}'\nkeywords = ['acme-']";
    let redactor = Redactor::new(Some(file), &[], &[7; 32]).unwrap();
    let secret = "acme-0123456789ab";
    let mark = format!(
        "[REDACTED:acme-token:{}]",
        redactor.fingerprint(secret.as_bytes())
    );
    for body in [
        r#"["{\"env\":[{\"name\":\"API_SECRET\",\"value\":\"acme-0123456789ab\"}]}"]"#,
        r#"{"API_SECRET":"acme-0123456789ab"}"#,
        r#"{"token":"acme-0123456789ab"}"#,
    ] {
        let clean = value(&redactor, body.as_bytes(), &[]).unwrap();
        assert_eq!(clean.json, body.replace(secret, &mark));
        assert_eq!(clean.redactions, 1, "{body}");
        let again = value(&redactor, clean.json.as_bytes(), &[]).unwrap();
        assert_eq!((again.json, again.redactions), (clean.json, 0));
    }
}

#[test]
fn a_mark_of_a_known_value_stays() {
    let redactor = redactor();
    for label in label::ALL {
        let body = format!("{{\"password\":\"[REDACTED:{label}:0123abcd]\"}}");
        let clean = value(&redactor, body.as_bytes(), &[]).unwrap();
        assert_eq!((clean.json, clean.redactions), (body, 0));
    }
}
