//! Streams of events: nothing lost, nothing twice.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    client::Call,
    running::{Running, event},
};

/// A connection on which a stream arrives.
struct Stream(BufReader<TcpStream>);

impl Stream {
    /// Asks, and reads the head of the answer and its greeting: the stream has begun.
    fn open(node: &Running, key: &str, query: &str, last: Option<u64>) -> Self {
        let mut socket = TcpStream::connect(node.address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        let last = last.map_or(String::new(), |last| format!("last-event-id: {last}\r\n"));
        write!(
            socket,
            "GET /v1/events/stream{query} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\n{last}\r\n"
        )
        .unwrap();
        let mut stream = Self(BufReader::new(socket));
        assert_eq!(stream.line().as_deref(), Some("HTTP/1.1 200 OK"));
        let head = stream.until(String::is_empty);
        assert!(
            head.contains(&"content-type: text/event-stream".to_owned()),
            "{head:?}"
        );
        stream.until(|line| line.starts_with("retry:"));
        stream
    }

    /// A line, also one that says how long a chunk is; `None` at the end.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    fn until(&mut self, is_last: impl Fn(&String) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().expect("the stream goes on");
            lines.push(line);
            if lines.last().is_some_and(&is_last) {
                return lines;
            }
        }
    }

    /// The next event, its `id` compared with its record.
    fn next(&mut self) -> Value {
        let lines = self.until(|line| line.starts_with("data: "));
        let record: Value = serde_json::from_str(&lines.last().unwrap()[6..]).unwrap();
        let id = format!("id: {}", record["seq"]);
        assert!(lines.contains(&id), "{lines:?}");
        record
    }

    fn seqs(&mut self, count: usize) -> Vec<u64> {
        (0..count)
            .map(|_| self.next()["seq"].as_u64().unwrap())
            .collect()
    }
}

fn many(action: &str, count: usize) -> Value {
    (0..count).map(|_| event(action)).collect()
}

#[test]
fn a_stream_begins_now_and_follows() {
    let (_dir, node) = Running::fresh();
    node.record(&many("before", 3));
    let mut stream = Stream::open(&node, &node.admin, "", None);
    let seq = node.record(&event("after"))["results"][0]["seq"].clone();
    let row = stream.next();
    assert_eq!(row, node.get(&format!("/v1/events/{seq}")).ok());
    node.record(&many("later", 120));
    let first = seq.as_u64().unwrap() + 1;
    assert_eq!(stream.seqs(120), (first..first + 120).collect::<Vec<_>>());
}

#[test]
fn a_stream_resumes_where_it_ended() {
    let (_dir, node) = Running::fresh();
    node.record(&many("a", 130));
    let mut stream = Stream::open(&node, &node.admin, "", Some(0));
    assert_eq!(stream.seqs(60), (1..=60).collect::<Vec<_>>());
    drop(stream);
    node.record(&many("a", 5));
    let mut stream = Stream::open(&node, &node.admin, "", Some(60));
    assert_eq!(stream.seqs(75), (61..=135).collect::<Vec<_>>());
    for bad in ["x", "99999", "-1"] {
        let call = Call::get("/v1/events/stream").header("last-event-id", bad);
        node.admin(call).problem(400, "invalid_parameter");
    }
}

#[test]
fn nothing_is_lost_or_twice_while_others_write() {
    let (_dir, node) = Running::fresh();
    let seqs = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..40 {
                    node.record(&json!([event("yes"), event("no"), event("yes")]));
                }
            });
        }
        let mut seqs = Vec::new();
        // A stream that breaks again and again.
        for _ in 0..8 {
            let last = seqs.last().copied().unwrap_or(0);
            let mut stream = Stream::open(&node, &node.admin, "?q=action:yes", Some(last));
            seqs.extend(stream.seqs(30));
        }
        seqs
    });
    assert!(seqs.is_sorted_by(|one, next| one < next), "{seqs:?}");
    assert_eq!(seqs.len(), 240);
    assert_eq!(node.get("/v1/count?q=action:yes").ok()["value"], 240);
}

#[test]
fn short_forms_and_keys_limit_a_stream() {
    let (_dir, node) = Running::fresh();
    let key = node.make_key(
        &node.admin,
        &json!({ "name": "p", "scopes": ["read"], "project": "p" }),
    );
    let (key, id) = (key["key"].as_str().unwrap(), key["id"].as_str().unwrap());
    let mut stream = Stream::open(&node, key, "?action=x", None);
    let told = |project: &str, action: &str| json!({ "actor": { "id": "a" }, "action": action, "project": project });
    node.record(&json!([told("q", "x"), told("p", "y"), told("p", "x")]));
    let row = stream.next();
    assert_eq!(
        (&row["project"], &row["action"]),
        (&json!("p"), &json!("x"))
    );
    let get = |path: &str| node.send(&Call::get(path).key(key));
    get("/v1/events/stream?q=input.n:1").problem(403, "insufficient_scope");
    get("/v1/events/stream?from=-1h").problem(400, "unknown_parameter");
    get("/v1/events/stream?q=actoor:a").problem(400, "invalid_filter");
    // A revoked key's stream ends with the next thing that happens.
    node.admin(Call::new("DELETE", &format!("/v1/keys/{id}")));
    node.record(&told("p", "x"));
    while let Some(line) = stream.line() {
        assert!(!line.starts_with("data:"), "{line}");
        if line == "0" {
            return;
        }
    }
}

/// More than sockets buffer, to a client that takes nothing for longer than the server waits.
#[test]
fn a_slow_client_is_told_what_it_missed() {
    let (_dir, node) = Running::fresh();
    let large = json!({ "actor": { "id": "a" }, "action": "large", "meta": { "text": "x".repeat(50_000) } });
    let batch: Value = (0..200).map(|_| large.clone()).collect();
    let mut stream = Stream::open(&node, &node.admin, "?q=action:large", Some(0));
    node.record(&batch);
    node.record(&batch);
    std::thread::sleep(Duration::from_secs(12));
    let (mut last, mut is_gap) = (0, false);
    let gap: Value = loop {
        let line = stream.line().expect("the stream goes on");
        is_gap |= line == "event: gap";
        let Some(data) = line.strip_prefix("data: ") else {
            continue;
        };
        let data: Value = serde_json::from_str(data).unwrap();
        if is_gap {
            break data;
        }
        last += 1;
        assert_eq!(data["seq"], last);
    };
    assert_eq!((&gap["from"], &gap["to"]), (&json!(last + 1), &json!(401)));
    assert_eq!(gap["missed"], 400 - last);
    node.record(&event("large"));
    assert_eq!(stream.next()["seq"], 401);
}

#[test]
fn streams_end_with_the_server() {
    let (_dir, mut node) = Running::fresh();
    let mut stream = Stream::open(&node, &node.admin, "", None);
    node.stop();
    while stream.line().is_some() {}
}
