//! Integration tests of the store.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that panics has failed"
)]

mod columns;
mod damage;
mod faults;
mod faulty;
mod fixture;
mod forge;
mod forged;
mod index;
mod properties;
mod roundtrip;
mod sample;
mod sealer;

use std::path::{Path, PathBuf};

use event::TrailId;
use indelible_store::{Config, Order, Segments, Snapshot};

fn trail() -> TrailId {
    TrailId::new("main").unwrap()
}

fn open(dir: &Path) -> Segments {
    Segments::open(dir, Config::default()).unwrap()
}

/// All sealed events, read back.
fn read_all(snapshot: &Snapshot) -> Vec<sample::Sample> {
    let mut read = Vec::new();
    for segment in snapshot.segments() {
        for row in segment.rows(segment.range(), Order::OldestFirst) {
            let row = row.unwrap();
            let view = event::RecordView::parse(&row.record).unwrap();
            read.push(sample::Sample {
                seq: row.seq,
                recorded_at: view.recorded_at.0,
                id: view.id.to_string(),
                content: row.content.map(|content| content.to_vec()),
                digest: row.digest,
                record: row.record.to_vec(),
            });
        }
    }
    read
}

/// Names of the files in a folder of the trail, sorted.
fn files(dir: &Path, folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir.join("trails/main").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}
