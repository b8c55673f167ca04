//! `indelible mcp` and the proxy as processes of their own: real programs, and what becomes of the record when things break.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::machine::{KEY, Machine, PROGRAM, files, signal, wait};

const SECRET: &str = "ghp_PlantedSecretPlantedSecretPlanted123";
/// A server that knows one tool, `echo`, and another, `never`.
const SERVER: &str = r#"while IFS= read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case "$line" in
    *'"method":"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"sh","version":"1"}}}';;
    *'"name":"never"'*) ;;
    *'"method":"tools/call"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[{"type":"text","text":"'$id'"}]}}';;
  esac
done"#;

/// A client of a wrapped server.
struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Client {
    fn start(machine: &Machine, args: &[&str], server: &[&str]) -> Self {
        let mut command = command(machine, args, server);
        let mut child = command.spawn().unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn send(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.stdin
            .as_mut()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
    }

    fn call(&mut self, id: u64) -> Value {
        self.send(&call(id, "echo", json!({"n": id})));
        self.receive()
    }

    /// As clients do: closes the server's input and waits.
    fn close(mut self) -> Option<i32> {
        self.stdin = None;
        wait(&mut self.child).code()
    }
}

fn command(machine: &Machine, args: &[&str], server: &[&str]) -> Command {
    let mut all = vec!["mcp"];
    all.extend_from_slice(args);
    all.push("--");
    all.extend_from_slice(server);
    let mut command = machine.command(&all);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn call(id: u64, tool: &str, arguments: impl Into<Value>) -> Value {
    let arguments: Value = arguments.into();
    let params = json!({"name": tool, "arguments": arguments});
    json!({"id": id, "jsonrpc": "2.0", "method": "tools/call", "params": params})
}

/// Events of the surface, oldest first, once there are so many.
fn events(machine: &Machine, count: usize) -> Vec<Value> {
    events_until(machine, |events| events.len() >= count)
}

/// Events of the surface, oldest first, once they are complete.
fn events_until(machine: &Machine, are_complete: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let text = machine.out(&["export", "source:mcp"]);
        let mut events: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        if are_complete(&events) {
            events.sort_by_key(|event| event["seq"].as_u64());
            return events;
        }
        assert!(Instant::now() < deadline, "{events:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ids of the calls with such a record.
fn recorded(events: &[Value], phase: &str) -> Vec<u64> {
    let calls = events
        .iter()
        .filter(|event| event["action"] == "tools/call" && event["producer"]["phase"] == phase);
    let ids = calls.map(|event| {
        event["meta"]["request_id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    });
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    ids
}

#[test]
fn bytes_status_and_signals_pass() {
    let machine = Machine::new();
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut child = command(&machine, &[], &["cat"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let sent = bytes.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
    let mut got = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut got).unwrap();
    writer.join().unwrap();
    assert!(got == bytes, "not a byte is changed");
    assert_eq!(wait(&mut child).code(), Some(0));
    for (script, status) in [("exit 7", 7), ("kill -9 $$", 137), ("exec 1>&-; exit 3", 3)] {
        assert_eq!(
            Client::start(&machine, &[], &["sh", "-c", script]).close(),
            Some(status)
        );
    }
    let script = "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let mut client = Client::start(&machine, &[], &["sh", "-c", script]);
    let mut line = String::new();
    client.stdout.read_line(&mut line).unwrap();
    signal(&client.child, Signal::TERM);
    line.clear();
    client.stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "bye\n");
    assert_eq!(client.close(), Some(5));
    let absent = machine.run(&["mcp", "--", "/does/not/exist"]);
    assert_eq!(absent.status.code(), Some(127));
}

#[test]
fn nothing_is_lost_while_the_server_is_away() {
    let mut machine = Machine::new();
    let mut client = Client::start(&machine, &["--job", "j"], &["sh", "-c", SERVER]);
    client.send(&json!({"id": 0, "method": "initialize", "params": {}}));
    assert_eq!(client.receive()["result"]["serverInfo"]["name"], "sh");
    (1..=10).for_each(|id| drop(client.call(id)));
    assert_eq!(client.close(), Some(0));
    machine.start();
    let mut client = Client::start(&machine, &[], &["sh", "-c", SERVER]);
    (11..=20).for_each(|id| drop(client.call(id)));
    machine.kill();
    (21..=30).for_each(|id| drop(client.call(id)));
    machine.listen_again();
    (31..=40).for_each(|id| drop(client.call(id)));
    client.send(&call(41, "never", json!({})));
    assert_eq!(client.close(), Some(0));
    // What the end of a session could not deliver in a second goes with the next one.
    assert_eq!(Client::start(&machine, &[], &["true"]).close(), Some(0));
    let events = events(&machine, 2 * 41 + 1 + 6);
    assert_eq!(recorded(&events, "intent"), (1..=41).collect::<Vec<_>>());
    assert_eq!(recorded(&events, "outcome"), (1..=41).collect::<Vec<_>>());
    let ids: HashSet<_> = events.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), events.len());
    let never = events
        .iter()
        .find(|event| event["meta"]["request_id"] == "41" && event["result"] == "error");
    assert_eq!(
        never.unwrap()["meta"]["reason"],
        "the client closed the connection before an answer"
    );
    let first = &events
        .iter()
        .find(|event| event["meta"]["request_id"] == "1")
        .unwrap();
    assert_eq!(
        (&first["job"], &first["resource"]["id"]),
        (&json!("j"), &json!("sh/echo"))
    );
    let has_own_spools = || {
        let mut entries = machine.home().join("spool").read_dir().unwrap();
        entries.any(|entry| {
            let name = entry.unwrap().file_name();
            name.to_string_lossy().starts_with("run-")
        })
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    while has_own_spools() {
        assert!(
            Instant::now() < deadline,
            "what was delivered is cleared away"
        );
        Client::start(&machine, &[], &["true"]).close();
    }
}

#[test]
fn a_kill_leaves_nothing_unexplained() {
    let mut machine = Machine::new();
    let mut client = Client::start(&machine, &[], &["sh", "-c", SERVER]);
    (1..=20).for_each(|id| drop(client.call(id)));
    // What has reached the spool outlives the process; that takes the recorder a moment.
    let spooled = |machine: &Machine| {
        let files = files(&machine.home().join("spool"));
        files.iter().any(|file| {
            holds(file, "\"request_id\":\"20\"")
                && holds(
                    file,
                    "\"output\":{\"content\":[{\"type\":\"text\",\"text\":\"20\"}]}",
                )
        })
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    while !spooled(&machine) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    client.child.kill().unwrap();
    client.child.wait().unwrap();
    machine.start();
    assert_eq!(Client::start(&machine, &[], &["true"]).close(), Some(0));
    let events = events(&machine, 43);
    for phase in ["intent", "outcome"] {
        assert_eq!(
            recorded(&events, phase),
            (1..=20).collect::<Vec<_>>(),
            "{phase}"
        );
    }
}

#[test]
fn secrets_are_nowhere_and_keys_of_ours_stay_here() {
    let machine = Machine::serving();
    let script = format!("echo {SECRET} >&2; env | grep INDELIBLE >&2; {SERVER}");
    let mut client = Client::start(&machine, &[], &["sh", "-c", &script, SECRET]);
    client.send(&call(
        1,
        "echo",
        json!({"token": SECRET, "key": KEY, "text": format!("my {SECRET}")}),
    ));
    client.receive();
    let mut stderr = client.child.stderr.take().unwrap();
    assert_eq!(client.close(), Some(0));
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert!(
        said.contains(SECRET) && said.contains("INDELIBLE_URL"),
        "{said}"
    );
    assert!(!said.contains(KEY), "{said}");
    let events = events(&machine, 4);
    let session = events.last().unwrap();
    assert_eq!(session["action"], "mcp.session");
    let stderr = session["contents"]["stderr"].as_str().unwrap();
    assert!(stderr.starts_with("[REDACTED:github-token:"), "{stderr}");
    for dir in [machine.data(), machine.home().join("spool")] {
        for file in files(&dir) {
            assert!(!holds(&file, SECRET), "{}", file.display());
        }
    }
}

#[test]
fn without_a_place_for_events_strict_refuses_and_the_rest_goes_on() {
    let machine = Machine::new();
    std::fs::write(machine.home().join("spool"), "a file").unwrap();
    let mut client = Client::start(&machine, &[], &["sh", "-c", SERVER]);
    assert_eq!(client.call(1)["id"], 1);
    let mut stderr = client.child.stderr.take().unwrap();
    assert_eq!(client.close(), Some(0));
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert!(said.contains("NOT RECORDED"), "{said}");
    assert_eq!(
        Client::start(&machine, &["--strict"], &["sh", "-c", SERVER]).close(),
        Some(1)
    );
}

#[test]
fn strictly_a_call_is_recorded_before_it_is_made() {
    let machine = Machine::serving();
    let mut client = Client::start(&machine, &["--strict"], &["sh", "-c", SERVER]);
    (1..=5).for_each(|id| assert_eq!(client.call(id)["id"], id));
    let text = "x".repeat(33 << 20);
    client.send(&call(6, "echo", json!({"text": text})));
    let refused = client.receive();
    assert_eq!(
        (&refused["id"], &refused["result"]["isError"]),
        (&json!(6), &json!(true))
    );
    assert_eq!(client.call(7)["id"], 7, "and the next one is made");
    assert_eq!(client.close(), Some(0));
    let events = events(&machine, 15);
    assert_eq!(recorded(&events, "intent"), [1, 2, 3, 4, 5, 7]);
    let refused = events
        .iter()
        .find(|event| event["action"] == "refused")
        .unwrap();
    assert_eq!(refused["approval"]["rule"], "mode.strict");
}

#[test]
fn a_message_of_100_mb_takes_little_memory() {
    let machine = Machine::serving();
    let mut client = Client::start(&machine, &[], &["cat"]);
    let piece = vec![b'y'; 1 << 20];
    let mut stdin = client.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        stdin.write_all(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"put","arguments":{"text":""#).unwrap();
        (0..100).for_each(|_| stdin.write_all(&piece).unwrap());
        stdin.write_all(b"\"}}}\n").unwrap();
        stdin
    });
    let mut left = 100 << 20;
    let mut buffer = vec![0; 1 << 20];
    while left > 0 {
        left -= client.stdout.read(&mut buffer).unwrap().min(left);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 100 << 10, "{peak}");
    drop(writer.join().unwrap());
    assert_eq!(client.close(), Some(0));
    let is_end = |event: &&Value| {
        event["action"] == "mcp.session" && event["producer"]["phase"] == "outcome"
    };
    let events = events_until(&machine, |events| events.iter().any(|event| is_end(&event)));
    let mut intents = events.iter();
    // A recorder that is too slow for this machine says what it did not see.
    if let Some(intent) = intents.find(|event| event["resource"]["id"] == "cat/put") {
        let whole = &intent["contents"]["whole"]["input"]["bytes"];
        assert!(whole.as_u64().unwrap() > 100 << 20);
    } else {
        // What tells of the loss itself may come behind it.
        let session = events.iter().find(is_end).unwrap();
        let missed = &session["meta"]["missed_bytes"];
        assert!(missed.as_u64().unwrap() > 0, "{session:#}");
    }
}

#[test]
fn a_client_that_vanishes_ends_the_server() {
    let machine = Machine::serving();
    let script = format!("{SERVER}\necho over >&2");
    let mut client = Client::start(&machine, &[], &["sh", "-c", &script]);
    client.call(1);
    client.send(&call(2, "never", json!({})));
    let Client {
        mut child,
        stdin,
        stdout,
    } = client;
    drop((stdin, stdout));
    assert_eq!(wait(&mut child).code(), Some(0));
    let events = events(&machine, 6);
    let session = events.last().unwrap();
    assert_eq!(
        (&session["status"], &session["contents"]["stderr"]),
        (&json!(0), &json!("over\n"))
    );
    assert_eq!(recorded(&events, "outcome"), [1, 2]);
}

#[test]
fn servers_over_http_are_recorded_inside_of_the_server() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut seen = Vec::new();
                let mut buffer = [0; 4096];
                while !seen.ends_with(b"}}") {
                    match stream.read(&mut buffer) {
                        Ok(read) if read > 0 => seen.extend_from_slice(&buffer[..read]),
                        _ => return,
                    }
                }
                let body = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            });
        }
    });
    let mut machine = Machine::new();
    machine.configure(&format!(
        "[mcp]\nlisten = \"127.0.0.1:0\"\n[mcp.upstream]\ns = \"http://{upstream}/mcp\"\n"
    ));
    machine.start();
    let url = format!("{}/s", machine.surface("mcp"));
    let request = call(1, "add", json!({"text": SECRET}));
    let mut answer = ureq::post(&url)
        .header("content-type", "application/json")
        .send(request.to_string())
        .unwrap();
    assert!(
        answer
            .body_mut()
            .read_to_string()
            .unwrap()
            .contains("content")
    );
    let events = events(&machine, 2);
    assert_eq!(events[1]["resource"]["id"], "s/add");
    machine.stop();
    for file in files(&machine.data()) {
        assert!(!holds(&file, SECRET), "{}", file.display());
    }
}

fn holds(file: &std::path::Path, text: &str) -> bool {
    let bytes = std::fs::read(file).unwrap_or_default();
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn inside_of_a_gateway_of_settings_everything_is_recorded_and_no_key_is_inherited() {
    let machine = Machine::serving();
    let home = machine.home();
    let key = machine
        .json(&["key", "create", "--scope", "gateway", "--json"])
        .remove(0);
    std::fs::write(home.join("gateway.key"), key["key"].as_str().unwrap()).unwrap();
    let config = format!(
        "[gateway]\nserver = {:?}\nkey_file = \"gateway.key\"\n[llm]\nlisten = \"127.0.0.1:0\"\n",
        machine.url
    );
    std::fs::write(home.join("gateway.toml"), config).unwrap();
    std::fs::write(home.join("server.sh"), SERVER).unwrap();
    std::fs::write(
        home.join("call.json"),
        format!("{}\n", call(1, "echo", json!({}))),
    )
    .unwrap();
    let hooked = json!({"hook_event_name": "SessionStart", "session_id": "s", "cwd": "/"});
    std::fs::write(home.join("hook.json"), hooked.to_string()).unwrap();
    let script = r#"
        printf %s "${INDELIBLE_KEY-none}" > key
        "$0" mcp -- sh server.sh < call.json > answer
        "$0" hook --from claude-code < hook.json
        "$0" exec -- true
    "#;
    let output = machine.run(&[
        "run",
        "--config",
        "gateway.toml",
        "--",
        "sh",
        "-c",
        script,
        PROGRAM,
    ]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let read = |name: &str| std::fs::read_to_string(home.join(name)).unwrap();
    assert_eq!(read("key"), "none");
    assert!(read("answer").contains("\"result\""), "{}", read("answer"));
    let recorded = events(&machine, 4);
    for phase in ["intent", "outcome"] {
        assert_eq!(self::recorded(&recorded, phase), [1]);
    }
    for source in ["hook", "shell"] {
        let found = machine.json(&["query", &format!("source:{source}")]);
        assert_eq!(found.len(), 1, "{source}: {found:#?}");
    }
}
