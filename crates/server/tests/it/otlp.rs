//! Telemetry over HTTP, and what several sides tell of one call.

use std::io::Write;

use serde_json::{Value, json};

use crate::{client::Call, running::Running};

const SECRET: &str = "ghp_PlantedSecretPlantedSecretPlanted123";
const AT: u64 = 1_790_000_000_000_000_000;

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(name, value)| json!({"key": name, "value": {"stringValue": value}}))
        .collect()
}

/// A log record of Claude Code.
fn log(name: &str, sequence: u64, more: &[(&str, &str)]) -> Value {
    let sequence = sequence.to_string();
    let mut all = vec![
        ("event.name", name),
        ("event.sequence", &sequence),
        ("session.id", "s1"),
        ("prompt.id", "p1"),
    ];
    all.extend(more);
    json!({
        "timeUnixNano": (AT + 1_000_000 * sequence.parse::<u64>().unwrap()).to_string(),
        "body": {"stringValue": format!("claude_code.{name}")}, "attributes": attributes(&all)
    })
}

fn logs(records: &[Value]) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": attributes(&[("service.name", "claude-code")])},
        "scopeLogs": [{"logRecords": records}]
    }]})
}

fn post(node: &Running, request: &Value) -> Value {
    node.admin(Call::json("/v1/logs", request)).ok()
}

fn all(node: &Running, q: &str) -> Vec<Value> {
    let page = node
        .get(&format!("/v1/events?order=asc&limit=200&q={q}"))
        .ok();
    page["data"].as_array().unwrap().clone()
}

#[test]
fn what_is_sent_again_is_recorded_once() {
    let (dir, node) = Running::fresh();
    let request = logs(&[
        log("user_prompt", 0, &[("prompt", SECRET)]),
        log(
            "tool_result",
            1,
            &[
                ("tool_name", "Bash"),
                ("tool_use_id", "t1"),
                ("success", "true"),
            ],
        ),
    ]);
    assert_eq!(post(&node, &request), json!({}));
    assert_eq!(post(&node, &request), json!({}));
    let records = all(&node, "source:otlp");
    assert_eq!(records.len(), 2);
    assert_eq!(
        records[0]["actor"],
        json!({"type": "agent", "id": "claude-code", "ip": "127.0.0.1", "auth": "claimed"})
    );
    assert_eq!(
        (&records[0]["job"], &records[0]["action"]),
        (&json!("s1"), &json!("prompt"))
    );
    let content = node
        .get(&format!("/v1/events/{}/content", records[0]["seq"]))
        .ok();
    assert!(
        content["input"]
            .as_str()
            .unwrap()
            .starts_with("[REDACTED:github-token:"),
        "{content}"
    );
    let metrics = node.get("/metrics");
    let metrics = metrics.text();
    assert!(
        metrics.contains(r#"indelible_events_total{outcome="duplicate"} 2"#),
        "{metrics}"
    );
    drop(node);
    for file in walk(dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(13).any(|window| window == b"PlantedSecret");
        assert!(!found, "{}", file.display());
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn both_encodings_and_packings_are_taken_and_answered_in_kind() {
    let (_dir, node) = Running::fresh();
    let body = logs(&[log("user_prompt", 0, &[])]).to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let packed = Call::post("/v1/logs", "application/json", gzip.finish().unwrap());
    assert_eq!(
        node.admin(packed.header("content-encoding", "gzip")).ok(),
        json!({})
    );
    // One span: trace id, span id, name, start.
    let span = [
        &[0x0a, 16][..],
        &[7; 16],
        &[0x12, 8],
        &[8; 8],
        &[0x2a, 4],
        b"work",
        &[0x39],
        &AT.to_le_bytes(),
    ]
    .concat();
    let wrap =
        |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).unwrap()][..], bytes].concat();
    let request = wrap(0x0a, &wrap(0x12, &wrap(0x12, &span)));
    let reply = node.admin(Call::post("/v1/traces", "application/x-protobuf", request));
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(reply.header("content-type"), Some("application/x-protobuf"));
    let record = &all(&node, "action:work")[0];
    assert_eq!(
        (&record["trace"], &record["span"]),
        (&json!("07".repeat(16)), &json!("08".repeat(8)))
    );
}

#[test]
fn a_bad_record_is_told_of_and_the_others_are_recorded() {
    let (_dir, node) = Running::fresh();
    let mut bad = log("user_prompt", 0, &[]);
    bad["attributes"][0]["value"] = json!({"intValue": "x"});
    let answer = post(&node, &logs(&[bad, log("user_prompt", 1, &[])]));
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "1");
    assert!(
        answer["partialSuccess"]["errorMessage"]
            .as_str()
            .unwrap()
            .contains("intValue")
    );
    assert_eq!(all(&node, "source:otlp").len(), 1);
}

