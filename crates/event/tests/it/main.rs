//! The crate from outside: the vectors of `docs/format.md`, one rule after the other, and properties.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is what it is for"
)]

extern crate indelible_event as event;

mod accepted;
mod batch;
mod content;
mod properties;
mod rejected;
mod shape;
mod vectors;

use event::{DedupKey, Limits, Micros, Prepared, Reject, Seq, Submitter};

/// 2026-01-01T00:00:00.000000Z
const NOW: Micros = Micros(1_767_225_600_000_000);

/// A submitter of whom nothing is known, so that the record shows what the event alone gives.
const ANYONE: Submitter<'static> = Submitter {
    key: None,
    ip: None,
    project: None,
    gateway: false,
    system: false,
};

fn prepare(event: &str, by: &Submitter<'_>, limits: &Limits) -> Result<Prepared, Reject> {
    event::prepare(event.as_bytes(), by, &DedupKey::new(&[7; 32]), limits)
}

/// The record as seq 5, recorded [`NOW`], id `given` if the event has none.
fn write(prepared: &Prepared) -> String {
    let mut record = Vec::new();
    prepared.write_record(&mut record, "given", Seq(5), NOW, &[9; 16]);
    String::from_utf8(record).unwrap()
}

fn record(event: &str, by: &Submitter<'_>) -> String {
    write(&prepare(event, by, &Limits::default()).unwrap())
}

/// What the record has between `time` and the end.
fn tail(event: &str, by: &Submitter<'_>) -> String {
    let record = record(event, by);
    let (_, tail) = record
        .split_once(",\"time\":\"2026-01-01T00:00:00.000000Z\",")
        .unwrap();
    tail.strip_suffix('}').unwrap().to_owned()
}
