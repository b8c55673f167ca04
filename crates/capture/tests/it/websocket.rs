//! Responses over a `WebSocket`, and what else is upgraded.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::atomic::Ordering,
    thread::JoinHandle,
    time::Duration,
};

use indelible_capture::config::Mode;
use serde_json::{Value, json};

use crate::setup::{Client, Setup, agent, wait_for};

/// Longest wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);
const KEY: &str = "sk-real-provider-key-of-ours";
const TOKEN: &str = "tok-seven-0123";
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
const AGREED: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: x\r\n\r\n";

/// One side of a connection, which writes and reads frames.
struct Side {
    stream: TcpStream,
    is_client: bool,
}

impl Side {
    /// A frame as it goes over the wire.
    fn frame(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = if self.is_client { 0x80 } else { 0 };
        let mut bytes = vec![first];
        let length = payload.len();
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ ..126), _) => bytes.push(mask + length),
            (_, Ok(length)) => {
                bytes.push(mask + 126);
                bytes.extend(length.to_be_bytes());
            }
            _ => {
                bytes.push(mask + 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        if self.is_client {
            bytes.extend(MASK);
            let masked = payload.iter().zip(MASK.iter().cycle());
            bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
        } else {
            bytes.extend(payload);
        }
        bytes
    }

    fn send(&mut self, first: u8, payload: &[u8]) {
        let bytes = self.frame(first, payload);
        self.stream.write_all(&bytes).unwrap();
    }

    fn say(&mut self, message: &Value) {
        self.send(0x81, message.to_string().as_bytes());
    }

    /// First byte and payload of the next frame; `None` at the end.
    fn frame_of_other(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        let mut length = u64::from(head[1] & 0x7f);
        if length >= 126 {
            let mut long = [0; 8];
            let bytes = if length == 126 { 2 } else { 8 };
            self.stream.read_exact(&mut long[8 - bytes..]).ok()?;
            length = u64::from_be_bytes(long);
        }
        let mut mask = [0; 4];
        if head[1] & 0x80 != 0 {
            self.stream.read_exact(&mut mask).ok()?;
        }
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).ok()?;
        let masked = payload.iter().zip(mask.iter().cycle());
        Some((head[0], masked.map(|(byte, mask)| byte ^ mask).collect()))
    }

    fn hear(&mut self) -> Value {
        let (first, payload) = self.frame_of_other().unwrap();
        assert_eq!(first, 0x81);
        serde_json::from_slice(&payload).unwrap()
    }

    fn close(&mut self, code: u16) {
        self.send(0x88, &code.to_be_bytes());
    }

    /// The code of the close frame that comes now.
    fn hear_close(&mut self) -> u16 {
        let (first, payload) = self.frame_of_other().unwrap();
        assert_eq!(first, 0x88);
        u16::from_be_bytes(payload[..2].try_into().unwrap())
    }
}

/// A provider that takes one connection; gives the request's head in the end.
fn provider(
    agrees: &'static str,
    talk: impl FnOnce(Side) + Send + 'static,
) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        stream.write_all(agrees.as_bytes()).unwrap();
        talk(Side {
            stream,
            is_client: false,
        });
        String::from_utf8(head).unwrap()
    });
    (url, thread)
}

fn setup(url: String, mode: Mode) -> Setup {
    Setup::with(
        |_| unreachable!(),
        |settings, dir| {
            settings.agents = vec![agent(dir, "agent-7", TOKEN)];
            std::fs::write(dir.join("key"), KEY).unwrap();
            settings.gateway.mode = mode;
            let llm = settings.llm.as_mut().unwrap();
            llm.key_file.insert("openai".to_owned(), dir.join("key"));
            llm.upstream.insert("openai".to_owned(), url);
        },
    )
}

fn ask(setup: &Setup, path: &str, token: &str) -> Client {
    let mut client = setup.connect();
    client.write(format!(
        "GET {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: eA==\r\nsec-websocket-extensions: permessage-deflate\r\nx-indelible-job: j1\r\n\r\n"
    ));
    client
}

fn open(setup: &Setup, path: &str) -> Side {
    let mut client = ask(setup, path, TOKEN);
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("sec-websocket-accept: x"), "{head}");
    Side {
        stream: client.stream,
        is_client: true,
    }
}

fn create(text: &str) -> Value {
    json!({"type": "response.create", "model": "gpt-4.1", "input": text})
}

