//! Single events, counts, and what is answered for bad requests.

use serde_json::{Value, json};

use crate::{
    client::Call,
    running::{Running, event},
};

const EXACT: &str = r#"{"id":"x-1","actor":{"id":"a"},"action":"do","meta":{"n":1.00,"s":"\u0041"},"input":{"b":2e1,"a":[]}}"#;

#[test]
fn what_was_sent_is_what_is_read() {
    let (_dir, node) = Running::fresh();
    let call = Call::post("/v1/events", "application/json", EXACT);
    let seq = node.admin(call).ok()["results"][0]["seq"].clone();
    let record = node.get(&format!("/v1/events/{seq}/record"));
    let text = record.text();
    assert!(text.contains(r#""meta":{"n":1.00,"s":"\u0041"}"#), "{text}");
    let content = node.get("/v1/events/x-1/content");
    assert_eq!(content.text(), r#"{"input":{"b":2e1,"a":[]}}"#);

    let with_links = node.get("/v1/events/x-1");
    let open = text.strip_suffix('}').unwrap();
    let links = with_links.text().strip_prefix(open).unwrap();
    assert_eq!(
        links,
        format!(
            r#","links":{{"self":"/v1/events/{seq}","record":"/v1/events/{seq}/record","content":"/v1/events/{seq}/content","proof":"/v1/events/{seq}/proof"}}}}"#
        )
    );
    assert_eq!(with_links.header("content-type"), Some("application/json"));
    assert_eq!(with_links.header("cache-control"), Some("no-store"));
    let listed = node.get("/v1/events?limit=1");
    assert!(listed.text().contains(with_links.text()));
}

#[test]
fn what_is_not_there() {
    let (_dir, node) = Running::fresh();
    let seq = node.record(&event("a"))["results"][0]["seq"].clone();
    for path in [
        "/v1/events/999",
        "/v1/events/no-such-id",
        "/v1/events/99999999999999999999",
    ] {
        for part in ["", "/record", "/content", "/proof"] {
            node.get(&format!("{path}{part}")).problem(404, "not_found");
        }
    }
    node.get(&format!("/v1/events/{seq}/content"))
        .problem(404, "no_content");
    let links = node.get(&format!("/v1/events/{seq}")).ok()["links"].clone();
    assert_eq!(links.get("content"), None);
    for path in ["/v1/nothing", "/v1/events/%FF", "/v1/events/%FF/proof"] {
        node.get(path).problem(404, "not_found");
    }
    node.send(&Call::get("/nothing")).problem(404, "not_found");
    let reply = node.admin(Call::new("PUT", "/v1/events"));
    reply.problem(405, "method_not_allowed");
    let allow = reply.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[test]
fn counts() {
    let (_dir, node) = Running::fresh();
    node.record(&json!([event("a"), event("b"), event("b")]));
    let value = |query: &str| node.get(&format!("/v1/count{query}")).ok();
    assert_eq!(
        value("?q=action:b"),
        json!({ "value": 2, "relation": "eq" })
    );
    assert_eq!(value("?action=b&actor=agent-7")["value"], 2);
    assert_eq!(value("?action=b&q=action:a")["value"], 0);
    // In short forms a star is a star.
    assert_eq!(value("?action=*")["value"], 0);
    assert_eq!(value("?source=app")["value"], 3);
    let all = value("")["value"].as_u64().unwrap();
    assert_eq!(value(&format!("?at={}", all - 1))["value"], all - 1);
    assert_eq!(value("?at=0")["value"], 0);
    assert_eq!(value("?from=-1h&source=app")["value"], 3);
    assert_eq!(value("?to=-1h")["value"], 0);
    assert_eq!(
        value("?from=2020-01-01T00:00:00Z&to=2020-01-01T00:00:00Z")["value"],
        0
    );
    assert_eq!(value("?tz=Europe/Berlin&source=app")["value"], 3);
}

#[test]
fn bad_parameters_are_named() {
    let (_dir, node) = Running::fresh();
    for (query, code) in [
        ("limit=0", "invalid_parameter"),
        ("limit=201", "invalid_parameter"),
        ("limit=-1", "invalid_parameter"),
        ("limit=ten", "invalid_parameter"),
        ("order=up", "invalid_parameter"),
        ("at=99999", "invalid_parameter"),
        ("at=x", "invalid_parameter"),
        ("from=yesterday", "invalid_parameter"),
        (
            "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            "invalid_parameter",
        ),
        ("tz=Mars/Base", "invalid_parameter"),
        ("offset=1", "unknown_parameter"),
        ("limit=1&limit=1", "duplicate_parameter"),
        ("actor=a&actor=b", "duplicate_parameter"),
        ("cursor=xyz", "invalid_cursor"),
        ("q=nosuch:x", "invalid_filter"),
        ("q=(", "invalid_filter"),
        ("q=%FF", "invalid_parameter"),
        ("actor=%C3x", "invalid_parameter"),
        ("cursor=%80", "invalid_parameter"),
    ] {
        let problem = node.get(&format!("/v1/events?{query}")).problem(400, code);
        let named = problem["errors"][0]["parameter"].as_str();
        let parameter = query.split('=').next();
        assert_eq!(named, parameter, "{problem}");
    }
    let problem = node.get("/v1/events?limt=1");
    let problem = problem.problem(400, "unknown_parameter");
    assert_eq!(problem["errors"][0]["suggestion"], "did you mean `limit`?");
    node.get("/v1/count?limit=1")
        .problem(400, "unknown_parameter");
    node.get("/v1/events/0?x=1")
        .problem(400, "unknown_parameter");
    node.send(&Call::get("/healthz?x=1"))
        .problem(400, "unknown_parameter");
}

#[test]
fn a_bad_filter_is_answered_with_its_place_and_a_suggestion() {
    let (_dir, node) = Running::fresh();
    let problem = node
        .get("/v1/events?q=action:a%20actr:x")
        .problem(400, "invalid_filter");
    let error = &problem["errors"][0];
    let span: Vec<_> = error["span"]
        .as_array()
        .unwrap()
        .iter()
        .map(Value::as_u64)
        .collect();
    assert_eq!(span[0], Some(9), "{problem}");
    assert!(
        error["suggestion"].as_str().unwrap().contains("actor"),
        "{problem}"
    );
}

#[test]
fn filters_into_contents_need_the_scope() {
    let (_dir, node) = Running::fresh();
    node.record(
        &json!({ "actor": { "id": "a" }, "action": "x", "input": { "secret": "hunter2" } }),
    );
    assert_eq!(
        node.get("/v1/count?q=input.secret:hunter2").ok()["value"],
        1
    );
    let reader = node.key_with(&["read"]);
    for filter in ["input.secret:hunter2", "hunter2"] {
        let call = Call::get(&format!("/v1/count?q={filter}")).key(&reader);
        node.send(&call).problem(403, "insufficient_scope");
    }
    let call = Call::get("/v1/count?q=has:content").key(&reader);
    assert_eq!(node.send(&call).ok()["value"], 1);
}
