//! Every mutating call of sealing, committing and merging crossed with every fault, then a new start.

use std::sync::Arc;

use indelible_store::{Config, Segments};
use ledger::History;

use crate::{
    faulty::{Fault, Faulty},
    open, read_all, sample, trail,
};

const PART: u64 = 20;

/// Seals in parts and merges, trying again after each failure as the sealer does, until all is done or the
/// process is dead. Returns the highest size that was acknowledged.
fn seal_and_merge(segments: &Segments, store: &Faulty, samples: &[sample::Sample]) -> u64 {
    let mut acknowledged = 0;
    for _ in 0..100 {
        if store.has_crashed() {
            return acknowledged;
        }
        let Ok(snapshot) = segments.snapshot(&trail()) else {
            continue;
        };
        let size = snapshot.size();
        if size == samples.len() as u64 {
            match segments.compact(&trail(), &|| false) {
                Ok(false) => return acknowledged,
                Ok(true) | Err(_) => continue,
            }
        }
        let part = &samples[size as usize..(size + PART) as usize];
        if let Ok(snapshot) = segments.seal(&trail(), &sample::rows(part)) {
            acknowledged = snapshot.size();
        }
    }
    panic!("does not come to an end");
}

fn run(samples: &[sample::Sample], at: usize, fault: Fault) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let store = Faulty::new(dir.path(), at, fault);
    let segments = Segments::with_store(dir.path(), Arc::new(store.clone()), Config::default());
    let acknowledged = seal_and_merge(&segments, &store, samples);
    let context = format!("{fault:?} at call {at}");
    if !store.has_crashed() {
        assert_eq!(acknowledged, samples.len() as u64, "{context}");
        assert_eq!(
            read_all(&segments.snapshot(&trail()).unwrap()),
            samples,
            "{context}"
        );
    }
    drop(segments);

    let again = open(dir.path());
    let snapshot = again.snapshot(&trail()).unwrap();
    assert!(
        snapshot.size() >= acknowledged,
        "{context}: acknowledged events are gone"
    );
    assert_eq!(
        read_all(&snapshot),
        samples[..snapshot.size() as usize],
        "{context}"
    );
    again.clean(&trail()).unwrap();
    assert_only_named_files(dir.path(), &again, &context);

    // What was not sealed is sealed now, from the write-ahead log as it were.
    let rest = &samples[snapshot.size() as usize..];
    again.seal(&trail(), &sample::rows(rest)).unwrap();
    while again.compact(&trail(), &|| false).unwrap() {}
    assert_eq!(
        read_all(&again.snapshot(&trail()).unwrap()),
        samples,
        "{context}"
    );
    assert_only_named_files(dir.path(), &again, &context);
    assert!(again.check(&trail()).unwrap().is_empty(), "{context}");
    let last = samples.last().unwrap();
    assert!(
        again.find(&trail(), &last.id).unwrap().is_some(),
        "{context}"
    );
    store.calls()
}

fn assert_only_named_files(dir: &std::path::Path, segments: &Segments, context: &str) {
    let Ok(found) = std::fs::read_dir(dir.join("trails/main/segments")) else {
        return;
    };
    let found = found.count();
    let named = segments.snapshot(&trail()).unwrap().segments().len() * 5;
    assert_eq!(found, named, "{context}: files that nobody names");
}

#[test]
fn no_fault_loses_or_doubles_an_event() {
    let samples = sample::samples(11, 0, 9 * PART);
    let calls = run(&samples, usize::MAX, Fault::Fails);
    assert!(calls > 60, "only {calls} calls: the table is not crossed");
    for at in 0..calls {
        for fault in Fault::ALL {
            run(&samples, at, fault);
        }
    }
}
