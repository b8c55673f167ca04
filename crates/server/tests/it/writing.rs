//! `POST /v1/events`.

use std::io::Write;

use serde_json::{Value, json};

use crate::{
    client::Call,
    running::{Running, event},
};

fn statuses(answer: &Value) -> Vec<&str> {
    let results = answer["results"].as_array().unwrap();
    results
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect()
}

#[test]
fn one_object_an_array_and_lines_are_recorded_in_order() {
    let (_dir, node) = Running::fresh();
    let one = node.record(&event("one"));
    assert_eq!(statuses(&one), ["recorded"]);
    let first = one["results"][0]["seq"].as_u64().unwrap();
    assert_eq!(one["tree_size"], first + 1);

    let array = node.record(&json!([event("two"), event("three")]));
    let seqs: Vec<_> = (0..2)
        .map(|i| array["results"][i]["seq"].as_u64())
        .collect();
    assert_eq!(seqs, [Some(first + 1), Some(first + 2)]);

    let lines = format!("{}\n\n {}\r\n", event("four"), event("five"));
    let lines = node
        .admin(Call::post("/v1/events", "application/x-ndjson", lines))
        .ok();
    assert_eq!(lines["recorded"], 2);
    for (offset, action) in ["one", "two", "three", "four", "five"].iter().enumerate() {
        let seq = first + offset as u64;
        assert_eq!(
            node.get(&format!("/v1/events/{seq}")).ok()["action"],
            *action
        );
    }
    let empty = node.record(&json!([]));
    assert_eq!(
        (&empty["results"], &empty["tree_size"]),
        (&json!([]), &json!(first + 5))
    );
}

#[test]
fn a_bad_event_does_not_spoil_the_others() {
    let (_dir, node) = Running::fresh();
    let answer = node.record(&json!([
        event("a"),
        { "action": "x" },
        event("b"),
        7,
        { "actor": { "id": "a", "auth": "mtls" }, "action": "x" },
        { "actor": { "id": "a" }, "action": "x", "source": "system" },
    ]));
    assert_eq!(
        statuses(&answer),
        [
            "recorded", "rejected", "recorded", "rejected", "rejected", "rejected"
        ]
    );
    assert_eq!(answer["results"][1]["index"], 1);
    assert_eq!(answer["results"][1]["code"], "missing_member");
    assert_eq!(answer["results"][3]["code"], "not_an_object");
    assert_eq!(answer["results"][4]["code"], "server_assigned");
    assert_eq!(
        (&answer["recorded"], &answer["rejected"]),
        (&json!(2), &json!(4))
    );

    let lines = format!("{}\n{{\"actor\":\n{}", event("c"), event("d"));
    let answer = node
        .admin(Call::post("/v1/events", "application/x-ndjson", lines))
        .ok();
    assert_eq!(statuses(&answer), ["recorded", "rejected", "recorded"]);
    assert_eq!(answer["results"][1]["code"], "invalid_json");
}

#[test]
fn broken_json_is_refused_as_a_whole() {
    let (_dir, node) = Running::fresh();
    let before = node.record(&json!([]))["tree_size"].clone();
    let body = format!("[{},{{]", event("a"));
    let reply = node.admin(Call::post("/v1/events", "application/json", body));
    reply.problem(400, "invalid_json");
    let reply = node.admin(Call::post("/v1/events", "application/json", "7"));
    reply.problem(400, "invalid_body");
    assert_eq!(node.record(&json!([]))["tree_size"], before);
}

#[test]
fn the_same_id_is_recorded_once() {
    let (_dir, node) = Running::fresh();
    let body = r#"{"id":"e-1","actor":{"id":"a"},"action":"x","meta":{"n":1.0}}"#;
    let spaced = r#" { "id" : "e-1", "actor":{"id":"a"},"action":"x","meta":{"n":1.0}} "#;
    let other = r#"{"id":"e-1","actor":{"id":"a"},"action":"x","meta":{"n":1.00}}"#;
    let send = |body: &str| {
        let call = Call::post("/v1/events", "application/json", body);
        node.admin(call).ok()
    };
    let first = send(body);
    let again = send(spaced);
    assert_eq!(statuses(&again), ["duplicate"]);
    assert_eq!(again["duplicates"], 1);
    for member in ["id", "seq", "recorded_at", "leaf_hash"] {
        assert_eq!(again["results"][0][member], first["results"][0][member]);
    }
    let conflict = send(other);
    assert_eq!(conflict["results"][0]["code"], "id_conflict");
    let within = send(&format!("[{other},{body}]"));
    assert_eq!(statuses(&within), ["rejected", "duplicate"]);
}

