//! The process is killed at random under load; what it had acknowledged must be there for ever.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::machine::{KEY, Machine};

/// Rounds of start, load and kill; the whole stays below half a minute.
const ROUNDS: u64 = 12;
const BUDGET: Duration = Duration::from_secs(20);
const WRITERS: u64 = 6;

/// What a client was told.
#[derive(Clone)]
struct Receipt {
    id: String,
    seq: u64,
    leaf_hash: String,
}

/// Sends batches of 1 to 40 events until the server is gone; returns what was acknowledged.
fn write(url: &str, key: &str, next: &AtomicU64, stopped: &AtomicBool, seed: u64) -> Vec<Receipt> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into();
    let mut receipts = Vec::new();
    let mut random = seed;
    while !stopped.load(Ordering::Relaxed) {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let count = 1 + (random >> 33) % 40;
        let first = next.fetch_add(count, Ordering::Relaxed);
        let body: Vec<String> = (first..first + count)
            .map(|n| {
                let mix = (n ^ random >> 40).wrapping_mul(0x9E37_79B9) >> 7;
                let source = ["mcp", "shell", "llm"][usize::try_from(mix % 3).unwrap()];
                let result = ["success", "failure"][usize::try_from(mix / 3 % 2).unwrap()];
                format!(
                    "{{\"id\":\"k-{n}\",\"actor\":{{\"id\":\"agent-{}\"}},\"action\":\"kill\",\"source\":\"{source}\",\
                     \"result\":\"{result}\",\"duration_us\":{},\"input\":\"word{} {}\"}}\n",
                    mix % 17,
                    mix % 9_000,
                    mix % 50,
                    "x".repeat(usize::try_from(random % 700).unwrap())
                )
            })
            .collect();
        let answer = agent
            .post(format!("{url}/v1/events"))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/x-ndjson")
            .send(&body.concat());
        let text = answer.and_then(|mut answer| answer.body_mut().read_to_string());
        // Nothing was acknowledged: the events may be there or not.
        let Ok(text) = text else {
            break;
        };
        let answer: Value = serde_json::from_str(&text).unwrap();
        for result in answer["results"].as_array().unwrap() {
            assert_eq!(result["status"], "recorded", "{result}");
            receipts.push(Receipt {
                id: result["id"].as_str().unwrap().to_owned(),
                seq: result["seq"].as_u64().unwrap(),
                leaf_hash: result["leaf_hash"].as_str().unwrap().to_owned(),
            });
        }
    }
    receipts
}

#[test]
fn every_receipt_survives_every_kill() {
    let seed = std::env::var("INDELIBLE_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    println!("INDELIBLE_TEST_SEED={seed}");
    let begin = Instant::now();
    let mut machine = Machine::new();
    // So that segments are sealed and merged when the process is killed.
    machine.configure("[segments]\nseal_mib = 1\n");
    let next = Arc::new(AtomicU64::new(0));
    let receipts = Mutex::new(Vec::new());
    for round in 0..ROUNDS {
        if begin.elapsed() > BUDGET {
            break;
        }
        machine.start();
        let stopped = AtomicBool::new(false);
        let url = machine.url.clone();
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (url, next, stopped, receipts) = (&url, &next, &stopped, &receipts);
                scope.spawn(move || {
                    let seed = seed.wrapping_add(round * WRITERS + writer);
                    let got = write(url, KEY, next, stopped, seed);
                    receipts.lock().unwrap().extend(got);
                });
            }
            let pause = 50 + (seed ^ (round * 7_919)).wrapping_mul(0x9E37_79B9) % 700;
            std::thread::sleep(Duration::from_millis(pause));
            machine.kill();
            stopped.store(true, Ordering::Relaxed);
        });
        let output = machine.run(&["verify", machine.data().to_str().unwrap()]);
        assert!(
            output.status.success(),
            "seed {seed}, round {round}: {output:?}"
        );
    }
    machine.start();
    let receipts = receipts.into_inner().unwrap();
    assert!(receipts.len() > 100, "only {} receipts", receipts.len());
    machine.wait_signed();
    let segments = std::fs::read_dir(machine.data().join("trails/default/segments")).unwrap();
    assert!(segments.count() > 0, "nothing was sealed");
    check(&machine, &receipts, seed);
    machine.stop();
    machine.out(&["verify", machine.data().to_str().unwrap()]);
    machine.start();
    check(&machine, &receipts, seed);
}

