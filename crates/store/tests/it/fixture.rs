//! Files of format version 1, committed: what was sealed once must be read by every later version.

use std::path::Path;

use indelible_store::{Config, Segments};
use ledger::History;

use crate::{read_all, sample, trail};

fn fixture() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

#[test]
fn version_1_is_read() {
    let segments = Segments::open_read_only(&fixture(), Config::default()).unwrap();
    let samples = sample::samples(1, 0, 50);
    let snapshot = segments.snapshot(&trail()).unwrap();
    assert_eq!(snapshot.segments().len(), 2);
    assert_eq!(read_all(&snapshot), samples);
    assert!(segments.check(&trail()).unwrap().is_empty());
    for sample in &samples {
        assert_eq!(
            segments.find(&trail(), &sample.id).unwrap().unwrap().seq.0,
            sample.seq
        );
    }
}

/// Writes the fixture; only ever run for a new version of the format.
#[test]
#[ignore = "writes the committed fixture"]
fn write() {
    std::fs::create_dir_all(fixture()).unwrap();
    let segments = crate::open(&fixture());
    let samples = sample::samples(1, 0, 50);
    segments
        .seal(&trail(), &sample::rows(&samples[..30]))
        .unwrap();
    segments
        .seal(&trail(), &sample::rows(&samples[30..]))
        .unwrap();
}
