//! Every mutating call of the write path crossed with every fault, then a crash or a kill, then recovery.

use std::{ops::ControlFlow, sync::Arc};

use event::Seq;
use indelible_ledger::{Receipt, Trail, offline};
use journal::sim::{Errno, Fault, SimFs};

use crate::node::{World, append, event, name, receipt};

/// Creates a trail, appends in groups, seals half, signs, restarts, appends again. Stops at the first error and
/// returns every receipt that was given.
fn scenario(world: &World) -> Vec<Receipt> {
    let mut acknowledged = Vec::new();
    for run in 0..3 {
        let Ok(ledger) = world.open() else {
            return acknowledged;
        };
        let trail = match ledger.trail(&name("default")) {
            Some(trail) => trail,
            None => match ledger.create_trail(&name("default")) {
                Ok(trail) => trail,
                Err(_) => return acknowledged,
            },
        };
        for group in 0..3 {
            let events: Vec<_> = (0..4)
                .map(|n| event(&format!("{run}-{group}-{n}"), "a"))
                .collect();
            let Ok(outcomes) = append(&trail, &events) else {
                return acknowledged;
            };
            acknowledged.extend(outcomes.iter().map(|outcome| receipt(outcome).clone()));
            if group == 1 {
                world.vault.seal(&trail);
            }
        }
        ledger.shutdown();
        // The log may have stopped while signing; what was acknowledged stays so.
        if !ledger.is_healthy() {
            return acknowledged;
        }
    }
    acknowledged
}

fn record(world: &World, trail: &Trail, seq: Seq) -> Vec<u8> {
    let hot = trail.hot();
    hot.get(seq)
        .map(|event| event.record.to_vec())
        .or_else(|| world.vault.record(trail.id(), seq))
        .unwrap_or_else(|| panic!("event {seq} is lost"))
}

/// What must hold after any fault: the ledger opens, every receipt stands, and it goes on.
fn check(world: &World, acknowledged: &[Receipt], context: &str) {
    let ledger = world
        .open()
        .unwrap_or_else(|error| panic!("{context}: does not open: {error}"));
    if acknowledged.is_empty() && ledger.trail(&name("default")).is_none() {
        return;
    }
    let trail = ledger.trail(&name("default")).unwrap();
    for receipt in acknowledged {
        let record = record(world, &trail, receipt.seq);
        let view = event::RecordView::parse(&record).unwrap();
        assert_eq!(view.id, receipt.id, "{context}: renumbered");
        assert_eq!(view.recorded_at, receipt.recorded_at, "{context}");
        assert_eq!(
            trail.leaf_hash(receipt.seq).unwrap(),
            receipt.leaf_hash,
            "{context}"
        );
    }
    let more = append(&trail, &[event("after", "a")]).unwrap();
    assert_eq!(receipt(&more[0]).seq.0 + 1, trail.size(), "{context}");
    ledger.shutdown();
    assert!(ledger.is_healthy(), "{context}: cannot sign");
    let size = trail.size();
    drop((ledger, trail));
    let trails = offline::trails(&world.env(), &world.dir).unwrap();
    let report = trails[0]
        .verify_tree(|_| ControlFlow::Continue(()))
        .unwrap();
    assert_eq!(report.leaves, size, "{context}");
}

#[test]
fn no_fault_loses_an_acknowledged_event() {
    let counting = SimFs::new(0);
    let whole = scenario(&World::new(counting.handle()));
    assert_eq!(whole.len(), 36);
    let calls = counting.calls();
    assert!(calls > 100, "the scenario is shorter than it was: {calls}");
    let mut faults = 0;
    for call in 1..=calls {
        for fault in Fault::ALL {
            let seed = call * 4 + fault as u64;
            let errno = if seed.is_multiple_of(3) {
                Errno::NoSpace
            } else {
                Errno::Io
            };
            let disk = SimFs::new(seed);
            disk.fail_at(call, fault, errno);
            let mut world = World::new(disk.handle());
            let acknowledged = scenario(&world);
            for crashed in [true, false] {
                let after = if crashed {
                    disk.crash()
                } else {
                    disk.restart()
                };
                world.fs = after.handle();
                let context = format!("call {call}, {fault:?}, crash {crashed}, seed {seed}");
                check(&world, &acknowledged, &context);
                faults += 1;
                if crashed {
                    break;
                }
            }
        }
    }
    assert!(faults > 400);
}

#[test]
fn a_power_cut_at_any_call_keeps_every_receipt() {
    let counting = SimFs::new(0);
    scenario(&World::new(counting.handle()));
    for call in 1..=counting.calls() {
        for seed in 0..3 {
            let disk = SimFs::new(seed);
            disk.fail_at(call, Fault::CrashAfter, Errno::Io);
            let mut world = World::new(disk.handle());
            let acknowledged = scenario(&world);
            world.fs = disk.crash().handle();
            check(&world, &acknowledged, &format!("call {call}, seed {seed}"));
        }
    }
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged() {
    let disk = SimFs::new(7);
    let world = World::new(disk.handle());
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    // The next two mutating calls are the append and the sync of the frame.
    disk.fail_at(2, Fault::Fail, Errno::Io);
    let failed = append(&trail, &[event("lost", "a")]);
    assert_eq!(failed, Err(indelible_ledger::AppendError::Stopped));
    let refused = append(&trail, &[event("later", "a")]);
    assert_eq!(refused, Err(indelible_ledger::AppendError::Stopped));
    assert!(!ledger.is_healthy());
    assert_eq!(trail.size(), 1);
    let _ = Arc::clone(&trail);
}
