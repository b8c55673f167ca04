//! Requests as exporters send them, in both encodings.

use event::{DedupKey, Limits, Submitter};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::redact::Redactor;

const AT: u64 = 1_750_000_000_123_456_789;

/// The events of a request; a server takes each of them.
fn events(
    body: &[u8],
    encoding: Encoding,
    signal: Signal,
) -> Result<(Vec<Json>, Export), WireError> {
    let redactor = Redactor::new(None, &[], &[7; 32]).unwrap();
    let about = About::new(Scope::default(), false, Micros(1), redactor.with(&[]));
    let export = decode(body, encoding, signal, &about)?;
    let by = Submitter::default();
    let key = DedupKey::new(&[0; 32]);
    let events = export.records.iter().map(|record| {
        let id = record
            .draft
            .id
            .clone()
            .unwrap_or_else(|| "fresh".to_owned());
        let line = record.draft.event(&id, &about.with);
        event::prepare(&line, &by, &key, &Limits::default()).unwrap();
        serde_json::from_slice(&line).unwrap()
    });
    Ok((events.collect(), export))
}

fn of_json(request: &Json, signal: Signal) -> Vec<Json> {
    events(request.to_string().as_bytes(), Encoding::Json, signal)
        .unwrap()
        .0
}

fn attributes(pairs: &Json) -> Json {
    let pairs = pairs.as_object().unwrap();
    let any = |value: &Json| match value {
        Json::String(text) => json!({"stringValue": text}),
        Json::Bool(flag) => json!({"boolValue": flag}),
        Json::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Json::Number(number) => json!({"doubleValue": number}),
        other => json!({"stringValue": other.to_string()}),
    };
    Json::Array(
        pairs
            .iter()
            .map(|(name, value)| json!({"key": name, "value": any(value)}))
            .collect(),
    )
}

/// A request with log records of one program.
fn logs(service: &str, records: &[Json]) -> Json {
    json!({"resourceLogs": [{
        "resource": {"attributes": attributes(&json!({"service.name": service, "host.arch": "amd64"}))},
        "scopeLogs": [{"scope": {"name": "com.anthropic.claude_code.events", "version": "2.1.269"}, "logRecords": records}]
    }]})
}

fn log(name: &str, sequence: u64, more: &Json) -> Json {
    let mut all = json!({
        "session.id": "s1", "user.email": "ada@example.org", "user.id": "anon", "prompt.id": "p1",
        "event.name": name, "event.timestamp": "2026-11-28T17:00:00.000Z", "event.sequence": sequence
    });
    all.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({
        "timeUnixNano": AT.to_string(), "observedTimeUnixNano": AT.to_string(),
        "body": {"stringValue": format!("claude_code.{name}")}, "attributes": attributes(&all)
    })
}

/// A request with one span.
fn span(more: &Json) -> Json {
    let mut span = json!({
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "parentSpanId": "EEE19B7EC3C1B173",
        "name": "chat gpt-5", "kind": 3, "startTimeUnixNano": AT.to_string(), "endTimeUnixNano": (AT + 5_000_000).to_string()
    });
    span.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes(&json!({"service.name": "my-app"}))},
        "scopeSpans": [{"scope": {"name": "opentelemetry.instrumentation.openai_v2"}, "spans": [span]}]
    }]})
}

