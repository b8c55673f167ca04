//! A terminal session passes as it is, and can be played.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::Child,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use pty_process::{Size, blocking};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::machine::{Machine, PROGRAM, files, signal, wait};

/// Somebody at a terminal.
struct Seat {
    terminal: File,
    shown: Arc<Mutex<String>>,
    child: Child,
}

impl Seat {
    /// Sits down, and starts `indelible`.
    fn take(machine: &Machine, args: &[&str]) -> Self {
        let (terminal, side) = blocking::open().unwrap();
        terminal.resize(Size::new(24, 80)).unwrap();
        let environment = machine.command(&[]);
        let known = environment
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        let child = blocking::Command::new(PROGRAM)
            .args(args)
            .envs(known)
            .env("SHELL", "/bin/bash")
            .env("TERM", "xterm-256color")
            .env("PS1", "> ")
            .current_dir(machine.home())
            .spawn(side)
            .unwrap();
        let terminal = File::from(OwnedFd::from(terminal));
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut from, to) = (terminal.try_clone().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..read]);
                to.lock().unwrap().push_str(&text);
            }
        });
        Self {
            terminal,
            shown,
            child,
        }
    }

    fn types(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the terminal shows a text.
    fn sees(&self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let shown = self.shown.lock().unwrap().clone();
            if shown.contains(text) {
                return shown;
            }
            assert!(Instant::now() < deadline, "no {text:?} in {shown:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn content(machine: &Machine, filter: &str) -> (Value, Value) {
    let record = machine.json(&["query", filter]).remove(0);
    let content = machine.json(&["get", &record["seq"].to_string(), "--content"]);
    (record, content[0].clone())
}

/// Header and events.
fn cast(content: &Value) -> (Value, Vec<Value>) {
    let mut lines = content["recording"].as_str().unwrap().lines();
    let header = serde_json::from_str(lines.next().unwrap()).unwrap();
    let events = lines.map(|line| serde_json::from_str(line).unwrap());
    (header, events.collect())
}

fn shown(events: &[Value]) -> String {
    let outputs = events.iter().filter(|event| event[1] == "o");
    outputs.map(|event| event[2].as_str().unwrap()).collect()
}

#[test]
fn a_session_is_a_session_and_its_recording_is_what_was_seen() {
    let machine = Machine::serving();
    let mut seat = Seat::take(
        &machine,
        &["shell", "--job", "sit", "--", "bash", "--norc", "-i"],
    );
    seat.sees("recorded as job sit");
    seat.sees("> ");
    seat.types("echo hi-$((40+2)) $INDELIBLE_JOB\r");
    seat.sees("hi-42 sit");
    seat.types("stty size\r");
    seat.sees("24 80");
    let size = rustix::termios::Winsize {
        ws_row: 30,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&seat.terminal, size).unwrap();
    seat.types("until [ \"$(stty size)\" = '30 100' ]; do :; done; echo size-$((30*100))\r");
    seat.sees("size-3000");
    // Typed without echo.
    seat.types("read -rs -p 'Secret: ' x; echo got-${#x}\r");
    seat.sees("\rSecret: ");
    seat.types("never-to-be-seen\r");
    seat.sees("got-16");
    // A job that is stopped and goes on.
    seat.types("sleep 300\r");
    std::thread::sleep(Duration::from_millis(300));
    seat.types("\x1a");
    seat.sees("Stopped");
    // With a job that it takes for stopped the shell would have to be told twice.
    seat.types("kill %1; disown -a; exit 7\r");
    assert_eq!(wait(&mut seat.child).code(), Some(7));

    let (record, content) = content(&machine, "job:sit -phase:intent");
    assert_eq!(record["resource"], json!({"type": "command", "id": "bash"}));
    assert_eq!(
        (&record["status"], &record["result"]),
        (&json!(7), &json!("failure"))
    );
    let (header, events) = cast(&content);
    assert_eq!(header["version"], 3);
    assert_eq!(
        header["term"],
        json!({"cols": 80, "rows": 24, "type": "xterm-256color"})
    );
    assert_eq!(header["command"], "bash --norc -i");
    let seen = seat.shown.lock().unwrap().clone();
    let seen = seen.split_once("leave the shell to end it\r\n").unwrap().1;
    assert_eq!(shown(&events), seen);
    assert!(
        events
            .iter()
            .any(|event| event[1] == "r" && event[2] == "100x30")
    );
    let last = events.last().unwrap();
    assert_eq!((&last[1], &last[2]), (&json!("x"), &json!("7")));
    assert!(content["stdout"].as_str().unwrap().contains("hi-42"));
    for file in files(machine.home()) {
        let bytes = std::fs::read(file).unwrap();
        assert_eq!(memchr::memmem::find(&bytes, b"never-to-be-seen"), None);
    }
}

#[test]
fn at_a_terminal_a_command_has_one_and_ctrl_c_comes_once() {
    let machine = Machine::serving();
    let script = "test -t 0 && test -t 1 && test -t 2 && echo terminal; \
        n=0; trap 'n=$((n+1))' INT; echo ready; while [ ! -e flag ]; do sleep 0.05; done; echo count-$n";
    let mut seat = Seat::take(
        &machine,
        &["exec", "--job", "tty", "--", "sh", "-c", script],
    );
    seat.sees("terminal\r\nready");
    seat.types("\x03");
    seat.sees("^C");
    std::thread::sleep(Duration::from_millis(300));
    std::fs::write(machine.home().join("flag"), b"").unwrap();
    seat.sees("count-1");
    assert_eq!(wait(&mut seat.child).code(), Some(0));
    let (_, content) = content(&machine, "job:tty -phase:intent");
    assert!(shown(&cast(&content).1).contains("count-1"));
}

#[test]
fn a_redirected_error_output_stays_apart() {
    let machine = Machine::serving();
    let line = format!(
        "'{PROGRAM}' exec --job apart -- sh -c 'echo out; echo err >&2' 2>errors; echo status-$?"
    );
    let (terminal, side) = blocking::open().unwrap();
    let environment = machine.command(&[]);
    let known = environment
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut child = blocking::Command::new("sh")
        .args(["-c", &line])
        .envs(known)
        .current_dir(machine.home())
        .spawn(side)
        .unwrap();
    let mut shown = Vec::new();
    // Ends with EIO when everybody has left.
    let _ = File::from(OwnedFd::from(terminal)).read_to_end(&mut shown);
    assert_eq!(String::from_utf8_lossy(&shown), "out\r\nstatus-0\r\n");
    wait(&mut child);
    assert_eq!(
        std::fs::read(machine.home().join("errors")).unwrap(),
        b"err\n"
    );
    let (_, content) = content(&machine, "job:apart");
    assert_eq!(
        (&content["stdout"], &content["stderr"]),
        (&json!("out\r\n"), &json!("err\n"))
    );
}

#[test]
fn a_session_that_is_killed_is_unfinished_and_one_that_loses_its_terminal_ends() {
    let machine = Machine::serving();
    let mut seat = Seat::take(&machine, &["shell", "--job", "dead", "--", "sh"]);
    seat.types("echo here-$((1+1))\r");
    seat.sees("here-2");
    signal(&seat.child, Signal::KILL);
    wait(&mut seat.child);
    let mut seat = Seat::take(&machine, &["shell", "--job", "gone", "--", "sh"]);
    seat.types("echo here-$((1+1))\r");
    seat.sees("here-2");
    // What the kernel sends when a terminal is gone.
    signal(&seat.child, Signal::HUP);
    assert_eq!(wait(&mut seat.child).code(), Some(129));
    machine.out(&["exec", "--", "true"]);
    let dead = machine.json(&["query", "job:dead"]);
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0]["producer"]["phase"], "intent");
    let gone = machine.json(&["query", "job:gone -phase:intent"]);
    assert_eq!(gone[0]["meta"]["signal"], 1);
}

#[test]
fn what_is_piped_in_is_typed() {
    let machine = Machine::serving();
    let mut command = machine.command(&["shell", "--job", "piped", "--", "sh"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"echo typed-$((2+3))\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("typed-5"), "{shown}");
}
