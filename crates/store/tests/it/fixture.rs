//! Files of every format version, committed: what was sealed once must be read by every later version.
//! They were written by `Segments::seal`, 30 and 20 samples, and are never written anew.

use std::path::{Path, PathBuf};

use event::RecordView;
use indelible_store::{Column, Config, Segments};
use ledger::History;

use crate::{files, open, read_all, sample, trail};

const VERSIONS: [&str; 2] = ["v1", "v2"];

fn fixture(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(version)
}

#[test]
fn every_version_is_read() {
    for version in VERSIONS {
        let segments = Segments::open_read_only(&fixture(version), Config::default()).unwrap();
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
        let typed = snapshot.segments()[0].typed(0).unwrap();
        for (row, sample) in samples.iter().take(30).enumerate() {
            let record = RecordView::parse(&sample.record).unwrap();
            assert_eq!(typed.difference(row, &record), None, "{version}");
        }
        for column in Column::ALL {
            let is_new = matches!(column, Column::HasUsage | Column::HasApproval);
            let ints = snapshot.segments()[0].ints(0, column).unwrap();
            assert!(!is_new || ints.is_some() == (version == "v2"), "{column:?}");
        }
    }
}

#[test]
fn merging_brings_earlier_versions_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["manifest", "segments"] {
        let target = dir.path().join("trails/main").join(folder);
        std::fs::create_dir_all(&target).unwrap();
        for file in files(&fixture("v1"), folder) {
            std::fs::copy(&file, target.join(file.file_name().unwrap())).unwrap();
        }
    }
    let segments = open(dir.path());
    let samples = sample::samples(1, 0, 60);
    for sample in &samples[50..] {
        segments.seal(&trail(), &[sample.row()]).unwrap();
    }
    while segments.compact(&trail(), &|| false).unwrap() {}
    let snapshot = segments.snapshot(&trail()).unwrap();
    assert_eq!(read_all(&snapshot), samples);
    let merged = &snapshot.segments()[0];
    assert!(merged.range().end > 50);
    let flags = merged.ints(0, Column::HasUsage).unwrap().unwrap();
    assert_eq!(flags.present(), None);
}
