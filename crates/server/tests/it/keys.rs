//! API keys.

use serde_json::{Value, json};

use crate::{
    client::Call,
    running::{Running, event},
};

#[test]
fn a_key_works_until_it_is_revoked() {
    let (dir, node) = Running::fresh();
    let made = node.make_key(
        &node.admin,
        &json!({ "name": "ci", "scopes": ["read", "ingest"], "project": null, "expires_at": null }),
    );
    assert_eq!(made["name"], "ci");
    assert_eq!(made["scopes"], json!(["ingest", "read"]));
    assert_eq!(
        (&made["project"], &made["expires_at"]),
        (&Value::Null, &Value::Null)
    );
    let text = made["key"].as_str().unwrap();
    assert!(text.starts_with("ik_"));
    let stored = std::fs::read_to_string(dir.path().join("keys.json")).unwrap();
    assert!(!stored.contains(text) && !stored.contains(&text[20..]));

    let id = made["id"].as_str().unwrap();
    let listed = node.get("/v1/keys");
    assert!(!listed.text().contains(text));
    let listed = listed.ok();
    let mine = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["id"] == id)
        .unwrap();
    assert_eq!(mine.get("key"), None);
    assert_eq!(mine["revoked_at"], Value::Null);

    node.send(&Call::get("/v1/events").key(text)).ok();
    for _ in 0..2 {
        let reply = node.admin(Call::new("DELETE", &format!("/v1/keys/{id}")));
        assert_eq!((reply.status, reply.body.len()), (204, 0));
    }
    node.send(&Call::get("/v1/events").key(text))
        .problem(401, "unauthorized");
    let changes = node
        .get("/v1/events?source=system&resource=".to_owned().as_str())
        .ok();
    assert_eq!(changes["data"], json!([]));
    let changes = node
        .get(&format!("/v1/events?source=system&resource={id}"))
        .ok();
    let actions: Vec<_> = changes["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["action"])
        .collect();
    assert_eq!(actions, ["key.revoked", "key.created"]);
    assert_eq!(
        changes["data"][1]["meta"]["scopes"],
        json!(["ingest", "read"])
    );
    node.admin(Call::new("DELETE", "/v1/keys/nosuch"))
        .problem(404, "not_found");
}

