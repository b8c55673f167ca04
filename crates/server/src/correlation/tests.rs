use serde_json::{Value, json};

use super::*;

/// Records of these members, in their order, a second apart unless they say a time.
fn report(events: &[Value]) -> Report {
    let texts: Vec<String> = events
        .iter()
        .enumerate()
        .map(|(seq, event)| {
            let time = event::Micros(1_000_000 * (seq as u64 + 1)).to_string();
            let mut record = json!({
                "v": 1, "id": format!("e{seq}"), "seq": seq, "recorded_at": time, "time": time, "actor": {"id": "a", "type": "agent"},
                "action": "tools/call", "job": "j"
            });
            let members = event.as_object().unwrap().clone();
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            record.as_object_mut().unwrap().extend(members);
            record.to_string()
        })
        .collect();
    let records: Vec<_> = texts
        .iter()
        .map(|text| RecordView::parse(text.as_bytes()).unwrap())
        .collect();
    Report::of_records(&records)
}

fn asked(ids: &[&str]) -> Value {
    json!({"source": "llm", "action": "messages.create", "meta": {"tool_calls": ids, "request_id": format!("req-{}", ids.join("-"))}})
}

fn hook(id: &str, phase: &str, result: Option<&str>) -> Value {
    json!({"source": "hook", "producer": {"phase": phase, "call": id}, "result": result, "resource": {"type": "tool", "id": "Bash"}})
}

fn told(id: &str, result: &str) -> Value {
    json!({"source": "otlp", "producer": {"call": id}, "result": result, "resource": {"type": "tool", "id": "Bash"}})
}

fn found<'a>(report: &'a Report, id: &str) -> &'a Call {
    report.calls.iter().find(|call| call.id == id).unwrap()
}

#[test]
fn one_call_is_one_whoever_tells_of_it() {
    let report = report(&[
        asked(&["t1", "t2"]),
        hook("t1", "intent", None),
        hook("t1", "outcome", Some("success")),
        told("t1", "success"),
        hook("t2", "intent", None),
        hook("t2", "outcome", Some("failure")),
        told("t2", "failure"),
    ]);
    let call = found(&report, "t1");
    let says: Vec<_> = call
        .seen
        .iter()
        .map(|seen| (seen.side.as_str(), seen.says))
        .collect();
    assert_eq!(
        says,
        [
            ("llm", "asked"),
            ("hook", "intent"),
            ("hook", "outcome"),
            ("otlp", "outcome")
        ]
    );
    assert_eq!(call.name(), Some("Bash"));
    assert!(
        report
            .calls
            .iter()
            .all(|call| call.disagreements.is_empty()),
        "{report:?}"
    );
    assert_eq!(report.linked(), 2);
}

#[test]
fn silence_of_a_side_that_speaks_before_and_after_is_a_disagreement() {
    let report = report(&[
        asked(&["t1", "t2", "t3"]),
        hook("t1", "intent", None),
        told("t1", "success"),
        hook("t2", "intent", None),
        // t3 by no hook; t4 was never asked for; t5 is the last word of hooks.
        told("t3", "success"),
        told("t4", "success"),
        hook("t4", "intent", None),
        asked(&["t5"]),
        told("t5", "success"),
        hook("t5", "intent", None),
        told("t6", "success"),
    ]);
    let of = |id: &str| found(&report, id).disagreements.clone();
    assert_eq!(of("t1"), []);
    assert_eq!(of("t2"), [Disagreement::NotTold { by: Side::Otlp }]);
    assert_eq!(of("t3"), [Disagreement::NotTold { by: Side::Hook }]);
    assert_eq!(of("t4"), [Disagreement::NotTold { by: Side::Llm }]);
    // Behind the last word of hooks and of the model nobody knows yet.
    assert_eq!(of("t6"), []);
}

