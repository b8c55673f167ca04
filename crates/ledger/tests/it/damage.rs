//! One bit flipped, and each file cut, in every file: never an altered event, never a shorter log that opens.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use indelible_ledger::offline;
use journal::{Fs, sim::SimFs};

use crate::node::{World, append, event, name};

fn build(disk: &SimFs) -> World {
    let world = World::new(disk.handle());
    let ledger = world.open().unwrap();
    let trail = ledger.create_trail(&name("default")).unwrap();
    for n in 0..6 {
        append(&trail, &[event(&format!("e{n}"), "a")]).unwrap();
    }
    ledger.shutdown();
    world
}

fn files(fs: &dyn Fs, dir: &Path, found: &mut Vec<PathBuf>) {
    for name in fs.list(dir).unwrap() {
        let path = dir.join(name);
        match fs.list(&path) {
            Ok(_) => files(fs, &path, found),
            Err(_) => found.push(path),
        }
    }
}

/// All records as they are served after a start, or nothing if it is refused.
fn served(world: &World) -> Option<Vec<Vec<u8>>> {
    let ledger = world.open().ok()?;
    let hot = ledger.trail(&name("default"))?.hot();
    let events = hot.chunks.iter().flat_map(|chunk| chunk.iter());
    Some(events.map(|event| event.record.to_vec()).collect())
}

/// Whether verification of the files finds them whole.
fn verifies(world: &World) -> bool {
    let Ok(trails) = offline::trails(&world.env(), &world.dir) else {
        return false;
    };
    let Some(trail) = trails.first() else {
        return false;
    };
    if !trail.check_keys().is_ok_and(|present| present) {
        return false;
    }
    let mut events = 0;
    let scanned = offline::scan_log(&world.env(), &world.dir, &trails, |trail, event| {
        events += 1;
        if trail.leaf_hash(event.seq)? == event.leaf_hash {
            return Ok(());
        }
        Err(indelible_ledger::LedgerError::TreeHash {
            path: PathBuf::new(),
            index: event.seq.0,
        })
    });
    let tree = trail.verify_tree(|_| ControlFlow::Continue(()));
    scanned.is_ok_and(|torn| torn.is_none()) && tree.is_ok_and(|report| report.leaves == events)
}

/// Files that say nothing about events: what their damage does is written beside each.
fn is_harmless(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    // Locks have no content.
    name.contains("lock")
}

#[test]
fn every_flip_and_every_cut_is_found() {
    let whole = SimFs::new(1);
    let world = build(&whole);
    let mut paths = Vec::new();
    files(world.fs.as_ref(), Path::new("/data"), &mut paths);
    let sizes: Vec<_> = paths
        .iter()
        .map(|path| world.fs.len(path).unwrap())
        .collect();
    let good = served(&world).unwrap();
    assert_eq!(good.len(), 7);
    let mut tried = 0;
    for (path, size) in paths.iter().zip(sizes) {
        let step = (size / 48).max(1);
        for offset in (0..size).step_by(usize::try_from(step).unwrap()) {
            let disk = SimFs::new(1);
            let world = build(&disk);
            disk.corrupt(path, offset, 1 << (offset % 8));
            let context = format!("{} at {offset}", path.display());
            assert!(
                is_harmless(path) || !verifies(&world),
                "verifies: {context}"
            );
            if let Some(events) = served(&world) {
                assert_eq!(events, good, "altered: {context}");
            }
            tried += 1;
        }
        for cut in [size / 2, size.saturating_sub(1), 0] {
            if cut == size {
                continue;
            }
            let disk = SimFs::new(1);
            let world = build(&disk);
            world.fs.open_append(path).unwrap().set_len(cut).unwrap();
            let context = format!("{} cut to {cut}", path.display());
            assert!(
                is_harmless(path) || !verifies(&world),
                "verifies: {context}"
            );
            if let Some(events) = served(&world) {
                assert_eq!(events, good, "altered: {context}");
            }
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}
