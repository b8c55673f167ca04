//! `exec` changes nothing about a command, and keeps what it did.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::machine::{Machine, signal, wait};

fn content(machine: &Machine, seq: &Value) -> Value {
    machine
        .json(&["get", &seq.to_string(), "--content"])
        .remove(0)
}

#[test]
fn output_and_status_are_those_of_the_command() {
    let machine = Machine::serving();
    let script = "printf 'out\\377\\000'; printf 'err\\n' >&2; exit 7";
    let output = machine.run(&["exec", "--job", "j1", "--", "sh", "-c", script]);
    assert_eq!(output.stdout, b"out\xff\x00");
    assert_eq!(output.stderr, b"err\n");
    assert_eq!(output.status.code(), Some(7));

    let records = machine.json(&["query", "job:j1"]);
    assert_eq!(
        records.len(),
        1,
        "a command that is over at once is one record"
    );
    let record = &records[0];
    assert_eq!(record["action"], "shell.exec");
    assert_eq!(record["source"], "shell");
    assert_eq!(
        (&record["result"], &record["status"]),
        (&json!("failure"), &json!(7))
    );
    assert_eq!(record["resource"], json!({"type": "command", "id": "sh"}));
    assert_eq!(record["actor"]["id"], "local");
    assert!(record["duration_us"].as_u64().unwrap() > 0);
    let content = content(&machine, &record["seq"]);
    assert_eq!(content["argv"], json!(["sh", "-c", script]));
    assert_eq!(content["stdout"], json!({"base64": "b3V0/wA="}));
    assert_eq!(content["stderr"], "err\n");
    let home = machine.home().canonicalize().unwrap();
    assert_eq!(content["cwd"], home.to_str().unwrap());
}

#[test]
fn streams_of_any_length_pass_whole_and_their_ends_are_kept() {
    let machine = Machine::serving();
    let output = machine.run(&["exec", "--job", "long", "--", "seq", "1", "200000"]);
    let lines: Vec<String> = (1..=200_000).map(|n| format!("{n}\n")).collect();
    let expected = lines.concat();
    assert!(
        output.stdout == expected.as_bytes(),
        "{} bytes came out",
        output.stdout.len()
    );
    let record = &machine.json(&["query", "job:long"])[0];
    let content = content(&machine, &record["seq"]);
    let stdout = &content["stdout"];
    assert_eq!(stdout["first"], expected[..32 << 10]);
    assert_eq!(stdout["last"], expected[expected.len() - (32 << 10)..]);
    assert_eq!(content["streams"]["stdout"]["bytes"], expected.len());
}

#[test]
fn standard_input_is_the_commands() {
    let machine = Machine::serving();
    let mut child = machine.command(&["exec", "--", "cat"]);
    let mut child = child
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"through").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"through");
}

#[test]
fn signals_reach_the_command_and_come_back_as_its_status() {
    let machine = Machine::serving();
    for (name, sent, status, trapped) in [
        ("kill", Signal::TERM, 143, "echo ready; exec sleep 60"),
        (
            "trap",
            Signal::INT,
            5,
            "trap 'exit 5' INT; echo ready; while :; do sleep 0.05; done",
        ),
        ("hup", Signal::HUP, 129, "echo ready; exec sleep 60"),
        ("alarm", Signal::ALARM, 142, "echo ready; exec sleep 60"),
        ("cpu", Signal::XCPU, 152, "echo ready; exec sleep 60"),
    ] {
        let mut command = machine.command(&["exec", "--job", name, "--", "sh", "-c", trapped]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "ready\n");
        signal(&child, sent);
        assert_eq!(wait(&mut child).code(), Some(status), "{name}");
        let record = &machine.json(&["query", &format!("job:{name} -phase:intent")])[0];
        assert_eq!(record["status"], status);
        let passed_on = json!([sent.as_raw()]);
        let expected = if status > 128 {
            json!({"signal": status - 128, "signals_passed_on": passed_on})
        } else {
            json!({"signals_passed_on": passed_on})
        };
        assert_eq!(record["meta"], expected);
    }
}

#[test]
fn a_command_that_cannot_be_started_is_recorded() {
    let machine = Machine::serving();
    for (command, status) in [("no-such-program", 127), ("/", 126)] {
        let output = machine.run(&["exec", "--job", "absent", "--", command]);
        assert_eq!(output.status.code(), Some(status));
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot run"));
        let record = &machine.json(&["query", "job:absent"])[0];
        assert_eq!(
            (&record["result"], &record["status"]),
            (&json!("error"), &json!(status))
        );
    }
}