fn event(kind: &str, id: &str, text: &str) -> Value {
    let status = kind.strip_prefix("response.").unwrap();
    let usage = json!({
        "input_tokens": 900, "input_tokens_details": {"cached_tokens": 512}, "output_tokens": 70,
        "output_tokens_details": {"reasoning_tokens": 32}, "total_tokens": 970,
    });
    let is_over = kind == "response.completed" || kind == "response.incomplete";
    json!({"type": kind, "response": {
        "id": id, "object": "response", "model": "gpt-4.1-2025-04-14", "status": status,
        "usage": is_over.then_some(usage),
        "output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}],
    }})
}

/// Those of a phase, without the connection's own.
fn calls<'a>(events: &'a [Value], phase: &str) -> Vec<&'a Value> {
    let of_phase = events.iter().filter(|event| {
        event["producer"]["phase"] == phase && event["action"] == "responses.create"
    });
    of_phase.collect()
}

/// The outcome of the connection.
fn connection(events: &[Value]) -> &Value {
    let mut outcomes = events.iter().filter(|event| {
        event["producer"]["phase"] == "outcome" && event["action"] != "responses.create"
    });
    outcomes.next().unwrap()
}

#[test]
fn each_message_that_asks_for_a_response_is_a_call() {
    let (url, provider) = provider(AGREED, |mut side| {
        let (first, part) = side.frame_of_other().unwrap();
        assert_eq!(first, 0x01, "fragments pass as they are");
        assert_eq!(
            side.frame_of_other(),
            Some((0x89, b"are you there".to_vec()))
        );
        let (first, rest) = side.frame_of_other().unwrap();
        assert_eq!(first, 0x80);
        let asked: Value = serde_json::from_slice(&[part, rest].concat()).unwrap();
        assert_eq!(asked, create("first"));
        side.send(0x8a, b"are you there");
        side.say(&event("response.created", "resp_1", ""));
        side.say(&json!({"type": "response.output_text.delta", "output_index": 0, "delta": "x"}));
        side.say(&event("response.completed", "resp_1", "one"));
        assert_eq!(side.hear()["previous_response_id"], "resp_1");
        side.say(&event("response.created", "resp_2", ""));
        side.say(&event("response.incomplete", "resp_2", "two"));
        assert_eq!(side.hear_close(), 1000);
        side.close(1000);
    });
    let setup = setup(url, Mode::Async);
    let mut client = open(&setup, "/openai/v1/responses");
    let asked = create("first").to_string();
    client.send(0x01, &asked.as_bytes()[..20]);
    client.send(0x89, b"are you there");
    client.send(0x80, &asked.as_bytes()[20..]);
    assert_eq!(
        client.frame_of_other(),
        Some((0x8a, b"are you there".to_vec()))
    );
    for kind in [
        "response.created",
        "response.output_text.delta",
        "response.completed",
    ] {
        assert_eq!(client.hear()["type"], kind);
    }
    let mut second = create("second");
    second["previous_response_id"] = json!("resp_1");
    client.say(&second);
    assert_eq!(client.hear()["type"], "response.created");
    assert_eq!(client.hear()["type"], "response.incomplete");
    client.close(1000);
    assert_eq!(client.hear_close(), 1000);
    assert_eq!(client.frame_of_other(), None);
    let head = provider.join().unwrap().to_ascii_lowercase();
    assert!(
        head.contains(&format!("authorization: bearer {KEY}")),
        "{head}"
    );
    assert!(head.contains("upgrade: websocket") && head.contains("sec-websocket-key: ea=="));
    assert!(
        !head.contains("permessage-deflate") && !head.contains("x-indelible"),
        "{head}"
    );
    check_two_calls(&setup);
}

