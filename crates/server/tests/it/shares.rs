//! Links to the proof of one event.

use export::Bundle;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{Call, Reply},
    running::{Running, event},
};

/// A node with an event that has a content; its position.
fn filled() -> (TempDir, Running, u64) {
    let (dir, node) = Running::fresh();
    let with_content = json!({ "actor": { "id": "a" }, "action": "x", "project": "p", "input": 1 });
    let seq = node.integrate(&with_content)["results"][0]["seq"]
        .as_u64()
        .unwrap();
    (dir, node, seq)
}

#[track_caller]
fn share(node: &Running, key: &str, seq: u64, body: &Value) -> Value {
    let path = format!("/v1/events/{seq}/shares");
    let reply = node.send(&Call::json(&path, body).key(key));
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.ok()
}

fn fetch(node: &Running, share: &Value) -> Reply {
    node.send(&Call::get(share["url"].as_str().unwrap()))
}

#[test]
fn a_link_shows_one_proof_and_nothing_else() {
    let (_dir, node, seq) = filled();
    let made = share(&node, &node.admin, seq, &json!({}));
    assert_eq!(made["event_seq"], seq);
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("sh_") && token.len() == 51);
    assert!(!token.contains(&made["id"].as_str().unwrap()[3..]));
    let reply = fetch(&node, &made);
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let bundle: Bundle = serde_json::from_slice(&reply.body).unwrap();
    let key = node.get("/v1/log/key").text().trim_end().parse().unwrap();
    bundle.verify(&key).unwrap();
    assert!(bundle.index == seq && bundle.content_withheld);
    // The token opens nothing else, and nothing else opens the link.
    node.send(&Call::get("/v1/events").key(token))
        .problem(401, "unauthorized");
    for wrong in ["sh_0", "x", &token[..50], made["id"].as_str().unwrap()] {
        node.send(&Call::get(&format!("/v1/shared/{wrong}")))
            .problem(404, "not_found");
    }
    let list = node.get("/v1/shares");
    assert!(!list.text().contains(token));
    assert_eq!(list.ok()["data"][0]["id"], made["id"]);
}

#[test]
fn a_content_is_shown_only_if_the_link_was_made_so() {
    let (_dir, node, seq) = filled();
    let made = share(&node, &node.admin, seq, &json!({ "contents": true }));
    assert_eq!(fetch(&node, &made).ok()["content"], "{\"input\":1}");
    let reader = node.key_with(&["read", "export"]);
    let path = format!("/v1/events/{seq}/shares");
    node.send(&Call::json(&path, &json!({ "contents": true })).key(&reader))
        .problem(403, "insufficient_scope");
    let exporter = node.key_with(&["export"]);
    node.send(&Call::json(&path, &json!({})).key(&exporter))
        .problem(403, "insufficient_scope");
    assert_eq!(
        fetch(&node, &share(&node, &reader, seq, &json!({}))).ok()["content"],
        Value::Null
    );
}

#[test]
fn a_link_ends_at_its_time_when_revoked_and_with_its_key() {
    let (_dir, node, seq) = filled();
    for bad in ["2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z", "soon"] {
        let path = format!("/v1/events/{seq}/shares");
        node.admin(Call::json(&path, &json!({ "expires_at": bad })))
            .problem(400, "invalid_body");
    }
    let made = share(&node, &node.admin, seq, &json!({}));
    let id = made["id"].as_str().unwrap();
    let path = format!("/v1/shares/{id}");
    assert_eq!(node.admin(Call::new("DELETE", &path)).status, 204);
    fetch(&node, &made).problem(404, "not_found");
    node.admin(Call::new("DELETE", &path))
        .problem(404, "not_found");
    let key = node.make_key(
        &node.admin,
        &json!({ "name": "k", "scopes": ["read", "export"] }),
    );
    let made = share(&node, key["key"].as_str().unwrap(), seq, &json!({}));
    fetch(&node, &made).ok();
    let key_path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    node.admin(Call::new("DELETE", &key_path));
    fetch(&node, &made).problem(404, "not_found");
}