#[test]
fn what_is_no_request_is_refused_for_good() {
    let (_dir, node) = Running::fresh();
    for (media_type, body, status) in [
        ("application/json", &b"{"[..], 400),
        ("application/json", b"{\"resourceLogs\":1}", 400),
        ("application/x-protobuf", b"\x0a\xff", 400),
        ("text/plain", b"{}", 415),
    ] {
        let reply = node.admin(Call::post("/v1/logs", media_type, body));
        assert_eq!(reply.status, status, "{media_type} {body:?}");
    }
    let reader = node.key_with(&["read"]);
    let call = Call::json("/v1/logs", &logs(&[])).key(&reader);
    assert_eq!(node.send(&call).status, 403);
    assert_eq!(node.send(&Call::json("/v1/traces", &json!({}))).status, 401);
    assert_eq!(all(&node, "source:otlp").len(), 0);
}

#[test]
fn headers_name_agent_project_and_job() {
    let (_dir, node) = Running::fresh();
    let call = Call::json("/v1/logs", &logs(&[log("user_prompt", 4, &[])]));
    let call = call
        .header("x-indelible-job", "run-1")
        .header("x-indelible-agent", "agent-7")
        .header("x-indelible-project", "billing");
    node.admin(call).ok();
    let record = &all(&node, "source:otlp")[0];
    assert_eq!(
        (&record["job"], &record["project"]),
        (&json!("run-1"), &json!("billing"))
    );
    assert_eq!(
        (&record["actor"]["id"], &record["actor"]["auth"]),
        (&json!("agent-7"), &json!("claimed"))
    );
    assert_eq!(record["producer"], json!({"id": "agent-7/s1", "seq": 4}));
}

/// An event of the run that another surface has recorded, so many milliseconds after its begin.
fn event(ms: u64, source: &str, more: &Value) -> Value {
    let time = format!("2026-09-21T14:13:20.{ms:03}Z");
    let mut event =
        json!({"actor": {"id": "claude-code"}, "time": time, "job": "s1", "source": source});
    let members = more.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(members);
    event
}

fn tool(phase: &str, call: &str) -> Value {
    json!({"action": "tools/call", "resource": {"type": "tool", "id": "Bash"}, "producer": {"phase": phase, "call": call}})
}

#[test]
fn one_run_reads_as_one_job_with_its_calls_and_their_disagreements() {
    let (_dir, node) = Running::fresh();
    node.record(&json!([
        event(0, "hook", &json!({"action": "prompt"})),
        event(1, "llm", &json!({"action": "messages.create", "meta": {"request_id": "req_1", "tool_calls": ["t1", "t2"]}, "usage": {"model": "m", "input_tokens": 5, "output_tokens": 2, "cost_nanousd": 7}})),
        event(3, "hook", &tool("intent", "t1")),
        event(4, "shell", &json!({"action": "shell.exec"})),
        event(5, "forward-proxy", &json!({"action": "CONNECT api.github.com:443"})),
        event(6, "hook", &tool("outcome", "t1")),
        event(9, "hook", &tool("intent", "t2")),
        event(20, "hook", &tool("intent", "t9")),
    ]));
    post(
        &node,
        &logs(&[
            log(
                "api_request",
                2,
                &[
                    ("model", "m"),
                    ("request_id", "req_1"),
                    ("input_tokens", "5"),
                    ("output_tokens", "2"),
                    ("cost_usd", "0.000000007"),
                ],
            ),
            log(
                "tool_decision",
                5,
                &[
                    ("tool_name", "Bash"),
                    ("tool_use_id", "t1"),
                    ("decision", "accept"),
                    ("source", "user_temporary"),
                ],
            ),
            log(
                "tool_result",
                7,
                &[
                    ("tool_name", "Bash"),
                    ("tool_use_id", "t1"),
                    ("success", "true"),
                ],
            ),
            log(
                "tool_result",
                10,
                &[
                    ("tool_name", "Bash"),
                    ("tool_use_id", "t3"),
                    ("success", "true"),
                ],
            ),
        ]),
    );
    let order: Vec<_> = all(&node, "job:s1")
        .iter()
        .map(|record| record["source"].clone())
        .collect();
    assert_eq!(order.len(), 12, "{order:?}");
    let calls = node.get("/v1/jobs/s1/calls").ok();
    assert_eq!(calls["told_twice_nanousd"], 7);
    assert_eq!(
        calls["missing"],
        json!([
            {"producer": "claude-code/s1", "from": 3, "to": 4}, {"producer": "claude-code/s1", "from": 6, "to": 6},
            {"producer": "claude-code/s1", "from": 8, "to": 9}
        ])
    );
    let of = |id: &str| {
        let calls = calls["data"].as_array().unwrap();
        calls
            .iter()
            .find(|call| call["call"] == id)
            .unwrap()
            .clone()
    };
    let first = of("t1");
    assert_eq!(first["decision"]["rule"], "user_temporary");
    assert_eq!(first["disagreements"], json!([]));
    let says: Vec<_> = first["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|seen| seen["says"].as_str().unwrap())
        .collect();
    assert_eq!(says, ["asked", "intent", "outcome", "decision", "outcome"]);
    assert_eq!(
        of("t3")["disagreements"][0],
        json!({"kind": "not_told", "by": "hook"})
    );
    assert_eq!(of("req_1")["kind"], "model");
    assert_eq!(node.get("/v1/jobs/absent/calls").status, 404);
}
