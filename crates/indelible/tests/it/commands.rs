//! Recording, querying, exporting, verifying: one after the other, as the README does.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::Value;

use crate::machine::Machine;

fn filled() -> Machine {
    let machine = Machine::serving();
    let events: Vec<String> = (0..250)
        .map(|n| {
            format!(
                "{{\"id\":\"e-{n}\",\"actor\":{{\"id\":\"agent-{}\"}},\"action\":\"order.create\",\
                 \"status\":{},\"input\":{{\"n\":{n}.50}},\"description\":\"=1+{n}\"}}\n",
                n % 2,
                200 + n % 2
            )
        })
        .collect();
    assert_eq!(machine.post(&events.concat())["recorded"], 250);
    machine
}

#[test]
fn query_is_newest_first_and_pages_through_everything() {
    let machine = filled();
    let all = machine.json(&["query", "action:order.create", "--limit", "1000"]);
    let seqs: Vec<u64> = all
        .iter()
        .map(|record| record["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs.len(), 250);
    assert!(seqs.is_sorted_by(|a, b| a > b));
    assert!(
        all.iter().all(|record| record.get("links").is_none()),
        "a line is the exact record"
    );
    assert_eq!(
        machine
            .json(&["query", "actor:agent-1 status:201", "--limit", "1000"])
            .len(),
        125
    );
    assert_eq!(machine.json(&["query"]).len(), 50, "the default limit");
    assert_eq!(machine.json(&["query", "--to=-1h"]).len(), 0);
    let none = machine.run(&["query", "--limit", "0"]);
    assert_eq!(none.status.code(), Some(2), "nothing would be printed");
    assert!(
        String::from_utf8(none.stderr)
            .unwrap()
            .contains("1 or more")
    );
    let bad = machine.run(&["query", "actoor:x"]);
    assert_eq!(bad.status.code(), Some(2), "wrong use");
    assert!(String::from_utf8(bad.stderr).unwrap().contains("actor"));
}

#[test]
fn get_gives_exact_bytes_by_number_and_by_id() {
    let machine = filled();
    let record = machine.out(&["get", "e-7"]);
    let seq = serde_json::from_str::<Value>(&record).unwrap()["seq"].to_string();
    assert_eq!(machine.out(&["get", &seq]), record);
    assert_eq!(
        machine.out(&["get", "e-7", "--content"]),
        "{\"input\":{\"n\":7.50}}\n"
    );
    machine.wait_signed();
    let bundle: Value = serde_json::from_str(&machine.out(&["get", "e-7", "--proof"])).unwrap();
    assert_eq!(bundle["record"], record.trim_end());
    for absent in ["no-such-id", "99999"] {
        assert_eq!(machine.run(&["get", absent]).status.code(), Some(1));
    }
    assert_eq!(machine.run(&["get"]).status.code(), Some(2), "wrong use");
}

#[test]
fn export_writes_every_record_with_its_content() {
    let machine = filled();
    let file = machine.home().join("out.jsonl");
    let output = machine.run(&[
        "export",
        "action:order.create",
        "--format",
        "jsonl",
        "-o",
        "out.jsonl",
    ]);
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("250 records and 250 contents")
    );
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 250);
    let first = text.lines().next().unwrap();
    let record = machine.out(&["get", "e-0"]);
    let open = record.trim_end().strip_suffix('}').unwrap();
    assert_eq!(
        first,
        format!("{open},\"contents\":{{\"input\":{{\"n\":0.50}}}}}}")
    );

    let plain = machine.out(&["export", "id:e-0", "--no-content"]);
    assert_eq!(plain, record);
    assert_eq!(
        machine
            .out(&[
                "export",
                "action:order.create",
                "--at",
                "11",
                "--no-content"
            ])
            .lines()
            .count(),
        10
    );

    machine.out(&[
        "export",
        "action:order.create",
        "--format",
        "csv",
        "-o",
        "out.csv",
    ]);
    let mut reader = csv::Reader::from_path(machine.home().join("out.csv")).unwrap();
    let head = reader.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|head| head == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 250);
    assert_eq!(&rows[3][column("id")], "e-3");
    assert_eq!(
        &rows[3][column("description")],
        "'=1+3",
        "a formula is text"
    );
    assert_eq!(&rows[3][column("content")], "{\"input\":{\"n\":3.50}}");
    assert!(!machine.home().join("out.csv.part").exists());
    // What was fetched takes no room on the server; the trail knows of it.
    assert_eq!(machine.json(&["query", "action:export.created"]).len(), 4);
    let left = std::fs::read_dir(machine.data().join("exports")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn an_evidence_package_is_checked_without_the_server() {
    let mut machine = filled();
    let vkey = std::fs::read_to_string(machine.data().join("log.vkey")).unwrap();
    let args = [
        "export",
        "action:order.create",
        "--format",
        "evidence",
        "--purpose",
        "audit",
        "-o",
        "audit.zip",
    ];
    let output = machine.run(&args);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("250 records and 250 contents to audit.zip, on record as event"));
    machine.stop();
    let pinned = ["verify", "audit.zip", "--vkey", vkey.trim_end()];
    let text = machine.out(&pinned);
    for expected in [
        "250 records and 250 contents hashed, each found in the tree",
        "for: audit",
        "key pinned by you",
        "nothing was changed",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(
        machine
            .out(&["verify", "audit.zip"])
            .contains("key not pinned")
    );
    let report = &machine.json(&["verify", "audit.zip", "--json"])[0];
    assert_eq!(
        (&report["ok"], &report["package"]["records"]),
        (&true.into(), &250.into())
    );
    let package = std::fs::read(machine.home().join("audit.zip")).unwrap();
    let mut changed = package.clone();
    changed[package.len() / 2] ^= 1;
    for (name, bytes) in [
        ("changed.zip", &changed[..]),
        ("cut.zip", &package[..package.len() - 40]),
        ("none.zip", b"no package"),
    ] {
        std::fs::write(machine.home().join(name), bytes).unwrap();
        let output = machine.run(&["verify", name]);
        assert_eq!(output.status.code(), Some(3), "{name}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("DAMAGED"), "{name}: {text}");
    }
    let other = "indelible.local/default+25c384bd+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
    let output = machine.run(&["verify", "audit.zip", "--vkey", other]);
    assert!(matches!(output.status.code(), Some(2 | 3)), "{output:?}");
    assert_eq!(
        machine.run(&["verify", "absent.zip"]).status.code(),
        Some(1)
    );
}

#[test]
fn an_export_that_cannot_be_had_leaves_no_file() {
    let machine = filled();
    let export = |args: &[&str]| {
        let output = machine.run(&[&["export", "-o", "x.jsonl"], args].concat());
        assert!(!machine.home().join("x.jsonl").exists());
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, told) = export(&["actoor:x"]);
    assert!(code == Some(2) && told.contains("actor"), "{told}");
    let (code, told) = export(&["--at", "9999999"]);
    assert!(
        code == Some(2) && told.contains("does not exist yet"),
        "{told}"
    );
    let made = &machine.json(&["key", "create", "--scope", "export", "--json"])[0];
    let output = machine
        .command(&["export", "-o", "x.jsonl"])
        .env("INDELIBLE_KEY", made["key"].as_str().unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("scope content"), "{told}");
}

#[test]
fn verify_says_what_it_checked_in_use_and_at_rest() {
    let mut machine = filled();
    machine.wait_signed();
    let data = machine.data();
    let data = data.to_str().unwrap();
    let vkey = std::fs::read_to_string(machine.data().join("log.vkey")).unwrap();
    let vkey = vkey.trim_end();
    let url = machine.url.clone();
    for target in [data, &url] {
        let text = machine.out(&["verify", target]);
        assert!(
            text.contains("key not pinned") && text.contains("nothing was changed"),
            "{text}"
        );
        let pinned = machine.out(&["verify", target, "--vkey", vkey]);
        assert!(
            pinned.contains("key pinned") && !pinned.contains("not pinned"),
            "{pinned}"
        );
        let report = &machine.json(&["verify", target, "--json"])[0];
        assert_eq!(report["ok"], true);
        assert!(
            report["trails"][0]["records"].as_u64().unwrap() > 250,
            "{report}"
        );
        assert!(
            report["trails"][0]["contents"].as_u64().unwrap() >= 250,
            "{report}"
        );
    }
    machine.stop();
    let report = &machine.json(&["verify", data, "--json"])[0];
    assert_eq!(
        report["trails"][0]["records"], report["trails"][0]["leaves"],
        "{report}"
    );
    assert!(report["trails"][0]["segments"].as_u64().unwrap() > 0);
    let other = "indelible.local/default+61757468+AafmNmeXAAUzG37Lr9RQ1YRgzIr2cDRWUsvxJ0lBX9VW";
    let output = machine.run(&["verify", data, "--vkey", other]);
    assert!(matches!(output.status.code(), Some(2 | 3)), "{output:?}");
    assert_eq!(
        machine.run(&["verify", &url]).status.code(),
        Some(1),
        "no server is no damage"
    );
}

#[test]
fn a_key_does_what_its_scopes_say() {
    let machine = filled();
    let made = &machine.json(&[
        "key",
        "create",
        "--name",
        "ci",
        "--scope",
        "read",
        "--expires",
        "1d",
        "--json",
    ])[0];
    let key = made["key"].as_str().unwrap();
    machine.wait_signed();
    let as_reader = |args: &[&str]| {
        machine
            .command(args)
            .env("INDELIBLE_KEY", key)
            .output()
            .unwrap()
    };
    assert!(as_reader(&["get", "e-1"]).status.success());
    assert_eq!(
        as_reader(&["get", "e-1", "--content"]).status.code(),
        Some(1)
    );
    let verified = as_reader(&["verify", &machine.url]);
    let text = String::from_utf8(verified.stdout).unwrap();
    assert!(
        verified.status.success() && text.contains("lacks scope content"),
        "{text}"
    );
    let id = made["id"].as_str().unwrap();
    assert!(machine.out(&["key", "list"]).contains(id));
    machine.out(&["key", "revoke", id]);
    let refused = as_reader(&["get", "e-1"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("401"));
}

#[test]
fn a_trail_of_its_own_is_empty_and_apart() {
    let machine = filled();
    let made: Value =
        serde_json::from_str(&machine.out(&["trail", "create", "acme", "--json"])).unwrap();
    assert!(machine.out(&["trail", "list"]).contains("acme"));
    let key = made.to_string();
    let key = key.split('"').find(|text| text.starts_with("ik_")).unwrap();
    let output = machine
        .command(&["query", "action:order.create"])
        .env("INDELIBLE_KEY", key)
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

#[test]
fn the_demo_runs_and_ends() {
    let machine = Machine::new();
    let text = machine.out(&["demo", "--exit"]);
    for expected in [
        "three small words",
        "command/uname",
        "http.request",
        "key pinned",
        "nothing was changed",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn stats_are_one_row_a_line_in_a_pipe() {
    let machine = filled();
    let rows = machine.json(&["stats", "action:order.create", "--by", "actor,status"]);
    let of = |row: &Value| {
        (
            row["actor"].clone(),
            row["status"].clone(),
            row["count"].clone(),
        )
    };
    assert_eq!(
        rows.iter().map(of).collect::<Vec<_>>(),
        [
            ("agent-0".into(), 200.into(), 125.into()),
            ("agent-1".into(), 201.into(), 125.into()),
        ]
    );
    let top = ["stats", "--by", "actor", "--top", "1", "--sort", "count"];
    assert_eq!(machine.json(&top).len(), 1);
    let series = [
        "stats",
        "action:order.create",
        "--interval",
        "week",
        "--tz",
        "Europe/Berlin",
    ];
    let total = |row: &Value| row["count"].as_u64().unwrap();
    assert_eq!(machine.json(&series).iter().map(total).sum::<u64>(), 250);
    for bad in [
        &["stats", "--by", "nothing"] as &[&str],
        &["stats", "actoor:x"],
        &["stats", "--tz", "Europe/Berlin"],
        &["stats", "--interval", "month"],
    ] {
        assert_eq!(machine.run(bad).status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn following_goes_on_where_the_list_ends_and_after_the_server_was_away() {
    let mut machine = filled();
    let mut follower = machine
        .command(&["query", "action:order.*", "--follow", "--limit", "2"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(
        [next()["id"].clone(), next()["id"].clone()],
        ["e-248", "e-249"]
    );
    let event = |id: &str| {
        format!("{{\"id\":\"{id}\",\"actor\":{{\"id\":\"a\"}},\"action\":\"order.pay\"}}\n")
    };
    machine.post(&[event("f-0"), event("f-1")].concat());
    let row = next();
    assert_eq!(
        (&row["id"], row.get("links")),
        (&"f-0".into(), None),
        "the exact record"
    );
    machine.restart();
    machine.post(&event("f-2"));
    assert_eq!([next()["id"].clone(), next()["id"].clone()], ["f-1", "f-2"]);
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn a_server_has_an_arena_for_each_core_unless_somebody_says_otherwise() {
    let cores = std::thread::available_parallelism().unwrap().to_string();
    for (set, expected) in [(None, cores.as_str()), (Some("7"), "7")] {
        let machine = Machine::new();
        let mut command = machine.serve(&machine.data());
        command.env_remove("MALLOC_ARENA_MAX");
        command.env_remove("GLIBC_TUNABLES");
        if let Some(set) = set {
            command.env("MALLOC_ARENA_MAX", set);
        }
        let mut server = command.spawn().unwrap();
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with("listening on")));
        let environment = std::fs::read(format!("/proc/{}/environ", server.id())).unwrap();
        let expected = format!("MALLOC_ARENA_MAX={expected}");
        let mut variables = environment.split(|byte| *byte == 0);
        assert!(variables.any(|variable| variable == expected.as_bytes()));
        server.kill().unwrap();
        server.wait().unwrap();
    }
}