/// Answers are what the records add up to, whatever was sealed and merged.
fn check_answers(machine: &Machine, records: &[Value]) {
    let get = |path: &str| -> Value {
        let answer = ureq::get(format!("{}/v1/{path}", machine.url))
            .header("authorization", format!("Bearer {KEY}"))
            .call();
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    };
    for by in ["source", "result", "actor"] {
        let value = |record: &Value| match by {
            "actor" => record["actor"]["id"].as_str().unwrap().to_owned(),
            by => record[by].as_str().unwrap().to_owned(),
        };
        let mut expected = BTreeMap::new();
        for record in records {
            let (count, duration) = expected.entry(value(record)).or_insert((0, 0));
            *count += 1;
            *duration += record["duration_us"].as_u64().unwrap();
        }
        let answer = get(&format!("aggregate?action=kill&by={by}"));
        let rows = answer["data"].as_array().unwrap();
        let found: BTreeMap<String, (u64, u64)> = rows
            .iter()
            .map(|row| {
                let figures = (
                    row["count"].as_u64().unwrap(),
                    row["duration_us"].as_u64().unwrap(),
                );
                (row[by].as_str().unwrap().to_owned(), figures)
            })
            .collect();
        assert_eq!(found, expected, "by {by}");
    }
    let slow = records
        .iter()
        .filter(|record| record["source"] == "llm" && record["duration_us"].as_u64() > Some(5_000));
    let answer = get("count?q=action:kill%20source:llm%20duration%3E5ms");
    assert_eq!(answer["value"].as_u64(), Some(slow.count() as u64));
    let answer = get("series?action=kill&interval=minute&by=result");
    let buckets = answer["data"].as_array().unwrap();
    let counts = buckets
        .iter()
        .flat_map(|bucket| bucket["groups"].as_array().unwrap());
    let sum: u64 = counts.map(|group| group["count"].as_u64().unwrap()).sum();
    assert_eq!(sum, records.len() as u64);
    // Free text, of which only the contents know.
    let of_words: u64 = (0..50)
        .map(|word| {
            get(&format!("count?q=action:kill%20word{word}"))["value"]
                .as_u64()
                .unwrap()
        })
        .sum();
    assert_eq!(of_words, records.len() as u64);
}

/// Every event that was acknowledged is there, in its place, with its leaf, and in every answer.
fn check(machine: &Machine, receipts: &[Receipt], seed: u64) {
    let text = machine.out(&["export", "action:kill", "--no-content"]);
    let mut found = HashMap::new();
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (record, line) in records.iter().zip(text.lines()) {
        let seq = record["seq"].as_u64().unwrap();
        let id = record["id"].as_str().unwrap().to_owned();
        assert_eq!(found.insert(id, seq), None, "seed {seed}: twice: {line}");
    }
    for receipt in receipts {
        assert_eq!(
            found.get(&receipt.id),
            Some(&receipt.seq),
            "seed {seed}: {}",
            receipt.id
        );
    }
    check_answers(machine, &records);
    // The leaves of all, from the tiles of the log.
    let leaves = leaves(machine);
    for receipt in receipts {
        let leaf = &leaves[usize::try_from(receipt.seq).unwrap()];
        assert_eq!(
            *leaf, receipt.leaf_hash,
            "seed {seed}: leaf of {}",
            receipt.seq
        );
    }
}

fn leaves(machine: &Machine) -> Vec<String> {
    let get = |path: &str| {
        let answer = ureq::get(format!("{}{path}", machine.url))
            .header("authorization", format!("Bearer {KEY}"))
            .call();
        answer.unwrap().body_mut().read_to_vec().unwrap()
    };
    let note = String::from_utf8(get("/v1/log/checkpoint")).unwrap();
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    let mut leaves = Vec::new();
    for path in tlog::layout(size) {
        if let tlog::TilePath::Hashes(tile) = path
            && tile.level == 0
        {
            let bytes = get(&format!("/v1/log/{path}"));
            leaves.extend(
                bytes
                    .as_chunks::<32>()
                    .0
                    .iter()
                    .map(|hash| tlog::Hash(*hash).to_string()),
            );
        }
    }
    leaves
}
