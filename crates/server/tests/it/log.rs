//! The log as tlog-tiles clients read it.

use event::Leaf;
use serde_json::{Value, json};
use tlog::{
    Hash, TilePath, VerifierKey, decode_entries, layout, leaf_hash, open_checkpoint, tree_root,
};

use crate::{
    client::{Call, Reply},
    running::{Running, event},
};

fn many(count: usize) -> Value {
    (0..count).map(|i| event(&format!("a{i}"))).collect()
}

/// Reads a whole log by `get` and verifies it; its size.
fn audit(get: impl Fn(&str) -> Reply, key: &VerifierKey) -> u64 {
    let note = get("checkpoint");
    assert_eq!(note.header("cache-control"), Some("no-store"));
    let opened = open_checkpoint(note.text().as_bytes(), key, &[]).unwrap();
    let tree = opened.checkpoint();
    for path in layout(tree.size) {
        let tile = get(&path.to_string());
        assert_eq!(tile.status, 200, "{path}");
        assert!(tile.header("cache-control").unwrap().ends_with("immutable"));
        if let TilePath::Entries { n, width } = path {
            let hashes = get(&TilePath::Hashes(tlog::Tile { level: 0, n, width }).to_string());
            let entries = decode_entries(&tile.body, width).unwrap();
            for (entry, hash) in entries.iter().zip(hashes.body.chunks(32)) {
                Leaf::parse(entry).unwrap();
                assert_eq!(leaf_hash(entry).as_bytes(), hash);
            }
        }
    }
    let root = tree_root(tree.size, |tile| {
        Ok::<_, String>(get(&tile.to_string()).body)
    })
    .unwrap();
    assert_eq!(root, tree.root);
    tree.size
}

#[test]
fn the_whole_log_is_there_in_tiles() {
    let (_dir, node) = Running::fresh();
    let size = node.integrate(&many(600))["tree_size"].as_u64().unwrap();
    let key: VerifierKey = node.get("/v1/log/key").text().trim_end().parse().unwrap();
    assert_eq!(key.name(), "indelible.local/default");
    let read = audit(|path| node.get(&format!("/v1/log/{path}")), &key);
    assert!(read >= size);
}

#[test]
fn nothing_beyond_the_newest_checkpoint_and_nothing_misspelt() {
    let (_dir, node) = Running::fresh();
    node.integrate(&many(10));
    for path in [
        "0/000.p/200",
        "0/000",
        "0/001",
        "1/000.p/1",
        "0/000.p/0",
        "0/000.p/256",
        "0/0",
        "00/000",
        "0/x000/000",
        "entries/000",
        "entries/000.p/200",
        "data/000",
        "64/000.p/1",
        "0/000.p/1/2",
        "0/..%2f..%2fadmin.key",
    ] {
        node.get(&format!("/v1/log/tile/{path}"))
            .problem(404, "not_found");
    }
    assert_eq!(node.get("/v1/log/tile/0/000.p/1").body.len(), 32);
}

#[test]
fn consistency() {
    let (_dir, node) = Running::fresh();
    let from = node.integrate(&many(5))["tree_size"].as_u64().unwrap();
    let to = node.integrate(&many(70))["tree_size"].as_u64().unwrap();
    let hash = |value: &Value| value.as_str().unwrap().parse::<Hash>().unwrap();
    for (from, to) in [(from, to), (1, to), (to, to), (3, from)] {
        let answer = node
            .get(&format!("/v1/log/consistency?from={from}&to={to}"))
            .ok();
        let proof: Vec<_> = answer["proof"]
            .as_array()
            .unwrap()
            .iter()
            .map(hash)
            .collect();
        let roots = (hash(&answer["from_root"]), hash(&answer["to_root"]));
        tlog::verify_consistency(from, to, &roots.0, &roots.1, &proof).unwrap();
        assert_eq!((&answer["from"], &answer["to"]), (&json!(from), &json!(to)));
        assert_eq!(proof.is_empty(), from == to);
    }
    for query in [
        "from=0&to=1".to_owned(),
        "from=2&to=1".to_owned(),
        format!("from=1&to={}", to + 10_000),
        "from=1".to_owned(),
        "to=1".to_owned(),
        "from=x&to=1".to_owned(),
    ] {
        let reply = node.get(&format!("/v1/log/consistency?{query}"));
        reply.problem(400, "invalid_parameter");
    }
}

#[test]
fn a_public_trail_is_read_without_a_key() {
    let (_dir, node) = Running::fresh();
    let made = node
        .admin(Call::json(
            "/v1/trails",
            &json!({ "name": "open", "public": true }),
        ))
        .ok();
    let call =
        Call::json("/v1/events?ack=integrated", &many(300)).key(made["key"].as_str().unwrap());
    node.send(&call).ok();
    let key: VerifierKey = made["vkey"].as_str().unwrap().parse().unwrap();
    let get = |path: &str| node.send(&Call::get(&format!("/trails/open/log/{path}")));
    assert_eq!(get("key").text().trim_end(), made["vkey"]);
    assert_eq!(audit(get, &key), 301);
    for trail in ["default", "nosuch", "..", "%2e%2e", "UPPER"] {
        for path in ["checkpoint", "key", "tile/0/000.p/1"] {
            let reply = node.send(&Call::get(&format!("/trails/{trail}/log/{path}")));
            reply.problem(404, "not_found");
        }
    }
}