#[test]
fn a_turn_of_claude_code() {
    let records = [
        log(
            "user_prompt",
            0,
            &json!({"prompt": "Fix it", "prompt_length": 6}),
        ),
        log(
            "api_request",
            1,
            &json!({
                "model": "claude-sonnet-5", "input_tokens": 10, "output_tokens": "20", "cache_read_tokens": 100, "cache_creation_tokens": 5,
                "cost_usd": 0.012_345, "cost_usd_micros": 12_345, "duration_ms": "1500", "request_id": "req_011", "speed": "normal"
            }),
        ),
        log(
            "tool_decision",
            2,
            &json!({"tool_name": "Bash", "tool_use_id": "toolu_1", "decision": "accept", "source": "user_temporary"}),
        ),
        log(
            "tool_result",
            4,
            &json!({
                "tool_name": "mcp_tool", "tool_use_id": "toolu_1", "success": "false", "duration_ms": 12.5, "error": "no",
                "tool_parameters": "{\"mcp_server_name\":\"github\",\"mcp_tool_name\":\"create_issue\"}", "tool_input": "{\"title\":\"x\"}"
            }),
        ),
    ];
    let events = of_json(&logs("claude-code", &records), Signal::Logs);
    let prompt = &events[0];
    assert_eq!(prompt["time"], "2025-06-15T15:06:40.123456Z");
    assert_eq!(
        (&prompt["action"], &prompt["content"]["input"]),
        (&json!("prompt"), &json!("Fix it"))
    );
    assert_eq!(
        prompt["actor"],
        json!({"type": "agent", "id": "claude-code"})
    );
    assert_eq!(
        prompt["initiator"],
        json!({"type": "user", "id": "ada@example.org"})
    );
    assert_eq!(
        (&prompt["job"], &prompt["trace"]),
        (&json!("s1"), &json!("p1"))
    );
    assert_eq!(
        prompt["producer"],
        json!({"id": "claude-code/s1", "seq": 0})
    );
    assert_eq!(prompt["content"]["attributes"]["prompt_length"], 6);
    assert_eq!(prompt["content"]["attributes"]["user.id"], "anon");
    assert_eq!(prompt["content"]["resource"]["host.arch"], "amd64");
    assert_eq!(prompt["content"].get("body"), None);
    let call = &events[1];
    assert_eq!(call["action"], "messages.create");
    assert_eq!(
        call["usage"],
        json!({
            "provider": "anthropic", "model": "claude-sonnet-5", "input_tokens": 115, "output_tokens": 20,
            "cache_read_tokens": 100, "cache_write_tokens": 5, "cost_nanousd": 12_345_000, "prices": "stated"
        })
    );
    assert_eq!(
        (&call["duration_us"], &call["meta"]["request_id"]),
        (&json!(1_500_000), &json!("req_011"))
    );
    assert_eq!(
        events[2]["approval"],
        json!({"decision": "allowed", "approver": "ada@example.org", "rule": "user_temporary", "reason": "accept"})
    );
    let result = &events[3];
    assert_eq!(
        result["resource"],
        json!({"type": "tool", "id": "github/create_issue"})
    );
    assert_eq!(
        (&result["result"], &result["producer"]["call"]),
        (&json!("failure"), &json!("toolu_1"))
    );
    assert_eq!(
        (&result["content"]["input"], &result["duration_us"]),
        (&json!({"title": "x"}), &json!(12_500))
    );
}

#[test]
fn errors_and_moments_of_claude_code() {
    let records = [
        log(
            "api_error",
            5,
            &json!({"model": "claude-sonnet-5", "error": "Overloaded", "status_code": 529, "attempt": 1}),
        ),
        log(
            "permission_mode_changed",
            6,
            &json!({"from_mode": "plan", "to_mode": "default"}),
        ),
    ];
    let events = of_json(&logs("claude-code", &records), Signal::Logs);
    assert_eq!(
        (&events[0]["status"], &events[0]["result"]),
        (&json!(529), &json!("failure"))
    );
    assert_eq!(events[1]["action"], "claude_code.permission_mode_changed");
    assert_eq!(events[1]["content"]["attributes"]["to_mode"], "default");
}

