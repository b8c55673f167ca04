//! What each fuzz target does with its input: one function a target, so that a plain test can
//! drive them too. A target fails by panicking.

mod capture;
mod claims;
mod events;
mod mcp;
mod packages;
mod shell;

pub use capture::{client_hello, first_settings, websocket};
pub use claims::{hook, hook_settings, otlp};
pub use events::{compact, prepare, record_view};
pub use mcp::mcp;
pub use packages::package;
pub use shell::{begun, payload, terminal};

use std::collections::HashSet;
use std::convert::Infallible;
use std::path::Path;

use event::filter::{self, Expr, Seen, Tokenizer};
use event::{RecordView, json};
use journal::sim::SimFs;
use journal::{Fs, Journal, JournalError, Options, Recovery};
use tlog::{Checkpoint, Note, Tile, TilePath, TlogProof, VerifierKey};

/// Log key of the tlog vectors, so that inputs grown from them pass signature verification.
const LOG: &str = "audit.example/log1+640a250f+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
/// Witness key of the tlog vectors.
const WITNESS: &str = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";

/// A record for filters to meet.
const RECORD: &str = r#"{"v":1,"id":"i","seq":7,"recorded_at":"2026-01-02T03:04:05.000006Z","time":"2026-01-02T03:04:05Z","duration_us":1500,"actor":{"type":"agent","id":"a"},"source":"app","action":"x","status":-1,"usage":{"cost_nanousd":6},"meta":{"a":[1.0,"b"]}}"#;

/// Journal files: damage modifies nothing, and what is recovered is recovered again.
pub fn frames(data: &[u8]) {
    let path = Path::new("/wal/00000000000000000000.wal");
    let disk = SimFs::new(0);
    recover(&disk).expect("a new journal");
    let mut file = disk.open_append(path).expect("its first file");
    file.append(data).expect("a disk without faults");
    let before = disk.read(path).expect("its first file");
    let Ok((frames, recovery)) = recover(&disk) else {
        assert_eq!(disk.read(path).expect("its first file"), before);
        return;
    };
    assert!(frames.concat().len() <= data.len());
    assert!(before.starts_with(&disk.read(path).expect("its first file")));
    let (again, clean) = recover(&disk.crash()).expect("a recovered journal");
    assert_eq!(again, frames);
    assert_eq!((clean.next, clean.dropped), (recovery.next, None));
}

fn recover(disk: &SimFs) -> Result<(Vec<Vec<u8>>, Recovery), JournalError> {
    let mut frames = Vec::new();
    let dir = Path::new("/wal");
    let (_, recovery) =
        Journal::open(disk.handle(), dir, Options::default(), &mut |_, payload| {
            frames.push(payload.to_vec());
            Ok(())
        })?;
    Ok((frames, recovery))
}

/// Notes, checkpoints and verifier keys: what parses prints as it was.
pub fn note(data: &[u8]) {
    if let Ok(note) = Note::parse(data) {
        assert_eq!(note.to_string().as_bytes(), data);
        if let Ok(checkpoint) = note.text().parse::<Checkpoint>() {
            assert_eq!(checkpoint.to_string(), note.text());
        }
    }
    if let Ok(key) = std::str::from_utf8(data)
        .unwrap_or_default()
        .parse::<VerifierKey>()
    {
        assert_eq!(key.to_string().as_bytes(), data);
    }
    let _ = tlog::open_checkpoint(data, &key(LOG), &[key(WITNESS)]);
}

/// Tile paths: what parses prints as it was, and only existing tiles are claimed to exist.
pub fn tile_path(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data)
        .unwrap_or_default()
        .parse::<TilePath>()
    else {
        return;
    };
    assert_eq!(path.to_string().as_bytes(), data);
    assert!(!path.exists_in(0));
    let _ = path.exists_in(u64::MAX);
}

/// Proof texts: what parses prints as it was and verifies or not; and their index and size make a
/// proof from tiles.
pub fn tlog_proof(data: &[u8]) {
    let Ok(proof) = std::str::from_utf8(data)
        .unwrap_or_default()
        .parse::<TlogProof>()
    else {
        return;
    };
    assert_eq!(proof.to_string().as_bytes(), data);
    let leaf = tlog::leaf_hash(data);
    assert!(proof.verify(&leaf, &key(LOG), &[key(WITNESS)]).is_err());
    let zeroes = |tile: Tile| -> Result<Vec<u8>, Infallible> { Ok(vec![0; tile.len_bytes()]) };
    if let Ok(checkpoint) = proof.checkpoint.text().parse::<Checkpoint>() {
        let made = tlog::inclusion_proof(proof.index, checkpoint.size, zeroes);
        assert_eq!(made.is_ok(), proof.index < checkpoint.size);
        let _ = tlog::consistency_proof(proof.index, checkpoint.size, zeroes);
    }
}

/// A line with a filter, then anything as content: what parses is printed as text that means the
/// same, the negation is the complement, and an error names its place.
pub fn filter(data: &[u8]) {
    let line = data.iter().position(|byte| *byte == b'\n');
    let (text, content) = data.split_at(line.unwrap_or(data.len()));
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let parsed = match filter::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(text.get(error.span).is_some());
            assert!(error.suggestion.is_some());
            return;
        }
    };
    let printed = parsed.to_string();
    assert_eq!(filter::parse(&printed).as_ref(), Ok(&parsed));
    let record = RecordView::parse(RECORD.as_bytes()).expect("the record is one");
    let _ = parsed.matches(&record, Some(content));
    Tokenizer::default().event(&record, Some(content), &mut |_| {});
    let mut compact = String::new();
    let content = json::compact(content, &mut compact)
        .is_ok()
        .then_some(compact.as_bytes());
    let mut has = HashSet::new();
    Tokenizer::default().event(&record, content, &mut |seen| {
        if let Seen::Token(token) = seen {
            has.insert(token.to_vec());
        }
    });
    for term in parsed.terms() {
        if let Expr::Term(term) = term {
            let matches = term.matches(&record, content);
            let mut tokens = term.tokens().into_iter();
            assert!(!matches || tokens.all(|token| has.contains(token.as_bytes())));
            let token = term.as_token();
            assert!(token.is_none_or(|token| has.contains(token.as_bytes()) == matches));
        }
    }
    if let Ok(negated) = filter::parse(&format!("-({printed})")) {
        assert_ne!(
            parsed.matches(&record, content),
            negated.matches(&record, content)
        );
    }
}

fn key(vkey: &str) -> VerifierKey {
    vkey.parse().expect("a verifier key of the vectors")
}
