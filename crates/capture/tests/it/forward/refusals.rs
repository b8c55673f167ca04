//! What does not pass, and how that is said.

use indelible_capture::forward::HostMode;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::world::{connect, proxy, proxy_before, tcp_host};
use crate::{
    setup::{Setup, agent},
    upstream::Script,
};

fn refused(setup: &Setup, target: &str, headers: &str) -> (String, Value) {
    setup.runtime.block_on(async {
        let (mut stream, head) = connect(setup, target, headers).await;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        (head, serde_json::from_slice(&body).unwrap())
    })
}

#[test]
fn denied_hosts_and_inner_addresses_are_refused_with_a_rule() {
    let rules = [
        ("*.denied.example", HostMode::Deny),
        ("169.254.169.254", HostMode::Intercept),
    ];
    let (setup, _) = proxy(&rules, |_, _| {});
    let own = setup.address.to_string();
    let (closed, _) = proxy(&[], |settings, _| {
        settings.forward_proxy.as_mut().unwrap().allow_private = false;
    });
    for (setup, target, rule) in [
        (
            &setup,
            "a.DENIED.example:443",
            "forward_proxy.host *.denied.example",
        ),
        (&setup, "169.254.169.254:80", "forward_proxy.metadata"),
        (
            &setup,
            "[::ffff:169.254.169.254]:80",
            "forward_proxy.metadata",
        ),
        (&setup, own.as_str(), "forward_proxy.loop"),
        (&closed, "127.0.0.1:1", "forward_proxy.allow_private"),
        (&closed, "localhost:1", "forward_proxy.allow_private"),
        (&closed, "10.1.2.3:443", "forward_proxy.allow_private"),
        (&closed, "[::1]:443", "forward_proxy.allow_private"),
    ] {
        let before = setup.trail.events(0).len();
        let (head, body) = refused(setup, target, "");
        assert!(head.starts_with("HTTP/1.1 403 "), "{target}: {head}");
        assert_eq!(body["error"]["rule"], rule, "{target}");
        let events = setup.trail.events(before + 1);
        let event = &events[before];
        assert_eq!(events.len(), before + 1, "{events:#?}");
        assert_eq!(
            (&event["approval"]["decision"], &event["approval"]["rule"]),
            (&json!("denied"), &json!(rule))
        );
        assert_eq!(
            (&event["result"], &event["status"]),
            (&json!("failure"), &json!(403))
        );
    }
}

#[test]
fn plain_requests_are_refused_likewise() {
    let (setup, _) = proxy_before(
        |_| Script::whole(200, "text/plain", "never"),
        &[("denied.example", HostMode::Deny)],
        |settings, _| settings.forward_proxy.as_mut().unwrap().allow_private = false,
    );
    let url = format!("{}/x?token=not-for-the-record", setup.upstream.url());
    for (n, (path, rule)) in [
        (
            "http://denied.example/a",
            "forward_proxy.host denied.example",
        ),
        (url.as_str(), "forward_proxy.allow_private"),
        ("http://localhost:1/", "forward_proxy.allow_private"),
    ]
    .into_iter()
    .enumerate()
    {
        let got = setup.post(path, &[], "{}");
        assert_eq!(
            (got.status, &got.json()["error"]["rule"]),
            (403, &json!(rule)),
            "{path}"
        );
        // An address is known only once the intent is: those two are refused in their outcomes.
        let events = setup.trail.events(2 * n + 1);
        let event = events.last().unwrap();
        assert_eq!(event["approval"]["rule"], rule, "{events:#?}");
        assert!(event["action"].as_str().unwrap().starts_with("POST "));
    }
    assert!(setup.upstream.seen.lock().unwrap().is_empty());
    let got = setup.post("/not/for/a/proxy", &[], "{}");
    assert_eq!(got.status, 400);
    assert!(!setup.trail.text().contains("not-for-the-record"));
}

#[test]
fn agents_show_their_token_as_a_password() {
    let (setup, _) = proxy(&[], |settings, dir| {
        settings.agents = vec![agent(dir, "agent-7", "token-of-agent-7")];
    });
    let host = setup.runtime.block_on(tcp_host(|mut stream| async move {
        let _ = stream.read(&mut [0]).await;
    }));
    // agent-7:token-of-agent-7, job=j7:token-of-agent-7, x:wrong-token-of-nobody
    let known = [
        ("Basic YWdlbnQtNzp0b2tlbi1vZi1hZ2VudC03", None),
        ("Basic am9iPWo3OnRva2VuLW9mLWFnZW50LTc=", Some("j7")),
        ("Bearer token-of-agent-7", None),
    ];
    for (n, (credential, job)) in known.into_iter().enumerate() {
        let header = format!("proxy-authorization: {credential}\r\n");
        let (_, head) = setup.runtime.block_on(connect(&setup, &host, &header));
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let event = setup.trail.events(2 * n + 2)[2 * n].clone();
        assert_eq!(
            (&event["actor"]["id"], &event["actor"]["auth"]),
            (&json!("agent-7"), &json!("key"))
        );
        assert_eq!(event.get("job").and_then(Value::as_str), job);
    }
    for (n, header) in [
        "",
        "proxy-authorization: Basic eDp3cm9uZy10b2tlbi1vZi1ub2JvZHk=\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let (head, body) = refused(&setup, &host, header);
        assert!(
            head.starts_with("HTTP/1.1 407 ") && head.contains("proxy-authenticate: Basic"),
            "{head}"
        );
        assert_eq!(body["error"]["rule"], "agent.token");
        let event = setup.trail.events(7 + n)[6 + n].clone();
        assert_eq!(
            (&event["actor"]["id"], &event["approval"]["decision"]),
            (&json!("unknown"), &json!("denied"))
        );
    }
    let text = setup.trail.text();
    for secret in [
        "token-of-agent-7",
        "wrong-token-of-nobody",
        "eDp3cm9uZy10b2tlbi1vZi1ub2JvZHk",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn a_request_that_names_two_hosts_is_refused() {
    let (setup, _) = proxy_before(|_| unreachable!(), &[], |_, _| {});
    let mut client = setup.connect();
    client.write(format!(
        "GET {}/ HTTP/1.1\r\nhost: a.example\r\nhost: b.example\r\n\r\n",
        setup.upstream.url()
    ));
    assert_eq!(client.answer().status, 400);
    let event = &setup.trail.events(1)[0];
    assert_eq!(
        (&event["result"], &event["status"]),
        (&json!("error"), &json!(400))
    );
}