#[test]
fn packed_bodies_are_unpacked() {
    let (_dir, node) = Running::fresh();
    let body = event("packed").to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let packed = [
        ("gzip", gzip.finish().unwrap()),
        ("zstd", zstd::encode_all(body.as_bytes(), 1).unwrap()),
        ("identity", body.clone().into_bytes()),
    ];
    for (coding, bytes) in packed {
        let call = Call::post("/v1/events", "application/json", bytes);
        let answer = node.admin(call.header("content-encoding", coding)).ok();
        assert_eq!(answer["recorded"], 1, "{coding}");
    }
    let call = Call::post("/v1/events", "application/json", body.clone());
    let reply = node.admin(call.clone().header("content-encoding", "br"));
    reply.problem(415, "unsupported_encoding");
    let reply = node.admin(call.header("content-encoding", "zstd"));
    reply.problem(400, "invalid_encoding");
}

#[test]
fn other_media_types_are_refused() {
    let (_dir, node) = Running::fresh();
    for name in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
    ] {
        let call = Call::post("/v1/events", name, event("a").to_string());
        node.admin(call).problem(415, "unsupported_media_type");
    }
    let with_charset = "application/json; charset=utf-8";
    let call = Call::post("/v1/events", with_charset, event("a").to_string());
    assert_eq!(node.admin(call).ok()["recorded"], 1);
}

#[test]
fn acknowledgements() {
    let (_dir, node) = Running::fresh();
    let answer = node.integrate(&event("a"));
    let seq = answer["results"][0]["seq"].as_u64().unwrap();
    // Covered means that the proof is there at once.
    node.get(&format!("/v1/events/{seq}/proof")).ok();
    let call = |ack: &str| Call::json(&format!("/v1/events?ack={ack}"), &event("b"));
    assert_eq!(node.admin(call("durable")).ok()["recorded"], 1);
    node.admin(call("witnessed")).problem(400, "no_witnesses");
    node.admin(call("fast")).problem(400, "invalid_parameter");
    assert_eq!(node.record(&json!([]))["tree_size"], seq + 2);
}

#[test]
fn the_server_says_through_which_key_and_address_an_event_came() {
    let (_dir, node) = Running::fresh();
    let key = node.make_key(&node.admin, &json!({ "name": "w", "scopes": ["ingest"] }));
    let call = Call::json("/v1/events", &event("a")).key(key["key"].as_str().unwrap());
    let answer = node.send(&call).ok();
    let id = answer["results"][0]["id"].as_str().unwrap();
    let record = node.get(&format!("/v1/events/{id}")).ok();
    assert_eq!(
        record["via"],
        json!({ "key": key["id"], "ip": "127.0.0.1" })
    );
    assert_eq!(record["actor"]["ip"], "127.0.0.1");
    assert_eq!(record["actor"]["auth"], "claimed");
}

#[test]
fn only_a_gateway_vouches_for_actors() {
    let (_dir, node) = Running::fresh();
    let event = json!({ "actor": { "id": "a", "auth": "mtls" }, "action": "x" });
    let gateway = node.key_with(&["gateway"]);
    let answer = node
        .send(&Call::json("/v1/events", &event).key(&gateway))
        .ok();
    assert_eq!(statuses(&answer), ["recorded"]);
    let ingest = node.key_with(&["ingest"]);
    let answer = node
        .send(&Call::json("/v1/events", &event).key(&ingest))
        .ok();
    assert_eq!(statuses(&answer), ["rejected"]);
}
