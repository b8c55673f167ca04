//! Requests with absolute URLs.

use std::sync::atomic::Ordering;

use indelible_capture::config::Mode;
use serde_json::json;

use super::world::proxy_before;
use crate::upstream::{Script, Seen};

#[test]
fn a_request_is_passed_on_and_summed_up() {
    let (setup, _) = proxy_before(
        |seen: &Seen| {
            let mut script = Script::whole(
                201,
                "application/json",
                format!(r#"{{"n":{}}}"#, seen.body.len()),
            );
            script.headers.push(("keep-alive", "timeout=5".to_owned()));
            script
        },
        &[],
        |_, _| {},
    );
    let mut client = setup.connect();
    for n in 0..3 {
        let url = format!("{}/things/7?page=2", setup.upstream.url());
        let headers = [
            ("x-indelible-job", "j1"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Bearer somebodys-token"),
        ];
        client.post(&url, &headers, r#"{"a":1,"password":"hunter2"}"#);
        let got = client.answer();
        assert_eq!((got.status, got.text().as_str()), (201, r#"{"n":28}"#));
        assert_eq!(got.header("keep-alive"), None);
        let seen = setup.upstream.last();
        assert_eq!(
            (seen.path.as_str(), seen.headers["host"].to_str().unwrap()),
            (
                "/things/7?page=2",
                setup.upstream.address.to_string().as_str()
            )
        );
        for name in ["proxy-authorization", "proxy-connection", "x-indelible-job"] {
            assert!(!seen.headers.contains_key(name), "{name}");
        }
        let events = setup.trail.events(2 * n + 2);
        let (intent, outcome) = (&events[2 * n], &events[2 * n + 1]);
        assert_eq!(
            (&intent["action"], &intent["job"]),
            (&json!("POST 127.0.0.1"), &json!("j1"))
        );
        assert_eq!(
            intent["resource"],
            json!({"type": "host", "id": "127.0.0.1"})
        );
        assert_eq!(
            (&intent["meta"]["path"], &intent["meta"]["mode"]),
            (&json!("/things/7"), &json!("plain"))
        );
        let input = &intent["content"]["input"];
        assert_eq!(
            (&input["method"], &input["url"], &input["bytes"]),
            (&json!("POST"), &json!(url), &json!(28))
        );
        assert_eq!(input["body"]["a"], 1);
        assert_eq!(
            (&outcome["result"], &outcome["status"]),
            (&json!("success"), &json!(201))
        );
        assert_eq!(outcome["content"]["output"]["body"], json!({"n": 28}));
        assert_eq!(
            (
                &outcome["meta"]["bytes_sent"],
                &outcome["meta"]["bytes_received"]
            ),
            (&json!(28), &json!(8))
        );
    }
    let text = setup.trail.text();
    assert!(
        !text.contains("hunter2") && !text.contains("somebodys-token"),
        "{text}"
    );
}

#[test]
fn a_host_that_fails_is_told_from_one_that_is_dead() {
    let (setup, _) = proxy_before(|_| Script::whole(503, "text/plain", "busy"), &[], |_, _| {});
    assert_eq!(setup.post(&setup.upstream.url(), &[], "{}").status, 503);
    let events = setup.trail.events(2);
    assert_eq!(
        (&events[1]["result"], &events[1]["status"]),
        (&json!("failure"), &json!(503))
    );
    let got = setup.post("http://no-such-host.invalid/", &[], "{}");
    assert_eq!(
        (got.status, &got.json()["error"]["source"]),
        (502, &json!("indelible"))
    );
    let events = setup.trail.events(4);
    assert_eq!(
        (&events[3]["result"], &events[3]["status"]),
        (&json!("error"), &json!(502))
    );
    assert!(
        events[3]["meta"]["reason"]
            .as_str()
            .unwrap()
            .contains("cannot find the host"),
        "{:#?}",
        events[3]
    );
}

#[test]
fn in_strict_mode_a_request_is_recorded_first() {
    let (setup, _) = proxy_before(
        |_| Script::whole(200, "text/plain", "done"),
        &[],
        |settings, _| settings.forward_proxy.as_mut().unwrap().mode = Some(Mode::Strict),
    );
    assert_eq!(setup.post(&setup.upstream.url(), &[], "{}").status, 200);
    setup.trail.events(2);
    setup.disk_is_full.store(true, Ordering::SeqCst);
    let got = setup.post(&setup.upstream.url(), &[], "{}");
    assert_eq!(
        (got.status, &got.json()["error"]["rule"]),
        (503, &json!("mode.strict"))
    );
    assert_eq!(setup.upstream.seen.lock().unwrap().len(), 1);
    setup.disk_is_full.store(false, Ordering::SeqCst);
}

#[test]
fn what_is_secret_by_its_place_is_found_nowhere() {
    let (setup, _) = proxy_before(
        // A host that says again what it was shown.
        |seen: &Seen| {
            let headers: Vec<_> = seen
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {value:?}"))
                .collect();
            let text = format!("{} {}", seen.path, headers.join("\n"));
            let mut script = Script::whole(200, "text/plain", text);
            script
                .headers
                .push(("set-cookie", "session=planted-in-an-answer".to_owned()));
            script
        },
        &[],
        |_, _| {},
    );
    let url = format!(
        "{}/ghp_0123456789abcdefghijklmnopqrstuvwxyz?access_token=planted-in-a-query",
        setup.upstream.url()
    );
    let headers = [
        ("authorization", "Basic dXNlcjpwbGFudGVkLXBhc3N3b3Jk"),
        ("cookie", "a=planted-in-a-cookie"),
        ("private-token", "planted-in-a-header"),
    ];
    let got = setup.post(
        &url,
        &headers,
        r#"{"client_secret":"planted-in-a-body","k":"sk-proj-abcdefghijklmnopqrst"}"#,
    );
    assert!(got.text().contains("planted-in-a-header"));
    setup.trail.events(2);
    let text = setup.trail.text();
    for planted in ["planted", "ghp_0", "sk-proj", "dXNlcjpwbGFudGVk"] {
        assert!(!text.contains(planted), "{planted}: {text}");
    }
    assert!(text.contains("[REDACTED:request-secret:"), "{text}");
}
