//! Strict mode: recorded first, or not done.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    setup::{Setup, Trail},
    upstream::Script,
};

#[test]
fn the_intent_is_there_before_the_request_goes_out() {
    let trail: std::sync::Arc<std::sync::Mutex<Option<std::sync::Arc<Trail>>>> =
        std::sync::Arc::default();
    let at_provider = std::sync::Arc::clone(&trail);
    let setup = Setup::strict(move |_| {
        let trail = at_provider.lock().unwrap().clone().unwrap();
        // It is durable; that it is delivered too takes a moment.
        trail.events(1);
        let recorded = trail.text();
        assert!(
            recorded.contains("\"phase\":\"intent\"") && recorded.contains("Paris?"),
            "{recorded}"
        );
        Script::whole(200, "application/json", "{}")
    });
    *trail.lock().unwrap() = Some(std::sync::Arc::clone(&setup.trail));
    let got = setup.post(
        "/anthropic/v1/messages",
        &[],
        r#"{"model":"m","messages":"Paris?"}"#,
    );
    assert_eq!(got.status, 200, "the provider saw the intent");
    let (intent, outcome) = setup.trail.call();
    assert_eq!(
        (&intent["content"]["input"]["messages"], &outcome["result"]),
        (&json!("Paris?"), &json!("success"))
    );
}

#[test]
fn what_cannot_be_recorded_is_refused_and_does_not_happen() {
    let setup = Setup::strict(|_| Script::whole(200, "application/json", "{}"));
    setup.disk_is_full.store(true, Ordering::SeqCst);
    let got = setup.post("/anthropic/v1/messages", &[], r#"{"model":"m"}"#);
    assert_eq!(got.status, 503);
    assert_eq!(got.json()["type"], "error");
    assert!(
        got.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("[rule: mode.strict]")
    );
    assert!(setup.upstream.seen.lock().unwrap().is_empty());
    setup.disk_is_full.store(false, Ordering::SeqCst);
    // The spool is opened again in a while.
    let again = || setup.post("/anthropic/v1/messages", &[], r#"{"model":"m"}"#);
    let deadline = Instant::now() + Duration::from_secs(30);
    let got = std::iter::repeat_with(again)
        .take_while(|_| Instant::now() < deadline)
        .find(|got| got.status != 503);
    assert_eq!(got.map(|got| got.status), Some(200));
    setup.trail.call();
}

#[test]
fn in_async_mode_it_happens_and_the_loss_is_recorded() {
    let mut setup = Setup::new(|_| Script::whole(200, "application/json", "{}"));
    setup.disk_is_full.store(true, Ordering::SeqCst);
    let got = setup.post("/anthropic/v1/messages", &[], r#"{"model":"m"}"#);
    assert_eq!(got.status, 200);
    setup.disk_is_full.store(false, Ordering::SeqCst);
    setup.trail.events(1);
    setup.stop();
    let events = setup.trail.events(1);
    let gaps: Vec<_> = events
        .iter()
        .filter(|event| event["action"] == "gap")
        .collect();
    let lost: u64 = gaps
        .iter()
        .map(|gap| gap["meta"]["lost"]["write_failed"].as_u64().unwrap())
        .sum();
    let kept = events.len() - gaps.len();
    assert_eq!(kept as u64 + lost, 2, "{events:#?}");
}

#[test]
fn a_request_that_is_too_long_to_be_recorded_first_is_refused() {
    let setup = Setup::strict(|_| Script::whole(200, "application/json", "{}"));
    let mut client = setup.connect();
    client.write(
        "POST /openai/v1/responses HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
    for _ in 0..33 {
        client.write(&chunk);
    }
    let got = client.answer();
    assert_eq!(got.status, 413);
    assert!(setup.upstream.seen.lock().unwrap().is_empty());
    let (_, outcome) = setup.trail.call();
    assert_eq!(
        (&outcome["result"], &outcome["status"]),
        (&json!("error"), &json!(413))
    );
}
