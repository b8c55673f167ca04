//! Trails of a node.

use serde_json::json;

use crate::{
    client::Call,
    running::{Running, event},
};

#[test]
fn a_new_trail_has_its_own_key_and_log() {
    let (dir, mut node) = Running::fresh();
    let made = node.admin(Call::json("/v1/trails", &json!({ "name": "acme" })));
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert_eq!(
        (&made["name"], &made["public"]),
        (&json!("acme"), &json!(false))
    );
    assert_eq!(made["origin"], "indelible.local/acme");
    let key = made["key"].as_str().unwrap().to_owned();
    let answer = node
        .send(&Call::json("/v1/events", &event("a")).key(&key))
        .ok();
    assert_eq!(answer["results"][0]["seq"], 1);
    let first = node.send(&Call::get("/v1/events/0").key(&key)).ok();
    assert_eq!(
        (&first["source"], &first["action"]),
        (&json!("system"), &json!("trail.created"))
    );
    assert_eq!(
        node.send(&Call::get("/v1/log/key").key(&key))
            .text()
            .trim_end(),
        made["vkey"]
    );
    // The key of a trail is no key of the node.
    node.send(&Call::get("/v1/trails").key(&key))
        .problem(403, "insufficient_scope");
    let listed = node.get("/v1/trails").ok();
    let names: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["name"])
        .collect();
    assert_eq!(names, ["acme", "default"]);
    let noted = node
        .get("/v1/events?action=trail.created&resource=acme")
        .ok();
    assert_eq!(noted["data"].as_array().unwrap().len(), 1);
    node.stop();
    let node = Running::on(dir.path());
    let again = node.send(&Call::get("/v1/events/1").key(&key)).ok();
    assert_eq!(again["action"], "a");
}

#[test]
fn bad_trails_are_not_made() {
    let (_dir, node) = Running::fresh();
    for name in ["", "..", "a/b", "A", "-a", "a b"] {
        let reply = node.admin(Call::json("/v1/trails", &json!({ "name": name })));
        let problem = reply.problem(400, "invalid_body");
        assert_eq!(problem["errors"][0]["member"], "name");
    }
    let reply = node.admin(Call::json("/v1/trails", &json!({ "name": "default" })));
    reply.problem(409, "trail_exists");
    let reply = node.admin(Call::json(
        "/v1/trails",
        &json!({ "name": "a", "key": "x" }),
    ));
    reply.problem(400, "invalid_body");
}