/// What is recorded of two calls, of which the second goes on from the first.
fn check_two_calls(setup: &Setup) {
    let events = setup.trail.events(6);
    let (intents, outcomes) = (calls(&events, "intent"), calls(&events, "outcome"));
    for (n, (text, answer, response)) in [("first", "one", "resp_1"), ("second", "two", "resp_2")]
        .into_iter()
        .enumerate()
    {
        let (intent, outcome) = (intents[n], outcomes[n]);
        assert_eq!(intent["producer"]["call"], outcome["producer"]["call"]);
        assert_eq!(intent["content"]["input"]["input"], text);
        assert_eq!(
            (&intent["actor"]["id"], &intent["job"]),
            (&json!("agent-7"), &json!("j1")),
            "{intent:#}"
        );
        assert_eq!(
            intent["resource"],
            json!({"type": "model", "id": "gpt-4.1"})
        );
        assert_eq!(
            outcome["content"]["output"]["output"][0]["content"][0]["text"],
            answer
        );
        assert_eq!(
            (&outcome["result"], &outcome["status"]),
            (&json!("success"), &json!(200))
        );
        let usage = &outcome["usage"];
        assert_eq!(
            (
                &usage["input_tokens"],
                &usage["cache_read_tokens"],
                &usage["output_tokens"],
                &usage["reasoning_tokens"]
            ),
            (&json!(900), &json!(512), &json!(70), &json!(32))
        );
        assert!(usage["cost_nanousd"].as_u64().unwrap() > 0 && outcome["duration_us"].is_u64());
        assert_eq!(outcome["meta"]["response_id"], response);
        assert_eq!(
            outcome["meta"]["connection"],
            connection(&events)["producer"]["call"]
        );
    }
    assert_eq!(intents[1]["meta"]["previous_response_id"], "resp_1");
    let connection = connection(&events);
    assert_eq!(
        (&connection["action"], &connection["status"]),
        (&json!("GET /v1/responses"), &json!(101))
    );
    assert_eq!(
        (&connection["result"], &connection["meta"]["calls"]),
        (&json!("success"), &json!(2))
    );
    assert_eq!(connection["meta"]["close_code"], 1000);
    assert!(!setup.trail.text().contains(KEY) && !setup.trail.text().contains(TOKEN));
}

#[test]
fn errors_end_a_call_and_lanes_are_apart() {
    let (url, provider) = provider(AGREED, |mut side| {
        for _ in 0..4 {
            side.hear();
        }
        let mut begun = event("response.created", "resp_b", "");
        begun["stream_id"] = json!("b");
        side.say(&begun);
        side.say(&json!({"type": "error", "status": 400, "error": {"code": "previous_response_not_found", "message": "no such response"}}));
        side.say(&json!({"type": "response.failed", "response": {"id": "resp_c", "object": "response", "error": {"message": "overloaded"}}}));
        let mut over = event("response.completed", "resp_b", "bee");
        over["stream_id"] = json!("b");
        side.say(&over);
        // What goes on by itself is recorded too.
        side.say(&event("response.created", "resp_d", ""));
        side.say(&event("response.completed", "resp_d", "steered"));
        side.close(1001);
    });
    let setup = setup(url, Mode::Async);
    let mut client = open(&setup, "/openai/v1/responses");
    client.say(&create("a"));
    client.say(&create("c"));
    client.say(&json!({"type": "response.steer", "input": "other"}));
    let mut lane = create("b");
    lane["stream_id"] = json!("b");
    client.say(&lane);
    while client
        .frame_of_other()
        .is_some_and(|(first, _)| first == 0x81)
    {}
    provider.join().unwrap();
    drop(client);
    let events = setup.trail.events(11);
    let outcomes = calls(&events, "outcome");
    let mut steers = events
        .iter()
        .filter(|event| event["action"] == "responses.steer");
    let steer = steers.next().unwrap();
    assert_eq!(steer["content"]["input"]["input"], "other");
    assert_eq!(steer["producer"].get("phase"), None);
    // Said while the first call was open in this lane, and so a part of it.
    assert_eq!(
        steer["producer"]["call"],
        calls(&events, "intent")[0]["producer"]["call"]
    );
    assert_eq!(steer["resource"]["id"], "gpt-4.1");
    let results: Vec<_> = outcomes
        .iter()
        .map(|event| {
            (
                event["result"].as_str().unwrap(),
                event["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        results,
        [
            ("failure", 400),
            ("error", 200),
            ("success", 200),
            ("success", 200)
        ],
        "{outcomes:#?}"
    );
    assert_eq!(
        outcomes[0]["content"]["output"]["error"]["code"],
        "previous_response_not_found"
    );
    assert_eq!(
        (
            &outcomes[0]["meta"]["reason"],
            &outcomes[1]["meta"]["reason"]
        ),
        (&json!("no such response"), &json!("overloaded"))
    );
    assert_eq!(outcomes[2]["meta"]["response_id"], "resp_b");
    let by_itself = calls(&events, "intent")[3];
    assert_eq!(
        (
            &by_itself["resource"]["id"],
            by_itself["content"].get("input")
        ),
        (&json!("gpt-4.1-2025-04-14"), None)
    );
    assert_eq!(connection(&events)["meta"]["close_code"], 1001);
}

#[test]
fn calls_that_are_open_at_the_end_are_recorded_as_such() {
    for client_leaves in [true, false] {
        let (url, provider) = provider(AGREED, move |mut side| {
            side.hear();
            side.say(&event("response.created", "resp_1", ""));
            side.say(&json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}}));
            side.say(&json!({"type": "response.output_text.delta", "output_index": 0, "delta": "half of"}));
            if client_leaves {
                assert_eq!(side.frame_of_other(), None, "the provider is told");
            }
        });
        let setup = setup(url, Mode::Async);
        let mut client = open(&setup, "/openai/v1/responses");
        client.say(&create("a"));
        for _ in 0..3 {
            client.hear();
        }
        if client_leaves {
            drop(client);
        } else {
            assert_eq!(client.frame_of_other(), None);
        }
        provider.join().unwrap();
        let events = setup.trail.events(4);
        let outcome = calls(&events, "outcome")[0];
        let reason = outcome["meta"]["reason"].as_str().unwrap();
        assert_eq!(outcome["result"], "error");
        assert_eq!(
            reason.contains("the client went away"),
            client_leaves,
            "{reason}"
        );
        assert_eq!(
            outcome["content"]["output"]["output"][0]["content"][0]["text"],
            "half of"
        );
        assert_eq!(connection(&events)["result"], "error");
    }
}