#[test]
fn different_words_are_a_disagreement() {
    let mut masked = told("t1", "failure");
    masked["resource"]["id"] = json!("mcp_tool");
    let report = report(&[hook("t1", "outcome", Some("success")), masked]);
    let call = found(&report, "t1");
    assert_eq!(call.name(), Some("Bash"));
    assert_eq!(
        call.disagreements,
        [Disagreement::Differs {
            what: "result",
            said: vec![
                (Side::Hook, "success".to_owned()),
                (Side::Otlp, "failure".to_owned())
            ]
        }]
    );
}

#[test]
fn a_denial_that_nobody_kept() {
    let denied = json!({
        "source": "otlp", "action": "permission.decision", "producer": {"call": "t1"},
        "approval": {"decision": "denied", "approver": "ada", "rule": "user_reject"}
    });
    let report = report(&[
        hook("t1", "intent", None),
        denied,
        hook("t1", "outcome", Some("success")),
    ]);
    let call = found(&report, "t1");
    assert_eq!(call.disagreements, [Disagreement::RanThoughDenied]);
    assert_eq!(call.decision().unwrap().approver, "ada");
}

#[test]
fn a_request_for_permission_finds_its_call() {
    let mut intent = hook("t1", "intent", None);
    intent["meta"] = json!({"call_digest": "hook-ab"});
    let asks =
        json!({"source": "hook", "action": "permission.request", "producer": {"call": "hook-ab"}});
    let report = report(&[intent, asks]);
    assert_eq!(report.calls.len(), 1);
    assert!(found(&report, "t1").was_asked());
}

#[test]
fn calls_of_models_by_the_providers_word() {
    let call = |source: &str, id: &str, input: u64, cost: u64| {
        json!({"source": source, "action": "messages.create", "meta": {"request_id": id}, "result": "success",
            "usage": {"input_tokens": input, "output_tokens": 1, "cost_nanousd": cost}})
    };
    let report = report(&[
        call("llm", "r1", 5, 10),
        call("otlp", "r1", 5, 12),
        call("llm", "r2", 5, 1),
        call("otlp", "r2", 6, 1),
    ]);
    assert_eq!(found(&report, "r1").disagreements, []);
    assert!(matches!(
        found(&report, "r2").disagreements[..],
        [Disagreement::Differs { what: "tokens", .. }]
    ));
    assert_eq!(report.told_twice_nanousd, 11);
}

#[test]
fn the_proxy_of_a_server_tells_of_its_own_tools_only() {
    let mcp = |id: &str| json!({"source": "mcp", "producer": {"phase": "outcome", "call": "x"}, "meta": {"tool_use_id": id}, "resource": {"type": "tool", "id": "github/a"}, "result": "success"});
    let call = |id: &str, name: &str| {
        let mut call = hook(id, "outcome", Some("success"));
        call["resource"]["id"] = json!(name);
        call
    };
    let report = report(&[
        mcp("t1"),
        call("t1", "github/a"),
        call("t2", "Bash"),
        call("t3", "github/b"),
        mcp("t4"),
        call("t4", "github/a"),
    ]);
    let of = |id: &str| found(&report, id).disagreements.clone();
    assert_eq!((of("t1").len(), of("t2").len(), of("t4").len()), (0, 0, 0));
    assert_eq!(of("t3"), [Disagreement::NotTold { by: Side::Mcp }]);
}

#[test]
fn holes_in_numbers() {
    let numbered = |producer: &str, seq: u64| json!({"source": "otlp", "action": "x", "producer": {"id": producer, "seq": seq}});
    let mut late = numbered("a", 6);
    late["time"] = json!("1970-01-01T00:00:04.500000Z");
    let report = report(&[
        numbered("a", 3),
        numbered("a", 4),
        numbered("b", 0),
        numbered("a", 5),
        numbered("a", 9),
        numbered("a", 0),
        numbered("a", 1),
        late,
    ]);
    assert_eq!(
        report.missing,
        [Missing {
            producer: "a".to_owned(),
            from: 7,
            to: 8
        }]
    );
}
