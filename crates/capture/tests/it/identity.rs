//! Who acts, and which key goes out.

use serde_json::json;

use crate::{
    setup::{Setup, agent},
    upstream::{Script, Seen},
};

const KEY: &str = "sk-real-provider-key-of-ours";

/// Two agents, and keys for all providers but one.
fn with_agents() -> Setup {
    Setup::with(
        |seen: &Seen| {
            Script::whole(
                200,
                "application/json",
                format!("{{\"path\":{:?}}}", seen.path),
            )
        },
        |settings, dir| {
            settings.agents = vec![
                agent(dir, "agent-7", "tok-seven-0123"),
                agent(dir, "agent-8", "tok-eight-0123"),
            ];
            std::fs::write(dir.join("key"), format!("{KEY}\n")).unwrap();
            let llm = settings.llm.as_mut().unwrap();
            for name in ["openai", "anthropic", "gemini", "bedrock"] {
                llm.key_file.insert(name.to_owned(), dir.join("key"));
            }
        },
    )
}

#[test]
fn a_token_comes_in_and_the_real_key_goes_out_in_the_same_place() {
    let setup = with_agents();
    for (n, (path, header, token, place, sent)) in [
        (
            "/openai/v1/chat/completions",
            "authorization",
            "Bearer tok-seven-0123",
            "authorization",
            format!("Bearer {KEY}"),
        ),
        (
            "/anthropic/v1/messages",
            "x-api-key",
            "tok-seven-0123",
            "x-api-key",
            KEY.to_owned(),
        ),
        (
            "/anthropic/v1/messages",
            "authorization",
            "bearer tok-seven-0123",
            "authorization",
            format!("Bearer {KEY}"),
        ),
        (
            "/gemini/v1beta/models/m:generateContent",
            "x-goog-api-key",
            "tok-seven-0123",
            "x-goog-api-key",
            KEY.to_owned(),
        ),
        (
            "/bedrock/model/m/converse",
            "authorization",
            "Bearer tok-seven-0123",
            "authorization",
            format!("Bearer {KEY}"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let got = setup.post(
            path,
            &[(header, token), ("x-indelible-agent", "boss")],
            "{}",
        );
        assert_eq!(got.status, 200, "{}", got.text());
        assert_eq!(setup.upstream.last().headers[place], sent);
        let events = setup.trail.events(2 * n + 2);
        let intent = &events[2 * n];
        assert_eq!(
            intent["actor"],
            json!({"type": "agent", "id": "agent-7", "ip": "127.0.0.1", "auth": "key"})
        );
        assert_eq!(intent["meta"]["claimed_agent"], "boss");
        assert_eq!(intent["meta"]["key_fingerprint"].as_str().unwrap().len(), 8);
    }
    let path = "/gemini/v1beta/models/m:generateContent?alt=sse&key=tok-eight-0123";
    assert_eq!(setup.post(path, &[], "{}").status, 200);
    assert_eq!(
        setup.upstream.last().path,
        format!("/v1beta/models/m:generateContent?alt=sse&key={KEY}")
    );
    assert_eq!(setup.trail.events(12)[10]["actor"]["id"], "agent-8");
    let recorded = setup.trail.text();
    assert!(
        !recorded.contains(KEY) && !recorded.contains("tok-"),
        "{recorded}"
    );
}

#[test]
fn without_a_good_token_nothing_goes_out() {
    let setup = with_agents();
    for (n, (path, headers, pointer)) in [
        ("/openai/v1/chat/completions", vec![], "/error/type"),
        (
            "/openai/v1/chat/completions",
            vec![("authorization", "Bearer tok-nine")],
            "/error/type",
        ),
        (
            "/anthropic/v1/messages",
            vec![("x-api-key", "sk-ant-their-own-key-0123456789")],
            "/error/type",
        ),
    ]
    .iter()
    .enumerate()
    {
        let got = setup.post(path, headers, "{}");
        assert_eq!(
            (got.status, got.json().pointer(pointer)),
            (401, Some(&json!("authentication_error")))
        );
        let refused = &setup.trail.events(n + 1)[n];
        assert_eq!(
            (&refused["result"], &refused["status"]),
            (&json!("failure"), &json!(401))
        );
        assert_eq!(
            (
                &refused["approval"]["decision"],
                &refused["approval"]["rule"]
            ),
            (&json!("denied"), &json!("agent.token"))
        );
        assert_eq!(refused["producer"].get("phase"), None);
    }
    assert!(setup.upstream.seen.lock().unwrap().is_empty());
    assert!(
        !setup.trail.text().contains("sk-ant-their"),
        "{}",
        setup.trail.text()
    );
}

#[test]
fn a_token_never_reaches_a_provider_that_we_have_no_key_for() {
    let setup = with_agents();
    let got = setup.post(
        "/other/v1/chat/completions",
        &[("authorization", "Bearer tok-seven-0123")],
        "{}",
    );
    assert_eq!(got.status, 200);
    assert_eq!(setup.upstream.last().headers.get("authorization"), None);
}

#[test]
fn a_key_is_injected_for_clients_that_show_none() {
    let setup = Setup::with(
        |_| Script::whole(200, "application/json", "{}"),
        |settings, dir| {
            std::fs::write(dir.join("key"), KEY).unwrap();
            let llm = settings.llm.as_mut().unwrap();
            llm.key_file.insert("anthropic".to_owned(), dir.join("key"));
        },
    );
    setup.post("/anthropic/v1/messages", &[], "{}");
    assert_eq!(setup.upstream.last().headers["x-api-key"], KEY);
    setup.post(
        "/anthropic/v1/messages",
        &[("authorization", "Bearer whatever-they-have")],
        "{}",
    );
    assert_eq!(
        setup.upstream.last().headers["authorization"],
        format!("Bearer {KEY}")
    );
    assert_eq!(
        setup.trail.events(4)[0]["actor"]["auth"],
        serde_json::Value::Null
    );
}

#[test]
fn a_job_can_be_named_in_the_path() {
    let setup = Setup::new(|seen| {
        assert_eq!(seen.path, "/v1/models");
        Script::whole(200, "application/json", "{}")
    });
    let trace = (
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    );
    assert_eq!(
        setup
            .post("/-job/nightly%20run/openai/v1/models", &[trace], "")
            .status,
        200
    );
    let (intent, outcome) = setup.trail.call();
    for event in [intent, outcome] {
        assert_eq!(event["job"], "nightly run");
        assert_eq!(
            (&event["trace"], &event["parent"]),
            (
                &json!("0af7651916cd43dd8448eb211c80319c"),
                &json!("b7ad6b7169203331")
            )
        );
    }
    assert!(
        setup.upstream.last().headers.contains_key("traceparent"),
        "passed on"
    );
}
