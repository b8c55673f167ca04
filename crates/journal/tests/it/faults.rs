//! Every mutating call of a journal's life crossed with every fault: what a sync confirmed is there afterwards.

use indelible_journal::sim::{Errno, Fault, SimFs};
use indelible_journal::{FrameNo, JournalError};

use crate::frames;

const SEEDS: u64 = 8;

/// What a run may rely on.
#[derive(Debug, Default)]
struct Oracle {
    /// Frames below were confirmed.
    synced: u64,
    /// Frames below were handed over; the last one may have failed.
    appended: u64,
    /// Frames below may be removed.
    removable: u64,
}

/// Appends, syncs and removes until the disk fails or `rounds` are over.
fn live(disk: &SimFs, oracle: &mut Oracle, rounds: u64) -> Result<(), JournalError> {
    let (mut journal, recovery) = frames::open(disk.handle())?;
    oracle.check(recovery.first, recovery.next);
    // What was shown as recovered must stay.
    oracle.synced = recovery.next.0;
    oracle.appended = recovery.next.0;
    for round in 0..rounds {
        let done = step(&mut journal, oracle, round);
        if let Err(e) = done {
            assert!(matches!(e, JournalError::Write(_)), "{e}");
            let again = frames::append(&mut journal).unwrap_err();
            assert!(matches!(again, JournalError::Poisoned(_)), "{again}");
            let again = journal.sync().unwrap_err();
            assert!(matches!(again, JournalError::Poisoned(_)), "{again}");
            assert!(journal.synced().0 <= oracle.appended);
            return Err(e);
        }
    }
    Ok(())
}

fn step(
    journal: &mut indelible_journal::Journal,
    oracle: &mut Oracle,
    round: u64,
) -> Result<(), JournalError> {
    for _ in 0..=(round % 4) {
        oracle.appended = journal.next().0 + 1;
        frames::append(journal)?;
    }
    journal.sync()?;
    assert_eq!(journal.synced(), journal.next());
    oracle.synced = journal.next().0;
    if round % 3 == 2 {
        oracle.removable = oracle.synced - 3;
        journal.remove_before(FrameNo(oracle.removable))?;
    }
    Ok(())
}

impl Oracle {
    fn check(&self, first: FrameNo, next: FrameNo) {
        assert!(first.0 <= self.removable, "{first}, but {self:?}");
        assert!(next.0 >= self.synced, "{next}, but {self:?}");
        assert!(next.0 <= self.appended, "{next}, but {self:?}");
    }
}

fn calls_of(run: impl FnOnce(&SimFs)) -> u64 {
    let disk = SimFs::new(0);
    run(&disk);
    disk.calls()
}

/// One life with a fault, an end, a second life with a fault while it recovers, an end, and a last life without.
fn cross(seed: u64, call: u64, fault: Fault, errno: Errno, killed: bool) {
    let mut oracle = Oracle::default();
    let end = |disk: &SimFs| if killed { disk.restart() } else { disk.crash() };
    let disk = SimFs::new(seed);
    disk.fail_at(call, fault, errno);
    let _failed = live(&disk, &mut oracle, 14);
    let disk = end(&disk);
    disk.fail_at(1 + seed, fault, errno);
    let _failed = live(&disk, &mut oracle, 3);
    let disk = disk.crash();
    live(&disk, &mut oracle, 3).expect("a disk without faults");
    let disk = disk.crash();
    let (_, recovery) = frames::open(disk.handle()).expect("a disk without faults");
    assert_eq!(recovery.next.0, oracle.appended, "everything was synced");
    assert_eq!(recovery.dropped, None);
}

#[test]
fn every_call_crossed_with_every_fault_loses_nothing_confirmed() {
    let calls = calls_of(|disk| live(disk, &mut Oracle::default(), 14).unwrap());
    for call in 1..=calls {
        for fault in Fault::ALL {
            for seed in 0..SEEDS {
                for killed in [false, true] {
                    let errno = [Errno::Io, Errno::NoSpace][usize::from(seed % 2 == 0)];
                    println!("call {call}, {fault:?}, seed {seed}, killed {killed}");
                    cross(seed, call, fault, errno, killed);
                }
            }
        }
    }
}

#[test]
fn the_run_that_is_crossed_rotates_and_removes() {
    let disk = SimFs::new(0);
    live(&disk, &mut Oracle::default(), 14).unwrap();
    assert!(disk.calls() > 60, "{}", disk.calls());
    let files = frames::contents(&disk);
    let removed = format!("{:020}.wal", 0);
    assert!(files.iter().all(|(name, _)| *name != removed));
    assert!(
        files
            .iter()
            .filter(|(name, _)| name.strip_suffix(".wal").is_some())
            .count()
            > 1
    );
}