#[test]
fn codex_and_its_tokens() {
    let record = |name: &str, more: &Json| {
        let mut all = json!({"event.name": name, "conversation.id": "c1", "model": "gpt-5-codex", "user.email": "ada@example.org"});
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"timeUnixNano": AT.to_string(), "attributes": attributes(&all)})
    };
    let records = [
        record(
            "codex.sse_event",
            &json!({"event.kind": "response.completed", "input_token_count": 1000, "output_token_count": 50, "cached_token_count": 900, "reasoning_token_count": 10}),
        ),
        record(
            "codex.tool_decision",
            &json!({"tool_name": "shell", "call_id": "call_1", "decision": "denied", "source": "User"}),
        ),
        record(
            "codex.tool_result",
            &json!({"tool_name": "shell", "call_id": "call_1", "arguments": "{\"command\":[\"ls\"]}", "success": "true", "output": "a b", "duration_ms": "3"}),
        ),
    ];
    let mut request = logs("codex_cli_rs", &records);
    request["resourceLogs"][0]["scopeLogs"][0]["scope"] = Json::Null;
    let events = of_json(&request, Signal::Logs);
    assert_eq!(
        (&events[0]["actor"]["id"], &events[0]["job"]),
        (&json!("codex"), &json!("c1"))
    );
    let usage = &events[0]["usage"];
    assert_eq!(
        (
            &usage["input_tokens"],
            &usage["cache_read_tokens"],
            &usage["reasoning_tokens"]
        ),
        (&json!(1000), &json!(900), &json!(10))
    );
    assert_eq!(events[1]["approval"]["decision"], "denied");
    assert_eq!(
        (
            &events[2]["content"]["output"],
            &events[2]["producer"]["call"]
        ),
        (&json!("a b"), &json!("call_1"))
    );
}

#[test]
fn spans_of_the_conventions() {
    let chat = span(&json!({"attributes": attributes(&json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 500,
        "gen_ai.conversation.id": "conv", "gen_ai.response.id": "chatcmpl-1", "gen_ai.input.messages": "[{\"role\":\"user\"}]", "my.own": true
    }))}));
    let event = &of_json(&chat, Signal::Traces)[0];
    assert_eq!(
        (&event["action"], &event["resource"]["id"], &event["job"]),
        (&json!("chat"), &json!("gpt-4o"), &json!("conv"))
    );
    assert_eq!(
        (&event["trace"], &event["parent"]),
        (
            &json!("5b8efff798038103d269b633813fc60c"),
            &json!("eee19b7ec3c1b173")
        )
    );
    assert_eq!(
        (&event["span"], &event["duration_us"], &event["result"]),
        (&json!("eee19b7ec3c1b174"), &json!(5_000), &json!("success"))
    );
    assert!(
        event["usage"]["cost_nanousd"].as_u64().unwrap() > 0,
        "{event}"
    );
    assert_eq!(event["usage"]["model"], "gpt-4o-2024-08-06");
    assert_eq!(event["content"]["input"], json!([{"role": "user"}]));
    assert_eq!(event["content"]["attributes"], json!({"my.own": true}));
    let tool = span(
        &json!({"name": "execute_tool get_weather", "attributes": attributes(&json!({
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather", "gen_ai.tool.call.id": "call_7", "error.type": "TimeoutError",
        "gen_ai.tool.call.arguments": "{\"city\":\"Rome\"}"
    })), "status": {"code": 2, "message": "too late"}, "events": [{"name": "exception", "timeUnixNano": AT, "attributes": []}]}),
    );
    let event = &of_json(&tool, Signal::Traces)[0];
    assert_eq!(
        (&event["action"], &event["resource"]),
        (
            &json!("tools/call"),
            &json!({"type": "tool", "id": "get_weather"})
        )
    );
    assert_eq!(
        (
            &event["result"],
            &event["meta"]["reason"],
            &event["producer"]["call"]
        ),
        (&json!("error"), &json!("too late"), &json!("call_7"))
    );
    assert_eq!(event["content"]["events"][0]["name"], "exception");
    let mcp = span(
        &json!({"name": "tools/call add", "attributes": attributes(&json!({
            "mcp.method.name": "tools/call", "gen_ai.tool.name": "add", "mcp.session.id": "m1", "error.type": "tool_error"
        }))}),
    );
    let event = &of_json(&mcp, Signal::Traces)[0];
    assert_eq!(
        (
            &event["action"],
            &event["result"],
            &event["meta"]["mcp_session"]
        ),
        (&json!("tools/call"), &json!("failure"), &json!("m1"))
    );
}

