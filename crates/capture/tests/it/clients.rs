//! Clients that leave, and clients that only look so.

use std::{net::Shutdown, time::Duration};

use serde_json::json;

use crate::{
    setup::{Setup, wait_for},
    upstream::Script,
};

/// Longest wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);
const SSE: &str = "text/event-stream";
const REQUEST: &str = r#"{"model":"claude-x","stream":true}"#;
const PATH: &str = "/anthropic/v1/messages";

/// A gateway whose upstream streams what the test sends.
fn streaming() -> (
    Setup,
    std::sync::mpsc::Receiver<tokio::sync::mpsc::Sender<crate::upstream::Piece>>,
) {
    let (sender, pieces) = std::sync::mpsc::channel();
    let setup = Setup::new(move |_| {
        let (script, body) = Script::open(200, SSE);
        sender.send(body).unwrap();
        script
    });
    (setup, pieces)
}

/// The events of a stream up to some text.
fn events_until(text: &str) -> String {
    let stream = include_str!("../../fixtures/llm/anthropic_messages.sse");
    let end = stream.find(text).unwrap();
    let end = end + stream[end..].find("\n\n").unwrap() + 2;
    stream[..end].to_owned()
}

#[test]
fn one_that_leaves_in_the_middle_ends_the_call() {
    let (setup, pieces) = streaming();
    let mut client = setup.connect();
    client.post(PATH, &[], REQUEST);
    let body = pieces.recv_timeout(PATIENCE).unwrap();
    let begin = events_until("I will look ");
    body.blocking_send(Ok(begin.into())).unwrap();
    client.until("I will look ");
    drop(client);
    wait_for("the provider is not told", || body.is_closed());
    let (_, outcome) = setup.trail.call();
    assert_eq!(outcome["result"], "error");
    assert!(
        outcome["meta"]["reason"]
            .as_str()
            .unwrap()
            .contains("client"),
        "{outcome:#}"
    );
    assert_eq!(
        outcome["content"]["output"]["content"][1]["text"],
        "I will look "
    );
    assert_eq!(
        outcome["usage"]["input_tokens"], 1719,
        "what was told is kept"
    );
}

#[test]
fn one_that_leaves_after_the_last_event_has_got_everything() {
    let (setup, pieces) = streaming();
    let mut client = setup.connect();
    client.post(PATH, &[], REQUEST);
    let body = pieces.recv_timeout(PATIENCE).unwrap();
    body.blocking_send(Ok(events_until("\"message_stop\"").into()))
        .unwrap();
    client.until("message_stop\"}");
    drop(client);
    wait_for("the provider is not told", || body.is_closed());
    let (_, outcome) = setup.trail.call();
    assert_eq!(
        (&outcome["result"], &outcome["usage"]["output_tokens"]),
        (&json!("success"), &json!(89))
    );
}

#[test]
fn one_that_leaves_before_an_answer_does_not_keep_the_model_busy() {
    let (sender, asked) = std::sync::mpsc::channel();
    let (answer, answers) = std::sync::mpsc::channel::<()>();
    let answers = std::sync::Mutex::new(answers);
    let setup = Setup::new(move |_| {
        sender.send(()).unwrap();
        let _ = answers.lock().unwrap().recv_timeout(PATIENCE);
        Script::whole(200, "application/json", "{}")
    });
    let mut client = setup.connect();
    client.post(PATH, &[], REQUEST);
    asked.recv_timeout(PATIENCE).unwrap();
    drop(client);
    let (_, outcome) = setup.trail.call();
    assert_eq!(
        (&outcome["result"], outcome.get("status")),
        (&json!("error"), None)
    );
    assert!(
        outcome["meta"]["reason"]
            .as_str()
            .unwrap()
            .contains("client")
    );
    drop(answer);
}

#[test]
fn one_that_has_said_all_and_waits_gets_its_answer() {
    let (sender, asked) = std::sync::mpsc::channel();
    let (answer, answers) = std::sync::mpsc::channel::<()>();
    let answers = std::sync::Mutex::new(answers);
    let setup = Setup::new(move |_| {
        sender.send(()).unwrap();
        let _ = answers.lock().unwrap().recv_timeout(PATIENCE);
        Script::whole(200, "application/json", r#"{"model":"m"}"#)
    });
    let mut client = setup.connect();
    client.post(PATH, &[], REQUEST);
    client.stream.shutdown(Shutdown::Write).unwrap();
    asked.recv_timeout(PATIENCE).unwrap();
    // Longer than the gateway takes to look twice.
    std::thread::sleep(Duration::from_millis(700));
    answer.send(()).unwrap();
    let got = client.answer();
    assert_eq!((got.status, got.json()), (200, json!({"model": "m"})));
    assert_eq!(got.header("connection"), Some("close"));
    let (_, outcome) = setup.trail.call();
    assert_eq!(outcome["result"], "success");
}

#[test]
fn one_that_leaves_in_the_middle_of_its_request_made_no_whole_one() {
    let setup = Setup::new(|_| Script::whole(200, "application/json", "{}"));
    let mut client = setup.connect();
    client.write("POST /anthropic/v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"model\":\"m\",");
    drop(client);
    let (intent, outcome) = setup.trail.call();
    assert_eq!(intent["meta"]["request_cut"], true);
    assert_eq!(outcome["result"], "error");
    assert_eq!(intent["content"]["input"], "{\"model\":\"m\",");
}

#[test]
fn one_that_reads_slowly_holds_back_the_provider_and_loses_nothing() {
    let (setup, pieces) = streaming();
    let mut client = setup.connect();
    client.post("/other/v1/stream", &[], "{}");
    let body = pieces.recv_timeout(PATIENCE).unwrap();
    // More than all the buffers on the way hold.
    let piece = bytes::Bytes::from(vec![b'z'; 1 << 20]);
    let mut sent = 0;
    while sent < 64 && body.try_send(Ok(piece.clone())).is_ok() {
        sent += 1;
    }
    wait_for("nothing is taken", || {
        body.max_capacity() - body.capacity() < 64
    });
    std::thread::sleep(Duration::from_millis(300));
    let waiting = body.max_capacity() - body.capacity();
    assert!(
        waiting > 16,
        "the provider is not held back: {waiting} pieces of {sent} wait"
    );
    drop(body);
    let got = client.answer();
    assert!(got.is_whole);
    assert_eq!(got.body.len(), sent << 20);
    let (_, outcome) = setup.trail.call();
    assert_eq!(outcome["content"]["whole"]["output"]["bytes"], sent << 20);
}
