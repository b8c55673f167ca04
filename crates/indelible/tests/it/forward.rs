//! The forward proxy as a process of its own: what becomes of the record, of memory and of secrets.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    gateway::{Gateway, events_of, holds, numbers},
    machine::{Machine, files},
};

/// A host that says everything again, until its client ends; to `GET` it says that it has heard.
fn echo_host(address: &str) -> SocketAddr {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut piece = vec![0; 64 << 10];
                while let Ok(read) = stream.read(&mut piece) {
                    let said = if piece.starts_with(b"GET ") {
                        &b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain\r\n\r\nheard"[..]
                    } else {
                        &piece[..read]
                    };
                    if read == 0 || stream.write_all(said).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn configure(machine: &Machine, gateway: &str, proxy: &str) -> PathBuf {
    let key = machine
        .json(&["key", "create", "--scope", "gateway", "--json"])
        .remove(0);
    std::fs::write(
        machine.home().join("gateway.key"),
        key["key"].as_str().unwrap(),
    )
    .unwrap();
    let config = machine.home().join("gateway.toml");
    let text = format!(
        "[gateway]\nserver = {:?}\nkey_file = \"gateway.key\"\n{gateway}\n[forward_proxy]\nlisten = \"127.0.0.1:0\"\nallow_private = true\n{proxy}\n",
        machine.url
    );
    std::fs::write(&config, text).unwrap();
    config
}

fn connect(gateway: &Gateway, host: SocketAddr, headers: &str) -> TcpStream {
    let proxy = gateway.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(proxy).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    write!(
        stream,
        "CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n"
    )
    .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend_from_slice(&byte);
    }
    assert!(
        head.starts_with(b"HTTP/1.1 200 "),
        "{}",
        String::from_utf8_lossy(&head)
    );
    stream
}

/// Says something through a tunnel of its own and waits for it to come back.
fn say(gateway: &Gateway, host: SocketAddr, text: &str, headers: &str) {
    let mut stream = connect(gateway, host, headers);
    stream.write_all(text.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, text);
}

#[test]
fn tunnels_while_the_server_is_away_are_recorded_once() {
    let mut machine = Machine::serving();
    let host = echo_host("127.0.0.1:0");
    let config = configure(&machine, "", "");
    let mut gateway = Gateway::start(&machine, config);
    for n in 0..30 {
        if n == 10 {
            machine.kill();
        }
        if n == 20 {
            machine.listen_again();
        }
        say(
            &gateway,
            host,
            &"x".repeat(n + 1),
            &format!("x-indelible-job: j{n}\r\n"),
        );
    }
    gateway.stop();
    let events = events_of(&machine, "forward-proxy", 60);
    assert_eq!(events.len(), 60);
    for n in 0..30 {
        let of_job: Vec<_> = events
            .iter()
            .filter(|event| event["job"] == format!("j{n}"))
            .collect();
        let outcome = of_job
            .iter()
            .find(|event| event["producer"]["phase"] == "outcome")
            .unwrap();
        assert_eq!(
            (of_job.len(), &outcome["meta"]["bytes_sent"]),
            (2, &json!(n + 1))
        );
        assert_eq!(outcome["result"], "success");
    }
    for numbers in numbers(&events).values() {
        assert_eq!(*numbers, (0..60).collect::<Vec<u64>>());
    }
}

#[test]
fn a_kill_leaves_tunnels_unfinished_and_none_unrecorded() {
    let machine = Machine::serving();
    let host = echo_host("127.0.0.1:0");
    let config = configure(&machine, "mode = \"strict\"", "");
    let mut gateway = Gateway::start(&machine, config);
    say(&gateway, host, "before", "");
    let mut open = connect(&gateway, host, "");
    open.write_all(b"x").unwrap();
    open.read_exact(&mut [0]).unwrap();
    gateway.kill();
    let mut gateway = Gateway::start(&machine, gateway.config.clone());
    say(&gateway, host, "after", "");
    gateway.stop();
    // In strict mode what was dialled has an intent; the outcome of the first may have died with the process.
    let events = events_of(&machine, "forward-proxy", 4);
    let of_phase = |phase: &str| {
        events
            .iter()
            .filter(|event| event["producer"]["phase"] == phase)
            .count()
    };
    assert_eq!(of_phase("intent"), 3, "{events:#?}");
    assert!((1..=2).contains(&of_phase("outcome")), "{events:#?}");
}

#[test]
fn memory_grows_neither_with_bytes_nor_much_with_tunnels() {
    const BYTES: usize = 100 << 20;
    const TUNNELS: usize = 400;
    let machine = Machine::serving();
    let host = echo_host("127.0.0.1:0");
    let config = configure(&machine, "", "");
    let mut gateway = Gateway::start(&machine, config);
    say(&gateway, host, "warm", "");
    let before = gateway.peak_bytes();
    let mut stream = connect(&gateway, host, "");
    let mut writer = stream.try_clone().unwrap();
    let writing = thread::spawn(move || {
        let piece = vec![b'z'; 1 << 20];
        for _ in 0..BYTES >> 20 {
            writer.write_all(&piece).unwrap();
        }
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let received = std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
    writing.join().unwrap();
    assert_eq!(received, BYTES as u64);
    let tunnels: Vec<_> = (0..TUNNELS).map(|_| connect(&gateway, host, "")).collect();
    let grown = gateway.peak_bytes() - before;
    assert!(grown < 40 << 20, "{} MiB", grown >> 20);
    drop(tunnels);
    gateway.stop();
    let events = events_of(&machine, "forward-proxy", 2 * (TUNNELS + 2));
    let large = events
        .iter()
        .find(|event| event["meta"]["bytes_sent"] == BYTES)
        .unwrap();
    assert_eq!(
        (&large["meta"]["bytes_received"], &large["result"]),
        (&json!(BYTES), &json!("success"))
    );
}

#[test]
fn planted_secrets_are_nowhere_on_disk() {
    let mut machine = Machine::serving();
    let host = echo_host("127.0.0.1:0");
    std::fs::write(machine.home().join("a.token"), "agent-token-planted").unwrap();
    // Top-level tables come after the keys of the last one.
    let config = configure(
        &machine,
        "",
        "[[agent]]\nid = \"a\"\ntoken_file = \"a.token\"",
    );
    let mut gateway = Gateway::start(&machine, config);
    let token = "proxy-authorization: Bearer agent-token-planted\r\n";
    let ask = |gateway: &Gateway| {
        let mut stream = TcpStream::connect(gateway.url.strip_prefix("http://").unwrap()).unwrap();
        write!(
            stream,
            "GET http://{host}/a?access_token=query-planted&x=ghp_0123456789abcdefghijklmnopqrstuvwxyz HTTP/1.1\r\nhost: {host}\r\n\
             {token}authorization: Bearer header-planted\r\ncookie: a=cookie-planted\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("heard"), "{answer}");
    };
    ask(&gateway);
    say(&gateway, host, "tunnelled-planted", token);
    events_of(&machine, "forward-proxy", 4);
    machine.kill();
    ask(&gateway);
    say(&gateway, host, "tunnelled-planted", token);
    let spool = machine.home().join("indelible-spool");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !files(&spool)
        .iter()
        .any(|file| holds(file, "[REDACTED:request-secret:"))
    {
        assert!(Instant::now() < deadline, "nothing waits");
        thread::sleep(Duration::from_millis(20));
    }
    gateway.kill();
    for file in files(&machine.data()).iter().chain(&files(&spool)) {
        for secret in ["-planted", "ghp_0123456789"] {
            assert!(!holds(file, secret), "{secret} is in {}", file.display());
        }
    }
}

#[test]
fn run_leads_the_network_through_a_proxy() {
    let machine = Machine::serving();
    // Clients except 127.0.0.1 from their proxy.
    let host = echo_host("127.0.0.2:0");
    let script = format!(
        "curl -sS http://{host}/plain > plain; curl -sS -p http://{host}/tunnelled > tunnelled; env > variables; cp \"$SSL_CERT_FILE\" bundle"
    );
    let output = machine
        .command(&["run", "--job", "j7", "--", "sh", "-c", &script])
        .env_remove("HTTP_PROXY")
        .env_remove("HTTPS_PROXY")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = |name: &str| std::fs::read_to_string(machine.home().join(name)).unwrap();
    assert_eq!(
        (read("plain").as_str(), read("tunnelled").as_str()),
        ("heard", "heard")
    );
    let variables = read("variables");
    for name in [
        "https_proxy",
        "HTTPS_PROXY",
        "NODE_EXTRA_CA_CERTS",
        "REQUESTS_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "CARGO_HTTP_CAINFO",
    ] {
        assert!(
            variables.contains(&format!("\n{name}=")),
            "{name}: {variables}"
        );
    }
    assert!(read("bundle").contains("-----BEGIN CERTIFICATE-----"));
    let events = events_of(&machine, "forward-proxy", 4);
    let actions: Vec<_> = events
        .iter()
        .filter(|event| event["producer"]["phase"] == "outcome")
        .map(|event| {
            (
                event["action"].as_str().unwrap(),
                &event["result"],
                &event["job"],
            )
        })
        .collect();
    let (success, job): (&Value, &Value) = (&json!("success"), &json!("j7"));
    assert_eq!(
        actions,
        [
            ("GET 127.0.0.2", success, job),
            (&*format!("CONNECT {host}"), success, job)
        ]
    );
    assert!(
        machine.spooled().is_empty(),
        "what was delivered is gone, and the authority with it"
    );
}