#[test]
fn spans_of_others() {
    let phoenix = span(
        &json!({"name": "ChatCompletion", "attributes": attributes(&json!({
            "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.provider": "openai", "llm.token_count.prompt": 7, "llm.token_count.completion": 3,
            "input.value": "{\"a\":1}", "output.value": "plain", "session.id": "s9", "llm.cost.total": 0.25
        }))}),
    );
    let event = &of_json(&phoenix, Signal::Traces)[0];
    assert_eq!(
        (&event["action"], &event["job"], &event["resource"]["id"]),
        (&json!("chat"), &json!("s9"), &json!("gpt-4o"))
    );
    assert_eq!(
        (&event["usage"]["cost_nanousd"], &event["usage"]["prices"]),
        (&json!(250_000_000), &json!("stated"))
    );
    assert_eq!(
        (&event["content"]["input"], &event["content"]["output"]),
        (&json!({"a": 1}), &json!("plain"))
    );
    let other = span(
        &json!({"name": "GET /", "attributes": attributes(&json!({"http.response.status_code": 404, "error.type": "404"}))}),
    );
    let event = &of_json(&other, Signal::Traces)[0];
    assert_eq!(
        (&event["action"], &event["status"], &event["result"]),
        (&json!("GET /"), &json!(404), &json!("failure"))
    );
    let claude = span(
        &json!({"name": "claude_code.llm_request", "attributes": attributes(&json!({"model": "claude-sonnet-5", "input_tokens": 9, "session.id": "s1"}))}),
    );
    let event = &of_json(&claude, Signal::Traces)[0];
    assert_eq!(
        event.get("usage"),
        None,
        "a log record tells of the same tokens"
    );
}

/// Fields of protocol buffers.
#[derive(Clone)]
enum P {
    N(u32, u64),
    F(u32, u64),
    B(u32, Vec<u8>),
}

