//! Upstreams that are away, break off or talk nonsense.

use std::{net::TcpListener, time::Duration};

use serde_json::json;

use crate::{setup::Setup, upstream::Script};

const SSE: &str = "text/event-stream";

#[test]
fn one_that_is_away_is_told_in_the_clients_words() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let setup = Setup::with(
        |_| unreachable!(),
        |settings, _| {
            let upstreams = &mut settings.llm.as_mut().unwrap().upstream;
            for url in upstreams.values_mut() {
                url.clone_from(&nobody);
            }
        },
    );
    for (n, (path, pointer)) in [
        ("/openai/v1/chat/completions", "/error/message"),
        ("/anthropic/v1/messages", "/error/message"),
        ("/gemini/v1beta/models/m:generateContent", "/error/message"),
        ("/bedrock/model/m/converse", "/message"),
    ]
    .iter()
    .enumerate()
    {
        let got = setup.post(path, &[], r#"{"model":"m"}"#);
        assert_eq!(got.status, 502);
        let message = got
            .json()
            .pointer(pointer)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        assert!(message.contains("[rule: upstream]"), "{message}");
        let events = setup.trail.events(2 * n + 2);
        let outcome = &events[2 * n + 1];
        assert_eq!(
            (&outcome["result"], &outcome["status"]),
            (&json!("error"), &json!(502))
        );
        assert!(
            outcome["meta"]["reason"]
                .as_str()
                .unwrap()
                .contains("refused"),
            "{outcome:#}"
        );
    }
}

#[test]
fn one_that_breaks_off_leaves_an_error_and_what_it_said() {
    let stream = include_str!("../../fixtures/llm/openai_chat.sse");
    let (begin, _) = stream.split_once(" France").unwrap();
    let begin = begin.to_owned();
    for keeps_length in [false, true] {
        let (sender, pieces) = std::sync::mpsc::channel();
        let setup = Setup::new(move |_| {
            let (mut script, body) = Script::open(200, SSE);
            if keeps_length {
                script.headers.push(("content-length", "100000".to_owned()));
            }
            sender.send(body).unwrap();
            script
        });
        let mut client = setup.connect();
        client.post(
            "/other/v1/chat/completions",
            &[],
            r#"{"model":"gpt-4o","stream":true}"#,
        );
        let body = pieces.recv_timeout(Duration::from_secs(30)).unwrap();
        body.blocking_send(Ok(begin.clone().into())).unwrap();
        client.peek("capital of");
        let broken = std::io::Error::other("broken by the test");
        body.blocking_send(Err(broken)).unwrap();
        let got = client.answer();
        assert!(!got.is_whole, "the client learns that its stream broke off");
        let (_, outcome) = setup.trail.call();
        assert_eq!(
            (&outcome["result"], &outcome["status"]),
            (&json!("error"), &json!(200))
        );
        assert!(
            outcome["meta"]["reason"]
                .as_str()
                .unwrap()
                .contains("broke off"),
            "{outcome:#}"
        );
        assert_eq!(
            outcome["content"]["output"]["choices"][0]["message"]["content"],
            "The capital of"
        );
        assert_eq!(outcome.get("usage"), None);
    }
}

#[test]
fn a_stream_without_its_last_event_is_no_success() {
    let stream = include_str!("../../fixtures/llm/anthropic_messages.sse");
    let (begin, _) = stream.split_once("event: message_stop").unwrap();
    let begin = begin.to_owned();
    let setup = Setup::new(move |_| Script::pieces(SSE, vec![Ok(begin.clone().into())]));
    let got = setup.post(
        "/anthropic/v1/messages",
        &[],
        r#"{"model":"m","stream":true}"#,
    );
    assert!(got.is_whole, "as HTTP has it");
    let (_, outcome) = setup.trail.call();
    assert_eq!(outcome["result"], "error");
    assert_eq!(outcome["usage"]["output_tokens"], 89);
}

#[test]
fn nonsense_passes_and_is_kept_as_what_it_is() {
    let setup = Setup::new(|_| {
        Script::pieces(
            SSE,
            vec![Ok(
                "data: {\"choices\": 7}\n\ndata: nonsense\n\n\u{0}\u{1}".into()
            )],
        )
    });
    let got = setup.post("/openai/v1/chat/completions", &[], r#"{"stream":true}"#);
    assert!(got.is_whole);
    assert_eq!(
        got.text(),
        "data: {\"choices\": 7}\n\ndata: nonsense\n\n\u{0}\u{1}"
    );
    let (intent, outcome) = setup.trail.call();
    assert_eq!(outcome["result"], "error");
    assert_eq!(
        intent["resource"],
        json!({"type": "endpoint", "id": "/v1/chat/completions"})
    );
}

#[test]
fn a_connection_that_was_closed_meanwhile_costs_no_call() {
    let setup = Setup::new(|_| {
        let mut script = Script::whole(200, "application/json", "{}");
        script.headers.push(("connection", "close".to_owned()));
        script
    });
    for n in 1..=5 {
        assert_eq!(setup.post("/other/v1/x", &[], "{}").status, 200);
        assert_eq!(setup.trail.events(2 * n)[2 * n - 1]["result"], "success");
    }
}
