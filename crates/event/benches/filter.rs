//! Nanoseconds of one filter on one event, on one core. `cargo bench -p indelible-event`.

#![expect(clippy::expect_used, reason = "a bench that cannot run has failed")]

use std::hint::black_box;
use std::time::Instant;

use indelible_event::{RecordView, filter};

/// About 700 bytes.
const RECORD: &str = r#"{"v":1,"id":"0197a1b2-c3d4-7e5f-8a6b-1234567890ab","seq":41,"recorded_at":"2026-01-01T12:34:56.800000Z","time":"2026-01-01T12:34:56.789012Z","duration_us":48211,"project":"billing","job":"job-2026-01-01-000042","trace":"4bf92f3577b34da6a3ce929d0e0e4736","span":"00f067aa0ba902b7","actor":{"type":"agent","id":"agent-7","name":"Invoice agent","role":"accountant"},"source":"mcp","action":"tools/call","resource":{"type":"tool","id":"github/create_issue"},"result":"success","status":200,"usage":{"provider":"example","model":"large-2","input_tokens":1834,"output_tokens":212,"cost_nanousd":8712000},"meta":{"attempt":1,"region":"eu-central-1"},"content":{"bytes":260,"type":"application/json"}}"#;
const CONTENT: &str = r#"{"input":{"owner":"acme","repo":"billing","title":"Invoice 1842 has no tax number","body":"The customer record lacks a tax number.\nPlease add it before the end of the month."},"output":{"number":512,"url":"https://git.example/acme/billing/issues/512"}}"#;
const FILTERS: [&str; 10] = [
    "",
    "source:mcp",
    "action:tools/*",
    "cost>0.05",
    "status>=400 OR result:(failure OR error)",
    "meta.region:eu-*",
    "output.number:512",
    "kubernetes",
    "\"before the end\"",
    "\"rm -rf\" -source:llm",
];
const ROUNDS: u32 = 200_000;

fn main() {
    tokens();
    let record = RecordView::parse(RECORD.as_bytes()).expect("a record");
    for text in FILTERS {
        let filter = filter::parse(text).expect("a filter");
        let start = Instant::now();
        for _ in 0..ROUNDS {
            let content = Some(black_box(CONTENT.as_bytes()));
            black_box(filter.matches(black_box(&record), content));
        }
        let nanos = start.elapsed().as_nanos() / u128::from(ROUNDS);
        println!("{nanos:8} ns  {text}");
    }
}

fn tokens() {
    let record = RecordView::parse(RECORD.as_bytes()).expect("a record");
    let mut tokenizer = filter::Tokenizer::default();
    let (mut count, start) = (0u64, Instant::now());
    for _ in 0..ROUNDS {
        let content = Some(black_box(CONTENT.as_bytes()));
        tokenizer.event(black_box(&record), content, &mut |_| count += 1);
    }
    let nanos = start.elapsed().as_nanos() / u128::from(ROUNDS);
    println!("{nanos:8} ns  {} tokens", count / u64::from(ROUNDS));
}
