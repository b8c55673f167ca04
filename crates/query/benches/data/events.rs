//! Events of about 900 bytes over 30 days, of 5,000 agents, in a real ledger and real segments.

use std::{
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use event::{DedupKey, Limits, Micros, Prepared, Submitter, TrailId, filter};
use journal::RealFs;
use ledger::{Config, Env, Ledger, SystemClock, Trail};
use store::{Sealer, SealerConfig, Segments};

const BATCH: u64 = 500;
/// Time of the first event.
pub(crate) const START_US: u64 = 1_772_000_000_000_000;
/// From the first event to the last.
pub(crate) const SPAN_US: u64 = 30 * 86_400 * 1_000_000;

/// A filter, of everything if empty.
pub(crate) fn parse(text: &str) -> filter::Filter {
    match text {
        "" => filter::Filter::all(),
        text => filter::parse(text).unwrap(),
    }
}

/// The first time, then the median of more; of what has the program's argument in its name, if there is
/// one.
pub(crate) fn time(what: &str, run: impl Fn() -> u64) {
    let mut only = std::env::args().skip(1).filter(|arg| arg != "--bench");
    if only.next().is_some_and(|only| !what.contains(&only)) {
        return;
    }
    let once = || {
        let start = Instant::now();
        let answer = black_box(run());
        (start.elapsed(), answer)
    };
    let (first, answer) = once();
    let runs = if first < Duration::from_millis(500) {
        21
    } else {
        3
    };
    let mut again: Vec<Duration> = (0..runs).map(|_| once().0).collect();
    again.sort();
    println!(
        "{what:40} first {:9.3} ms, then {:9.3} ms  ({answer})",
        first.as_secs_f64() * 1e3,
        again.get(runs / 2).unwrap().as_secs_f64() * 1e3
    );
}

/// Opens the trail in a folder, filled with so many events if it was not.
pub(crate) fn fill(dir: &Path, events: u64) -> (Arc<Trail>, Arc<Segments>) {
    std::fs::create_dir_all(dir).unwrap();
    let segments = Arc::new(Segments::open(dir, store::Config::default()).unwrap());
    let env = Env::system(Arc::new(RealFs));
    let ledger = Ledger::open(Config::new(dir), env, Arc::clone(&segments) as _).unwrap();
    let ledger = Arc::new(ledger);
    let id = TrailId::new("bench").unwrap();
    let trail = ledger.trail(&id);
    let trail = trail.unwrap_or_else(|| ledger.create_trail(&id).unwrap());
    let sealer = Sealer::start(
        Arc::clone(&segments),
        Arc::clone(&ledger),
        Arc::new(SystemClock),
        SealerConfig::default(),
    );
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(async {
        let first = trail.size().saturating_sub(1);
        for batch in first / BATCH..events / BATCH {
            let batch: Vec<Prepared> = (batch * BATCH..(batch + 1) * BATCH)
                .map(|number| prepare(number, SPAN_US / events, trail.dedup_key()))
                .collect();
            let ticket = loop {
                match trail.submit(batch.clone()).await {
                    Ok(ticket) => break ticket,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            };
            if number_is_round(trail.size()) {
                ticket.outcomes().await.unwrap();
            }
        }
        trail
            .submit_now(Vec::new())
            .unwrap()
            .outcomes()
            .await
            .unwrap();
        trail.wait_integrated(trail.size()).await.unwrap();
    });
    assert!(sealer.unwrap().shutdown());
    println!("filled in {:.1} s", start.elapsed().as_secs_f64());
    (trail, segments)
}

/// Waits now and then, so that not everything is queued at once.
fn number_is_round(size: u64) -> bool {
    (size / BATCH).is_multiple_of(4)
}

/// About 900 bytes, one event each so many microseconds.
fn prepare(number: u64, step_us: u64, dedup: &DedupKey) -> Prepared {
    let mix = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let of = |values: &[&'static str], shift: u32| {
        let index = usize::try_from(mix >> shift).unwrap() % values.len();
        values.get(index).copied().unwrap_or_default()
    };
    let json = format!(
        r#"{{"id":"bench-{number}","time":"{}","actor":{{"id":"agent-{}"}},"project":"p{}","job":"job-{}","trace":"{mix:032x}","source":"{}","action":"{}","resource":{{"type":"file","id":"/srv/data/{}/{}.json"}},"result":"{}","status":{},"duration_us":{},"usage":{{"provider":"anthropic","model":"{}","input_tokens":{},"output_tokens":{},"cost_nanousd":{}}},"input":{{"arguments":{{"path":"/srv/data/{mix:x}","query":"the quick brown fox {} over {mix:x}","n":{number}}}}},"output":{{"text":"{} {:x} {} {:x}","lines":{}}}}}"#,
        Micros(START_US + number * step_us),
        mix % 5000,
        mix % 5,
        number / 1000,
        of(&["mcp", "shell", "llm", "app"], 3),
        of(
            &["tools/call", "tools/list", "shell.exec", "chat.completions"],
            3
        ),
        mix % 97,
        mix % 10_007,
        of(&["success", "success", "success", "failure", "error"], 7),
        200 + mix % 4 * 100,
        mix % 3_000_000,
        of(&["opus", "sonnet", "haiku"], 11),
        mix % 9000,
        mix % 700,
        mix % 60_000_000,
        of(&["jumps", "leaps", "hops"], 5),
        "It lists the files of the folder and what they hold, line by line, with sizes. ".repeat(2),
        mix.rotate_left(13),
        "Nothing else was changed by this call, and nobody was asked for approval.",
        mix.rotate_left(29),
        mix % 500,
    );
    event::prepare(
        json.as_bytes(),
        &Submitter::default(),
        dedup,
        &Limits::default(),
    )
    .unwrap()
}
