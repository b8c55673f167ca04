//! Gateways as processes of their own: what becomes of the record when things break.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    machine::{Machine, PROGRAM, files, signal, wait},
    provider::{Provider, ask},
};

const SECRET: &str = "ghp_PlantedSecretPlantedSecretPlanted123";

/// `indelible gateway` next to a machine's server.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) url: String,
    pub(crate) config: PathBuf,
}

impl Gateway {
    /// Writes a key and settings for it. The server must run.
    fn configure(machine: &Machine, provider: &Provider, more: &str) -> PathBuf {
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
            "[gateway]\nserver = {:?}\nkey_file = \"gateway.key\"\n{more}\n[llm]\nlisten = \"127.0.0.1:0\"\n[llm.upstream]\nopenai = {:?}\n",
            machine.url,
            provider.url()
        );
        std::fs::write(&config, text).unwrap();
        config
    }

    pub(crate) fn start(machine: &Machine, config: PathBuf) -> Self {
        let mut child = command(machine, &config).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url =
            lines.find_map(|line| Some(line.unwrap().split_once("listening on ")?.1.to_owned()));
        let Some(url) = url else {
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            panic!("the gateway does not start: {said}");
        };
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url, config }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn stop(&mut self) {
        signal(&self.child, Signal::TERM);
        let status = wait(&mut self.child);
        assert!(status.success(), "{status}");
    }

    /// Most memory that it ever had, bytes.
    pub(crate) fn peak_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(machine: &Machine, config: &std::path::Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["gateway", "--config"])
        .arg(config)
        .current_dir(machine.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn holds(file: &std::path::Path, text: &str) -> bool {
    let bytes = std::fs::read(file).unwrap_or_default();
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// All events of the surface, oldest first, once there are so many.
fn events(machine: &Machine, count: usize) -> Vec<Value> {
    events_of(machine, "llm", count)
}

pub(crate) fn events_of(machine: &Machine, source: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let text = machine.out(&["export", &format!("source:{source}")]);
        let mut events: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        if events.len() >= count {
            events.sort_by_key(|event| event["seq"].as_u64());
            return events;
        }
        assert!(
            Instant::now() < deadline,
            "{} of {count} events",
            events.len()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Numbers of each producer, in the order of the log.
pub(crate) fn numbers(events: &[Value]) -> HashMap<String, Vec<u64>> {
    let mut numbers: HashMap<String, Vec<u64>> = HashMap::new();
    for event in events {
        let producer = &event["producer"];
        let id = producer["id"].as_str().unwrap().to_owned();
        numbers
            .entry(id)
            .or_default()
            .push(producer["seq"].as_u64().unwrap());
    }
    numbers
}

/// What was said in the events of a phase.
fn said(events: &[Value], phase: &str) -> Vec<String> {
    let of_phase = events
        .iter()
        .filter(|event| event["producer"]["phase"] == phase);
    let name = if phase == "intent" {
        "/contents/input/messages/0/content"
    } else {
        "/contents/output/choices/0/message/content"
    };
    of_phase
        .filter_map(|event| event.pointer(name)?.as_str().map(ToOwned::to_owned))
        .collect()
}

#[test]
fn a_server_that_is_away_for_a_while_costs_nothing() {
    let mut machine = Machine::serving();
    let provider = Provider::start(0);
    let config = Gateway::configure(&machine, &provider, "");
    let mut gateway = Gateway::start(&machine, config);
    let mut expected = Vec::new();
    for n in 0..60 {
        if n == 20 {
            machine.kill();
        }
        if n == 40 {
            machine.listen_again();
        }
        let text = format!("call {n}");
        assert_eq!(
            ask(&gateway.url, &text, &[("x-indelible-job", "away")])
                .unwrap()
                .0,
            200
        );
        expected.push(text);
    }
    let events = events(&machine, 120);
    assert_eq!(
        said(&events, "intent"),
        expected,
        "each once, in their order"
    );
    assert_eq!(said(&events, "outcome").len(), 60);
    for (producer, numbers) in numbers(&events) {
        assert_eq!(numbers, (0..120).collect::<Vec<_>>(), "{producer}");
    }
    assert!(events.iter().all(|event| event["job"] == "away"));
    assert_eq!(events[1]["usage"]["cost_nanousd"], 10 * 2_500 + 2 * 10_000);
    gateway.stop();
    // The same producer goes on after a restart.
    let mut gateway = Gateway::start(&machine, gateway.config.clone());
    ask(&gateway.url, "after", &[]).unwrap();
    gateway.stop();
    let events = self::events(&machine, 122);
    assert_eq!(
        numbers(&events).into_values().collect::<Vec<_>>(),
        [(0..122).collect::<Vec<_>>()]
    );
}

#[test]
fn in_strict_mode_kills_lose_no_call_that_was_made() {
    let mut machine = Machine::serving();
    let provider = Provider::start(0);
    let config = Gateway::configure(&machine, &provider, "mode = \"strict\"");
    let mut gateway = Gateway::start(&machine, config.clone());
    let mut answered = Vec::new();
    for round in 0..4 {
        let url = gateway.url.clone();
        let clients: Vec<_> = (0..3)
            .map(|client| {
                let url = url.clone();
                std::thread::spawn(move || {
                    let texts = (0..200).map(|n| format!("round {round} client {client} call {n}"));
                    // Until the gateway is gone.
                    texts
                        .take_while(|text| matches!(ask(&url, text, &[]), Some((200, _))))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(150));
        if round % 2 == 0 {
            machine.kill();
            std::thread::sleep(Duration::from_millis(50));
        }
        gateway.kill();
        for client in clients {
            answered.extend(client.join().unwrap());
        }
        if round % 2 == 0 {
            machine.listen_again();
        }
        gateway = Gateway::start(&machine, config.clone());
    }
    assert!(answered.len() > 20, "{} calls", answered.len());
    gateway.stop();
    let events = events(&machine, answered.len() * 2 - 12);
    let intents = said(&events, "intent");
    for text in provider.asked() {
        let recorded = intents.iter().filter(|intent| **intent == text).count();
        assert_eq!(recorded, 1, "{text:?} was made");
    }
    // Each number once, without a hole: nothing that was numbered is missing, nothing came twice.
    for (producer, mut numbers) in numbers(&events) {
        numbers.sort_unstable();
        assert_eq!(
            numbers,
            (0..numbers.len() as u64).collect::<Vec<_>>(),
            "{producer}"
        );
    }
    machine.stop();
    machine.out(&["verify", machine.data().to_str().unwrap()]);
}

#[test]
fn a_full_spool_counts_what_it_loses_and_says_so_in_the_trail() {
    let mut machine = Machine::serving();
    let provider = Provider::start(0);
    let config = Gateway::configure(&machine, &provider, "spool_limit_bytes = 30000");
    machine.kill();
    let mut gateway = Gateway::start(&machine, config);
    for n in 0..100 {
        assert_eq!(
            ask(&gateway.url, &format!("call {n}"), &[]).unwrap().0,
            200,
            "the agent goes on"
        );
    }
    // A loss is recorded within a second or two, and when the gateway stops.
    gateway.stop();
    machine.listen_again();
    let mut gateway = Gateway::start(&machine, gateway.config.clone());
    ask(&gateway.url, "after", &[]).unwrap();
    gateway.stop();
    let events = events(&machine, 3);
    let gaps: Vec<_> = events
        .iter()
        .filter(|event| event["action"] == "gap")
        .collect();
    let lost: u64 = gaps
        .iter()
        .map(|gap| gap["meta"]["lost"]["spool_full"].as_u64().unwrap())
        .sum();
    let kept = events.len() - gaps.len();
    assert!(lost > 0 && kept > 2, "{lost} lost, {kept} kept");
    assert_eq!(kept as u64 + lost, 202, "{gaps:#?}");
    for (producer, numbers) in numbers(&events) {
        assert_eq!(
            numbers,
            (0..events.len() as u64).collect::<Vec<_>>(),
            "{producer}"
        );
    }
}

#[test]
fn memory_does_not_grow_with_a_body() {
    const BODY_BYTES: usize = 100 << 20;
    let machine = Machine::serving();
    let provider = Provider::start(BODY_BYTES);
    let config = Gateway::configure(&machine, &provider, "");
    let mut gateway = Gateway::start(&machine, config);
    ask(&gateway.url, "warm", &[]).unwrap();
    let before = gateway.peak_bytes();
    let url = format!("{}/openai/v1/large", gateway.url);
    // A string of 100 MB each way.
    let body = format!("\"{}\"", "x".repeat(BODY_BYTES));
    let answer = ureq::post(&url)
        .header("content-type", "application/json")
        .send(&body);
    let mut answer = answer.unwrap();
    let mut reader = answer.body_mut().as_reader();
    let received = std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
    assert_eq!(received, BODY_BYTES as u64 + 2);
    let grown = gateway.peak_bytes() - before;
    // Room for what is kept of both, for the queue, and for buffers; a body alone is more.
    assert!(grown < 80 << 20, "{} MiB", grown >> 20);
    gateway.stop();
    let events = events(&machine, 4);
    let outcome = events.iter().find(|event| {
        event["producer"]["phase"] == "outcome" && event["action"] == "POST /v1/large"
    });
    let outcome = outcome.unwrap();
    assert_eq!(outcome["result"], "success");
    assert_eq!(
        outcome["contents"]["whole"]["output"]["bytes"],
        BODY_BYTES + 2,
        "{}",
        outcome["meta"]
    );
}

#[test]
fn planted_secrets_are_nowhere_on_disk() {
    let mut machine = Machine::serving();
    let provider = Provider::start(0);
    let config = Gateway::configure(
        &machine,
        &provider,
        "[[agent]]\nid = \"a\"\ntoken_file = \"a.token\"\n",
    );
    std::fs::write(machine.home().join("a.token"), "agent-token-planted").unwrap();
    std::fs::write(machine.home().join("real.key"), "provider-key-planted").unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        format!("{text}[llm.key_file]\nopenai = \"real.key\"\n"),
    )
    .unwrap();
    let mut gateway = Gateway::start(&machine, config);
    let token = ("authorization", "Bearer agent-token-planted");
    let job = format!("job {SECRET}");
    // Some wait in the spool, some are in the server's files.
    for round in 0..2 {
        for n in 0..5 {
            let text = format!(
                "{round}.{n}: {SECRET} and password=hunter2planted and provider-key-planted"
            );
            assert_eq!(
                ask(&gateway.url, &text, &[token, ("x-indelible-job", &job)])
                    .unwrap()
                    .0,
                200
            );
        }
        if round == 0 {
            events(&machine, 10);
            machine.kill();
        }
    }
    let spool = machine.home().join("indelible-spool");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !files(&spool)
        .iter()
        .any(|file| holds(file, "heard 1.4: [REDACTED:"))
    {
        assert!(Instant::now() < deadline, "nothing waits");
        std::thread::sleep(Duration::from_millis(20));
    }
    gateway.kill();
    let planted = [
        SECRET,
        "hunter2planted",
        "provider-key-planted",
        "agent-token-planted",
    ];
    let clean = |files: &[PathBuf]| {
        for file in files {
            for secret in planted {
                assert!(!holds(file, secret), "{secret} is in {}", file.display());
            }
        }
    };
    clean(&files(&machine.data()));
    clean(&files(&spool));
    // Sealed events are packed: look at what is in them, too.
    machine.listen_again();
    let mut gateway = Gateway::start(&machine, gateway.config.clone());
    events(&machine, 20);
    gateway.stop();
    machine.stop();
    machine.listen_again();
    let text = machine.out(&["export", "source:llm"]);
    assert!(text.contains("[REDACTED:github-token:") && text.contains("heard"));
    for secret in planted {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn surfaces_inside_of_the_server_record_into_its_ledger() {
    let mut machine = Machine::new();
    let provider = Provider::start(0);
    machine.configure(&format!(
        "[llm]\nlisten = \"127.0.0.1:0\"\n[llm.upstream]\nopenai = {:?}\n",
        provider.url()
    ));
    for start in 0..3 {
        machine.start();
        let url = machine.surface("llm");
        for n in 0..5 {
            assert_eq!(ask(&url, &format!("{start} {n}"), &[]).unwrap().0, 200);
        }
        if start == 1 {
            events(&machine, 20);
            machine.kill();
        } else {
            machine.stop();
        }
    }
    machine.start();
    let events = events(&machine, 30);
    assert_eq!(said(&events, "intent").len(), 15);
    let all = numbers(&events);
    assert_eq!(
        all.into_values().collect::<Vec<_>>(),
        [(0..30).collect::<Vec<_>>()],
        "one producer, over all starts"
    );
    assert!(events.iter().all(|event| event.get("via").is_none()));
}

#[test]
fn what_surfaces_left_is_recorded_by_a_server_without_any() {
    let mut machine = Machine::serving();
    let provider = Provider::start(0);
    let spool = format!("spool_dir = {:?}", machine.data().join("spool"));
    let config = Gateway::configure(&machine, &provider, &spool);
    machine.stop();
    let mut gateway = Gateway::start(&machine, config);
    assert_eq!(ask(&gateway.url, "left behind", &[]).unwrap().0, 200);
    gateway.stop();
    machine.start();
    assert_eq!(said(&events(&machine, 2), "intent").len(), 1);
}

#[test]
fn what_cannot_work_is_said_at_the_start() {
    let machine = Machine::serving();
    let provider = Provider::start(0);
    let config = Gateway::configure(&machine, &provider, "");
    let refused = |why: &str| {
        let output = command(&machine, &config).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(why), "{said}");
    };
    let key = machine.home().join("gateway.key");
    std::fs::write(&key, "ik_unknown").unwrap();
    refused("401");
    std::fs::write(&key, crate::machine::KEY).unwrap();
    refused("has not the scope `gateway`");
    std::fs::remove_file(&key).unwrap();
    refused("gateway.key");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[llm]", "[lmm]")).unwrap();
    refused("lmm");
}

#[test]
fn run_leads_a_command_through_a_gateway_and_ends_with_it() {
    let machine = Machine::serving();
    let provider = Provider::start(0);
    let script = r#"
        printf '%s %s' "$INDELIBLE_JOB" "$OPENAI_BASE_URL" > seen
        curl -sS "$OPENAI_BASE_URL/chat/completions" -H 'content-type: application/json' \
            -d '{"model":"gpt-4o","messages":[{"role":"user","content":"from a child"}]}' > answer
        exit 7
    "#;
    let mut command = machine.command(&[
        "run", "--job", "j7", "--agent", "coder", "--", "sh", "-c", script,
    ]);
    command.env("OPENAI_BASE_URL", format!("{}/v1", provider.url()));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let seen = std::fs::read_to_string(machine.home().join("seen")).unwrap();
    assert!(
        seen.starts_with("j7 http://127.0.0.1:") && seen.ends_with("/openai/v1"),
        "{seen}"
    );
    let answer = std::fs::read_to_string(machine.home().join("answer")).unwrap();
    assert!(answer.contains("heard from a child"), "{answer}");
    let events = events(&machine, 2);
    for event in &events {
        assert_eq!(
            (&event["job"], &event["actor"]["id"], &event["action"]),
            (&json!("j7"), &json!("coder"), &json!("chat.completions"))
        );
    }
    let left = machine.spooled();
    assert!(left.is_empty(), "what was delivered is gone: {left:?}");
}

#[test]
fn run_without_a_server_keeps_the_events_for_the_next_one() {
    let mut machine = Machine::new();
    let provider = Provider::start(0);
    let script = r#"curl -sS "$OPENAI_BASE_URL/chat/completions" -d '{"model":"m","messages":[{"content":"alone"}]}' -H 'content-type: application/json'"#;
    let run = |machine: &Machine| {
        let mut command = machine.command(&["run", "--", "sh", "-c", script]);
        command.env("OPENAI_BASE_URL", provider.url());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .contains("heard alone")
        );
    };
    run(&machine);
    machine.start();
    machine.out(&["exec", "--", "true"]);
    assert_eq!(events(&machine, 2).len(), 2, "any next command delivers");
    run(&machine);
    let events = events(&machine, 4);
    assert_eq!(said(&events, "intent").len(), 2);
    let jobs: std::collections::HashSet<_> = events
        .iter()
        .map(|event| event["job"].as_str().unwrap())
        .collect();
    assert_eq!(jobs.len(), 2, "each run is a job of its own");
    let left = machine.spooled();
    let is_event = |path: &PathBuf| {
        path.extension()
            .is_some_and(|end| end == "wal" || end == "event")
    };
    assert!(!left.iter().any(is_event), "{left:?}");
}