fn proto(fields: &[P]) -> Vec<u8> {
    let varint = |mut number: u64, out: &mut Vec<u8>| {
        while number >= 0x80 {
            out.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        out.push(number.to_le_bytes()[0]);
    };
    let mut out = Vec::new();
    for field in fields {
        match field {
            P::N(tag, number) => {
                varint(u64::from(*tag) << 3, &mut out);
                varint(*number, &mut out);
            }
            P::F(tag, number) => {
                varint(u64::from(*tag) << 3 | 1, &mut out);
                out.extend_from_slice(&number.to_le_bytes());
            }
            P::B(tag, bytes) => {
                varint(u64::from(*tag) << 3 | 2, &mut out);
                varint(bytes.len() as u64, &mut out);
                out.extend_from_slice(bytes);
            }
        }
    }
    out
}

/// `AnyValue` of the JSON of this test.
fn any_value(value: &Json) -> Vec<u8> {
    let (name, value) = value.as_object().unwrap().iter().next().unwrap();
    proto(&[match name.as_str() {
        "stringValue" => P::B(1, value.as_str().unwrap().into()),
        "boolValue" => P::N(2, value.as_bool().unwrap().into()),
        "intValue" => P::N(
            3,
            value
                .as_str()
                .unwrap()
                .parse::<i64>()
                .unwrap()
                .cast_unsigned(),
        ),
        "doubleValue" => P::F(4, value.as_f64().unwrap().to_bits()),
        other => panic!("{other}"),
    }])
}

fn pairs(tag: u32, list: &Json) -> Vec<P> {
    let pairs = list.as_array().unwrap().iter();
    pairs
        .map(|pair| {
            let key = pair["key"].as_str().unwrap().into();
            P::B(
                tag,
                proto(&[P::B(1, key), P::B(2, any_value(&pair["value"]))]),
            )
        })
        .collect()
}

/// The same request of logs as protocol buffers.
fn logs_proto(request: &Json) -> Vec<u8> {
    let group = &request["resourceLogs"][0];
    let scoped = &group["scopeLogs"][0];
    let scope = proto(&[
        P::B(1, scoped["scope"]["name"].as_str().unwrap().into()),
        P::B(2, scoped["scope"]["version"].as_str().unwrap().into()),
    ]);
    let mut list = vec![P::B(1, scope)];
    for record in scoped["logRecords"].as_array().unwrap() {
        let mut fields = vec![
            P::F(1, AT),
            P::F(11, AT),
            P::B(5, any_value(&record["body"])),
        ];
        fields.extend(pairs(6, &record["attributes"]));
        // A field that nobody knows.
        fields.push(P::B(999, vec![1, 2, 3]));
        list.push(P::B(2, proto(&fields)));
    }
    let resource = proto(&pairs(1, &group["resource"]["attributes"]));
    // The order of fields is nobody's promise.
    proto(&[P::B(1, proto(&[P::B(2, proto(&list)), P::B(1, resource)]))])
}

#[test]
fn both_encodings_say_the_same() {
    let records = [
        log(
            "user_prompt",
            0,
            &json!({"prompt": "Ärger", "n": -1, "d": 1.5, "b": true}),
        ),
        log(
            "tool_result",
            1,
            &json!({"tool_name": "Bash", "success": "true"}),
        ),
    ];
    let request = logs("claude-code", &records);
    let mut json = of_json(&request, Signal::Logs);
    let (mut proto, _) = events(&logs_proto(&request), Encoding::Protobuf, Signal::Logs).unwrap();
    for event in json.iter_mut().chain(&mut proto) {
        event.as_object_mut().unwrap().remove("id");
    }
    assert_eq!(json, proto);
}

#[test]
fn what_is_sent_again_has_the_same_ids_and_what_is_sent_as_two_has_two() {
    let record = log("tool_result", 1, &json!({"tool_name": "Bash"}));
    let request = logs(
        "claude-code",
        &[
            record.clone(),
            record.clone(),
            log("tool_result", 2, &json!({})),
        ],
    );
    let ids = |events: &[Json]| {
        events
            .iter()
            .map(|event| event["id"].clone())
            .collect::<Vec<_>>()
    };
    let first = ids(&of_json(&request, Signal::Logs));
    assert_eq!(first, ids(&of_json(&request, Signal::Logs)));
    assert!(first[0] != first[1] && first[1] != first[2]);
    let other = logs("other", &[record]);
    assert_ne!(first[0], ids(&of_json(&other, Signal::Logs))[0]);
    // Without a time nobody can tell a repetition from two of a kind.
    let timeless = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}]}]}]});
    assert_eq!(of_json(&timeless, Signal::Logs)[0]["id"], "fresh");
}

#[test]
fn what_is_no_request_is_an_error_and_a_bad_record_is_refused_alone() {
    for (body, encoding) in [
        (&b"{"[..], Encoding::Json),
        (b"[]", Encoding::Json),
        (b"{\"resourceLogs\":{}}", Encoding::Json),
        (b"{\"resourceLogs\":[1]}", Encoding::Json),
        (b"\x0a", Encoding::Protobuf),
        (b"\x0a\x05ab", Encoding::Protobuf),
        (b"\x08\x01", Encoding::Protobuf),
        (b"\x0b\x0c", Encoding::Protobuf),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            Encoding::Protobuf,
        ),
    ] {
        assert!(events(body, encoding, Signal::Logs).is_err(), "{body:?}");
    }
    for body in [&b"{}"[..], b"{\"resourceLogs\":null}", b"{\"unknown\":1}"] {
        assert_eq!(
            events(body, Encoding::Json, Signal::Logs).unwrap().0.len(),
            0
        );
    }
    assert_eq!(
        events(b"", Encoding::Protobuf, Signal::Traces)
            .unwrap()
            .0
            .len(),
        0
    );
    let mut bad = log("user_prompt", 0, &json!({}));
    bad["attributes"] = json!([{"key": "a", "value": {"intValue": "many"}}]);
    let request = logs("claude-code", &[bad, log("user_prompt", 1, &json!({}))]);
    let (events, export) =
        events(request.to_string().as_bytes(), Encoding::Json, Signal::Logs).unwrap();
    assert_eq!((events.len(), export.refused.len()), (1, 1));
}

