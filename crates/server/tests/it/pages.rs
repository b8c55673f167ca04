//! Lists and their cursors.

use serde_json::{Value, json};

use crate::running::{Running, event};

fn seqs(page: &Value) -> Vec<u64> {
    let rows = page["data"].as_array().unwrap();
    rows.iter()
        .map(|row| row["seq"].as_u64().unwrap())
        .collect()
}

fn many(count: usize) -> Value {
    (0..count).map(|i| event(&format!("a{}", i % 2))).collect()
}

#[test]
fn pages_run_through_the_first_ones_snapshot() {
    let (_dir, node) = Running::fresh();
    node.record(&many(25));
    let first = node.get("/v1/events?limit=10").ok();
    let size = first["snapshot"]["tree_size"].as_u64().unwrap();
    assert_eq!(first["object"], "list");
    assert_eq!(first["truncated_before"], Value::Null);
    let mut all = seqs(&first);
    let mut cursor = first["next_cursor"].as_str().map(ToOwned::to_owned);
    while let Some(text) = cursor {
        node.record(&event("late"));
        let page = node.get(&format!("/v1/events?limit=7&cursor={text}")).ok();
        assert_eq!(page["snapshot"], first["snapshot"]);
        assert_eq!(page["has_more"], page["next_cursor"].is_string());
        all.extend(seqs(&page));
        cursor = page["next_cursor"].as_str().map(ToOwned::to_owned);
    }
    assert_eq!(all, (0..size).rev().collect::<Vec<_>>());
}

#[test]
fn oldest_first() {
    let (_dir, node) = Running::fresh();
    node.record(&many(5));
    let first = node.get("/v1/events?order=asc&limit=3").ok();
    assert_eq!(seqs(&first), [0, 1, 2]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = node
        .get(&format!("/v1/events?order=asc&limit=2&cursor={cursor}"))
        .ok();
    assert_eq!(seqs(&next), [3, 4]);
}

#[test]
fn a_cursor_brings_its_filter_and_takes_no_other() {
    let (_dir, node) = Running::fresh();
    node.record(&many(20));
    let query = "q=action:a0&actor=agent-7&from=-24h";
    let first = node.get(&format!("/v1/events?{query}&limit=4")).ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let same = node
        .get(&format!("/v1/events?{query}&limit=4&cursor={cursor}"))
        .ok();
    let bare = node
        .get(&format!("/v1/events?limit=4&cursor={cursor}"))
        .ok();
    assert_eq!(seqs(&same), seqs(&bare));
    assert!(seqs(&bare)[0] < *seqs(&first).last().unwrap());
    for other in [
        "q=action:a1&actor=agent-7&from=-24h",
        "q=action:a0&from=-24h",
        "q=action:a0&actor=agent-7&from=-25h",
        "q=action:a0&actor=agent-7&from=-24h&order=asc",
        "at=3",
    ] {
        let reply = node.get(&format!("/v1/events?{other}&cursor={cursor}"));
        reply.problem(400, "cursor_mismatch");
    }
    let (position, _) = cursor.split_once('.').unwrap();
    let reply = node.get(&format!("/v1/events?cursor={position}"));
    reply.problem(400, "cursor_mismatch");
    let reply = node.get(&format!("/v1/events?cursor={position}.e30"));
    reply.problem(400, "invalid_cursor");
}

#[test]
fn a_cursor_is_of_no_use_in_another_trail() {
    let (_dir, node) = Running::fresh();
    node.record(&many(20));
    let made = node
        .admin(crate::client::Call::json(
            "/v1/trails",
            &json!({ "name": "other" }),
        ))
        .ok();
    let key = made["key"].as_str().unwrap();
    let first = node.get("/v1/events?limit=1&at=1").ok();
    assert_eq!(first["next_cursor"], Value::Null);
    let first = node.get("/v1/events?limit=2").ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let call = crate::client::Call::get(&format!("/v1/events?cursor={cursor}")).key(key);
    node.send(&call).problem(400, "cursor_mismatch");
}

#[test]
fn the_same_query_at_the_same_size_has_the_same_answer() {
    let (_dir, node) = Running::fresh();
    let size = node.integrate(&many(9))["tree_size"].clone();
    let query = format!("/v1/events?at={size}&q=action:a1");
    let before = node.get(&query).body;
    node.integrate(&many(9));
    assert_eq!(node.get(&query).body, before);
    // The root of a list is the one that was signed at that size.
    let list: Value = serde_json::from_slice(&before).unwrap();
    let next = node.record(&json!([]))["tree_size"].clone();
    let proof = node
        .get(&format!("/v1/log/consistency?from={size}&to={size}"))
        .ok();
    assert_eq!(list["snapshot"]["root"], proof["from_root"], "{next}");
}

#[test]
fn the_default_is_50_rows() {
    let (_dir, node) = Running::fresh();
    node.record(&many(250));
    assert_eq!(seqs(&node.get("/v1/events").ok()).len(), 50);
    assert_eq!(seqs(&node.get("/v1/events?limit=200").ok()).len(), 200);
}