#[test]
fn keys_survive_a_restart_and_their_file_is_private() {
    let (dir, mut node) = Running::fresh();
    let key = node.key_with(&["read"]);
    node.stop();
    #[cfg(unix)]
    for name in ["keys.json", "admin.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let admin = node.admin.clone();
    let node = Running::on(dir.path());
    assert_eq!(node.admin, admin);
    node.send(&Call::get("/v1/events").key(&key)).ok();
    node.send(&Call::get("/v1/keys").key(&admin)).ok();
}

#[test]
fn bad_keys_are_not_made() {
    let (_dir, node) = Running::fresh();
    let before = node.record(&json!([]))["tree_size"].clone();
    for (body, code) in [
        (json!({ "name": "a", "scopes": [] }), "invalid_body"),
        (json!({ "name": "a", "scopes": ["root"] }), "invalid_body"),
        (json!({ "name": "", "scopes": ["read"] }), "invalid_body"),
        (
            json!({ "name": "a", "scopes": ["read"], "project": "" }),
            "invalid_body",
        ),
        (
            json!({ "name": "a", "scopes": ["read"], "expires_at": "soon" }),
            "invalid_body",
        ),
        (
            json!({ "name": "a", "scopes": ["read"], "admin": true }),
            "invalid_body",
        ),
        (json!({ "scopes": ["read"] }), "invalid_body"),
        (
            json!({ "name": "a", "scopes": ["node"], "project": "p" }),
            "invalid_body",
        ),
    ] {
        let reply = node.admin(Call::json("/v1/keys", &body));
        reply.problem(400, code);
    }
    let call = Call::post("/v1/keys", "application/json", "{");
    node.admin(call).problem(400, "invalid_json");
    let call = Call::post("/v1/keys", "text/plain", "{}");
    node.admin(call).problem(415, "unsupported_media_type");
    let call = Call::post("/v1/keys", "application/json", vec![b' '; 70_000]);
    node.admin(call).problem(413, "body_too_large");
    assert_eq!(node.record(&json!([]))["tree_size"], before);
}

#[test]
fn nobody_gives_more_than_they_have() {
    let (_dir, node) = Running::fresh();
    let admin = node.key_with(&["admin"]);
    let call = Call::json("/v1/keys", &json!({ "name": "a", "scopes": ["node"] }));
    node.send(&call.key(&admin))
        .problem(403, "insufficient_scope");
    // Nor takes it from them.
    let keys = node.get("/v1/keys").ok();
    let first = keys["data"][0]["id"].as_str().unwrap();
    let call = Call::new("DELETE", &format!("/v1/keys/{first}")).key(&admin);
    node.send(&call).problem(404, "not_found");

    let body = json!({ "name": "p", "scopes": ["admin", "read"], "project": "p" });
    let made = node.make_key(&node.admin, &body);
    let limited = made["key"].as_str().unwrap();
    let call = Call::json(
        "/v1/keys",
        &json!({ "name": "q", "scopes": ["read"], "project": "q" }),
    );
    node.send(&call.key(limited))
        .problem(403, "project_forbidden");
    let inherited = node.make_key(limited, &json!({ "name": "r", "scopes": ["read"] }));
    assert_eq!(inherited["project"], "p");
    let seen = node.send(&Call::get("/v1/keys").key(limited)).ok();
    let names: Vec<_> = seen["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["name"])
        .collect();
    assert_eq!(names, ["p", "r"]);
}

#[test]
fn a_project_key_sees_and_writes_its_project() {
    let (_dir, node) = Running::fresh();
    let body = json!({ "name": "p", "scopes": ["ingest", "read", "content"], "project": "p" });
    let made = node.make_key(&node.admin, &body);
    let key = made["key"].as_str().unwrap();
    let with = |project: &str| json!({ "actor": { "id": "a" }, "action": "x", "project": project, "input": 1 });
    let foreign = node.integrate(&with("q"))["results"][0]["seq"].clone();
    let answer = node
        .send(
            &Call::json(
                "/v1/events?ack=integrated",
                &json!([with("q"), event("b"), with("p")]),
            )
            .key(key),
        )
        .ok();
    assert_eq!(answer["results"][0]["code"], "project_forbidden");
    assert_eq!(answer["recorded"], 2);
    let own = answer["results"][1]["seq"].clone();
    let get = |path: &str| node.send(&Call::get(path).key(key));
    assert_eq!(get(&format!("/v1/events/{own}")).ok()["project"], "p");
    for part in ["", "/record", "/content", "/proof"] {
        get(&format!("/v1/events/{foreign}{part}")).problem(404, "not_found");
    }
    get(&format!("/v1/events/{own}/proof")).ok();
    assert_eq!(get("/v1/count").ok()["value"], 2);
    assert_eq!(
        get("/v1/count?q=project:q%20OR%20action:*").ok()["value"],
        2
    );
    assert_eq!(get("/v1/count?project=q").ok()["value"], 0);
    assert_eq!(get("/v1/events").ok()["data"].as_array().unwrap().len(), 2);
    get("/v1/log/key");
    for path in ["checkpoint", "tile/0/000.p/1", "consistency?from=1&to=1"] {
        get(&format!("/v1/log/{path}")).problem(403, "project_forbidden");
    }
}

#[test]
fn the_key_of_redactions_is_the_trails_and_stays() {
    let (dir, mut node) = Running::fresh();
    let key_of = |node: &Running, key: &str| {
        let call = Call::get("/v1/redaction-key").key(key);
        node.send(&call).ok()["key"].as_str().unwrap().to_owned()
    };
    let gateway = node.key_with(&["gateway"]);
    let first = key_of(&node, &gateway);
    assert_eq!(first.len(), 44, "32 bytes in base64");
    assert_eq!(key_of(&node, &node.key_with(&["gateway", "read"])), first);
    let made = node
        .admin(Call::json("/v1/trails", &json!({ "name": "other" })))
        .ok();
    let other_admin = made["key"].as_str().unwrap();
    let spec = json!({ "name": "g", "scopes": ["gateway"] });
    let other = node.make_key(other_admin, &spec);
    assert_ne!(key_of(&node, other["key"].as_str().unwrap()), first);
    node.stop();
    let node = Running::on(dir.path());
    assert_eq!(key_of(&node, &gateway), first);
}
