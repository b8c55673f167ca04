//! Bodies, heads and clients that are too large or too slow.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use indelible_server::{Config, HttpConfig};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    client::{Call, Reply},
    running::{Running, event},
};

const BODY_BYTES: usize = 16 << 20;

#[test]
fn a_body_has_at_most_16_mib() {
    let (_dir, node) = Running::fresh();
    let size = |node: &Running| node.record(&json!([]))["tree_size"].clone();
    let before = size(&node);
    let fill = |bytes: usize| {
        let mut body = event("a").to_string().into_bytes();
        body.resize(bytes, b' ');
        body
    };
    let post = |body: Vec<u8>| Call::post("/v1/events", "application/json", body);
    node.admin(post(fill(BODY_BYTES + 1)))
        .problem(413, "body_too_large");
    let bomb = zstd::encode_all(&fill(BODY_BYTES + 1)[..], 1).unwrap();
    let bomb = post(bomb).header("content-encoding", "zstd");
    node.admin(bomb).problem(413, "body_too_large");
    assert_eq!(size(&node), before);
    assert_eq!(node.admin(post(fill(BODY_BYTES))).ok()["recorded"], 1);
}

#[test]
fn a_request_has_at_most_10_000_events() {
    let (_dir, node) = Running::fresh();
    let lines = |count: usize| {
        let body = format!("{}\n", event("a")).repeat(count);
        node.admin(Call::post("/v1/events", "application/x-ndjson", body))
    };
    lines(10_001).problem(413, "too_many_events");
    assert_eq!(lines(10_000).ok()["recorded"], 10_000);
}

#[test]
fn a_giant_head_is_refused() {
    let (_dir, node) = Running::fresh();
    let reply = node.send(&Call::get("/healthz").header("x-filler", &"x".repeat(70_000)));
    assert_eq!(reply.status, 431);
    let many = (0..200).fold(Call::get("/healthz"), |call, i| {
        call.header(&format!("x-{i}"), "x")
    });
    assert_eq!(node.send(&many).status, 431);
}

#[test]
fn slow_clients_are_cut_off() {
    let dir = TempDir::new().unwrap();
    let node = Running::with(Config {
        data: dir.path().to_owned(),
        http: HttpConfig {
            head_timeout_s: 1,
            body_timeout_s: 1,
            ..HttpConfig::default()
        },
        ..Config::default()
    });
    let mut head = TcpStream::connect(node.address).unwrap();
    head.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    head.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    // Hyper closes without an answer: nothing is known of the request yet.
    let _ = head.read(&mut [0; 1]);

    let mut body = TcpStream::connect(node.address).unwrap();
    body.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let request = format!(
        "POST /v1/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        node.admin
    );
    body.write_all(request.as_bytes()).unwrap();
    Reply::read(&mut body).problem(408, "request_timeout");
}

#[test]
fn more_connections_than_allowed_wait_their_turn() {
    let dir = TempDir::new().unwrap();
    let node = Running::with(Config {
        data: dir.path().to_owned(),
        http: HttpConfig {
            max_connections: 2,
            ..HttpConfig::default()
        },
        ..Config::default()
    });
    let held: Vec<_> = (0..2)
        .map(|_| TcpStream::connect(node.address).unwrap())
        .collect();
    let mut waiting = TcpStream::connect(node.address).unwrap();
    waiting
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
        .unwrap();
    waiting
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    assert!(waiting.read(&mut [0; 1]).is_err());
    drop(held);
    waiting.set_read_timeout(None).unwrap();
    assert_eq!(Reply::read(&mut waiting).status, 200);
}

#[test]
fn garbage_is_no_request() {
    let (_dir, node) = Running::fresh();
    let mut stream = TcpStream::connect(node.address).unwrap();
    stream.write_all(b"\x16\x03\x01 no http\r\n\r\n").unwrap();
    assert_eq!(Reply::read(&mut stream).status, 400);
    assert_eq!(node.send(&Call::get("/healthz")).status, 200);
}