#[test]
fn a_connection_is_refused_and_failed_as_any_call() {
    let (url, provider) = provider(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{\"error\":\"slow\"}",
        |_| {},
    );
    let setup = setup(url, Mode::Async);
    let refused = ask(&setup, "/openai/v1/responses", "tok-nobody").answer();
    assert_eq!(
        (refused.status, refused.json().pointer("/error/type")),
        (401, Some(&json!("authentication_error")))
    );
    let failed = ask(&setup, "/openai/v1/responses", TOKEN).answer();
    assert_eq!(failed.status, 429);
    provider.join().unwrap();
    let events = setup.trail.events(3);
    assert_eq!(events[0]["approval"]["rule"], "agent.token");
    assert_eq!(
        (
            &connection(&events)["result"],
            &connection(&events)["status"]
        ),
        (&json!("failure"), &json!(429))
    );
    assert_eq!(connection(&events)["meta"].get("upgraded"), None);
}

#[test]
fn in_strict_mode_a_call_is_recorded_before_it_passes_or_not_made() {
    let (told, heard) = std::sync::mpsc::channel();
    let (url, provider) = provider(AGREED, move |mut side| {
        told.send(side.hear()).unwrap();
        side.say(&event("response.completed", "resp_1", "one"));
        assert_eq!(side.frame_of_other(), None, "the second call is not made");
    });
    let setup = setup(url, Mode::Strict);
    let mut client = open(&setup, "/openai/v1/responses");
    client.say(&create("first"));
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), create("first"));
    let recorded = setup.trail.events(2);
    let intent = calls(&recorded, "intent")[0];
    assert_eq!(intent["content"]["input"]["input"], "first");
    assert_eq!(client.hear()["type"], "response.completed");
    setup.trail.events(3);
    setup.disk_is_full.store(true, Ordering::SeqCst);
    client.say(&create("second"));
    let error = client.hear();
    assert_eq!(
        (&error["type"], &error["status"], &error["error"]["code"]),
        (&json!("error"), &json!(503), &json!("mode.strict"))
    );
    assert_eq!(client.hear_close(), 1011);
    provider.join().unwrap();
    setup.disk_is_full.store(false, Ordering::SeqCst);
    assert!(!setup.trail.text().contains("second"));
    assert_eq!(calls(&setup.trail.events(3), "outcome").len(), 1);
}

