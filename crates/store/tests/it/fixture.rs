//! Files of format version 1, committed: what was sealed once must be read by every later version.
//! They were written by `Segments::seal`, 30 and 20 samples, and are never written anew.

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
