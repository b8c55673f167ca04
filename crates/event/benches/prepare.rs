//! Nanoseconds for each event of the steps that an event takes before and at commit, and bytes a
//! second of compaction, on one core. `cargo bench -p indelible-event`.

#![expect(clippy::cast_precision_loss, reason = "figures are shown rounded")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use indelible_event::{
    Batch, BatchFormat, DedupKey, EpochSecret, Limits, Micros, RecordView, Seq, Submitter,
    commit_content, commit_record, json, prepare,
};

/// About 900 bytes, as an agent's tool call is recorded.
const EVENT: &str = r#"{"id":"0197a1b2-c3d4-7e5f-8a6b-1234567890ab","time":"2026-01-01T12:34:56.789012Z","duration_us":48211,"project":"billing","job":"job-2026-01-01-000042","trace":"4bf92f3577b34da6a3ce929d0e0e4736","span":"00f067aa0ba902b7","actor":{"type":"agent","id":"agent-7","name":"Invoice agent","role":"accountant"},"initiator":{"type":"user","id":"u-1842"},"source":"mcp","action":"tools/call","resource":{"type":"tool","id":"github/create_issue"},"result":"success","status":200,"usage":{"provider":"example","model":"large-2","input_tokens":1834,"output_tokens":212,"cost_nanousd":8712000},"meta":{"attempt":1,"region":"eu-central-1"},"input":{"owner":"acme","repo":"billing","title":"Invoice 1842 has no tax number","body":"The customer record lacks a tax number.\nPlease add it before the end of the month."},"output":{"number":512,"url":"https://git.example/acme/billing/issues/512"}}"#;

const ROUNDS: u32 = 500;
const RUNS: u32 = 400;
const BATCH: usize = 500;

fn main() {
    let event = EVENT.as_bytes();
    let dedup = DedupKey::new(&[7; 32]);
    let limits = Limits::default();
    let by = Submitter {
        key: Some("ik_0123456789"),
        ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ..Submitter::default()
    };
    println!("event of {} bytes", event.len());

    let mut text = String::new();
    let compaction = measure("compact", || {
        text.clear();
        black_box(json::compact(black_box(event), &mut text)).is_ok()
    });
    let megabytes = event.len() as f64 / compaction * 1e3;
    println!("{:24} {megabytes:8.0} MB/s", "");

    measure("prepare", || {
        prepare(black_box(event), &by, &dedup, &limits).is_ok()
    });

    let body = format!("[{}]", vec![EVENT; BATCH].join(","));
    let in_batch = measure_times("batch of 500, prepared", 2, || {
        let batch = Batch::read(black_box(body.as_bytes()), BatchFormat::Json, 10_000);
        batch.is_ok_and(|batch| {
            batch
                .events()
                .all(|event| event.and_then(|e| e.prepare(&by, &dedup, &limits)).is_ok())
        })
    });
    println!("{:24} {:8.0} ns an event", "", in_batch / BATCH as f64);

    let Ok(prepared) = prepare(event, &by, &dedup, &limits) else {
        return;
    };
    let mut record = Vec::new();
    let salter = EpochSecret([1; 32]).salter();
    let at = Micros(1_767_225_600_000_000);
    measure("write_record", || {
        record.clear();
        prepared.write_record(&mut record, "", black_box(Seq(123_456)), at, &[0; 16]);
        true
    });
    println!("record of {} bytes", record.len());
    measure("RecordView::parse", || {
        RecordView::parse(black_box(&record)).is_ok()
    });
    measure("digest", || dedup.digest(black_box(event)) != [0; 16]);
    measure("salts", || {
        salter.salts(black_box(Seq(123_456))).record != [0; 16]
    });
    measure("commitments", || {
        let c_r = commit_record(&[1; 16], black_box(&record));
        let c_c = commit_content(&[2; 16], prepared.content());
        c_r != c_c
    });
}

fn measure(what: &str, step: impl FnMut() -> bool) -> f64 {
    measure_times(what, ROUNDS, step)
}

/// The best of many short runs, in nanoseconds for each step: a short one has a chance not to be
/// interrupted.
fn measure_times(what: &str, rounds: u32, mut step: impl FnMut() -> bool) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..rounds {
            assert!(step(), "{what}");
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(rounds));
    }
    println!("{what:24} {best:8.0} ns");
    best
}
