//! Commands, while processes are killed, disks are full and servers are away.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use crate::machine::{Machine, files, wait};

/// Starts a command that waits until a file named `flag` is there, and waits until it runs.
fn waiting(machine: &Machine, job: &str, more: &[(&str, &str)]) -> Child {
    let script = "echo ready; while [ ! -e flag ]; do sleep 0.02; done; echo done";
    let mut command = machine.command(&["exec", "--job", job, "--", "sh", "-c", script]);
    let command = command.stdout(Stdio::piped()).process_group(0);
    let mut child = command.envs(more.iter().copied()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    std::thread::spawn(move || stdout.lines().for_each(drop));
    child
}

fn phases(machine: &Machine, job: &str) -> Vec<Value> {
    let records = machine.json(&["query", &format!("job:{job}")]);
    let phase = |record: &Value| record["producer"]["phase"].clone();
    records.iter().rev().map(phase).collect()
}

#[test]
fn a_killed_exec_leaves_an_unfinished_command() {
    for has_server in [true, false] {
        let mut machine = Machine::new();
        if has_server {
            machine.start();
        }
        let mut child = waiting(&machine, "killed", &[]);
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process_group(group, Signal::KILL).unwrap();
        wait(&mut child);
        if !has_server {
            machine.start();
        }
        for _ in 0..2 {
            machine.out(&["exec", "--job", "next", "--", "true"]);
            assert_eq!(
                phases(&machine, "killed"),
                [json!("intent")],
                "{has_server}"
            );
        }
        let intent = &machine.json(&["query", "job:killed"])[0];
        let content = machine.json(&["get", &intent["seq"].to_string(), "--content"]);
        assert_eq!(content[0]["argv"][0], "sh");
    }
}

#[test]
fn a_server_killed_in_the_middle_gets_everything_once() {
    let mut machine = Machine::serving();
    let mut children: Vec<_> = (0..3)
        .map(|n| waiting(&machine, &format!("mid-{n}"), &[]))
        .collect();
    machine.kill();
    std::fs::write(machine.home().join("flag"), b"").unwrap();
    for child in &mut children {
        assert!(wait(child).success());
    }
    machine.listen_again();
    for _ in 0..2 {
        machine.out(&["exec", "--job", "next", "--", "true"]);
    }
    for n in 0..3 {
        let found = phases(&machine, &format!("mid-{n}"));
        // Whether the second after which an intent is sent was over before the end depends on the machine.
        assert!(
            found == [Value::Null] || found == [json!("intent"), json!("outcome")],
            "{found:?}"
        );
        let outcome = &machine.json(&["query", &format!("job:mid-{n} -phase:intent")])[0];
        assert_eq!(outcome["status"], 0);
    }
}

#[test]
fn what_a_full_spool_loses_is_counted_and_told() {
    const COMMANDS: u64 = 140;
    let mut machine = Machine::new();
    for _ in 0..COMMANDS {
        let mut command = machine.command(&["exec", "--job", "full", "--", "true"]);
        let output = command.env("INDELIBLE_SPOOL_LIMIT_BYTES", "20000").output();
        assert!(output.unwrap().status.success());
    }
    machine.start();
    for _ in 0..2 {
        let mut command = machine.command(&["exec", "--job", "after", "--", "true"]);
        let output = command.env("INDELIBLE_SPOOL_LIMIT_BYTES", "20000").output();
        assert!(output.unwrap().status.success());
    }
    let gaps = machine.json(&["query", "action:gap"]);
    let lost: u64 = gaps
        .iter()
        .map(|gap| gap["meta"]["lost"]["spool_full"].as_u64().unwrap())
        .sum();
    let recorded = machine.json(&["query", "job:full", "--limit", "200"]).len() as u64;
    assert!(lost > 0, "nothing was lost: the limit is no limit");
    assert_eq!(recorded + lost, COMMANDS);
    assert_eq!(machine.json(&["query", "job:after"]).len(), 2);
}

#[test]
fn in_strict_mode_a_command_that_cannot_be_recorded_does_not_run() {
    let machine = Machine::new();
    std::fs::write(machine.home().join("file"), b"").unwrap();
    let full = machine.home().join("full");
    let attempts: [&[(&str, &str)]; 2] = [
        &[("INDELIBLE_SPOOL", "file/below")],
        &[
            ("INDELIBLE_SPOOL", full.to_str().unwrap()),
            ("INDELIBLE_SPOOL_LIMIT_BYTES", "10"),
        ],
    ];
    // A KiB waits in the second one already.
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("waiting.kib"), b"k").unwrap();
    for more in attempts {
        let mut command = machine.command(&["exec", "--mode", "strict", "--", "touch", "ran"]);
        let output = command.envs(more.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(126));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("mode.strict"), "{said}");
        assert!(!machine.home().join("ran").exists());
    }
}

