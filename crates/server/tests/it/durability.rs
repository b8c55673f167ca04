//! Stops, starts and damage.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    client::Call,
    running::{Running, event},
};

fn parquet_files(dir: &Path) -> Vec<PathBuf> {
    let segments = dir.join("trails/default/segments");
    let mut files: Vec<_> = std::fs::read_dir(segments)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|name| name == "parquet"))
        .collect();
    files.sort();
    files
}

#[test]
fn everything_is_there_after_a_restart() {
    let (dir, mut node) = Running::fresh();
    let events: Value = (0..300)
        .map(|i| json!({ "id": format!("e-{i}"), "actor": { "id": "a" }, "action": format!("a{i}"), "input": i }))
        .collect();
    let before = node.record(&events);
    let records: Vec<_> = [0, 1, 150, 300]
        .iter()
        .map(|seq| node.get(&format!("/v1/events/{seq}/record")).body)
        .collect();
    let list = node.get("/v1/events?source=app&limit=200").ok();
    node.stop();
    assert!(!parquet_files(dir.path()).is_empty());

    let node = Running::on(dir.path());
    for (seq, record) in [0, 1, 150, 300].iter().zip(&records) {
        assert_eq!(&node.get(&format!("/v1/events/{seq}/record")).body, record);
    }
    let again = node.get("/v1/events?source=app&limit=200").ok();
    assert_eq!(again["data"], list["data"]);
    assert_eq!(node.get("/v1/events/e-7/content").text(), r#"{"input":7}"#);
    // Sealed ids are still known, with their first receipts.
    let repeated = node.record(&events);
    assert_eq!(repeated["duplicates"], 300);
    for index in [0, 299] {
        assert_eq!(
            repeated["results"][index]["leaf_hash"],
            before["results"][index]["leaf_hash"]
        );
        assert_eq!(
            repeated["results"][index]["recorded_at"],
            before["results"][index]["recorded_at"]
        );
    }
    // A cursor outlives the restart.
    let cursor = list["next_cursor"].as_str().unwrap();
    let page = node
        .get(&format!("/v1/events?cursor={cursor}&limit=200"))
        .ok();
    assert_eq!(page["data"].as_array().unwrap().len(), 100);
}

#[test]
fn reads_are_recorded_at_the_latest_at_the_stop() {
    let (dir, mut node) = Running::fresh();
    node.record(&json!([event("a"), { "actor": { "id": "a" }, "action": "b", "input": 1 }]));
    let key = node.make_key(
        &node.admin,
        &json!({ "name": "r", "scopes": ["read", "content"] }),
    );
    let get = |path: &str| {
        node.send(&Call::get(path).key(key["key"].as_str().unwrap()))
            .ok()
    };
    get("/v1/events?q=action:b");
    get("/v1/events?q=action:b");
    get("/v1/events/1/record");
    get("/v1/events/2/content");
    get("/v1/count?actor=agent-7");
    node.stop();
    let node = Running::on(dir.path());
    let reads = |action: &str| {
        let id = key["id"].as_str().unwrap();
        let list = node
            .get(&format!("/v1/events?action={action}&actor={id}"))
            .ok();
        let rows = list["data"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 1, "{list}");
        assert_eq!(rows[0]["source"], "system");
        rows[0]["meta"].clone()
    };
    assert_eq!(
        reads("records.read"),
        json!({ "reads": 4, "filters": ["action:b", "actor:agent-7"], "seqs": [[1, 2]] })
    );
    assert_eq!(
        reads("contents.read"),
        json!({ "reads": 1, "filters": [], "seqs": [[2, 2]] })
    );
}

#[test]
fn a_flipped_bit_is_an_error_and_never_an_answer() {
    let (dir, mut node) = Running::fresh();
    node.record(&event("kept"));
    node.stop();
    let files = parquet_files(dir.path());
    let path = files.last().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(path, bytes).unwrap();
    let node = Running::on(dir.path());
    let problem = node.get("/v1/events/1").problem(500, "damaged");
    assert!(!problem.to_string().contains("segments"), "{problem}");
}

#[test]
fn a_running_request_is_answered_before_the_stop() {
    let (_dir, mut node) = Running::fresh();
    let body = event("a").to_string();
    let mut stream = TcpStream::connect(node.address).unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        node.admin,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server asks for the body: the request is running.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100"));
    let address = node.address;
    let client = std::thread::spawn(move || {
        // Only when nothing is accepted any more is the rest sent.
        while TcpStream::connect(address).is_ok() {
            std::thread::yield_now();
        }
        stream.write_all(body.as_bytes()).unwrap();
        crate::client::Reply::read(&mut stream)
    });
    node.stop();
    assert_eq!(client.join().unwrap().ok()["recorded"], 1);
}

#[test]
fn one_directory_has_one_server() {
    let (dir, node) = Running::fresh();
    let config = indelible_server::Config {
        data: dir.path().to_owned(),
        ..indelible_server::Config::default()
    };
    assert!(indelible_server::Node::open(config, None).is_err());
    node.record(&event("a"));
}

#[test]
fn a_preset_admin_key_is_used_and_added_later() {
    let dir = tempfile::TempDir::new().unwrap();
    let config = indelible_server::Config {
        data: dir.path().to_owned(),
        ..indelible_server::Config::default()
    };
    let open = |preset: Option<&str>| {
        let node = indelible_server::Node::open(config.clone(), preset).unwrap();
        let new = node.new_admin_key().map(ToOwned::to_owned);
        node.close();
        new
    };
    assert_eq!(
        open(Some("preset-key-one")).as_deref(),
        Some("preset-key-one")
    );
    assert_eq!(open(Some("preset-key-one")), None);
    assert_eq!(open(None), None);
    assert_eq!(
        open(Some("preset-key-two")).as_deref(),
        Some("preset-key-two")
    );
    let node = Running::on(dir.path());
    assert_eq!(node.admin, "preset-key-two");
    for key in ["preset-key-one", "preset-key-two"] {
        node.send(&Call::get("/v1/keys").key(key)).ok();
    }
    drop(node);
    for bad in [
        "",
        "short",
        "with blank inside",
        "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
    ] {
        assert!(
            indelible_server::Node::open(config.clone(), Some(bad)).is_err(),
            "{bad:?}"
        );
    }
}
