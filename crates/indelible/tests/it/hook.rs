//! Hooks as agents call them: one process for each payload, with or without a server.

use std::{
    io::Write,
    net::TcpListener,
    path::Path,
    process::{Child, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::machine::{Machine, files};

const SECRET: &str = "ghp_PlantedSecretPlantedSecretPlanted123";

/// A payload of Claude Code.
fn payload(name: &str, more: &Value) -> Value {
    let mut payload =
        json!({"session_id": "s1", "prompt_id": "p1", "cwd": "/srv", "hook_event_name": name});
    payload
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    payload
}

fn spawn(machine: &Machine, args: &[&str], payload: &str) -> Child {
    let mut command = machine.command(&[&["hook"], args].concat());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(payload.as_bytes())
        .unwrap();
    child
}

fn hook(machine: &Machine, args: &[&str], payload: &str) -> Output {
    spawn(machine, args, payload).wait_with_output().unwrap()
}

/// Records of the surface, oldest first, once there are so many.
fn records(machine: &Machine, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let mut records = machine.json(&["export", "source:hook"]);
        if records.len() >= count {
            records.sort_by_key(|record| record["seq"].as_u64());
            return records;
        }
        assert!(Instant::now() < deadline, "{} of {count}", records.len());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn holds(dir: &Path, text: &str) -> bool {
    files(dir).iter().any(|file| {
        let bytes = std::fs::read(file).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

#[test]
fn a_session_without_a_server_is_there_afterwards_once_and_in_order() {
    let mut machine = Machine::new();
    let call = json!({"tool_name": "Bash", "tool_input": {"command": format!("echo {SECRET}")}, "tool_use_id": "toolu_1"});
    let mut done = call.clone();
    done["tool_response"] = json!({"stdout": SECRET, "stderr": "", "interrupted": false});
    let session = [
        payload("SessionStart", &json!({"source": "startup"})),
        payload("UserPromptSubmit", &json!({"prompt": "Say it"})),
        payload("PreToolUse", &call),
        payload("PostToolUse", &done),
        payload("Stop", &json!({"last_assistant_message": "Said."})),
        payload("SessionEnd", &json!({"reason": "other"})),
    ];
    for said in &session {
        let output = hook(&machine, &[], &said.to_string());
        assert_eq!(
            (output.status.code(), output.stdout, output.stderr),
            (Some(0), Vec::new(), Vec::new()),
            "{said}"
        );
    }
    assert!(!holds(&machine.home().join("spool"), "PlantedSecret"));
    machine.start();
    hook(
        &machine,
        &[],
        &payload("Notification", &json!({"message": "hi"})).to_string(),
    );
    let records = records(&machine, 7);
    let actions: Vec<_> = records.iter().map(|record| &record["action"]).collect();
    let expected = [
        "session.start",
        "prompt",
        "tools/call",
        "tools/call",
        "turn.end",
        "session.end",
        "notification",
    ];
    assert_eq!(actions, expected);
    assert!(
        records
            .iter()
            .all(|record| record["job"] == "s1" && record["actor"]["auth"] == "claimed")
    );
    assert_eq!(
        records[2]["producer"],
        json!({"phase": "intent", "call": "toolu_1"})
    );
    assert_eq!(
        records[3]["producer"],
        json!({"phase": "outcome", "call": "toolu_1"})
    );
    assert!(!holds(&machine.data(), "PlantedSecret"));
    assert_eq!(
        machine.json(&["export", "source:hook"]).len(),
        7,
        "nothing twice"
    );
}

#[test]
fn hooks_at_once_and_hooks_that_are_killed_lose_nothing_that_was_answered() {
    let mut machine = Machine::new();
    let mut answered = Vec::new();
    for round in 0..4 {
        let children: Vec<_> = (0..6)
            .map(|n| {
                let said = payload("Notification", &json!({"message": format!("m{round}-{n}")}));
                (n, spawn(&machine, &[], &said.to_string()))
            })
            .collect();
        for (n, mut child) in children {
            if n % 3 == 2 {
                child.kill().unwrap();
            }
            if child.wait().unwrap().success() {
                answered.push(format!("m{round}-{n}"));
            }
        }
    }
    assert!(answered.len() >= 16, "{answered:?}");
    machine.start();
    hook(
        &machine,
        &[],
        &payload("Notification", &json!({"message": "last"})).to_string(),
    );
    let deadline = Instant::now() + Duration::from_mins(1);
    let messages = loop {
        let lines = machine.json(&["query", "--limit", "200", "source:hook"]);
        let messages: Vec<String> = lines
            .iter()
            .map(|line| {
                let content = machine.json(&["get", &line["seq"].to_string(), "--content"]);
                content[0]["output"].as_str().unwrap().to_owned()
            })
            .collect();
        if answered.iter().all(|message| messages.contains(message))
            && messages.contains(&"last".to_owned())
        {
            break messages;
        }
        assert!(Instant::now() < deadline, "{messages:?} of {answered:?}");
    };
    for message in &messages {
        assert_eq!(
            messages.iter().filter(|other| *other == message).count(),
            1,
            "{message}"
        );
    }
}

#[test]
fn a_full_spool_lets_the_agent_go_on_and_is_told_of() {
    let mut machine = Machine::new();
    let said = payload(
        "PreToolUse",
        &json!({"tool_name": "Read", "tool_use_id": "toolu_9"}),
    )
    .to_string();
    hook(&machine, &[], &said);
    // As if a gibibyte was waiting.
    let fill = machine.home().join("spool/waiting.kib");
    std::fs::OpenOptions::new()
        .write(true)
        .open(&fill)
        .unwrap()
        .set_len((1 << 20) + 1)
        .unwrap();
    let output = hook(&machine, &[], &said);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("NOT RECORDED")
    );
    let output = hook(&machine, &["--strict"], &said);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("mode.strict")
    );
    machine.start();
    hook(&machine, &[], &said);
    let records = records(&machine, 2);
    let gap = records
        .iter()
        .find(|record| record["action"] == "gap")
        .unwrap();
    assert_eq!(gap["meta"]["lost"], json!({"spool_full": 3}));
    hook(&machine, &[], &said);
    assert_eq!(
        records_of(&machine, "tools/call", 2),
        2,
        "there is room again"
    );
}

fn records_of(machine: &Machine, action: &str, count: usize) -> usize {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let found = machine
            .json(&["export", &format!("source:hook action:{action}")])
            .len();
        if found >= count || Instant::now() > deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_place_that_takes_nothing_refuses_in_strict_mode_only() {
    let machine = Machine::new();
    std::fs::write(machine.home().join("spool"), "a file").unwrap();
    let prompt = payload("UserPromptSubmit", &json!({"prompt": "x"})).to_string();
    let output = hook(&machine, &[], &prompt);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert!(!output.stderr.is_empty());
    assert_eq!(
        hook(&machine, &["--strict"], &prompt).status.code(),
        Some(2)
    );
    let stop = payload("Stop", &json!({})).to_string();
    let output = hook(&machine, &["--strict"], &stop);
    assert_eq!(
        output.status.code(),
        Some(1),
        "2 would keep the agent from stopping"
    );
    let tool = json!({"hook_event_name": "preToolUse", "conversation_id": "c", "tool_name": "Shell", "tool_use_id": "t"});
    let output = hook(&machine, &["--strict"], &tool.to_string());
    assert_eq!(output.status.code(), Some(0));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["permission"], "deny");
    let output = hook(&machine, &[], &tool.to_string());
    assert_eq!(output.stdout, b"{}\n");
}

#[test]
fn the_first_hook_of_a_fresh_spool_has_the_marks_of_the_trail() {
    let machine = Machine::serving();
    let secret = "ghp_0123456789abcdefghijklmnop";
    let said = payload(
        "UserPromptSubmit",
        &json!({"prompt": format!("use {secret}")}),
    );
    let made = machine.json(&[
        "key", "create", "--scope", "gateway", "--scope", "ingest", "--json",
    ]);
    let key = made[0]["key"].as_str().unwrap();
    assert!(
        hook(&machine, &["--key", key], &said.to_string())
            .status
            .success()
    );
    let record = records(&machine, 1).remove(0);
    let hooks = mark(&machine, &record);
    let ran = machine.run(&["exec", "--key", key, "--", "echo", secret]);
    assert!(ran.status.success());
    let commands = machine.json(&["query", "source:shell"]);
    assert!(!commands.is_empty());
    let commands: Vec<_> = commands
        .iter()
        .map(|record| mark(&machine, record))
        .collect();
    assert!(
        commands.iter().all(|other| *other == hooks),
        "{commands:?} {hooks}"
    );
}

/// The hash of the first mark in a record's content.
fn mark(machine: &Machine, record: &Value) -> String {
    let id = record["seq"].to_string();
    let text = machine.out(&["get", &id, "--content"]);
    let (_, mark) = text
        .split_once("[REDACTED:")
        .unwrap_or_else(|| panic!("no mark in {text}"));
    let (_, hash) = mark.split_once(':').unwrap();
    hash.split_once(']').unwrap().0.to_owned()
}

#[test]
fn a_server_that_never_answers_keeps_no_agent_waiting() {
    let mut machine = Machine::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    machine.url = format!("http://{}", listener.local_addr().unwrap());
    let said = payload("Notification", &json!({"message": "x"})).to_string();
    for _ in 0..3 {
        assert!(hook(&machine, &[], &said).status.success());
    }
    // Somebody is trying: the connection is there, and nothing is answered.
    let (connection, _) = listener.accept().unwrap();
    assert!(hook(&machine, &[], &said).status.success());
    assert!(
        machine
            .out(&["hook", "status"])
            .starts_with("4 events wait")
    );
    drop(connection);
}

#[test]
fn what_is_no_payload_is_recorded_and_stops_nobody() {
    let machine = Machine::serving();
    for said in ["", "no json", "{\"hook_event_name\":"] {
        let output = hook(&machine, &["--from", "codex"], said);
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(0), 0),
            "{said}"
        );
    }
    let notify = r#"{"type":"agent-turn-complete","thread-id":"t1","turn-id":"u1","last-assistant-message":"Done"}"#;
    assert!(machine.run(&["hook", "notify", notify]).status.success());
    let records = records(&machine, 4);
    assert_eq!(
        records
            .iter()
            .filter(|record| record["action"] == "hook.malformed")
            .count(),
        3
    );
    assert!(
        records
            .iter()
            .all(|record| record["actor"]["id"] == "codex")
    );
    assert_eq!(
        records
            .iter()
            .filter(|record| record["job"] == "t1")
            .count(),
        1
    );
}

#[test]
fn installing_keeps_what_was_there_and_what_is_installed_works() {
    let machine = Machine::serving();
    let settings = machine.home().join(".claude/settings.json");
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    std::fs::write(&settings, "{\"model\": \"opus\"}").unwrap();
    let install = |agent: &str| {
        let mut command = machine.command(&["hook", "install", agent, "--data", "data"]);
        let output = command
            .env("HOME", machine.home())
            .env_remove("INDELIBLE_KEY")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    install("claude-code");
    install("claude-code");
    let text = std::fs::read_to_string(&settings).unwrap();
    let installed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(installed["model"], "opus");
    let groups = installed["hooks"]["PostToolUse"].as_array().unwrap();
    assert_eq!(groups.len(), 1);
    // As the agent runs it: by a shell, elsewhere, and with an environment that knows nothing of us.
    let command = groups[0]["hooks"][0]["command"].as_str().unwrap();
    let mut shell = std::process::Command::new("sh");
    let mut shell = shell
        .args(["-c", command])
        .current_dir("/")
        .env_clear()
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let said = payload("Notification", &json!({"message": "x"})).to_string();
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(said.as_bytes())
        .unwrap();
    assert!(shell.wait().unwrap().success());
    records(&machine, 1);
    install("codex");
    install("cursor");
    for file in [".codex/hooks.json", ".cursor/hooks.json"] {
        let text = std::fs::read_to_string(machine.home().join(file)).unwrap();
        assert!(serde_json::from_str::<Value>(&text).unwrap()["hooks"].is_object());
    }
}