#[test]
fn in_strict_mode_a_command_has_its_intent_first() {
    let machine = Machine::serving();
    let output = machine.run(&["exec", "--mode", "strict", "--job", "s", "--", "echo", "x"]);
    assert_eq!(
        (output.status.code(), output.stdout),
        (Some(0), b"x\n".to_vec())
    );
    assert_eq!(phases(&machine, "s"), [json!("intent"), json!("outcome")]);
    let seqs: Vec<_> = machine
        .json(&["query", "job:s"])
        .iter()
        .map(|record| record["producer"]["seq"].clone())
        .collect();
    assert_eq!(seqs, [json!(1), json!(0)]);
}

#[test]
fn secrets_are_in_no_file() {
    let secrets = [
        "Tr0ub4dor-argument-1",
        "hunter2-environment-2",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "AKIAIOSFODNN7EXAMPLQ",
        "c2VjcmV0LXByaXZhdGUta2V5LWJvZHk",
        "s3cr3t-typed-in-url",
    ];
    let script = "
        echo \"the password: $DB_PASSWORD\"; echo \"$1\" >&2
        printf 'ghp_0123456789abc'; sleep 0.05; printf 'defghijABCDEFGHIJ012345\\n'
        echo 'aws AKIAIOSFODNN7EXAMPLQ'
        printf -- '-----BEGIN PRIVATE KEY-----\\nc2VjcmV0LXByaXZhdGUta2V5LWJvZHk\\n-----END PRIVATE KEY-----\\n'
        head -c 70000 /dev/zero | tr '\\0' x; echo \" $DB_PASSWORD\"
        echo https://joe:s3cr3t-typed-in-url@example.org";
    for has_server in [true, false] {
        let mut machine = Machine::new();
        if has_server {
            machine.start();
        }
        let args = [
            "exec",
            "--job",
            "secret",
            "--",
            "sh",
            "-c",
            script,
            "--password",
            secrets[0],
        ];
        let mut command = machine.command(&args);
        let output = command.env("DB_PASSWORD", secrets[1]).output().unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown);
        for secret in secrets {
            assert!(
                shown.contains(secret),
                "the command's own bytes are untouched: {secret}"
            );
        }
        // A command that is killed leaves its intent in the spool.
        let mut child = waiting(&machine, "left", &[("DB_PASSWORD", secrets[1])]);
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process_group(group, Signal::KILL).unwrap();
        wait(&mut child);
        let check = |machine: &Machine| {
            for file in files(machine.home()) {
                let bytes = std::fs::read(&file).unwrap();
                for secret in secrets {
                    let found = memchr::memmem::find(&bytes, secret.as_bytes());
                    assert_eq!(found, None, "{secret} in {}", file.display());
                }
            }
        };
        check(&machine);
        if !has_server {
            machine.start();
            machine.out(&["exec", "--", "true"]);
        }
        let record = &machine.json(&["query", "job:secret"])[0];
        assert!(record["meta"]["redactions"].as_u64().unwrap() >= 6);
        let content = machine.out(&["get", &record["seq"].to_string(), "--content"]);
        for secret in secrets {
            assert!(!content.contains(secret), "{secret}: {content}");
        }
        assert!(content.contains("[REDACTED:environment:"));
        machine.stop();
        check(&machine);
    }
}

#[test]
fn without_outputs_a_command_runs_all_the_same() {
    let machine = Machine::serving();
    let program = crate::machine::PROGRAM;
    let line =
        format!("'{program}' exec --job closed -- sh -c 'echo x; echo y >&2; exit 6' <&- >&- 2>&-");
    let mut command = machine.command(&[]);
    let environment: Vec<_> = command
        .get_envs()
        .map(|(n, v)| (n.to_owned(), v.unwrap().to_owned()))
        .collect();
    command = std::process::Command::new("sh");
    let status = command
        .args(["-c", &line])
        .envs(environment)
        .current_dir(machine.home())
        .status();
    assert_eq!(status.unwrap().code(), Some(6));
    let record = &machine.json(&["query", "job:closed"])[0];
    assert_eq!(record["status"], 6);
}

#[test]
fn output_that_nobody_can_keep_is_no_success() {
    let machine = Machine::serving();
    for (job, script, status) in [("short", "echo hi", 1), ("long", "exec yes", 141)] {
        let mut command = machine.command(&["exec", "--job", job, "--", "sh", "-c", script]);
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = command.stdout(full.unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{job}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("No space left"), "{said}");
        let record = &machine.json(&["query", &format!("job:{job} -phase:intent")])[0];
        assert_eq!(record["result"], "error");
        let why = record["meta"]["stdout_unwritten"].as_str().unwrap();
        assert!(why.contains("No space left"), "{why}");
    }
}
