//! Secrets do not reach the record, wherever they are planted.

use crate::{
    setup::Setup,
    upstream::{Script, Seen},
};

const PLANTED: [&str; 6] = [
    "sk-proj-abcdefghijklmnopqrstuvwx",
    "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
    "AKIAIOSFODNN7EXAMPLE",
    "hunter2-the-password",
    "client-own-key-without-any-form",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJl",
];

#[test]
fn planted_everywhere_and_found_nowhere() {
    let setup = Setup::new(|seen: &Seen| {
        let said = String::from_utf8_lossy(&seen.body).into_owned();
        let answer = serde_json::json!({
            "model": "m",
            "error_echo": format!("Incorrect API key provided: {}", PLANTED[4]),
            "choices": [{"message": {"content": format!("you said {said}"), "tool_calls": [{"function": {
                "arguments": format!("{{\"password\":\"{}\"}}", PLANTED[3]),
            }}]}}]
        });
        let mut script = Script::whole(200, "application/json", answer.to_string());
        script
            .headers
            .push(("x-request-id", format!("req {}", PLANTED[1])));
        script
            .headers
            .push(("set-cookie", format!("session={}", PLANTED[5])));
        script
    });
    let body = serde_json::json!({
        "model": format!("m {}", PLANTED[0]),
        "messages": [{"content": format!("use {} and {}", PLANTED[0], PLANTED[1])}],
        "metadata": {"api_key": PLANTED[2], "password": PLANTED[3], "nested": format!("{{\"token\": \"{}\"}}", PLANTED[5])},
    });
    let headers = [
        ("authorization", format!("Bearer {}", PLANTED[4])),
        ("cookie", format!("session={}", PLANTED[5])),
        ("x-indelible-job", format!("job {}", PLANTED[2])),
        ("x-indelible-agent", format!("agent {}", PLANTED[1])),
    ];
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let path = format!(
        "/openai/v1/chat/completions?key={}&x={}",
        PLANTED[4], PLANTED[0]
    );
    assert_eq!(setup.post(&path, &headers, &body.to_string()).status, 200);
    let path = format!("/openai/v1/files/{}", PLANTED[1]);
    assert_eq!(setup.post(&path, &headers, "{}").status, 200);
    let events = setup.trail.events(4);
    let recorded = setup.trail.text();
    for secret in PLANTED {
        assert!(!recorded.contains(secret), "{secret} is in {recorded}");
    }
    assert!(
        events[0]["redactions"].as_u64().unwrap() >= 5,
        "{:#}",
        events[0]
    );
    assert!(
        events[1]["redactions"].as_u64().unwrap() >= 3,
        "{:#}",
        events[1]
    );
    assert!(
        setup.upstream.seen.lock().unwrap()[0]
            .headers
            .contains_key("cookie"),
        "on the way nothing is taken out"
    );
}

/// In a stream no piece need hold a whole secret.
#[test]
fn a_secret_that_streams_in_pieces_is_found_in_the_message() {
    let setup = Setup::new(|_| {
        let events = PLANTED[1].as_bytes().chunks(4).map(|part| {
            let part = std::str::from_utf8(part).unwrap();
            Ok(format!(
                "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{part}\"}}}}]}}\n\n"
            )
            .into())
        });
        Script::pieces(
            "text/event-stream",
            events.chain([Ok("data: [DONE]\n\n".into())]).collect(),
        )
    });
    let got = setup.post("/other/v1/chat/completions", &[], r#"{"stream":true}"#);
    assert!(got.text().contains("0123"));
    let (_, outcome) = setup.trail.call();
    let text = outcome["content"]["output"]["choices"][0]["message"]["content"]
        .as_str()
        .unwrap();
    assert!(text.starts_with("[REDACTED:github-token:"), "{text}");
}