#[test]
fn bounds_hold() {
    let mut nested = json!({"stringValue": "x"});
    for _ in 0..40 {
        nested = json!({"arrayValue": {"values": [nested]}});
    }
    let mut deep = log("user_prompt", 0, &json!({}));
    deep["body"] = nested;
    let mut wide = log("user_prompt", 0, &json!({}));
    wide["attributes"] = Json::Array(vec![json!({}); 20_001]);
    let request = logs("claude-code", &[deep, wide]);
    let (_, export) = events(request.to_string().as_bytes(), Encoding::Json, Signal::Logs).unwrap();
    assert_eq!(export.refused.len(), 2);
    let many = logs("claude-code", &vec![json!({}); MAX_RECORDS + 1]);
    let error = events(many.to_string().as_bytes(), Encoding::Json, Signal::Logs).unwrap_err();
    assert!(matches!(error, WireError::TooMany { .. }));
}

#[test]
fn secrets_are_nowhere() {
    let secret = "ghp_PlantedSecretPlantedSecretPlanted123";
    let mut record = log(
        "tool_result",
        0,
        &json!({"tool_name": format!("T {secret}"), "password": "hunter22", "api_key": "k-123456", "x": secret, "prompt.id": secret}),
    );
    record["body"] = json!({"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": format!("a {secret}")}}]}});
    let text = of_json(&logs(secret, &[record]), Signal::Logs)[0].to_string();
    assert!(
        !text.contains("PlantedSecret") && !text.contains("hunter22") && !text.contains("k-123456"),
        "{text}"
    );
}

#[test]
fn replies_are_what_an_exporter_reads() {
    assert_eq!(reply(Encoding::Protobuf, Signal::Logs, 0, ""), b"");
    assert_eq!(reply(Encoding::Json, Signal::Traces, 0, ""), b"{}");
    let partial = reply(Encoding::Protobuf, Signal::Logs, 300, "no");
    assert_eq!(partial, [0x0a, 7, 0x08, 0xac, 0x02, 0x12, 2, b'n', b'o']);
    let partial: Json =
        serde_json::from_slice(&reply(Encoding::Json, Signal::Traces, 3, "no")).unwrap();
    assert_eq!(
        partial,
        json!({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "no"}})
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_request_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for signal in [Signal::Logs, Signal::Traces] {
            let _ = events(&bytes, Encoding::Protobuf, signal);
            let _ = events(&bytes, Encoding::Json, signal);
        }
    }

    #[test]
    fn any_change_of_a_good_request_is_survived(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let request = logs("claude-code", &[log("api_request", 1, &json!({"model": "m", "input_tokens": 1, "cost_usd": 0.5}))]);
        let mut body = logs_proto(&request);
        *at.get_mut(&mut body) = byte;
        let _ = events(&body, Encoding::Protobuf, Signal::Logs);
        let mut body = request.to_string().into_bytes();
        *at.get_mut(&mut body) = byte;
        let _ = events(&body, Encoding::Json, Signal::Logs);
    }

    #[test]
    fn whatever_is_said_is_kept(name in "[a-z.]{1,12}", text in "[^\u{0}-\u{1f}\"\\\\]{1,30}") {
        let record = json!({"timeUnixNano": AT, "attributes": attributes(&json!({name: text}))});
        let event = of_json(&logs("app", &[record]), Signal::Logs)[0].to_string();
        prop_assert!(event.contains(&text), "{event}");
    }
}
