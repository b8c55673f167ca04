//! Without a server nothing is lost, and nothing comes twice.

use crate::machine::{Machine, files};

#[test]
fn events_wait_on_disk_and_the_next_exec_delivers_them() {
    let mut machine = Machine::new();
    for n in 0..3 {
        let output = machine.run(&[
            "exec",
            "--job",
            "down",
            "--",
            "sh",
            "-c",
            &format!("echo {n}; exit {n}"),
        ]);
        assert_eq!(output.stdout, format!("{n}\n").as_bytes());
        assert_eq!(output.status.code(), Some(n));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "",
            "the command wrote nothing there"
        );
    }
    machine.start();
    let output = machine.run(&["exec", "--job", "up", "--", "true"]);
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    let records = machine.json(&["query", "job:down"]);
    let statuses: Vec<_> = records
        .iter()
        .map(|record| record["status"].as_i64().unwrap())
        .collect();
    assert_eq!(statuses, [2, 1, 0], "all of them, in their order");

    machine.out(&["exec", "--job", "up", "--", "true"]);
    assert_eq!(
        machine.json(&["query", "source:shell"]).len(),
        5,
        "nothing is delivered twice"
    );
}

#[test]
fn commands_at_once_all_wait() {
    let mut machine = Machine::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                assert!(
                    machine
                        .run(&["exec", "--job", "many", "--", "true"])
                        .status
                        .success()
                );
            });
        }
    });
    machine.start();
    machine.out(&["exec", "--", "true"]);
    assert_eq!(machine.json(&["query", "job:many"]).len(), 8);
}

#[test]
fn a_server_that_refuses_the_key_does_not_lose_the_event() {
    let machine = Machine::serving();
    let mut command = machine.command(&["exec", "--job", "key", "--", "echo", "x"]);
    let output = command.env("INDELIBLE_KEY", "ik_wrong").output().unwrap();
    assert_eq!(
        (output.status.code(), output.stdout),
        (Some(0), b"x\n".to_vec())
    );
    assert!(String::from_utf8(output.stderr).unwrap().contains("401"));
    machine.out(&["exec", "--", "true"]);
    assert_eq!(machine.json(&["query", "job:key"]).len(), 1);
}

#[test]
fn what_waits_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let machine = Machine::new();
    machine.run(&["exec", "--", "echo", "secret"]);
    let spool = machine.home().join("spool");
    assert!(!files(&spool).is_empty());
    assert_eq!(
        spool.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
}
