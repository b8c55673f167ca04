//! What is recorded of a call, for every API, whole and streamed.

use serde_json::{Value, json};

use crate::{
    setup::Setup,
    upstream::{Script, Seen},
};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/llm/", $name))
    };
}

const SSE: &str = "text/event-stream; charset=utf-8";
const JSON: &str = "application/json";
const AWS: &str = "application/vnd.amazon.eventstream";

struct Case {
    path: &'static str,
    request: &'static str,
    kind: &'static str,
    answer: Vec<u8>,
    action: &'static str,
    model: &'static str,
    usage: Value,
    /// Where in the output some text must be.
    text: (&'static str, &'static str),
}

/// A stream of AWS events, of lines with their types and payloads.
fn aws_stream(lines: &str) -> Vec<u8> {
    let events = lines.lines().map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        let kind = event["type"].as_str().unwrap();
        aws_event(kind, event["payload"].to_string().as_bytes())
    });
    events.collect::<Vec<_>>().concat()
}

/// An event as AWS writes it.
fn aws_event(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ] {
        headers.push(u8::try_from(name.len()).unwrap());
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_be_bytes()
    };
    let length = u32::try_from(headers.len() + payload.len() + 16).unwrap();
    let mut event = length.to_be_bytes().to_vec();
    event.extend_from_slice(&u32::try_from(headers.len()).unwrap().to_be_bytes());
    event.extend_from_slice(&crc(&event));
    event.extend_from_slice(&headers);
    event.extend_from_slice(payload);
    event.extend_from_slice(&crc(&event));
    event
}

/// Anthropic's events inside of Bedrock's.
fn invoke_stream() -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let events = fixture!("anthropic_messages.sse")
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let chunks = events.map(|event| {
        let chunk = json!({"bytes": STANDARD.encode(event), "p": "abc"});
        aws_event("chunk", chunk.to_string().as_bytes())
    });
    chunks.collect::<Vec<_>>().concat()
}

fn cases() -> impl Iterator<Item = Case> {
    let all = [openai(), anthropic(), gemini(), bedrock()];
    all.into_iter().flatten()
}

/// Tokens of Anthropic's stream.
fn anthropic_usage() -> Value {
    json!({"input_tokens": 1719, "output_tokens": 89, "cache_read_tokens": 1510, "cache_write_tokens": 188})
}

fn openai() -> Vec<Case> {
    vec![
        Case {
            path: "/openai/v1/chat/completions",
            request: r#"{"model":"gpt-4o","messages":[{"role":"user","content":"Paris?"}]}"#,
            kind: JSON,
            answer: fixture!("openai_chat.json").into(),
            action: "chat.completions",
            model: "gpt-4o-2024-08-06",
            usage: json!({"input_tokens": 2006, "output_tokens": 8, "cache_read_tokens": 1920, "reasoning_tokens": 0, "cost_nanousd": 2_695_000}),
            text: (
                "/choices/0/message/content",
                "The capital of France is Paris.",
            ),
        },
        Case {
            path: "/openai/v1/chat/completions",
            request: r#"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}}"#,
            kind: SSE,
            answer: fixture!("openai_chat_tools.sse").into(),
            action: "chat.completions",
            model: "gpt-4o-2024-08-06",
            usage: json!({"input_tokens": 81, "output_tokens": 290, "cache_read_tokens": 0, "reasoning_tokens": 256}),
            text: (
                "/choices/0/message/tool_calls/0/function/arguments",
                "{\"city\":\"Paris\"}",
            ),
        },
        Case {
            path: "/openai/v1/responses",
            request: r#"{"model":"gpt-5","input":"hi","stream":true}"#,
            kind: SSE,
            answer: fixture!("openai_responses.sse").into(),
            action: "responses.create",
            model: "gpt-5-2025-08-07",
            usage: json!({"input_tokens": 1376, "output_tokens": 204, "cache_read_tokens": 1280, "reasoning_tokens": 192}),
            text: ("/output/1/content/0/text", "Hello there!"),
        },
        Case {
            path: "/openai/v1/responses",
            request: r#"{"model":"gpt-5","input":"hi"}"#,
            kind: JSON,
            answer: fixture!("openai_responses.json").into(),
            action: "responses.create",
            model: "gpt-5-2025-08-07",
            usage: json!({"input_tokens": 1376, "output_tokens": 204}),
            text: ("/output/1/content/0/text", "Hello there!"),
        },
    ]
}