#[test]
fn a_command_that_takes_long_has_an_intent_first() {
    let machine = Machine::serving();
    machine.out(&["exec", "--job", "slow", "--", "sleep", "1.3"]);
    let records = machine.json(&["query", "job:slow"]);
    assert_eq!(records.len(), 2);
    let (outcome, intent) = (&records[0], &records[1]);
    assert_eq!(intent["producer"]["phase"], "intent");
    assert_eq!(outcome["producer"]["phase"], "outcome");
    assert_eq!(intent["producer"]["call"], outcome["producer"]["call"]);
    assert_eq!(
        (intent.get("status"), &outcome["status"]),
        (None, &json!(0))
    );
}

#[test]
fn a_reader_that_leaves_ends_the_command() {
    let machine = Machine::serving();
    let mut command = machine.command(&["exec", "--job", "yes", "--", "yes"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "y\n");
    // As a shell reports it: ended by SIGPIPE.
    assert_eq!(wait(&mut child).code(), Some(141));
}

#[test]
fn what_outlives_the_command_keeps_its_pipe_and_nobody_waits_for_it() {
    let machine = Machine::serving();
    let script = "(while [ ! -e flag ]; do sleep 0.02; done; echo late) & echo now; exit 4";
    let mut command = machine.command(&["exec", "--job", "left", "--", "sh", "-c", script]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    assert_eq!(wait(&mut child).code(), Some(4));
    std::fs::write(machine.home().join("flag"), b"").unwrap();
    let mut all = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut all).unwrap();
    assert_eq!(all, "now\nlate\n");
    let record = &machine.json(&["query", "job:left"])[0];
    assert_eq!(record["meta"], json!({"output_left_open": true}));
    assert_eq!(content(&machine, &record["seq"])["stdout"], "now\n");
}

#[test]
fn late_words_of_a_helper_are_recorded() {
    let machine = Machine::serving();
    let output = machine.run(&[
        "exec",
        "--job",
        "tee",
        "--",
        "bash",
        "-c",
        "echo x > >(cat)",
    ]);
    assert_eq!(output.stdout, b"x\n");
    let record = &machine.json(&["query", "job:tee"])[0];
    assert_eq!(content(&machine, &record["seq"])["stdout"], "x\n");
}

#[test]
fn a_command_killed_from_outside_says_by_what() {
    let machine = Machine::serving();
    let output = machine.run(&["exec", "--job", "k", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(output.status.code(), Some(137));
    let record = &machine.json(&["query", "job:k"])[0];
    assert_eq!(record["meta"], json!({"signal": 9}));
    assert_eq!(record["result"], "error");
}

#[test]
fn a_gigabyte_passes_in_little_memory() {
    let machine = Machine::serving();
    let script = "head -c 1000000000 /dev/zero; grep VmHWM /proc/$PPID/status >&2";
    let mut command = machine.command(&["exec", "--job", "giga", "--", "sh", "-c", script]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let passed = std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    assert_eq!(passed, 1_000_000_000);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let peak_kib: u64 = said.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(peak_kib < 64 << 10, "{said}");
    let record = &machine.json(&["query", "job:giga"])[0];
    assert_eq!(
        record["meta"]["truncated_bytes"],
        1_000_000_000 - (64 << 10)
    );
    let stdout = &content(&machine, &record["seq"])["streams"]["stdout"];
    assert_eq!(stdout["bytes"], 1_000_000_000);
    // head -c 1000000000 /dev/zero | sha256sum
    let zeros = "bc17f06f9d9b5f6f79ca189a1772b1a3a38d6e40c45bec50f9c4f28144efddca";
    assert_eq!(stdout["sha256"], zeros);
}

#[test]
fn a_trace_in_the_environment_is_followed() {
    let machine = Machine::serving();
    let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut command = machine.command(&["exec", "--job", "t", "--", "true"]);
    command.env("TRACEPARENT", context).output().unwrap();
    let mut command = machine.command(&["exec", "--job", "t", "--", "true"]);
    let command = command.env("TRACEPARENT", context);
    command.env("INDELIBLE_PARENT", "call-7").output().unwrap();
    let records = machine.json(&["query", "job:t"]);
    let of = |record: &Value| (record["trace"].clone(), record["parent"].clone());
    let trace = json!("0af7651916cd43dd8448eb211c80319c");
    assert_eq!(of(&records[1]), (trace.clone(), json!("b7ad6b7169203331")));
    assert_eq!(of(&records[0]), (trace, json!("call-7")));
}
