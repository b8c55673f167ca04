//! Receipts, order, time, idempotency.

use std::sync::{Arc, atomic::Ordering};

use event::{Leaf, Seq, commit_content, commit_record};
use indelible_ledger::Outcome;
use journal::sim::SimFs;

use crate::node::{START, World, append, event, name, receipt};

fn world() -> World {
    World::new(Arc::new(SimFs::new(1)))
}

#[test]
fn a_new_trail_begins_with_its_creation() {
    let world = world();
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    assert_eq!(trail.size(), 1);
    let hot = trail.hot();
    let first = hot.get(Seq(0)).unwrap();
    let record = event::RecordView::parse(first.record).unwrap();
    assert_eq!(record.action, "trail.created");
    assert_eq!(record.source, "system");
    assert!(ledger.create_trail(&name("default")).is_err());
}

#[test]
fn order_is_kept_and_every_leaf_commits_to_its_bytes() {
    let world = world();
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    let events: Vec<_> = (0..50).map(|n| event(&format!("e{n}"), "a")).collect();
    let outcomes = append(&trail, &events).unwrap();
    let hot = trail.hot();
    for (n, outcome) in outcomes.iter().enumerate() {
        let receipt = receipt(outcome);
        assert_eq!(receipt.id, format!("e{n}"));
        assert_eq!(receipt.seq, Seq(n as u64 + 1));
        let stored = hot.get(receipt.seq).unwrap();
        let salts = trail.salts(receipt.seq).unwrap();
        let leaf = Leaf {
            recorded_at: receipt.recorded_at,
            c_r: commit_record(&salts.record, stored.record),
            c_c: commit_content(&salts.content, stored.content),
        };
        assert_eq!(tlog::leaf_hash(&leaf.to_bytes()), receipt.leaf_hash);
        assert_eq!(trail.leaf_hash(receipt.seq).unwrap(), receipt.leaf_hash);
        let view = event::RecordView::parse(stored.record).unwrap();
        assert_eq!(
            (view.seq, view.recorded_at),
            (receipt.seq, receipt.recorded_at)
        );
    }
}

#[test]
fn the_same_event_is_a_duplicate_wherever_the_first_one_is() {
    let world = world();
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    let spaced = event("x", "a").replace(':', " : ");
    let outcomes = append(&trail, &[event("x", "a"), spaced, event("x", "b")]).unwrap();
    let first = receipt(&outcomes[0]).clone();
    assert_eq!(
        outcomes[1],
        Outcome::Duplicate(first.clone()),
        "in the same group"
    );
    assert_eq!(outcomes[2], Outcome::IdConflict { id: "x".into() });
    let hot = append(&trail, &[event("x", "a")]).unwrap();
    assert_eq!(hot, [Outcome::Duplicate(first.clone())], "unsealed");
    drop((ledger, trail));

    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    let replayed = append(&trail, &[event("x", "a"), event("x", "b")]).unwrap();
    assert_eq!(replayed[0], Outcome::Duplicate(first.clone()), "replayed");
    assert_eq!(replayed[1], Outcome::IdConflict { id: "x".into() });
    world.vault.seal(&trail);
    assert!(
        trail.hot().chunks.is_empty(),
        "sealed and covered by a checkpoint"
    );
    let sealed = append(&trail, &[event("x", "a"), event("x", "b")]).unwrap();
    assert_eq!(sealed[0], Outcome::Duplicate(first), "sealed");
    assert_eq!(sealed[1], Outcome::IdConflict { id: "x".into() });
    assert_eq!(trail.size(), 2);
}

#[test]
fn an_id_given_by_the_server_is_taken() {
    let world = world();
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    let nameless = r#"{"actor":{"id":"a"},"action":"b"}"#.to_owned();
    let outcomes = append(&trail, &[nameless.clone(), nameless]).unwrap();
    let (one, two) = (receipt(&outcomes[0]), receipt(&outcomes[1]));
    assert_ne!(one.id, two.id);
    assert_eq!(one.id.as_bytes()[14], b'7', "a UUIDv7: {}", one.id);
    let taken = append(&trail, &[event(&one.id, "b")]).unwrap();
    assert_eq!(taken, [Outcome::IdConflict { id: one.id.clone() }]);
}

#[test]
fn an_id_with_escapes_is_the_id_that_they_stand_for() {
    let world = world();
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    let escaped = event("\\u0061b", "a");
    let outcomes = append(&trail, std::slice::from_ref(&escaped)).unwrap();
    assert_eq!(receipt(&outcomes[0]).id, "ab");
    drop((ledger, trail));
    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    let again = append(&trail, &[escaped, event("ab", "a")]).unwrap();
    assert!(matches!(again[0], Outcome::Duplicate(_)));
    assert_eq!(again[1], Outcome::IdConflict { id: "ab".into() });
}

#[test]
fn time_never_goes_back() {
    let world = world();
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    let at = |id: &str| receipt(&append(&trail, &[event(id, "a")]).unwrap()[0]).recorded_at;
    let one = at("one");
    world
        .clock
        .0
        .store(START - 86_400_000_000, Ordering::SeqCst);
    let two = at("two");
    assert_eq!(one, two, "a clock put back a day");
    world
        .clock
        .0
        .store(START + 86_400_000_000, Ordering::SeqCst);
    let three = at("three");
    assert!(three > two);
    drop((ledger, trail));

    world.clock.0.store(START, Ordering::SeqCst);
    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    let after = |id: &str| receipt(&append(&trail, &[event(id, "a")]).unwrap()[0]).recorded_at;
    assert_eq!(
        after("four"),
        three,
        "the clock put back while the server was down"
    );
    world.vault.seal(&trail);
    drop((ledger, trail));

    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    let sealed = receipt(&append(&trail, &[event("five", "a")]).unwrap()[0]).recorded_at;
    assert_eq!(sealed, three, "and with everything sealed");
}

#[test]
fn trails_do_not_share_ids_or_sequence() {
    let world = world();
    let ledger = world.open().unwrap();
    let one = ledger.create_trail(&name("one")).unwrap();
    let two = ledger.create_trail(&name("two")).unwrap();
    let first = append(&one, &[event("x", "a")]).unwrap();
    let second = append(&two, &[event("x", "b")]).unwrap();
    assert_eq!(receipt(&first[0]).seq, Seq(1));
    assert_eq!(receipt(&second[0]).seq, Seq(1));
    assert_ne!(one.origin(), two.origin());
}

#[test]
fn a_stopped_ledger_accepts_nothing() {
    let world = world();
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    ledger.shutdown();
    let refused = append(&trail, &[event("x", "a")]);
    assert_eq!(refused, Err(indelible_ledger::AppendError::Stopped));
}

#[test]
fn a_second_process_is_refused() {
    let world = world();
    let _ledger = world.open().unwrap();
    let second = world.open();
    assert!(matches!(
        second,
        Err(indelible_ledger::LedgerError::Fs(
            journal::FsError::Locked { .. }
        ))
    ));
}