fn anthropic() -> Vec<Case> {
    vec![
        Case {
            path: "/anthropic/v1/messages",
            request: r#"{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[],"stream":true}"#,
            kind: SSE,
            answer: fixture!("anthropic_messages.sse").into(),
            action: "messages.create",
            model: "claude-sonnet-4-5-20250929",
            usage: anthropic_usage(),
            text: ("/content/1/text", "I will look that up."),
        },
        Case {
            path: "/anthropic/v1/messages?beta=true",
            request: r#"{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[]}"#,
            kind: JSON,
            answer: fixture!("anthropic_messages.json").into(),
            action: "messages.create",
            model: "claude-sonnet-4-5-20250929",
            usage: json!({"input_tokens": 12, "output_tokens": 6, "cache_read_tokens": 0, "cache_write_tokens": 0, "cost_nanousd": 126_000}),
            text: ("/content/0/text", "Hello!"),
        },
    ]
}

fn gemini() -> Vec<Case> {
    vec![
        Case {
            path: "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            request: r#"{"contents":[]}"#,
            kind: "text/event-stream",
            answer: fixture!("gemini.sse").into(),
            action: "generateContent",
            model: "gemini-2.5-flash",
            usage: json!({"input_tokens": 1041, "output_tokens": 96, "cache_read_tokens": 1000, "reasoning_tokens": 84}),
            text: (
                "/candidates/0/content/parts/1/text",
                "Paris is the capital.",
            ),
        },
        Case {
            path: "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent",
            request: r#"{"contents":[]}"#,
            kind: "application/json; charset=UTF-8",
            answer: fixture!("gemini_array.json").into(),
            action: "generateContent",
            model: "gemini-2.5-flash",
            usage: json!({"input_tokens": 1041, "output_tokens": 96}),
            text: (
                "/candidates/0/content/parts/1/text",
                "Paris is the capital.",
            ),
        },
        Case {
            path: "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
            request: r#"{"contents":[]}"#,
            kind: JSON,
            answer: fixture!("gemini.json").into(),
            action: "generateContent",
            model: "gemini-2.5-flash",
            usage: json!({"input_tokens": 1041, "output_tokens": 96}),
            text: ("/candidates/0/content/parts/0/text", "Paris."),
        },
    ]
}

fn bedrock() -> Vec<Case> {
    vec![
        Case {
            path: "/bedrock/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
            request: r#"{"messages":[]}"#,
            kind: AWS,
            answer: aws_stream(fixture!("bedrock_converse.jsonl")),
            action: "converse",
            model: "anthropic.claude-sonnet-4-5-20250929-v1:0",
            usage: json!({"input_tokens": 1125, "output_tokens": 60, "cache_read_tokens": 1000, "cache_write_tokens": 0}),
            text: ("/output/message/content/1/text", "Hello, world"),
        },
        Case {
            path: "/bedrock/model/amazon.nova-pro-v1%3A0/converse",
            request: r#"{"messages":[]}"#,
            kind: JSON,
            answer: fixture!("bedrock_converse.json").into(),
            action: "converse",
            model: "amazon.nova-pro-v1:0",
            usage: json!({"input_tokens": 1025, "output_tokens": 8}),
            text: ("/output/message/content/0/text", "Hello, world"),
        },
        Case {
            path: "/bedrock/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream",
            request: r#"{"anthropic_version":"bedrock-2023-05-31","messages":[]}"#,
            kind: AWS,
            answer: invoke_stream(),
            action: "invokeModel",
            model: "claude-sonnet-4-5-20250929",
            usage: anthropic_usage(),
            text: ("/content/1/text", "I will look that up."),
        },
        Case {
            path: "/bedrock/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke",
            request: r#"{"anthropic_version":"bedrock-2023-05-31","messages":[]}"#,
            kind: JSON,
            answer: fixture!("anthropic_messages.json").into(),
            action: "invokeModel",
            model: "claude-sonnet-4-5-20250929",
            usage: json!({"input_tokens": 12, "output_tokens": 6}),
            text: ("/content/0/text", "Hello!"),
        },
    ]
}

