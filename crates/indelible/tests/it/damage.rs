//! One byte changed, or the end cut off, of every file: `verify` names it, or the change does no harm.

use std::path::Path;

use crate::machine::{Machine, copy, files};

/// Files whose change alters no record, hash or signature, and why.
const HARMLESS: [(&str, &str); 3] = [
    ("lock", "empty: only locked, never read"),
    (
        "admin.key",
        "a copy for people; a wrong one opens nothing, and is noted",
    ),
    (
        "sessions.json",
        "who is signed in; a changed one signs everybody out, and is noted",
    ),
];

fn why_harmless(file: &Path) -> Option<&'static str> {
    let name = file.file_name().unwrap().to_str().unwrap();
    HARMLESS
        .iter()
        .find(|(end, _)| name.ends_with(end))
        .map(|(_, why)| *why)
}

/// A small log: a sealed part, and one that was only in the write-ahead log when the process was killed.
fn log() -> Machine {
    let mut machine = Machine::serving();
    let event = |n| {
        format!(
            "{{\"id\":\"s-{n}\",\"actor\":{{\"id\":\"a\"}},\"action\":\"sweep\",\"input\":\"text {n}\",\"status\":{n}}}\n"
        )
    };
    machine.post(&(0..300).map(event).collect::<Vec<_>>().concat());
    machine.wait_signed();
    machine.stop();
    machine.start();
    for n in 300..320 {
        machine.post(&event(n));
    }
    machine.wait_signed();
    machine.kill();
    machine
}

struct Sweep<'a> {
    machine: &'a Machine,
    faults: Vec<String>,
    harmless: Vec<String>,
}

impl Sweep<'_> {
    /// Verifies with a file replaced, and puts it back.
    fn with(&mut self, file: &Path, what: &str, bytes: &[u8]) {
        let good = std::fs::read(file).unwrap();
        std::fs::write(file, bytes).unwrap();
        let data = self.machine.data();
        let output = self.machine.run(&["verify", data.to_str().unwrap()]);
        std::fs::write(file, good).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let place = file.strip_prefix(&data).unwrap().display().to_string();
        let name = file.file_name().unwrap().to_str().unwrap();
        let stem = file.parent().unwrap().join(file.file_stem().unwrap());
        let is_named = text.contains(name) || text.contains(stem.to_str().unwrap());
        match (output.status.code(), why_harmless(file)) {
            (Some(3), _) if is_named => {}
            (Some(0), Some(why)) if is_named => self.harmless.push(format!("{place}: {why}")),
            (status, _) => self
                .faults
                .push(format!("{place}, {what}: status {status:?}\n{text}")),
        }
    }
}

#[test]
fn every_changed_or_cut_file_is_named() {
    let machine = log();
    let data = machine.data();
    machine.out(&["verify", data.to_str().unwrap()]);
    let manifests = data.join("trails/default/manifest");
    assert!(files(&manifests).len() > 1, "older manifests count too");
    let mut sweep = Sweep {
        machine: &machine,
        faults: Vec::new(),
        harmless: Vec::new(),
    };
    for file in files(&data) {
        let good = std::fs::read(&file).unwrap();
        let len = good.len();
        for (offset, bit) in [
            (0, 0),
            (len / 3, 3),
            (len / 2, 7),
            (len.saturating_sub(1), 0),
        ] {
            if offset < len {
                let mut bad = good.clone();
                bad[offset] ^= 1 << bit;
                sweep.with(&file, &format!("bit {bit} of byte {offset} of {len}"), &bad);
            }
        }
        for keep in [0, len / 2, len.saturating_sub(1)] {
            if keep < len {
                sweep.with(&file, &format!("cut to {keep} of {len}"), &good[..keep]);
            }
        }
    }
    sweep.harmless.dedup();
    for line in &sweep.harmless {
        println!("no harm: {line}");
    }
    assert!(
        sweep.faults.is_empty(),
        "{} faults:\n{}",
        sweep.faults.len(),
        sweep.faults.join("\n")
    );
}

#[test]
fn a_server_does_not_start_on_changed_keys() {
    let mut machine = Machine::serving();
    machine.stop();
    let path = machine.data().join("keys.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"admin\"", "\"Admin\"", 1)).unwrap();
    let said = machine.try_start().unwrap_err();
    assert!(said.contains("keys.json: the checksum"), "{said}");
    std::fs::write(&path, text).unwrap();
    machine.start();
}

/// Files without which every record, hash and signature is still there, and why.
fn why_dispensable(name: &Path) -> Option<&'static str> {
    if name
        .extension()
        .is_some_and(|kind| kind == "idx" || kind == "rollup")
    {
        return Some("made again from the segment when the server starts");
    }
    match name.to_str()? {
        "log.vkey" => Some("a copy for people of the trail's own"),
        "keys.json" => Some("who may ask; without it nobody may"),
        _ => None,
    }
}

#[test]
fn a_missing_file_is_damage_too() {
    let machine = log();
    let data = machine.data();
    let whole = machine.home().join("whole");
    let text = machine.out(&["verify", data.to_str().unwrap()]);
    let records = text.lines().find(|line| line.contains("records ")).unwrap();
    copy(&data, &whole);
    let mut unnoticed = Vec::new();
    for file in files(&data) {
        let name = file.strip_prefix(&data).unwrap();
        if why_harmless(&file).is_some() || why_dispensable(name).is_some() {
            continue;
        }
        std::fs::remove_file(&file).unwrap();
        let output = machine.run(&["verify", data.to_str().unwrap()]);
        // An older manifest tells how things were; what the newest one added may still be in the write-ahead log.
        let text = String::from_utf8(output.stdout).unwrap();
        let is_whole = name.parent().unwrap().ends_with("manifest") && text.contains(records);
        if output.status.code() != Some(3) && !is_whole {
            unnoticed.push(name.to_owned());
        }
        std::fs::copy(whole.join(file.strip_prefix(&data).unwrap()), &file).unwrap();
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
