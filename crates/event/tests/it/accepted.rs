//! Records, byte for byte.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use event::{Limits, RecordView, Submitter, SystemEvent};

use super::{ANYONE, prepare, record, tail, write};

const KEY: Submitter<'static> = Submitter {
    key: Some("ik_1"),
    ip: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))),
    project: None,
    gateway: false,
    system: false,
};

#[test]
fn least_event() {
    assert_eq!(
        record(r#"{"action":"x","actor":{"id":"a"}}"#, &ANYONE),
        concat!(
            r#"{"v":1,"id":"given","seq":5,"recorded_at":"2026-01-01T00:00:00.000000Z","#,
            r#""time":"2026-01-01T00:00:00.000000Z","#,
            r#""actor":{"id":"a","type":"agent","auth":"claimed"},"source":"app","action":"x"}"#
        )
    );
}

#[test]
fn every_member_in_the_order_of_the_record() {
    let event = r#" {"output": "o", "input": {"cmd" : "ls"}, "meta": {"b": 1.0, "a": "\u00e9"},
        "description":"d", "producer":{"call":"c","phase":"intent","seq":0,"id":"p"},
        "usage":{"prices":"v","cost_nanousd":6,"reasoning_tokens":5,"cache_write_tokens":4,
                 "cache_read_tokens":3,"output_tokens":2,"input_tokens":1,"model":"m","provider":"pr"},
        "approval":{"waited_us":0,"reason":"re","rule":"ru","approver":"auto","decision":"denied"},
        "status":-1, "result":"error", "resource":{"name":"n","id":"i","type":"t"},
        "action":"tools/call", "source":"mcp", "initiator":{"name":"n","id":"u","type":"user"},
        "actor":{"role":"r","name":"Zo\u00eb","id":"a","type":"user","ip":"::1"},
        "parent":"pa","span":"s","trace":"t","job":"j","project":"p","duration_us":0,
        "time":"2025-12-31T23:59:59+01:00","id":"my-id.1:2_3"} "#;
    assert_eq!(
        record(event, &KEY),
        concat!(
            r#"{"v":1,"id":"my-id.1:2_3","seq":5,"recorded_at":"2026-01-01T00:00:00.000000Z","#,
            r#""time":"2025-12-31T23:59:59+01:00","duration_us":0,"project":"p","job":"j","#,
            r#""trace":"t","span":"s","parent":"pa","#,
            r#""actor":{"role":"r","name":"Zo\u00eb","id":"a","type":"user","ip":"::1","auth":"claimed"},"#,
            r#""initiator":{"name":"n","id":"u","type":"user"},"source":"mcp","action":"tools/call","#,
            r#""resource":{"name":"n","id":"i","type":"t"},"result":"error","status":-1,"#,
            r#""approval":{"waited_us":0,"reason":"re","rule":"ru","approver":"auto","decision":"denied"},"#,
            r#""usage":{"prices":"v","cost_nanousd":6,"reasoning_tokens":5,"cache_write_tokens":4,"#,
            r#""cache_read_tokens":3,"output_tokens":2,"input_tokens":1,"model":"m","provider":"pr"},"#,
            r#""producer":{"call":"c","phase":"intent","seq":0,"id":"p"},"#,
            r#""via":{"key":"ik_1","ip":"10.0.0.1"},"description":"d","#,
            r#""meta":{"b":1.0,"a":"\u00e9"},"content":{"bytes":35,"type":"application/json"}}"#
        )
    );
    let prepared = prepare(event, &KEY, &Limits::default()).unwrap();
    assert_eq!(
        prepared.content(),
        Some(&br#"{"input":{"cmd":"ls"},"output":"o"}"#[..])
    );
    assert_eq!(prepared.id(), Some("my-id.1:2_3"));
}

#[test]
fn what_the_server_adds_comes_last_in_the_object() {
    let actor = |actor: &str, by: &Submitter<'_>| {
        let record = record(&format!(r#"{{"actor":{actor},"action":"x"}}"#), by);
        let (_, rest) = record.split_once("\"actor\":").unwrap();
        rest.split_once(",\"source\"").unwrap().0.to_owned()
    };
    let gateway = Submitter {
        gateway: true,
        ..KEY
    };
    for (sent, by, written) in [
        (
            r#"{"id":"a"}"#,
            KEY,
            r#"{"id":"a","type":"agent","ip":"10.0.0.1","auth":"claimed"}"#,
        ),
        (
            r#"{"ip":"9","id":"a"}"#,
            KEY,
            r#"{"ip":"9","id":"a","type":"agent","auth":"claimed"}"#,
        ),
        (
            r#"{"auth":"mtls","id":"a"}"#,
            gateway,
            r#"{"auth":"mtls","id":"a","type":"agent","ip":"10.0.0.1"}"#,
        ),
        (
            r#"{"id":"a"}"#,
            gateway,
            r#"{"id":"a","type":"agent","ip":"10.0.0.1","auth":"claimed"}"#,
        ),
        (
            r#"{"\u0069d":"\u0061","\u0074ype":"\u0075ser"}"#,
            ANYONE,
            r#"{"\u0069d":"\u0061","\u0074ype":"\u0075ser","auth":"claimed"}"#,
        ),
    ] {
        assert_eq!(actor(sent, &by), written);
    }
}

#[test]
fn via_tells_the_connection() {
    let mapped = IpAddr::V6(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped());
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    for (key, ip, via) in [
        (Some("k\"1"), None, r#","via":{"key":"k\"1"}"#),
        (None, Some(v6), r#","via":{"ip":"::1"}"#),
        (
            Some("k"),
            Some(mapped),
            r#","via":{"key":"k","ip":"10.0.0.1"}"#,
        ),
        (None, None, ""),
    ] {
        let by = Submitter { key, ip, ..ANYONE };
        let tail = tail(r#"{"actor":{"id":"a","ip":"-"},"action":"x"}"#, &by);
        assert_eq!(tail.split_once(r#""action":"x""#).unwrap().1, via);
    }
}

#[test]
fn project_of_a_limited_key() {
    let limited = Submitter {
        project: Some("p\"é"),
        ..ANYONE
    };
    let given = tail(r#"{"actor":{"id":"a"},"action":"x"}"#, &limited);
    assert!(given.starts_with(r#""project":"p\"é","actor""#), "{given}");
    let sent = tail(
        r#"{"actor":{"id":"a"},"action":"x","project":"p\u0022\u00e9"}"#,
        &limited,
    );
    assert!(
        sent.starts_with(r#""project":"p\u0022\u00e9","actor""#),
        "{sent}"
    );
}

#[test]
fn unknown_members_go_to_meta() {
    let meta = |members: &str| {
        let event = format!(r#"{{"actor":{{"id":"a"}},"action":"x",{members}}}"#);
        tail(&event, &ANYONE)
            .split_once(r#""action":"x""#)
            .unwrap()
            .1
            .to_owned()
    };
    for (sent, written) in [
        (r#""meta":{}"#, r#","meta":{}"#),
        (r#""z": [1 , 2]"#, r#","meta":{"z":[1,2]}"#),
        (
            r#""z":1.0,"meta":{"a":1,"a":2},"b":null"#,
            r#","meta":{"a":1,"a":2,"z":1.0,"b":null}"#,
        ),
        (r#""z":1,"meta":{}"#, r#","meta":{"z":1}"#),
        (r#""\u007a":1"#, r#","meta":{"\u007a":1}"#),
        (
            r#""Actor":1,"":2,"type":3,"redactions":4"#,
            r#","meta":{"Actor":1,"":2,"type":3,"redactions":4}"#,
        ),
    ] {
        assert_eq!(meta(sent), written);
    }
}

#[test]
fn names_and_values_with_escapes_are_the_same_members() {
    let event = r#"{"\u0061ctor":{"id":"a"},"action":"\u0078","source":"\u0061pp","id":"\u0061b","time":"2025-12-31T23:59:59\u005a"}"#;
    let prepared = prepare(event, &ANYONE, &Limits::default()).unwrap();
    assert_eq!(prepared.id(), Some("ab"));
    let record = write(&prepared);
    let view = RecordView::parse(record.as_bytes()).unwrap();
    assert_eq!(
        (&*view.id, &*view.action, &*view.source),
        ("ab", "x", "app")
    );
    assert_eq!(view.time_us, 1_767_225_599_000_000);
    // Kept as they were sent.
    for kept in [
        r#""id":"\u0061b""#,
        r#""action":"\u0078""#,
        r#""source":"\u0061pp""#,
        r"59\u005a",
    ] {
        assert!(record.contains(kept), "{record}");
    }
}

#[test]
fn sources_and_other_choices() {
    for source in [
        "mcp",
        "kubernetes",
        "shell",
        "forward-proxy",
        "sandbox",
        "aws",
        "llm",
        "hook",
        "otlp",
        "app",
    ] {
        let tail = tail(
            &format!(r#"{{"actor":{{"id":"a"}},"action":"x","source":"{source}"}}"#),
            &ANYONE,
        );
        assert!(tail.contains(&format!(r#""source":"{source}","action":"x""#)));
    }
}

#[test]
fn integers_at_their_ends_keep_their_text() {
    for member in [
        "\"status\":-9223372036854775808",
        "\"status\":9223372036854775807",
        "\"status\":-0",
        "\"duration_us\":9223372036854775807",
        "\"duration_us\":0",
    ] {
        let event = format!(r#"{{"actor":{{"id":"a"}},"action":"x",{member}}}"#);
        let record = record(&event, &ANYONE);
        assert!(record.contains(member), "{record}");
        assert!(RecordView::parse(record.as_bytes()).is_ok());
    }
}

#[test]
fn the_servers_own_events() {
    let system = Submitter {
        system: true,
        ..KEY
    };
    let event = String::from_utf8(SystemEvent::new("trail.created").to_json()).unwrap();
    assert_eq!(
        record(&event, &system),
        concat!(
            r#"{"v":1,"id":"given","seq":5,"recorded_at":"2026-01-01T00:00:00.000000Z","#,
            r#""time":"2026-01-01T00:00:00.000000Z","actor":{"type":"system","id":"server"},"#,
            r#""source":"system","action":"trail.created","result":"success"}"#
        )
    );
    let full = SystemEvent {
        actor_type: "user",
        actor_id: "ik_\"1",
        actor_name: Some("Mira"),
        resource: Some(("key", "ik_2")),
        result: "failure",
        description: Some("a\nb"),
        meta: Some(r#"{"n":1.0}"#),
        ..SystemEvent::new("key.created")
    };
    let event = String::from_utf8(full.to_json()).unwrap();
    assert_eq!(
        tail(&event, &system),
        concat!(
            r#""actor":{"type":"user","id":"ik_\"1","name":"Mira"},"source":"system","action":"key.created","#,
            r#""resource":{"type":"key","id":"ik_2"},"result":"failure","description":"a\nb","meta":{"n":1.0}"#
        )
    );
}

#[test]
fn digest_is_of_the_event_without_white_space() {
    let digest = |event: &str, by| prepare(event, by, &Limits::default()).unwrap().digest();
    let first = digest(r#"{"id":"i","actor":{"id":"a"},"action":"x"}"#, &ANYONE);
    assert!(first.is_some());
    assert_eq!(
        digest(
            "{ \"id\":\"i\",\n\"actor\":{\"id\":\"a\"},\"action\":\"x\" }",
            &KEY
        ),
        first
    );
    assert_ne!(
        digest(
            r#"{"id":"i","actor":{"id":"a"},"action":"\u0078"}"#,
            &ANYONE
        ),
        first
    );
    assert_ne!(
        digest(r#"{"id":"i","action":"x","actor":{"id":"a"}}"#, &ANYONE),
        first
    );
    assert_eq!(
        digest(r#"{"actor":{"id":"a"},"action":"x"}"#, &ANYONE),
        None
    );
}