#[test]
fn every_api_passes_untouched_and_is_recorded_with_its_tokens() {
    for case in cases() {
        let (kind, answer) = (case.kind, case.answer.clone());
        let setup = Setup::new(move |_| {
            // In pieces that keep to no borders.
            let pieces = answer
                .chunks(97)
                .map(|piece| Ok(piece.to_vec().into()))
                .collect();
            Script::pieces(kind, pieces)
        });
        let headers = [
            ("x-indelible-job", "j1"),
            ("authorization", "Bearer client-key-1"),
        ];
        let got = setup.post(case.path, &headers, case.request);
        assert_eq!((got.status, got.is_whole), (200, true), "{}", case.path);
        assert!(
            got.body == case.answer,
            "{}: {}",
            case.path,
            String::from_utf8_lossy(&got.body)
        );
        let seen = setup.upstream.last();
        assert_eq!(seen.body, case.request);
        let (_, path) = case.path[1..].split_once('/').unwrap();
        assert_eq!(seen.path, format!("/{path}"));
        assert_eq!(seen.headers.get("x-indelible-job"), None);
        assert_eq!(seen.headers["authorization"], "Bearer client-key-1");

        let (intent, outcome) = setup.trail.call();
        for event in [&intent, &outcome] {
            assert_eq!(event["action"], case.action, "{}", case.path);
            assert_eq!(event["source"], "llm");
            assert_eq!(event["job"], "j1");
            assert_eq!(event["actor"]["id"], "local");
            assert_eq!(event["resource"]["type"], "model");
        }
        assert_eq!(intent["resource"], outcome["resource"]);
        let streams = case.path.contains("tream") || case.request.contains("\"stream\":true");
        let told = intent["meta"].get("stream");
        assert_eq!(told, streams.then_some(&json!(true)), "{}", case.path);
        assert_eq!(
            intent["content"]["input"],
            serde_json::from_str::<Value>(case.request).unwrap()
        );
        assert_eq!((intent.get("status"), intent.get("result")), (None, None));
        assert_eq!(
            (&outcome["result"], &outcome["status"]),
            (&json!("success"), &json!(200)),
            "{outcome:#}"
        );
        assert!(outcome["duration_us"].as_u64().is_some());
        let usage = &outcome["usage"];
        assert_eq!(usage["model"], case.model, "{}", case.path);
        for (name, expected) in case.usage.as_object().unwrap() {
            assert_eq!(&usage[name], expected, "{} of {}: {usage}", name, case.path);
        }
        let (pointer, text) = case.text;
        let output = &outcome["content"]["output"];
        assert_eq!(
            output.pointer(pointer),
            Some(&json!(text)),
            "{}: {output:#}",
            case.path
        );
    }
}

/// What a client gets that did not ask for the usage.
#[test]
fn usage_that_was_not_asked_for_is_recorded_and_not_seen() {
    let stream = fixture!("openai_chat.sse");
    let setup = Setup::new(move |seen: &Seen| {
        let request: Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(request["stream_options"]["include_usage"], true);
        Script::pieces(
            SSE,
            stream
                .as_bytes()
                .chunks(50)
                .map(|piece| Ok(piece.to_vec().into()))
                .collect(),
        )
    });
    let request = r#"{"model":"gpt-4o","stream":true,"messages":[]}"#;
    let got = setup.post(
        "/openai/v1/chat/completions",
        &[("accept-encoding", "gzip")],
        request,
    );
    assert!(got.is_whole);
    assert!(!got.text().contains("usage"), "{}", got.text());
    assert!(got.text().ends_with("data: [DONE]\n\n"));
    assert_eq!(
        got.text().matches("data: {").count(),
        6,
        "the chunk with the usage is gone, and no other"
    );
    let (intent, outcome) = setup.trail.call();
    assert_eq!(
        intent["content"]["input"],
        serde_json::from_str::<Value>(request).unwrap(),
        "as sent"
    );
    assert_eq!(outcome["usage"]["output_tokens"], 11);
    // Other providers are left alone.
    let setup = Setup::new(move |seen: &Seen| {
        assert!(!seen.body.windows(5).any(|bytes| bytes == b"usage"));
        Script::pieces(SSE, vec![Ok("data: [DONE]\n\n".into())])
    });
    setup.post("/other/v1/chat/completions", &[], request);
    let (_, outcome) = setup.trail.call();
    assert_eq!(
        outcome.get("usage"),
        None,
        "nothing said is nothing recorded"
    );
}

