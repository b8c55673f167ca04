//! What a start refuses, and that it is the same after a crash and after a clean stop.

use std::path::Path;

use event::Seq;
use indelible_ledger::LedgerError;
use journal::{Fs, sim::SimFs};

use crate::node::{World, append, event, name, receipt};

/// Ten events, a clean stop: everything is signed.
fn stopped(disk: &SimFs) -> World {
    let world = World::new(disk.handle());
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    for n in 0..10 {
        append(&trail, &[event(&format!("e{n}"), "a")]).unwrap();
    }
    ledger.shutdown();
    world
}

fn is_wal(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "wal")
}

fn wal_files(fs: &dyn Fs) -> Vec<String> {
    let names = fs.list(Path::new("/data/wal")).unwrap();
    names.into_iter().filter(|name| is_wal(name)).collect()
}

#[test]
fn a_kill_loses_nothing_and_a_start_after_it_is_the_same() {
    let disk = SimFs::new(3);
    let mut world = World::new(disk.handle());
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    let outcomes = append(&trail, &[event("x", "a"), event("y", "b")]).unwrap();
    world.fs = disk.crash().handle();
    let again = world.open().unwrap();
    let recovered = again.trail(&name("default")).unwrap();
    assert_eq!(recovered.size(), 3);
    for outcome in &outcomes {
        let receipt = receipt(outcome);
        assert_eq!(recovered.leaf_hash(receipt.seq).unwrap(), receipt.leaf_hash);
    }
}

#[test]
fn proofs_hold_across_restarts() {
    let disk = SimFs::new(4);
    let world = stopped(&disk);
    let before = {
        let ledger = world.open().unwrap();
        let trail = ledger.trail(&name("default")).unwrap();
        let checkpoint = trail.checkpoint().unwrap();
        assert_eq!(checkpoint.size, 11);
        append(&trail, &[event("more", "a")]).unwrap();
        checkpoint
    };
    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    let after = trail.checkpoint().unwrap();
    assert_eq!(after.size, 12);
    let proof = trail.consistency(before.size, after.size).unwrap();
    tlog::verify_consistency(before.size, after.size, &before.root, &after.root, &proof).unwrap();
    for seq in 0..after.size {
        let proof = trail.inclusion(Seq(seq), after.size).unwrap();
        let leaf = trail.leaf_hash(Seq(seq)).unwrap();
        tlog::verify_inclusion(&leaf, seq, after.size, &after.root, &proof).unwrap();
    }
    let kept = trail.checkpoint_at(before.size).unwrap().unwrap();
    assert_eq!(kept, *before);
    let missing = trail.checkpoint_at(5).unwrap().unwrap_err();
    assert_eq!(missing.next, Some(11));
}

#[test]
fn a_log_shorter_than_its_signed_checkpoint_is_refused() {
    let disk = SimFs::new(5);
    let world = stopped(&disk);
    let files = wal_files(world.fs.as_ref());
    let last = Path::new("/data/wal").join(files.last().unwrap());
    let length = world.fs.len(&last).unwrap();
    let mut file = world.fs.open_append(&last).unwrap();
    file.set_len(length - 40).unwrap();
    drop(file);
    let opened = world.open().map(|_| ());
    assert!(
        matches!(
            opened,
            Err(LedgerError::Cut {
                signed: 11,
                found: 10,
                ..
            })
        ),
        "{opened:?}"
    );
}

#[test]
fn an_old_copy_of_the_log_under_a_newer_checkpoint_is_refused() {
    let disk = SimFs::new(6);
    let mut world = World::new(disk.handle());
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    append(&trail, &[event("early", "a")]).unwrap();
    ledger.shutdown();
    drop((ledger, trail));
    let files = wal_files(world.fs.as_ref());
    let backup: Vec<_> = files
        .iter()
        .map(|file| {
            (
                file.clone(),
                world.fs.read(&Path::new("/data/wal").join(file)).unwrap(),
            )
        })
        .collect();
    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    append(&trail, &[event("late", "a")]).unwrap();
    ledger.shutdown();
    drop((ledger, trail));
    world.fs = disk.restart().handle();
    for file in wal_files(world.fs.as_ref()) {
        world.fs.remove(&Path::new("/data/wal").join(file)).unwrap();
    }
    for (file, bytes) in backup {
        let path = Path::new("/data/wal").join(file);
        world.fs.write_atomic(&path, &bytes, None).unwrap();
    }
    assert!(matches!(world.open(), Err(LedgerError::Cut { .. })));
}

#[test]
fn a_write_ahead_log_that_is_gone_is_refused() {
    let disk = SimFs::new(8);
    let world = stopped(&disk);
    for file in world.fs.list(Path::new("/data/wal")).unwrap() {
        if is_wal(&file) {
            world.fs.remove(&Path::new("/data/wal").join(file)).unwrap();
        }
    }
    assert!(matches!(world.open(), Err(LedgerError::Cut { .. })));
}

#[test]
fn a_trail_that_is_gone_is_refused() {
    let disk = SimFs::new(9);
    let world = stopped(&disk);
    world
        .fs
        .remove(Path::new("/data/trails/default/log.key"))
        .unwrap();
    assert!(matches!(world.open(), Err(LedgerError::TrailGone { .. })));
}

#[test]
fn an_older_checkpoint_file_does_not_unsign_the_newer_one() {
    let disk = SimFs::new(10);
    let world = stopped(&disk);
    let path = Path::new("/data/trails/default/checkpoint");
    let old = world.fs.read(path).unwrap();
    {
        let ledger = world.open().unwrap();
        let trail = ledger.trail(&name("default")).unwrap();
        append(&trail, &[event("more", "a")]).unwrap();
    }
    world.fs.write_atomic(path, &old, None).unwrap();
    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    assert_eq!(trail.checkpoint().unwrap().size, 12);
}

#[test]
fn sealed_events_leave_the_write_ahead_log() {
    let disk = SimFs::new(11);
    let world = stopped(&disk);
    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    for n in 0..40 {
        append(&trail, &[event(&format!("bulk{n}"), "a")]).unwrap();
    }
    let before = wal_files(world.fs.as_ref()).len();
    assert!(before > 2, "the files are small here: {before}");
    ledger.shutdown();
    drop((ledger, trail));
    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    world.vault.seal(&trail);
    append(&trail, &[event("last", "a")]).unwrap();
    ledger.shutdown();
    assert_eq!(
        wal_files(world.fs.as_ref()).len(),
        1,
        "all but the last event is sealed"
    );
    drop((ledger, trail));
    let ledger = world.open().unwrap();
    let trail = ledger.trail(&name("default")).unwrap();
    assert_eq!(trail.size(), 52);
    let duplicate = append(&trail, &[event("bulk3", "a")]).unwrap();
    assert!(matches!(
        duplicate[0],
        indelible_ledger::Outcome::Duplicate(_)
    ));
}
