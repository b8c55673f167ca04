//! Every route with every kind of wrong key.

use serde_json::{Value, json};

use crate::{
    client::{Call, Reply},
    running::{Running, event},
};

/// A route with its scopes as the interface describes it.
struct Route {
    method: String,
    path: String,
    scopes: Vec<String>,
}

fn keyed_routes(node: &Running) -> Vec<Route> {
    let document = node.send(&Call::get("/openapi.json")).ok();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Some(scopes) = operation["x-scopes"].as_array() else {
                assert_eq!(operation["security"], json!([]), "{method} {path}");
                continue;
            };
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                scopes: scopes
                    .iter()
                    .map(|s| s.as_str().unwrap().to_owned())
                    .collect(),
            });
        }
    }
    assert!(routes.len() >= 14);
    routes
}

impl Route {
    /// Whether a good answer has no end; the tests of streams read some of it.
    fn is_endless(&self) -> bool {
        self.path.ends_with("/stream")
    }

    /// A request to it that a good key would be answered.
    fn call(&self, event: &str, key_id: &str) -> Call {
        let path = self
            .path
            .replace("{event}", event)
            .replace("{id}", key_id)
            .replace("{job}", "j")
            .replace("{token}", "sh_0")
            .replace("{path}", "0/000.p/1");
        let query = match path.as_str() {
            "/v1/log/consistency" => "?from=1&to=1",
            "/v1/facets" => "?fields=action",
            _ => "",
        };
        let path = format!("{path}{query}");
        match (self.method.as_str(), self.path.as_str()) {
            ("POST", "/v1/events") => {
                Call::json(&path, &json!({ "actor": { "id": "m" }, "action": "m" }))
            }
            ("POST", "/v1/logs" | "/v1/traces") => Call::json(&path, &json!({})),
            ("POST", "/v1/keys") => Call::json(&path, &json!({ "name": "m", "scopes": ["read"] })),
            ("POST", "/v1/exports") => Call::json(&path, &json!({ "format": "csv" })),
            ("POST", path_) if path_.ends_with("/shares") => Call::json(&path, &json!({})),
            ("PUT", "/v1/embedding") => {
                let body = json!({ "origins": ["https://m.example"] }).to_string();
                Call::put(&path, "application/json", body)
            }
            ("POST", "/mcp") => {
                let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
                Call::json(&path, &ping).header("accept", "application/json, text/event-stream")
            }
            ("POST", "/v1/trails") => Call::json(&path, &json!({ "name": "matrix" })),
            (method, _) => Call::new(method, &path),
        }
    }
}

#[test]
fn no_key_that_is_not_good_gets_anything() {
    let (_dir, node) = Running::fresh();
    node.integrate(&event("a"));
    let expired = json!({ "name": "e", "scopes": ["ingest", "read", "content", "admin", "node"], "expires_at": "2020-01-01T00:00:00Z" });
    let expired = node.make_key(&node.admin, &expired);
    let revoked = json!({ "name": "r", "scopes": ["ingest", "read", "content", "admin", "node"] });
    let revoked = node.make_key(&node.admin, &revoked);
    let revoked_id = revoked["id"].as_str().unwrap();
    node.admin(Call::new("DELETE", &format!("/v1/keys/{revoked_id}")));
    let size = node.record(&json!([]))["tree_size"].clone();
    let altered = format!("{}0", &node.admin[..node.admin.len() - 1]);
    let altered = if altered == node.admin {
        format!("{altered}1")
    } else {
        altered
    };
    let bad: Vec<(&str, Option<String>)> = vec![
        ("none", None),
        ("empty", Some("Bearer ".to_owned())),
        ("garbage", Some("Bearer garbage".to_owned())),
        ("altered", Some(format!("Bearer {altered}"))),
        ("longer", Some(format!("Bearer {}0", node.admin))),
        ("other scheme", Some(format!("Basic {}", node.admin))),
        ("no scheme", Some(node.admin.clone())),
        (
            "expired",
            Some(format!("Bearer {}", expired["key"].as_str().unwrap())),
        ),
        (
            "revoked",
            Some(format!("Bearer {}", revoked["key"].as_str().unwrap())),
        ),
    ];
    for route in keyed_routes(&node) {
        let mut answers: Vec<Value> = Vec::new();
        for (kind, authorization) in &bad {
            let mut call = route.call("1", revoked_id);
            if let Some(value) = authorization {
                call = call.header("authorization", value);
            }
            let reply = node.send(&call);
            assert_eq!(
                reply.status, 401,
                "{} {} with {kind}",
                route.method, route.path
            );
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
            let mut problem = reply.problem(401, "unauthorized");
            problem["request_id"] = Value::Null;
            answers.push(problem);
        }
        // All kinds of bad keys are answered alike.
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    }
    assert_eq!(node.record(&json!([]))["tree_size"], size);
}

