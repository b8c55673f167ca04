//! Events as agents send them, about 900 bytes each, from a seed.

use std::fmt::Write;

use event::Micros;
use indelible_store::NewRow;

/// One event, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub seq: u64,
    pub recorded_at: u64,
    pub id: String,
    pub record: Vec<u8>,
    pub content: Option<Vec<u8>>,
    pub digest: Option<[u8; 16]>,
}

impl Sample {
    pub fn row(&self) -> NewRow<'_> {
        NewRow {
            seq: self.seq,
            recorded_at: self.recorded_at,
            record: &self.record,
            content: self.content.as_deref(),
            digest: self.digest,
        }
    }
}

pub fn rows(samples: &[Sample]) -> Vec<NewRow<'_>> {
    samples.iter().map(Sample::row).collect()
}

/// `SplitMix64`: enough for test data.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

const START_US: u64 = 1_772_000_000_000_000;
const TOOLS: [(&str, &str, &str); 8] = [
    ("mcp", "tools/call", "file"),
    ("mcp", "tools/list", "server"),
    ("shell", "shell.exec", "host"),
    ("llm", "chat.completions", "model"),
    ("forward-proxy", "CONNECT api.github.com:443", "url"),
    ("kubernetes", "pods.get", "pod"),
    ("aws", "s3:GetObject", "bucket"),
    ("app", "training_assignment.completed", "assignment"),
];
const MODELS: [(&str, &str); 4] = [
    ("anthropic", "claude-sonnet-4"),
    ("anthropic", "claude-haiku-4"),
    ("openai", "gpt-5"),
    ("google", "gemini-3-pro"),
];
const SYLLABLES: [&str; 40] = [
    "ba", "con", "der", "el", "fi", "gra", "hu", "in", "jor", "ka", "lem", "mi", "no", "or", "pe",
    "qua", "re", "sto", "ta", "ul", "ver", "wi", "xe", "yo", "zu", "an", "bre", "ci", "do", "en",
    "fo", "gi", "ha", "il", "ker", "la", "mo", "ne", "pro", "st",
];

fn text(random: &mut Random, words: u64, out: &mut String) {
    for word in 0..words {
        if word > 0 {
            out.push(' ');
        }
        // A vocabulary of a few thousand words, the first ones far more common.
        let rank = random.below(64) * random.below(64);
        let mut word = Random(rank);
        for _ in 0..=word.below(3) {
            out.push_str(word.pick(&SYLLABLES));
        }
    }
}

/// Events `first..first + count` of the log with this seed.
pub fn samples(seed: u64, first: u64, count: u64) -> Vec<Sample> {
    (first..first + count)
        .map(|seq| sample(seed, seq))
        .collect()
}

pub fn sample(seed: u64, seq: u64) -> Sample {
    let r = &mut Random(seed ^ seq.wrapping_mul(0x5851_f42d_4c95_7f2d));
    // Groups of 500 commit together.
    let recorded_at = START_US + seq / 500 * 4_000;
    let time = Micros(recorded_at - r.below(900_000)).to_string();
    let (source, action, resource) = TOOLS[r.below(8) as usize];
    let own_id = r.below(10) > 0;
    let id = uuid(r, recorded_at);
    let agent = r.below(80) * r.below(60);
    let project = agent % 12;
    let job = seq / 4_000 * 40 + agent % 40;
    let mut record = format!(
        r#"{{"v":1,"id":"{id}","seq":{seq},"recorded_at":"{}","time":"{time}","duration_us":{},"project":"project-{project}","job":"job-{job:08x}","trace":"{:016x}{:016x}","span":"{:016x}","actor":{{"type":"agent","id":"agent-{agent:04}","name":"Agent {agent}","ip":"10.0.{}.{}","auth":"claimed"}}"#,
        Micros(recorded_at),
        r.below(5_000_000),
        job * 77,
        Random(job).next(),
        r.next(),
        agent / 200,
        agent % 200,
    );
    let _ = write!(
        record,
        r#","source":"{source}","action":"{action}","resource":{{"type":"{resource}","id":"{resource}-{}"}}"#,
        r.below(3000) * r.below(10)
    );
    let result = if r.below(12) == 0 {
        "failure"
    } else {
        "success"
    };
    let _ = write!(record, r#","result":"{result}""#);
    if source == "shell" {
        let _ = write!(record, r#","status":{}"#, r.below(3));
    }
    if r.below(5) == 0 {
        let _ = write!(
            record,
            r#","approval":{{"decision":"allowed","approver":"auto","rule":"rule-{}"}}"#,
            r.below(20)
        );
    }
    if source == "llm" || r.below(3) == 0 {
        let (provider, model) = MODELS[r.below(4) as usize];
        let (input, output) = (r.below(20_000), r.below(2_000));
        let _ = write!(
            record,
            r#","usage":{{"provider":"{provider}","model":"{model}","input_tokens":{input},"output_tokens":{output},"cost_nanousd":{}}}"#,
            input * 3_000 + output * 15_000
        );
    }
    let content = (r.below(10) > 0).then(|| content(r));
    record.push_str(r#","via":{"key":"key_0a1b2c3d","ip":"10.0.0.7"}"#);
    if let Some(content) = &content {
        let _ = write!(
            record,
            r#","content":{{"bytes":{},"type":"application/json"}}"#,
            content.len()
        );
    }
    record.push('}');
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&r.next().to_le_bytes());
    digest[8..].copy_from_slice(&r.next().to_le_bytes());
    Sample {
        seq,
        recorded_at,
        id,
        record: record.into_bytes(),
        content: content.map(String::into_bytes),
        digest: own_id.then_some(digest),
    }
}

fn content(r: &mut Random) -> String {
    let mut content = format!(
        r#"{{"input":{{"path":"/srv/data/{}/{}.json","limit":{},"query":""#,
        r.below(50),
        r.below(5_000),
        r.below(100)
    );
    let words = 3 + r.below(6);
    text(r, words, &mut content);
    content.push_str(r#""},"output":{"ok":true,"text":""#);
    let words = 30 + r.below(60);
    text(r, words, &mut content);
    content.push_str(r#""}}"#);
    content
}

fn uuid(r: &mut Random, at: u64) -> String {
    let (millis, a, b) = (at / 1000, r.next(), r.next());
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        millis >> 16,
        millis & 0xffff,
        a & 0xfff,
        0x8000 | (a >> 50) & 0x3fff,
        b & 0xffff_ffff_ffff
    )
}
