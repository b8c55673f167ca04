//! A disk that is full, a directory that is taken, a backup that is old.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::machine::{KEY, Machine, copy};

fn event(n: u64, bytes: usize) -> String {
    format!(
        "{{\"id\":\"d-{n}\",\"actor\":{{\"id\":\"a\"}},\"action\":\"disk\",\"input\":\"{}\"}}\n",
        "x".repeat(bytes)
    )
}

#[test]
fn a_second_process_on_the_directory_refuses() {
    let machine = Machine::serving();
    let output = machine.serve(&machine.data()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr).unwrap().contains("lock"),
        "says why"
    );
    machine.post(&event(0, 1));
}

fn replace(from: &Path, to: &Path) {
    if from.is_file() {
        std::fs::copy(from, to).unwrap();
        return;
    }
    std::fs::remove_dir_all(to).unwrap();
    copy(from, to);
}

#[test]
fn an_old_copy_under_a_newer_checkpoint_refuses_to_serve() {
    let mut machine = Machine::serving();
    machine.post(&event(0, 1));
    machine.wait_signed();
    machine.stop();
    let old = machine.home().join("old");
    copy(&machine.data(), &old);
    machine.start();
    machine.post(&event(1, 1));
    machine.wait_signed();
    machine.stop();
    // The events of the old copy, the checkpoints of the newer log.
    for name in ["checkpoint", "checkpoints"] {
        let name = format!("trails/default/{name}");
        replace(&machine.data().join(&name), &old.join(&name));
    }
    std::fs::remove_dir_all(machine.data()).unwrap();
    std::fs::rename(&old, machine.data()).unwrap();
    let said = machine.try_start().unwrap_err();
    assert!(said.contains("trails/default"), "says where: {said}");
    let output = machine.run(&["verify", machine.data().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

/// Unmounts when dropped.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_acknowledges_nothing_that_is_not_there() {
    let mut machine = Machine::new();
    std::fs::create_dir(machine.data()).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"])
        .arg(machine.data())
        .output();
    if !mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: no tmpfs can be mounted here");
        return;
    }
    let mounted = Mounted(machine.data());
    machine.start();
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for n in 0..600 {
        let answer = ureq::post(format!("{}/v1/events", machine.url))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/x-ndjson")
            .send(event(n, 60_000));
        let text = answer.and_then(|mut answer| answer.body_mut().read_to_string());
        match text {
            Ok(text) => {
                let answer: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(refused, 0, "the log goes on after a failure: {answer}");
                acknowledged.push((n, answer["results"][0]["seq"].as_u64().unwrap()));
            }
            Err(_) => refused += 1,
        }
        if refused == 3 {
            break;
        }
    }
    assert!(refused > 0, "the disk never was full");
    assert!(!acknowledged.is_empty());
    machine.kill();
    // Room again: everything that was acknowledged is there.
    let larger = Command::new("mount")
        .args(["-o", "remount,size=200m"])
        .arg(machine.data())
        .status();
    assert!(larger.unwrap().success());
    machine.start();
    let records = machine.json(&["query", "action:disk", "--limit", "1000"]);
    for (n, seq) in acknowledged {
        let is_it = |record: &&Value| record["id"] == format!("d-{n}");
        let record = records
            .iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("event {n} is lost"));
        assert_eq!(record["seq"], seq);
    }
    machine.kill();
    drop(mounted);
}
