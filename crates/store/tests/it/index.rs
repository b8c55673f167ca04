//! What an index answers, held against every event read whole.

use std::collections::{BTreeMap, BTreeSet};

use event::{
    RecordView,
    filter::{Seen, Tokenizer},
};
use indelible_store::{Column, Hits, Part, Segment, Segments, Sought};

use crate::{files, open, sample, trail};

/// Members that the samples lack, with all that text can hold.
const ODD: [&str; 4] = [
    r#","role":"Zo\u00eb's \u0130stanbul ÄRGER \"q\" \\ a\/b"},"initiator":{"type":"User","name":"K\u212aelvin\n2nd","id":"u-1"}"#,
    r#","role":""},"description":"Caf\u00e9 \ud83d\udd12 lone\ud800x","meta":{"a b":{"C":[true,null,-1.50e+7,"Ünder_score"]},"input":"x"}"#,
    r#"},"approval":{"decision":"denied","approver":"auto","rule":"R-7","reason":"Too LATE, sorry","waited_us":-12}"#,
    r#"},"usage":{"model":"m","input_tokens":9223372036854775807,"output_tokens":-3,"prices":"table 2026-01"},"producer":{"id":"p:1","seq":0,"phase":"intent","call":"Call-9"}"#,
];

/// Samples of which every seventh has more members, and some have contents that are large or hardly there.
fn samples(seed: u64, count: u64) -> Vec<sample::Sample> {
    let mut samples = sample::samples(seed, 0, count);
    for (number, sample) in samples.iter_mut().enumerate() {
        let record = String::from_utf8(sample.record.clone()).unwrap();
        if number % 7 == 3 {
            let (before, after) = record.split_once(r#","auth":"claimed"}"#).unwrap();
            let odd = ODD[number / 7 % ODD.len()];
            let mut record = format!(r#"{before},"auth":"mtls"{odd}{after}"#);
            if number % 14 == 3 {
                record = record.replacen("Z\",\"duration", "+02:00\",\"duration", 1);
            }
            // One that has the member already stays as it is.
            let is_doubled = |name: &str| record.matches(name).count() > 1;
            if !is_doubled("\"approval\"") && !is_doubled("\"usage\"") {
                sample.record = record.into_bytes();
            }
        }
        if number % 50 == 9 {
            let words: Vec<String> = (0..9000).map(|word| format!("w{}", word % 6000)).collect();
            sample.content = Some(format!(r#"{{"output":"{}"}}"#, words.join(" ")).into_bytes());
        }
        if number % 50 == 19 {
            sample.content = Some(b"{\"stdout\":\"\"}".to_vec());
        }
    }
    samples
}

type Rows = BTreeMap<String, BTreeSet<u32>>;

fn tokens(samples: &[sample::Sample]) -> Rows {
    let mut tokens = Rows::new();
    for (row, sample) in (0..).zip(samples) {
        let view = RecordView::parse(&sample.record).unwrap();
        Tokenizer::default().event(&view, sample.content.as_deref(), &mut |seen| {
            if let Seen::Token(token) = seen {
                let token = String::from_utf8(token.to_vec()).unwrap();
                tokens.entry(token).or_default().insert(row);
            }
        });
    }
    tokens
}

/// The rows of hits, what is only possible looked up in the expected ones.
fn rows(hits: &Hits, expected: &BTreeSet<u32>) -> BTreeSet<u32> {
    let possible = hits.possible.iter().filter(|row| expected.contains(row));
    hits.certain.iter().chain(possible).copied().collect()
}

fn check(segment: &Segment, samples: &[sample::Sample]) {
    let hits = |sought: Sought<'_>| segment.hits(sought, usize::MAX).unwrap();
    let (mut possible, mut asked) = (0, 0);
    for (token, expected) in tokens(samples) {
        let hits = hits(Sought::Token(&token));
        assert_eq!(rows(&hits, &expected), expected, "{token}");
        let count = hits.certain.len() + hits.possible.len();
        assert_eq!(segment.hit_count(Sought::Token(&token)), Some(count));
        assert_eq!(
            segment.hits(Sought::Token(&token), count),
            Some(hits.clone())
        );
        assert_eq!(segment.hits(Sought::Token(&token), count - 1), None);
        possible += hits.possible.len();
        asked += 1;
    }
    // What is only possible is of few rows each.
    assert!(possible <= 2 * asked, "{possible} of {asked}");
    let mut values: BTreeMap<(Column, String), BTreeSet<u32>> = BTreeMap::new();
    let mut statuses: BTreeMap<i64, BTreeSet<u32>> = BTreeMap::new();
    let mut parts: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (row, sample) in (0..).zip(samples) {
        let view = RecordView::parse(&sample.record).unwrap();
        let initiator = view.initiator.and_then(|initiator| initiator.name);
        for (column, value) in [
            (Column::Actor, Some(view.actor.id)),
            (Column::Role, view.actor.role),
            (Column::Action, Some(view.action)),
            (Column::InitiatorName, initiator),
            (Column::Job, view.job),
        ] {
            if let Some(value) = value {
                let rows = values.entry((column, value.into_owned())).or_default();
                rows.insert(row);
            }
        }
        if let Some(status) = view.status {
            statuses.entry(status).or_default().insert(row);
        }
        let content = sample.content.as_deref().unwrap_or_default();
        let content = std::str::from_utf8(content).unwrap();
        for (name, is_there) in [
            ("content", !content.is_empty()),
            ("input", content.contains("\"input\":")),
            ("output", content.contains("\"output\":")),
        ] {
            let rows = parts.entry(name).or_default();
            if is_there {
                rows.insert(row);
            }
        }
    }
    for ((column, value), expected) in &values {
        let hits = hits(Sought::Text(*column, value));
        assert_eq!(rows(&hits, expected), *expected, "{column:?} {value}");
    }
    for (status, expected) in &statuses {
        let hits = hits(Sought::Number(Column::Status, *status));
        assert_eq!(rows(&hits, expected), *expected, "{status}");
    }
    for (name, part) in [
        ("content", Part::Content),
        ("input", Part::Input),
        ("output", Part::Output),
    ] {
        let hits = hits(Sought::Part(part));
        assert_eq!(rows(&hits, &parts[name]), parts[name], "{name}");
    }
    assert_eq!(segment.hits(Sought::Text(Column::Trace, "x"), 9), None);
    let nobody = hits(Sought::Text(Column::Actor, "nobody"));
    assert_eq!(**nobody.certain, [0; 0]);
}

fn only_segment(segments: &Segments) -> std::sync::Arc<Segment> {
    let snapshot = segments.snapshot(&trail()).unwrap();
    assert_eq!(snapshot.segments().len(), 1);
    std::sync::Arc::clone(&snapshot.segments()[0])
}

fn index_file(dir: &std::path::Path) -> std::path::PathBuf {
    let mut files = files(dir, "segments").into_iter();
    files
        .find(|file| file.extension().is_some_and(|e| e == "idx"))
        .unwrap()
}

#[test]
fn every_token_and_value_is_found_and_no_other_row() {
    let dir = tempfile::tempdir().unwrap();
    let samples = samples(31, 2_500);
    let segments = open(dir.path());
    segments.seal(&trail(), &sample::rows(&samples)).unwrap();
    check(&only_segment(&segments), &samples);
}

#[test]
fn merged_indexes_are_as_one_that_is_made_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let samples = samples(32, 1_600);
    let segments = open(dir.path());
    for part in samples.chunks(200) {
        segments.seal(&trail(), &sample::rows(part)).unwrap();
    }
    assert!(segments.compact(&trail(), &|| false).unwrap());
    check(&only_segment(&segments), &samples);
    let file = index_file(dir.path());
    let merged = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let again = open(dir.path());
    assert!(again.mend(&trail(), &|| false).unwrap());
    assert_eq!(std::fs::read(&file).unwrap(), merged);
}

#[test]
fn a_lost_index_is_made_again_and_nothing_is_answered_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let samples = samples(33, 300);
    let segments = open(dir.path());
    segments.seal(&trail(), &sample::rows(&samples)).unwrap();
    assert!(!segments.mend(&trail(), &|| false).unwrap());
    let file = index_file(dir.path());
    let good = std::fs::read(&file).unwrap();
    let mut damaged = good.clone();
    // Pages lie before the directory; the footer of another version is no damage.
    damaged[60] ^= 1;
    let of_another_version = [b"INDIDX99", &good[8..good.len() - 1]].concat();
    for bytes in [None, Some(damaged), Some(of_another_version)] {
        match &bytes {
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let segments = open(dir.path());
        let segment = only_segment(&segments);
        // Asking for everything meets the damage.
        for token in tokens(&samples).keys() {
            let hits = segment.hits(Sought::Token(token), usize::MAX);
            assert!(hits.is_none_or(|hits| !hits.certain.is_empty() || !hits.possible.is_empty()));
        }
        assert_eq!(segment.hits(Sought::Token("srv"), usize::MAX), None);
        assert!(segments.mend(&trail(), &|| false).unwrap());
        assert_eq!(std::fs::read(&file).unwrap(), good);
        check(&segment, &samples);
        assert!(!segments.mend(&trail(), &|| false).unwrap());
    }
}

#[test]
fn a_reader_makes_no_index() {
    let dir = tempfile::tempdir().unwrap();
    let samples = samples(34, 50);
    open(dir.path())
        .seal(&trail(), &sample::rows(&samples))
        .unwrap();
    let file = index_file(dir.path());
    std::fs::remove_file(&file).unwrap();
    let reader = Segments::open_read_only(dir.path(), indelible_store::Config::default()).unwrap();
    assert!(!reader.mend(&trail(), &|| false).unwrap());
    assert!(!file.exists());
    assert_eq!(
        only_segment(&reader).hits(Sought::Token("srv"), usize::MAX),
        None
    );
}
