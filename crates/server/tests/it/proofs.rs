//! Proof bundles, checked with nothing but the formats.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use event::{Leaf, commit_content, commit_record};
use serde_json::{Value, json};
use tlog::{TlogProof, VerifierKey, leaf_hash, open_checkpoint, verify_inclusion};

use crate::{
    client::Call,
    running::{Running, event},
};

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
    bytes.try_into().unwrap()
}

/// Verifies a bundle against a pinned key; the size of its tree.
fn verify(bundle: &Value, pinned: &VerifierKey) -> u64 {
    let record = bundle["record"].as_str().unwrap();
    let leaf_bytes: [u8; Leaf::BYTES] = bytes(&bundle["leaf"]);
    let leaf = Leaf::parse(&leaf_bytes).unwrap();
    assert_eq!(
        leaf.c_r,
        commit_record(&bytes(&bundle["salt_record"]), record.as_bytes())
    );
    if let Some(content) = bundle["content"].as_str() {
        let salt = bytes(&bundle["salt_content"]);
        assert_eq!(leaf.c_c, commit_content(&salt, Some(content.as_bytes())));
    }
    let parsed: Value = serde_json::from_str(record).unwrap();
    assert_eq!(parsed["seq"], bundle["index"]);
    let note = bundle["checkpoint"].as_str().unwrap();
    let opened = open_checkpoint(note.as_bytes(), pinned, &[]).unwrap();
    let tree = opened.checkpoint();
    let hashes: Vec<tlog::Hash> = bundle["proof"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hash| hash.as_str().unwrap().parse().unwrap())
        .collect();
    let index = bundle["index"].as_u64().unwrap();
    let hash = leaf_hash(&leaf_bytes);
    verify_inclusion(&hash, index, tree.size, &tree.root, &hashes).unwrap();
    let offline: TlogProof = bundle["tlog_proof"].as_str().unwrap().parse().unwrap();
    assert_eq!((offline.index, &offline.proof), (index, &hashes));
    offline.verify(&hash, pinned, &[]).unwrap();
    tree.size
}

fn pinned(node: &Running) -> VerifierKey {
    node.get("/v1/log/key").text().trim_end().parse().unwrap()
}

#[test]
fn every_event_has_a_proof() {
    let (dir, node) = Running::fresh();
    let with_content = json!({ "actor": { "id": "a" }, "action": "x", "output": "\u{e9}\"" });
    let size = node.integrate(&json!([event("a"), with_content, event("b")]))["tree_size"].clone();
    let key = pinned(&node);
    let on_disk = std::fs::read_to_string(dir.path().join("log.vkey")).unwrap();
    assert_eq!(on_disk.trim_end(), key.to_string());
    for seq in 0..size.as_u64().unwrap() {
        let bundle = node.get(&format!("/v1/events/{seq}/proof")).ok();
        assert!(verify(&bundle, &key) > seq);
        assert_eq!(bundle["key"], key.to_string());
        assert_eq!(bundle.get("content_withheld"), None);
    }
    let bundle = node.get("/v1/events/2/proof").ok();
    assert_eq!(bundle["content"], "{\"output\":\"\u{e9}\\\"\"}");
    assert_eq!(
        node.get("/v1/events/1/proof").ok()["salt_content"],
        Value::Null
    );
}

#[test]
fn contents_are_withheld_without_the_scope() {
    let (_dir, node) = Running::fresh();
    let event = json!({ "actor": { "id": "a" }, "action": "x", "input": 1 });
    let seq = node.integrate(&event)["results"][0]["seq"].clone();
    let reader = node.key_with(&["read"]);
    let call = Call::get(&format!("/v1/events/{seq}/proof")).key(&reader);
    let bundle = node.send(&call).ok();
    assert_eq!(bundle["content_withheld"], true);
    assert_eq!(
        (&bundle["content"], &bundle["salt_content"]),
        (&Value::Null, &Value::Null)
    );
    verify(&bundle, &pinned(&node));
}

#[test]
fn as_text_it_is_the_offline_proof_alone() {
    let (_dir, node) = Running::fresh();
    let seq = node.integrate(&event("a"))["results"][0]["seq"].clone();
    let path = format!("/v1/events/{seq}/proof");
    let reply = node.admin(Call::get(&path).header("accept", "text/plain"));
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let proof: TlogProof = reply.text().parse().unwrap();
    let bundle = node.get(&path).ok();
    let leaf: [u8; Leaf::BYTES] = bytes(&bundle["leaf"]);
    proof
        .verify(&leaf_hash(&leaf), &pinned(&node), &[])
        .unwrap();
}

#[test]
fn a_proof_under_an_older_checkpoint() {
    let (_dir, node) = Running::fresh();
    let size = node.integrate(&event("a"))["tree_size"].as_u64().unwrap();
    let later = node.integrate(&json!([event("b"), event("c")]))["tree_size"]
        .as_u64()
        .unwrap();
    let seq = size - 1;
    let path = |size: u64| format!("/v1/events/{seq}/proof?size={size}");
    let bundle = node.get(&path(size)).ok();
    assert_eq!(verify(&bundle, &pinned(&node)), size);
    let problem = node.get(&path(later - 1)).problem(404, "no_checkpoint");
    assert_eq!(problem["next_size"], later);
    let problem = node.get(&path(later + 1_000)).problem(404, "no_checkpoint");
    assert_eq!(problem.get("next_size"), None);
    node.get(&path(seq)).problem(400, "invalid_parameter");
    node.get(&path(0)).problem(400, "invalid_parameter");
}

#[test]
fn an_event_without_a_checkpoint_is_not_covered_yet() {
    let (_dir, node) = Running::fresh();
    // A checkpoint may come between the two requests, so it takes a few rounds to see one that has not.
    let reply = (0..50).find_map(|_| {
        let seq = node.record(&event("a"))["results"][0]["seq"].clone();
        let reply = node.get(&format!("/v1/events/{seq}/proof"));
        (reply.status != 200).then_some(reply)
    });
    let reply = reply.expect("50 proofs in the instant of their checkpoint");
    reply.problem(409, "not_covered_yet");
    assert_eq!(reply.header("retry-after"), Some("1"));
}
