//! One event for each reason to refuse it.

use event::{Limits, Submitter, code};

use super::{ANYONE, prepare};

/// The code and the member of the refusal of an event with `members` beside what is required.
fn refusal(members: &str, by: &Submitter<'_>) -> (&'static str, String) {
    let event = format!(r#"{{"actor":{{"id":"a"}},"action":"x",{members}}}"#);
    refusal_of(&event, by)
}

fn refusal_of(event: &str, by: &Submitter<'_>) -> (&'static str, String) {
    match prepare(event, by, &Limits::default()) {
        Ok(_) => panic!("accepted: {event}"),
        Err(reject) => {
            assert!(!reject.detail.is_empty());
            (reject.code, reject.member.unwrap_or_default())
        }
    }
}

#[track_caller]
fn refused(table: &[(&str, &str, &str)]) {
    for (members, code, member) in table {
        assert_eq!(
            refusal(members, &ANYONE),
            (*code, (*member).to_owned()),
            "{members}"
        );
    }
}

#[test]
fn required_members() {
    for (event, code, member) in [
        (r"{}", code::MISSING_MEMBER, "actor.id"),
        (r#"{"action":"x"}"#, code::MISSING_MEMBER, "actor.id"),
        (
            r#"{"action":"x","actor":{}}"#,
            code::MISSING_MEMBER,
            "actor.id",
        ),
        (
            r#"{"action":"x","actor":{"name":"a"}}"#,
            code::MISSING_MEMBER,
            "actor.id",
        ),
        (r#"{"actor":{"id":"a"}}"#, code::MISSING_MEMBER, "action"),
        (
            r#"{"action":"x","actor":{"id":""}}"#,
            code::INVALID_VALUE,
            "actor.id",
        ),
        (
            r#"{"action":"","actor":{"id":"a"}}"#,
            code::INVALID_VALUE,
            "action",
        ),
        (
            r#"{"action":"x","actor":{"id":7}}"#,
            code::WRONG_TYPE,
            "actor.id",
        ),
        (r#"{"action":"x","actor":null}"#, code::WRONG_TYPE, "actor"),
        (r#"{"action":"x","actor":"a"}"#, code::WRONG_TYPE, "actor"),
        ("[]", code::NOT_AN_OBJECT, ""),
        ("null", code::NOT_AN_OBJECT, ""),
        ("\"x\"", code::NOT_AN_OBJECT, ""),
        ("{\"action\":}", code::INVALID_JSON, ""),
        ("", code::INVALID_JSON, ""),
    ] {
        assert_eq!(
            refusal_of(event, &ANYONE),
            (code, member.to_owned()),
            "{event}"
        );
    }
    let reject = prepare(r#"{"action":"x"}"#, &ANYONE, &Limits::default()).unwrap_err();
    assert_eq!(reject.detail, "actor.id is required");
}

#[test]
fn ids() {
    let longest = format!("\"id\":\"{}\"", "a".repeat(128));
    let event = format!(r#"{{"actor":{{"id":"a"}},"action":"x",{longest}}}"#);
    assert!(prepare(&event, &ANYONE, &Limits::default()).is_ok());
    let too_long = format!("\"id\":\"{}\"", "a".repeat(129));
    for id in [
        "\"id\":\"\"",
        "\"id\":\"0\"",
        "\"id\":\"0123\"",
        "\"id\":\"stream\"",
        "\"id\":\"a b\"",
        "\"id\":\"a/b\"",
        "\"id\":\"é\"",
        "\"id\":\"\\u0031\"",
        "\"id\":\"a\\u0000\"",
        too_long.as_str(),
    ] {
        assert_eq!(
            refusal(id, &ANYONE),
            (code::INVALID_ID, "id".to_owned()),
            "{id}"
        );
    }
    assert_eq!(
        refusal("\"id\":7", &ANYONE),
        (code::WRONG_TYPE, "id".to_owned())
    );
}

#[test]
fn what_only_the_server_writes() {
    refused(&[
        ("\"v\":1", code::SERVER_ASSIGNED, "v"),
        ("\"seq\":0", code::SERVER_ASSIGNED, "seq"),
        (
            "\"recorded_at\":\"2026-01-01T00:00:00.000000Z\"",
            code::SERVER_ASSIGNED,
            "recorded_at",
        ),
        ("\"via\":{}", code::SERVER_ASSIGNED, "via"),
        ("\"vi\\u0061\":null", code::SERVER_ASSIGNED, "via"),
    ]);
    let auth = r#"{"action":"x","actor":{"id":"a","auth":"key"}}"#;
    assert_eq!(
        refusal_of(auth, &ANYONE),
        (code::SERVER_ASSIGNED, "actor.auth".to_owned())
    );
    let gateway = Submitter {
        gateway: true,
        ..ANYONE
    };
    assert!(prepare(auth, &gateway, &Limits::default()).is_ok());
    let other = r#"{"action":"x","actor":{"id":"a","auth":"magic"}}"#;
    assert_eq!(
        refusal_of(other, &gateway),
        (code::INVALID_VALUE, "actor.auth".to_owned())
    );
    assert_eq!(
        refusal("\"source\":\"system\"", &gateway).0,
        code::INVALID_VALUE
    );
}

#[test]
fn types() {
    for member in [
        "id",
        "time",
        "project",
        "job",
        "trace",
        "span",
        "parent",
        "source",
        "result",
        "description",
        "initiator.type",
        "initiator.id",
        "initiator.name",
        "resource.type",
        "resource.id",
        "resource.name",
        "approval.decision",
        "approval.approver",
        "approval.rule",
        "approval.reason",
        "usage.provider",
        "usage.model",
        "usage.prices",
        "producer.id",
        "producer.phase",
        "producer.call",
    ] {
        for value in ["null", "1", "true", "[]", "{}"] {
            assert_wrong_type(member, value);
        }
    }
    for member in [
        "duration_us",
        "status",
        "approval.waited_us",
        "usage.input_tokens",
        "usage.output_tokens",
        "usage.cache_read_tokens",
        "usage.cache_write_tokens",
        "usage.reasoning_tokens",
        "usage.cost_nanousd",
        "producer.seq",
    ] {
        for value in [
            "null", "\"1\"", "true", "[]", "{}", "1.0", "1e3", "1E3", "-0.0",
        ] {
            assert_wrong_type(member, value);
        }
    }
    for member in [
        "initiator",
        "resource",
        "approval",
        "usage",
        "producer",
        "meta",
        "content",
    ] {
        for value in ["null", "1", "true", "[]", "\"\""] {
            assert_wrong_type(member, value);
        }
    }
}

fn assert_wrong_type(member: &str, value: &str) {
    let members = match member.split_once('.') {
        Some((object, name)) => format!(r#""{object}":{{"{name}":{value}}}"#),
        None => format!(r#""{member}":{value}"#),
    };
    assert_eq!(
        refusal(&members, &ANYONE),
        (code::WRONG_TYPE, member.to_owned()),
        "{members}"
    );
}

#[test]
fn values() {
    refused(&[
        ("\"source\":\"system\"", code::INVALID_VALUE, "source"),
        ("\"source\":\"App\"", code::INVALID_VALUE, "source"),
        ("\"result\":\"ok\"", code::INVALID_VALUE, "result"),
        (
            "\"initiator\":{\"type\":\"robot\"}",
            code::INVALID_VALUE,
            "initiator.type",
        ),
        (
            "\"approval\":{\"decision\":\"maybe\"}",
            code::INVALID_VALUE,
            "approval.decision",
        ),
        (
            "\"producer\":{\"phase\":\"\"}",
            code::INVALID_VALUE,
            "producer.phase",
        ),
        ("\"time\":\"yesterday\"", code::INVALID_TIME, "time"),
        (
            "\"time\":\"2026-02-30T00:00:00Z\"",
            code::INVALID_TIME,
            "time",
        ),
        ("\"duration_us\":-1", code::OUT_OF_RANGE, "duration_us"),
        (
            "\"duration_us\":9223372036854775808",
            code::OUT_OF_RANGE,
            "duration_us",
        ),
        (
            "\"status\":-9223372036854775809",
            code::OUT_OF_RANGE,
            "status",
        ),
        (
            "\"status\":1000000000000000000000",
            code::OUT_OF_RANGE,
            "status",
        ),
        (
            "\"usage\":{\"cost_nanousd\":-1}",
            code::OUT_OF_RANGE,
            "usage.cost_nanousd",
        ),
        (
            "\"producer\":{\"seq\":-1}",
            code::OUT_OF_RANGE,
            "producer.seq",
        ),
    ]);
    let actor = r#"{"action":"x","actor":{"id":"a","type":"robot"}}"#;
    assert_eq!(
        refusal_of(actor, &ANYONE),
        (code::INVALID_VALUE, "actor.type".to_owned())
    );
}

#[test]
fn names() {
    refused(&[
        ("\"action\":\"y\"", code::DUPLICATE_MEMBER, "action"),
        ("\"\\u0061ction\":\"y\"", code::DUPLICATE_MEMBER, "action"),
        ("\"meta\":{},\"meta\":{}", code::DUPLICATE_MEMBER, "meta"),
        ("\"input\":1,\"input\":1", code::DUPLICATE_MEMBER, "input"),
        (
            "\"content\":{},\"content\":{}",
            code::DUPLICATE_MEMBER,
            "content",
        ),
        (
            "\"resource\":{\"id\":\"a\",\"i\\u0064\":\"b\"}",
            code::DUPLICATE_MEMBER,
            "resource.id",
        ),
        ("\"z\":1,\"y\":2,\"\\u007a\":3", code::DUPLICATE_MEMBER, "z"),
        ("\"z\":1,\"meta\":{\"z\":2}", code::DUPLICATE_MEMBER, "z"),
        (
            "\"meta\":{\"\\u007a\":2},\"z\":1",
            code::DUPLICATE_MEMBER,
            "z",
        ),
        (
            "\"input\":1,\"content\":{\"input\":2}",
            code::DUPLICATE_MEMBER,
            "input",
        ),
        (
            "\"content\":{\"o\\u0075tput\":2},\"output\":1",
            code::DUPLICATE_MEMBER,
            "output",
        ),
        (
            "\"resource\":{\"kind\":\"a\"}",
            code::UNKNOWN_MEMBER,
            "resource.kind",
        ),
        (
            "\"usage\":{\"tokens\":1}",
            code::UNKNOWN_MEMBER,
            "usage.tokens",
        ),
        ("\"producer\":{\"\":1}", code::UNKNOWN_MEMBER, "producer."),
    ]);
    let actor = r#"{"action":"x","actor":{"id":"a","email":"e"}}"#;
    assert_eq!(
        refusal_of(actor, &ANYONE),
        (code::UNKNOWN_MEMBER, "actor.email".to_owned())
    );
}

#[test]
fn a_long_name_is_not_quoted_in_full() {
    let long = "é".repeat(10_000);
    let event = format!(r#"{{"actor":{{"id":"a","{long}":1}},"action":"x"}}"#);
    let reject = prepare(&event, &ANYONE, &Limits::default()).unwrap_err();
    assert_eq!(reject.member, Some(format!("actor.{}…", "é".repeat(58))));
}

#[test]
fn projects() {
    let limited = Submitter {
        project: Some("p"),
        ..ANYONE
    };
    let refusal = refusal("\"project\":\"q\"", &limited);
    assert_eq!(refusal, (code::PROJECT_FORBIDDEN, "project".to_owned()));
}

#[test]
fn depth_comes_before_everything_else() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let good = format!(
        r#"{{"actor":{{"id":"a"}},"action":"x","input":{}}}"#,
        nested(127)
    );
    assert!(prepare(&good, &ANYONE, &Limits::default()).is_ok());
    let deep = format!(r#"{{"v":1,"v":2,"input":{}}}"#, nested(128));
    assert_eq!(refusal_of(&deep, &ANYONE), (code::TOO_DEEP, String::new()));
    let open = format!(r#"{{"input":{}"#, "[".repeat(1_000_000));
    assert_eq!(refusal_of(&open, &ANYONE), (code::TOO_DEEP, String::new()));
}

#[test]
fn records_have_a_limit() {
    let event = |padding: usize| {
        format!(
            r#"{{"actor":{{"id":"a"}},"action":"x","meta":{{"p":"{}"}}}}"#,
            "p".repeat(padding)
        )
    };
    let limits = Limits::default();
    let without = prepare(&event(0), &ANYONE, &limits)
        .unwrap()
        .record_len_hint();
    let room = limits.record_bytes - without;
    let largest = prepare(&event(room), &ANYONE, &limits).unwrap();
    let mut record = Vec::new();
    let id = "01981f5e-0000-7000-8000-000000000001";
    largest.write_record(&mut record, id, event::Seq(u64::MAX), super::NOW, &[0; 16]);
    assert_eq!(record.len(), limits.record_bytes);
    assert_eq!(
        refusal_of(&event(room + 1), &ANYONE),
        (code::RECORD_TOO_LARGE, String::new())
    );
    let unknown = format!("\"z\":\"{}\"", "z".repeat(limits.record_bytes));
    assert_eq!(
        refusal(&unknown, &ANYONE),
        (code::RECORD_TOO_LARGE, String::new())
    );
}