#[test]
fn long_messages_pass_whole_and_are_kept_in_part() {
    const LONG: usize = 20 << 20;
    let (url, provider) = provider(AGREED, |mut side| {
        let asked = side.hear();
        assert_eq!(asked["input"].as_str().unwrap().len(), LONG);
        side.say(&event("response.created", "resp_1", ""));
        side.say(&json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}}));
        side.say(&json!({"type": "response.output_text.delta", "output_index": 0, "delta": "yy"}));
        side.say(&event("response.completed", "resp_1", &"y".repeat(LONG)));
        // One that is too long in the middle is told of too.
        side.hear();
        side.say(&event("response.created", "resp_2", ""));
        side.say(&json!({"type": "response.output_item.done", "output_index": 0, "item": {"result": "z".repeat(LONG)}}));
        side.say(&event("response.completed", "resp_2", "short"));
        side.close(1000);
    });
    let setup = setup(url, Mode::Async);
    let mut client = open(&setup, "/openai/v1/responses");
    client.say(&create(&"x".repeat(LONG)));
    for _ in 0..3 {
        client.hear();
    }
    let answer = client.hear();
    assert_eq!(
        answer["response"]["output"][0]["content"][0]["text"]
            .as_str()
            .unwrap()
            .len(),
        LONG
    );
    client.say(&create("second"));
    for _ in 0..3 {
        client.hear();
    }
    client.hear_close();
    provider.join().unwrap();
    let events = setup.trail.events(6);
    let second = calls(&events, "outcome")[1];
    assert_eq!(second["meta"]["output_cut"], true);
    assert!(second["meta"]["unread_bytes"].as_u64().unwrap() > LONG as u64);
    assert_eq!(second["usage"]["input_tokens"], 900);
    let (intent, outcome) = (calls(&events, "intent")[0], calls(&events, "outcome")[0]);
    assert_eq!(intent["resource"]["id"], "gpt-4.1");
    assert!(intent.to_string().len() < 2 << 20);
    assert_eq!(
        (&outcome["result"], &outcome["meta"]["output_cut"]),
        (&json!("success"), &json!(true)),
        "{:#}",
        outcome["meta"]
    );
    // What it says of the tokens is read all the same.
    assert_eq!(outcome["usage"]["input_tokens"], 900);
    assert_eq!(outcome["usage"]["model"], "gpt-4.1-2025-04-14");
    assert_eq!(outcome["meta"]["response_id"], "resp_1");
    let output = &outcome["content"]["output"];
    assert_eq!(
        output.pointer("/output/0/content/0/text"),
        Some(&json!("yy"))
    );
    assert!(outcome["meta"]["unread_bytes"].as_u64().unwrap() > LONG as u64);
}

#[test]
fn other_paths_are_tunnels_with_counts() {
    let (url, provider) = provider(AGREED, |mut side| {
        let mut said = [0; 7];
        side.stream.read_exact(&mut said).unwrap();
        side.stream.write_all(b"not frames").unwrap();
        side.stream.shutdown(Shutdown::Write).unwrap();
        let _ = side.stream.read(&mut said);
    });
    let setup = setup(url, Mode::Async);
    let mut client = open(&setup, "/openai/v1/realtime?model=m");
    client.stream.write_all(b"whatever"[..7].as_ref()).unwrap();
    let mut got = Vec::new();
    client.stream.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"not frames");
    drop(client);
    let head = provider.join().unwrap();
    assert!(head.contains("permessage-deflate"), "{head}");
    let (_, outcome) = setup.trail.call();
    assert_eq!(
        (&outcome["action"], &outcome["result"]),
        (&json!("GET /v1/realtime"), &json!("success"))
    );
    assert_eq!(
        (
            &outcome["meta"]["bytes_sent"],
            &outcome["meta"]["bytes_received"]
        ),
        (&json!(7), &json!(10))
    );
}

#[test]
fn a_gateway_that_stops_says_so_once_no_call_is_open() {
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    let (url, provider) = provider(AGREED, move |mut side| {
        side.hear();
        side.say(&event("response.created", "resp_1", ""));
        may_go.recv_timeout(PATIENCE).unwrap();
        side.say(&event("response.completed", "resp_1", "one"));
        while side.frame_of_other().is_some() {}
    });
    let mut setup = setup(url, Mode::Async);
    let mut client = open(&setup, "/openai/v1/responses");
    client.say(&create("a"));
    client.hear();
    setup.trail.events(2);
    let address = setup.address;
    let stopping = std::thread::spawn(move || {
        wait_for("the gateway does not stop", || {
            TcpStream::connect(address).is_err()
        });
        go.send(()).unwrap();
        assert_eq!(client.hear()["type"], "response.completed");
        assert_eq!(client.hear_close(), 1001);
    });
    setup.stop();
    stopping.join().unwrap();
    provider.join().unwrap();
    let events = setup.trail.events(4);
    assert_eq!(calls(&events, "outcome")[0]["result"], "success");
    assert_eq!(connection(&events)["result"], "error");
}
