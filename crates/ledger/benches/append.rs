//! Events per second through the ledger alone, durable, on the real disk: batches of 500 from 8 submitters, and
//! single events from 64. `cargo bench -p indelible-ledger`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that panics has failed"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use event::{Limits, Micros, Prepared, Submitter, TrailId};
use indelible_ledger::{Config, Env, History, HistoryError, Known, Ledger, SealedEnd, Trail};
use journal::RealFs;

/// Everything counts as sealed at once: the segment store has its own benchmark.
struct Nothing;

impl History for Nothing {
    fn sealed(&self, _: &TrailId) -> Result<SealedEnd, HistoryError> {
        Ok(SealedEnd {
            size: 0,
            recorded_at: Micros(0),
        })
    }

    fn find(&self, _: &TrailId, _: &str) -> Result<Option<Known>, HistoryError> {
        Ok(None)
    }
}

fn prepare(trail: &Trail, submitter: usize, n: usize) -> Prepared {
    let json = format!(
        r#"{{"id":"bench-{submitter}-{n}","time":"2026-01-01T00:00:00Z","duration_us":{n},"project":"payments","job":"job-{job}","actor":{{"type":"agent","id":"agent-{agent}","name":"Reviewer","role":"developer","ip":"10.0.0.7"}},"source":"mcp","action":"tools/call","resource":{{"type":"tool","id":"github/create_issue"}},"result":"success","status":200,"approval":{{"decision":"allowed","approver":"auto","rule":"default-allow"}},"usage":{{"provider":"anthropic","model":"claude-sonnet","input_tokens":1200,"output_tokens":{n},"cost_nanousd":4500000}},"input":{{"title":"A bug in the parser","body":"{filler}"}},"output":{{"number":{n},"url":"https://example.com/issues/{n}"}}}}"#,
        job = n / 50,
        agent = n % 97,
        filler = "the quick brown fox jumps over the lazy dog ".repeat(4),
    );
    event::prepare(
        json.as_bytes(),
        &Submitter::default(),
        trail.dedup_key(),
        &Limits::default(),
    )
    .unwrap()
}

fn run(
    trail: &Arc<Trail>,
    submitters: usize,
    batch: usize,
    batches: usize,
    round: usize,
) -> (f64, Duration) {
    let work: Vec<Vec<Vec<Prepared>>> = (0..submitters)
        .map(|submitter| {
            let one = |b: usize| {
                (0..batch)
                    .map(|n| prepare(trail, round * 1_000 + submitter, b * batch + n))
                    .collect()
            };
            (0..batches).map(one).collect()
        })
        .collect();
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    std::thread::scope(|scope| {
        let threads: Vec<_> = work
            .into_iter()
            .map(|batches| {
                scope.spawn(move || {
                    let mut slowest = Duration::ZERO;
                    for events in batches {
                        let sent = Instant::now();
                        trail.submit_now(events).unwrap().wait().unwrap();
                        slowest = slowest.max(sent.elapsed());
                        trail.mark_sealed(trail.size());
                    }
                    slowest
                })
            })
            .collect();
        for thread in threads {
            slowest = slowest.max(thread.join().unwrap());
        }
    });
    let events = submitters * batch * batches;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = events as f64 / start.elapsed().as_secs_f64();
    (rate, slowest)
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let env = Env::system(Arc::new(RealFs));
    let ledger = Ledger::open(Config::new(dir.path()), env, Arc::new(Nothing)).unwrap();
    let trail = ledger.create_trail(&"default".parse().unwrap()).unwrap();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores");
    for round in 0..3 {
        let (rate, slowest) = run(&trail, 8, 500, 40, round);
        println!("batches of 500, 8 submitters: {rate:.0} events/s, slowest batch {slowest:?}");
    }
    for round in 3..6 {
        let (rate, slowest) = run(&trail, 64, 1, 500, round);
        println!("single events, 64 submitters: {rate:.0} events/s, slowest {slowest:?}");
    }
}
