use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use event::{Limits, Micros, Prepared, Submitter, TrailId};
use indelible_store::{Config, Order, Sealer, SealerConfig, Segments};
use journal::RealFs;
use ledger::{Clock, Env, History, Ledger, Outcome, Trail};

use crate::faulty::{Fault, Faulty};

/// A clock that the test moves.
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Micros {
        Micros(self.0.load(Ordering::SeqCst))
    }
}

struct Node {
    ledger: Arc<Ledger>,
    segments: Arc<Segments>,
    sealer: Option<Sealer>,
    clock: Arc<TestClock>,
}

const START: u64 = 1_772_000_000_000_000;

impl Node {
    fn open(dir: &Path, segments: Segments, config: SealerConfig) -> Self {
        let clock = Arc::new(TestClock(AtomicU64::new(START)));
        let segments = Arc::new(segments);
        let mut env = Env::system(Arc::new(RealFs));
        env.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let history = Arc::clone(&segments) as Arc<dyn History>;
        let ledger = Arc::new(Ledger::open(ledger::Config::new(dir), env, history).unwrap());
        let sealer = Sealer::start(
            Arc::clone(&segments),
            Arc::clone(&ledger),
            Arc::clone(&clock) as Arc<dyn Clock>,
            config,
        );
        Self {
            ledger,
            segments,
            sealer: Some(sealer.unwrap()),
            clock,
        }
    }

    fn trail(&self) -> Arc<Trail> {
        let id = TrailId::new("main").unwrap();
        let known = self.ledger.trail(&id);
        known.unwrap_or_else(|| self.ledger.create_trail(&id).unwrap())
    }

    fn sealer(&self) -> &Sealer {
        self.sealer.as_ref().unwrap()
    }

    fn sealed(&self) -> u64 {
        self.segments.snapshot(self.trail().id()).unwrap().size()
    }

    fn wait_sealed(&self, size: u64) {
        // Bounded only so that a failure is a failure and no endless run.
        for _ in 0..1_000 {
            if self.sealed() >= size {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!(
            "{} of {size} sealed: {:?}",
            self.sealed(),
            self.sealer().health()
        );
    }
}

fn prepared(trail: &Trail, n: u64) -> Prepared {
    let event = format!(
        r#"{{"id":"event-{n}","action":"tools/call","actor":{{"id":"agent-{}"}},"input":{{"n":{n}}}}}"#,
        n % 7
    );
    event::prepare(
        event.as_bytes(),
        &Submitter::default(),
        trail.dedup_key(),
        &Limits::default(),
    )
    .unwrap()
}

fn submit(trail: &Arc<Trail>, range: std::ops::Range<u64>) -> Vec<Outcome> {
    let events = range.map(|n| prepared(trail, n)).collect();
    trail.submit_now(events).unwrap().wait().unwrap()
}

/// Records by sequence number, from the segments alone.
fn records(segments: &Segments, trail: &TrailId) -> Vec<Vec<u8>> {
    let snapshot = segments.snapshot(trail).unwrap();
    let rows = snapshot
        .segments()
        .iter()
        .flat_map(|segment| segment.rows(segment.range(), Order::OldestFirst));
    rows.map(|row| row.unwrap().record.to_vec()).collect()
}

#[test]
fn a_flush_seals_everything_and_the_ledger_lets_go_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::open(
        dir.path(),
        Segments::open(dir.path(), Config::default()).unwrap(),
        SealerConfig::default(),
    );
    let trail = node.trail();
    submit(&trail, 0..500);
    let hot = trail.hot();
    let expected: Vec<Vec<u8>> = hot
        .chunks
        .iter()
        .flat_map(|chunk| chunk.iter())
        .map(|event| event.record.to_vec())
        .collect();
    assert_eq!(
        (expected.len(), node.sealed()),
        (501, 0),
        "too young and too small to be sealed"
    );

    assert!(node.sealer().flush());
    assert_eq!((node.sealed(), trail.sealed()), (501, 501));
    assert_eq!(records(&node.segments, trail.id()), expected);
    assert!(node.sealer().flush(), "nothing to do is no failure");

    submit(&trail, 500..510);
    node.ledger.shutdown();
    assert!(node.sealer.take().unwrap().shutdown());
    assert_eq!(node.sealed(), 511);
    let id = trail.id().clone();
    drop((node, trail, hot));

    let node = Node::open(
        dir.path(),
        Segments::open(dir.path(), Config::default()).unwrap(),
        SealerConfig::default(),
    );
    assert_eq!(node.trail().size(), 511);
    assert_eq!(records(&node.segments, &id).len(), 511);
    let again = submit(&node.trail(), 3..4);
    assert!(
        matches!(again[..], [Outcome::Duplicate { .. }]),
        "{again:?}"
    );
}

#[test]
fn old_events_are_sealed_whatever_their_size() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(
        dir.path(),
        Segments::open(dir.path(), Config::default()).unwrap(),
        SealerConfig::default(),
    );
    submit(&node.trail(), 0..3);
    node.clock.0.fetch_add(601_000_000, Ordering::SeqCst);
    node.wait_sealed(4);
}

#[test]
fn many_small_segments_are_made_and_merged() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(
        dir.path(),
        Segments::open(dir.path(), Config::default()).unwrap(),
        SealerConfig {
            segment_raw_bytes: 10_000,
            ..SealerConfig::default()
        },
    );
    let trail = node.trail();
    submit(&trail, 0..2_000);
    assert!(node.sealer().flush());
    assert_eq!(node.sealed(), 2_001);
    assert!(node.segments.snapshot(trail.id()).unwrap().segments().len() > 8);
    for _ in 0..1_000 {
        if node.segments.snapshot(trail.id()).unwrap().segments().len() < 8 {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let snapshot = node.segments.snapshot(trail.id()).unwrap();
    assert!(
        snapshot.segments().len() < 8,
        "{} segments",
        snapshot.segments().len()
    );
    assert_eq!(records(&node.segments, trail.id()).len(), 2_001);
}

#[test]
fn a_failure_is_told_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Faulty::new(dir.path(), 0, Fault::Fails);
    let segments = Segments::with_store(dir.path(), Arc::new(store), Config::default());
    let node = Node::open(dir.path(), segments, SealerConfig::default());
    submit(&node.trail(), 0..5);
    assert!(!node.sealer().flush(), "the first write fails");
    let health = node.sealer().health();
    assert_eq!(health.sealing_failures, 1);
    assert!(health.last_error.is_some());
    assert_eq!(node.sealed(), 0);
    assert!(node.sealer().flush());
    assert_eq!(node.sealer().health().sealing_failures, 0);
    assert_eq!(node.sealed(), 6);
}