#[test]
fn a_key_of_a_project_shares_and_sees_its_own() {
    let (_dir, node, seq) = filled();
    let body = json!({ "name": "q", "scopes": ["read", "export", "admin"], "project": "q" });
    let other = node.make_key(&node.admin, &body);
    let other = other["key"].as_str().unwrap();
    let path = format!("/v1/events/{seq}/shares");
    node.send(&Call::json(&path, &json!({})).key(other))
        .problem(404, "not_found");
    let made = share(&node, &node.admin, seq, &json!({}));
    let list = node.send(&Call::get("/v1/shares").key(other)).ok();
    assert_eq!(list["data"], json!([]));
    let revoke = Call::new(
        "DELETE",
        &format!("/v1/shares/{}", made["id"].as_str().unwrap()),
    );
    node.send(&revoke.key(other)).problem(404, "not_found");
    node.send(&Call::get("/v1/embedding").key(other))
        .problem(403, "project_forbidden");
}

#[test]
fn only_pages_of_listed_origins_may_fetch() {
    let (_dir, node, seq) = filled();
    let made = share(&node, &node.admin, seq, &json!({}));
    let url = made["url"].as_str().unwrap();
    let from = |origin: &str| node.send(&Call::get(url).header("origin", origin));
    from("https://example.org").problem(403, "origin_forbidden");
    from("null").problem(403, "origin_forbidden");
    let set = |origins: &Value| {
        let body = json!({ "origins": origins }).to_string();
        node.admin(Call::put("/v1/embedding", "application/json", body))
    };
    set(&json!(["*"])).problem(400, "invalid_body");
    let origins = json!(["https://b.example", "https://example.org"]);
    assert_eq!(set(&origins).ok()["origins"], origins);
    assert_eq!(node.get("/v1/embedding").ok()["origins"], origins);
    let reply = from("https://example.org");
    assert_eq!(reply.status, 200);
    let allowed = reply.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://example.org"));
    assert_eq!(reply.header("vary"), Some("origin"));
    let other = from("https://example.com");
    other.problem(403, "origin_forbidden");
    assert_eq!(other.header("access-control-allow-origin"), None);
    // The client of these tests calls every host `test`.
    assert_eq!(from("http://test").status, 200);
    let changed = node.get("/v1/events?q=action:embedding.changed").ok();
    assert_eq!(changed["data"][0]["meta"]["origins"], origins);
}

#[test]
fn a_page_that_may_ask_sees_that_a_proof_is_still_to_come() {
    let (_dir, node, _) = filled();
    let body = json!({ "origins": ["https://example.org"] }).to_string();
    node.admin(Call::put("/v1/embedding", "application/json", body))
        .ok();
    // A checkpoint may come between the requests, so it takes a few rounds to see one that has not.
    let pending = (0..50).find_map(|_| {
        let seq = node.record(&event("a"))["results"][0]["seq"].as_u64()?;
        let made = share(&node, &node.admin, seq, &json!({}));
        node.record(&event("b"));
        let call = Call::get(made["url"].as_str()?).header("origin", "https://example.org");
        let reply = node.send(&call);
        (reply.status != 200).then_some(reply)
    });
    let pending = pending.expect("50 proofs in the instant of their checkpoint");
    pending.problem(409, "not_covered_yet");
    let allowed = pending.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://example.org"));
}

#[test]
fn links_survive_a_restart_and_are_on_record() {
    let (dir, mut node, seq) = filled();
    let made = share(&node, &node.admin, seq, &json!({}));
    fetch(&node, &made).ok();
    fetch(&node, &made).ok();
    node.stop();
    let file = dir.path().join("shares.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(made["token"].as_str().unwrap()));
    let mut node = Running::on(dir.path());
    fetch(&node, &made).ok();
    let read = node.get("/v1/events?q=action:share.read").ok();
    let read = &read["data"][0];
    assert_eq!(
        read["resource"],
        json!({ "type": "share", "id": made["id"] })
    );
    assert_eq!(read["meta"], json!({ "event_seq": seq, "reads": 2 }));
    let created = node.get("/v1/events?q=action:share.created").ok();
    assert_eq!(created["data"][0]["meta"]["event_seq"], seq);
    node.stop();
    // A link that names another event would show it.
    let from = format!("\"event_seq\":{seq}");
    std::fs::write(&file, text.replace(&from, "\"event_seq\":0")).unwrap();
    let node = Running::on(dir.path());
    fetch(&node, &made).problem(404, "not_found");
}