#[test]
fn too_little_scope_is_not_enough() {
    let (_dir, node) = Running::fresh();
    node.integrate(&event("a"));
    let all = [
        "ingest", "read", "content", "export", "gateway", "admin", "node",
    ];
    let keys: Vec<_> = all
        .iter()
        .map(|scope| (*scope, node.key_with(&[scope])))
        .collect();
    let spare = node.make_key(&node.admin, &json!({ "name": "s", "scopes": ["read"] }));
    for route in keyed_routes(&node) {
        for (scope, key) in &keys {
            if route.is_endless() && *scope == "read" {
                continue;
            }
            let call = route.call("0", spare["id"].as_str().unwrap()).key(key);
            let reply = node.send(&call);
            if route.scopes.iter().any(|needed| needed == scope) {
                // A link shows records, for which it needs another scope.
                let shows = route.path.ends_with("/shares") && reply.status == 403;
                let fine = reply.status < 300 || reply.status == 404 || shows;
                assert!(
                    fine,
                    "{} {} {scope}: {}",
                    route.method,
                    route.path,
                    reply.text()
                );
            } else {
                reply.problem(403, "insufficient_scope");
            }
        }
    }
}

#[test]
fn a_key_sees_nothing_of_another_trail() {
    let (_dir, node) = Running::fresh();
    let made = node
        .admin(Call::json("/v1/trails", &json!({ "name": "other" })))
        .ok();
    let other = made["key"].as_str().unwrap();
    let secret = json!({ "id": "secret-id", "actor": { "id": "secret-actor" }, "action": "secret", "input": "secret" });
    let events: Value = (0..30).map(|_| event("secret")).collect();
    let key = node.make_key(
        &node.admin,
        &json!({ "name": "secret-key", "scopes": ["read"] }),
    );
    let key_id = key["id"].as_str().unwrap();
    node.record(&events);
    node.integrate(&secret);
    let seen = |reply: &Reply| {
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(
            !text.contains("secret") && !text.contains("default"),
            "{text}"
        );
    };
    let neutral = |reply: &Reply| {
        let mut problem: Value = serde_json::from_slice(&reply.body).unwrap();
        problem["request_id"] = Value::Null;
        (reply.status, problem)
    };
    for route in keyed_routes(&node) {
        if route.is_endless() {
            continue;
        }
        for name in ["20", "secret-id"] {
            let reply = node.send(&route.call(name, key_id).key(other));
            seen(&reply);
            if route.path.contains("{event}") {
                // What another trail has is answered like what nobody has.
                let nowhere = node.send(&route.call("no-such-id", key_id).key(other));
                assert_eq!(neutral(&reply), neutral(&nowhere), "{}", route.path);
                assert_eq!(reply.status, 404);
            }
        }
    }
    let revoke = node.send(&Call::new("DELETE", &format!("/v1/keys/{key_id}")).key(other));
    revoke.problem(404, "not_found");
    node.send(&Call::get("/v1/events").key(key["key"].as_str().unwrap()))
        .ok();
    // Ids are taken in each trail for itself.
    let answer = node
        .send(&Call::json("/v1/events", &secret).key(other))
        .ok();
    assert_eq!(answer["recorded"], 1);
    seen(&node.send(&Call::get("/metrics")));
}
