//! Bodies pass as they come: without delay, packed, in any size.

use std::io::Write;

use serde_json::{Value, json};

use crate::{
    setup::Setup,
    upstream::{Script, Seen},
};

const SSE: &str = "text/event-stream";

#[test]
fn a_piece_arrives_before_the_next_one_is_sent() {
    let (sender, pieces) = std::sync::mpsc::channel();
    let setup = Setup::new(move |_| {
        let (script, body) = Script::open(200, SSE);
        sender.send(body).unwrap();
        script
    });
    // One stream is looked through for usage, the other is not touched at all.
    for path in ["/openai/v1/chat/completions", "/other/v1/chat/completions"] {
        let mut client = setup.connect();
        client.post(path, &[], r#"{"model":"m","stream":true}"#);
        let body = pieces
            .recv_timeout(std::time::Duration::from_secs(30))
            .unwrap();
        client.head();
        for n in 0..3 {
            let event =
                format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{n}\"}}}}]}}\n\n");
            body.blocking_send(Ok(event.clone().into())).unwrap();
            client.until(&event);
        }
        body.blocking_send(Ok("data: [DONE]\n\n".into())).unwrap();
        drop(body);
        client.until("0\r\n\r\n");
    }
    let events = setup.trail.events(4);
    assert_eq!(
        events[1]["content"]["output"]["choices"][0]["message"]["content"],
        "012"
    );
    assert_eq!(events[3]["result"], "success");
}

#[test]
fn a_request_passes_piece_by_piece_too() {
    let setup = Setup::new(|seen: &Seen| Script::whole(200, "application/json", seen.body.clone()));
    let mut client = setup.connect();
    client.write(
        "POST /anthropic/v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    for part in ["{\"model\":", "\"m-1\",", "\"max_tokens\":1}"] {
        client.write(format!("{:x}\r\n{part}\r\n", part.len()));
    }
    client.write("0\r\n\r\n");
    assert_eq!(
        client.answer().json(),
        json!({"model": "m-1", "max_tokens": 1})
    );
    let (intent, _) = setup.trail.call();
    assert_eq!(intent["resource"]["id"], "m-1");
}

#[test]
fn what_is_packed_stays_packed_and_is_read() {
    let answer = include_str!("../../fixtures/llm/anthropic_messages.sse");
    let packed = zstd::encode_all(answer.as_bytes(), 3).unwrap();
    let sent = packed.clone();
    let setup = Setup::new(move |seen: &Seen| {
        assert_eq!(seen.headers["accept-encoding"], "gzip, zstd");
        let mut script = Script::pieces(
            SSE,
            sent.chunks(40)
                .map(|piece| Ok(piece.to_vec().into()))
                .collect(),
        );
        script.headers.push(("content-encoding", "zstd".to_owned()));
        script
    });
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(br#"{"model":"claude-x","stream":true}"#)
        .unwrap();
    let request = gzip.finish().unwrap();
    let mut client = setup.connect();
    client.write(format!(
        "POST /anthropic/v1/messages HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip, br, zstd\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        request.len()
    ));
    client.write(&request);
    let got = client.answer();
    assert_eq!(
        (got.body, setup.upstream.last().body.to_vec()),
        (packed, request)
    );
    let (intent, outcome) = setup.trail.call();
    assert_eq!(intent["content"]["input"]["model"], "claude-x");
    assert_eq!(outcome["usage"]["output_tokens"], 89);
}

#[test]
fn large_bodies_are_cut_in_the_record_and_nowhere_else() {
    let answer = format!(
        "{{\"model\":\"m-2\",\"big\":\"{}\",\"usage\":{{\"input_tokens\":5,\"output_tokens\":7}}}}",
        "y".repeat(5 << 20)
    );
    let sent = answer.clone();
    let setup = Setup::new(move |_| Script::whole(200, "application/json", sent.clone()));
    let request = format!(
        "{{\"messages\":\"{}\",\"model\":\"m-1\"}}",
        "x".repeat(3 << 20)
    );
    let got = setup.post("/anthropic/v1/messages", &[], &request);
    assert!(got.is_whole && got.text() == answer);
    assert!(setup.upstream.last().body == request);
    let (intent, outcome) = setup.trail.call();
    assert_eq!(intent["resource"]["id"], "m-1", "found behind what was cut");
    assert_eq!(
        (
            &outcome["usage"]["model"],
            &outcome["usage"]["output_tokens"]
        ),
        (&json!("m-2"), &json!(7))
    );
    for (event, name, text) in [(&intent, "input", &request), (&outcome, "output", &answer)] {
        let kept = event["content"][name]["truncated"].as_str().unwrap();
        assert!(text.starts_with(kept) && kept.len() > 1_000_000);
        assert_eq!(event["truncated_bytes"], text.len() - kept.len());
        assert_eq!(event["content"]["whole"][name]["bytes"], text.len());
        assert_eq!(event["content"]["whole"][name]["sha256"], sha256(text));
    }
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    let digest: [u8; 32] = sha2::Sha256::digest(text).into();
    digest
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

#[test]
fn bytes_that_are_no_text_are_kept_as_base64() {
    let setup = Setup::new(|_| Script::whole(200, "audio/mpeg", &b"\xff\xfb\x90\x00"[..]));
    let got = setup.post(
        "/openai/v1/audio/speech",
        &[],
        r#"{"model":"tts-1","input":"hi"}"#,
    );
    assert_eq!(got.body, b"\xff\xfb\x90\x00");
    let (intent, outcome) = setup.trail.call();
    assert_eq!(intent["resource"], json!({"type": "model", "id": "tts-1"}));
    assert_eq!(outcome["content"]["output"], json!({"base64": "//uQAA=="}));
    let text: Value = json!("plain words");
    let setup = Setup::new(|_| Script::whole(200, "text/plain", "plain words"));
    setup.post("/openai/v1/audio/transcriptions", &[], "not json");
    let (intent, outcome) = setup.trail.call();
    assert_eq!(
        (&intent["content"]["input"], &outcome["content"]["output"]),
        (&json!("not json"), &text)
    );
}