#[test]
fn errors_are_failures_and_pass_as_they_are() {
    for (path, answer) in [
        ("/openai/v1/chat/completions", fixture!("openai_error.json")),
        ("/anthropic/v1/messages", fixture!("anthropic_error.json")),
        (
            "/gemini/v1beta/models/m:generateContent",
            fixture!("gemini_error.json"),
        ),
    ] {
        let setup = Setup::new(move |_| {
            let mut script = Script::whole(429, JSON, answer);
            script.headers.push(("retry-after", "7".to_owned()));
            script.headers.push(("request-id", "req_9".to_owned()));
            script
        });
        let got = setup.post(path, &[], r#"{"model":"m","stream":true}"#);
        assert_eq!(
            (got.status, got.text().as_str(), got.header("retry-after")),
            (429, answer, Some("7"))
        );
        let (_, outcome) = setup.trail.call();
        assert_eq!(
            (&outcome["result"], &outcome["status"]),
            (&json!("failure"), &json!(429))
        );
        assert_eq!(outcome["meta"]["request_id"], "req_9");
        assert_eq!(
            outcome["content"]["output"],
            serde_json::from_str::<Value>(answer).unwrap()
        );
        assert_eq!(outcome.get("usage"), None);
    }
}

#[test]
fn an_error_inside_of_a_stream_is_an_error_and_keeps_what_was_told() {
    let setup =
        Setup::new(|_| Script::pieces(SSE, vec![Ok(fixture!("anthropic_error.sse").into())]));
    let got = setup.post(
        "/anthropic/v1/messages",
        &[],
        r#"{"model":"m","stream":true}"#,
    );
    assert!(got.is_whole);
    let (_, outcome) = setup.trail.call();
    assert_eq!(
        (&outcome["result"], &outcome["meta"]["reason"]),
        (&json!("error"), &json!("Overloaded"))
    );
    assert_eq!(outcome["usage"]["input_tokens"], 1719);
    assert_eq!(
        outcome["content"]["output"]["content"][0]["thinking"],
        "Weather is needed."
    );
}

/// An answer with a vector of a megabyte and more, as batches have it.
fn vectors(before: &str, behind: &str) -> String {
    let vector = vec!["-0.012345678901"; 100_000].join(",");
    format!("{before}[{vector}]{behind}")
}

#[test]
fn embeddings_have_a_model_and_tokens_of_input_alone() {
    const TITAN: &str = "/bedrock/model/amazon.titan-embed-text-v2%3A0/invoke";
    const COUNT: (&str, &str) = ("x-amzn-bedrock-input-token-count", "8000");
    for (path, request, answer, header, action, model, usage) in [
        (
            "/openai/v1/embeddings",
            r#"{"model":"text-embedding-3-small","input":["a","b"]}"#,
            vectors(
                r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"#,
                r#"}],"model":"text-embedding-3-small","usage":{"prompt_tokens":8000,"total_tokens":8000}}"#,
            ),
            None,
            "embeddings.create",
            "text-embedding-3-small",
            json!({"input_tokens": 8_000, "cost_nanousd": 160_000}),
        ),
        (
            "/gemini/v1beta/models/gemini-embedding-001:embedContent",
            r#"{"content":{"parts":[{"text":"a"}]}}"#,
            r#"{"embedding":{"values":[0.1,-0.2]},"usageMetadata":{"promptTokenCount":8000}}"#.to_owned(),
            None,
            "embedContent",
            "gemini-embedding-001",
            json!({"input_tokens": 8_000, "cost_nanousd": 1_200_000}),
        ),
        (
            TITAN,
            r#"{"inputText":"a"}"#,
            vectors(r#"{"embedding":"#, r#","inputTextTokenCount":8000}"#),
            None,
            "invokeModel",
            "amazon.titan-embed-text-v2:0",
            json!({"input_tokens": 8_000, "cost_nanousd": 160_000}),
        ),
        (
            "/bedrock/model/cohere.embed-multilingual-v3/invoke",
            r#"{"texts":["a"],"input_type":"search_document"}"#,
            r#"{"embeddings":[[0.1,-0.2]],"id":"e-1","response_type":"embeddings_floats","texts":["a"]}"#.to_owned(),
            Some(COUNT),
            "invokeModel",
            "cohere.embed-multilingual-v3",
            json!({"input_tokens": 8_000}),
        ),
    ] {
        let body = answer.clone();
        let setup = Setup::new(move |_| {
            let mut script = Script::whole(200, JSON, body.clone());
            let header = header.map(|(name, value)| (name, value.to_owned()));
            script.headers.extend(header);
            script
        });
        let got = setup.post(path, &[], request);
        assert!(got.body == answer.as_bytes(), "{path}");
        let (intent, outcome) = setup.trail.call();
        for event in [&intent, &outcome] {
            assert_eq!(event["action"], action);
            assert_eq!(event["resource"], json!({"type": "model", "id": model}));
        }
        let told = &outcome["usage"];
        assert_eq!((&told["model"], told.get("output_tokens")), (&json!(model), None));
        for (name, expected) in usage.as_object().unwrap() {
            assert_eq!(&told[name], expected, "{name} of {path}: {told}");
        }
        if answer.len() < 1_000 {
            let output: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(outcome["content"]["output"], output);
        }
    }
}

#[test]
fn a_call_is_named_as_its_provider_names_it() {
    for (path, id) in [
        ("/openai/v1/chat/completions", "of-openai"),
        ("/anthropic/v1/messages", "of-anthropic"),
        ("/anthropic/v1/models", "of-anthropic"),
        ("/bedrock/model/m/converse", "of-aws"),
        ("/gemini/v1beta/models/m:generateContent", "of-openai"),
    ] {
        let setup = Setup::new(|_| {
            let mut script = Script::whole(200, JSON, "{}");
            let ids = [
                ("x-request-id", "of-openai"),
                ("request-id", "of-anthropic"),
                ("x-amzn-requestid", "of-aws"),
            ];
            let ids = ids.map(|(name, id)| (name, id.to_owned()));
            script.headers.extend(ids);
            script
        });
        assert_eq!(setup.post(path, &[], "{}").status, 200);
        assert_eq!(setup.trail.call().1["meta"]["request_id"], id, "{path}");
    }
}

#[test]
fn anything_else_is_a_plain_call() {
    let setup = Setup::new(|seen| {
        assert_eq!(seen.method, "GET");
        Script::whole(
            200,
            JSON,
            r#"{"object":"list","usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
        )
    });
    let mut client = setup.connect();
    client.write("GET /openai/v1/models?limit=2 HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    let (intent, outcome) = setup.trail.call();
    assert_eq!(intent["action"], "GET /v1/models");
    assert_eq!(
        intent["resource"],
        json!({"type": "endpoint", "id": "/v1/models"})
    );
    assert_eq!((intent.get("content"), outcome.get("usage")), (None, None));
    assert_eq!(outcome["content"]["output"]["object"], "list");
    // The same connection again.
    client.write("GET /openai/v1/models HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert_eq!(setup.trail.events(4).len(), 4);
}

#[test]
fn a_path_without_a_provider_is_refused_in_words() {
    let setup = Setup::new(|_| unreachable!());
    let got = setup.post("/nowhere/v1/chat/completions", &[], "{}");
    assert_eq!(got.status, 404);
    let message = got.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("openai") && message.contains("[rule: llm.upstream]"),
        "{message}"
    );
}

#[test]
fn a_path_that_leads_out_of_the_providers_goes_nowhere() {
    let setup = Setup::new(|_| Script::whole(200, JSON, "{}"));
    for (n, path) in [
        "/openai/../admin",
        "/openai/v1/%2e%2E/admin",
        "/openai/..%2fadmin",
    ]
    .into_iter()
    .enumerate()
    {
        let got = setup.post(path, &[], "{}");
        assert_eq!(got.status, 400, "{path}");
        assert_eq!(got.json()["error"]["code"], "llm.path");
        let event = &setup.trail.events(n + 1)[n];
        assert_eq!(
            (&event["approval"]["rule"], &event["status"]),
            (&json!("llm.path"), &json!(400))
        );
    }
    assert!(setup.upstream.seen.lock().unwrap().is_empty());
}

#[test]
fn a_client_of_http_1_0_is_no_reason_to_ask_in_its_version() {
    let setup = Setup::new(|_| Script::whole(200, JSON, "{}"));
    let mut client = setup.connect();
    client.write("POST /openai/v1/responses HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}");
    assert_eq!(client.answer().status, 200);
    assert_eq!(setup.upstream.last().version, hyper::Version::HTTP_11);
}
