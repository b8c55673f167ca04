//! Every sealed record against the stored leaf hashes and the columns beside it, on all cores.

mod piece;
mod totals;

use std::{
    io::{IsTerminal, stderr},
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use indicatif::{ProgressBar, ProgressStyle};
use ledger::{
    LedgerError,
    offline::{OfflineTrail, TreeReport},
};
use store::{Segments, Snapshot};

use super::report::chain;
use piece::Piece;

/// What was found.
pub(super) struct Found {
    pub(super) records: u64,
    pub(super) contents: u64,
    pub(super) damage: Vec<String>,
    pub(super) tree: Result<TreeReport, LedgerError>,
}

/// Checks checksums, records and tree of a trail side by side. `signed`: leaves that are in the tree.
pub(super) fn check(
    trail: &OfflineTrail,
    segments: &Segments,
    sealed: &Snapshot,
    signed: u64,
) -> Found {
    let pieces = pieces(sealed);
    let bar = progress(sealed.size());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = pieces.get(index) else {
                return;
            };
            let found = piece::check(trail, piece, signed);
            bar.inc(found.records);
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((index, found));
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let (blocks, tree) = std::thread::scope(|scope| {
        let blocks = scope.spawn(|| segments.check(trail.id()));
        let tree = scope.spawn(|| trail.verify_tree(|_| ControlFlow::Continue(())));
        for _ in 0..threads {
            scope.spawn(work);
        }
        (blocks.join(), tree.join())
    });
    bar.finish_and_clear();
    let mut found = Found {
        records: 0,
        contents: 0,
        damage: Vec::new(),
        tree: tree.unwrap_or_else(|_| {
            Ok(TreeReport {
                leaves: 0,
                checkpoints: 0,
            })
        }),
    };
    match blocks {
        Ok(Ok(damage)) => found.damage.extend(damage.iter().map(|error| chain(error))),
        Ok(Err(error)) => found.damage.push(chain(&error)),
        Err(_) => found
            .damage
            .push("the check of the segments broke off".to_owned()),
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    for (_, piece) in &mut done {
        found.records += piece.records;
        found.contents += piece.contents;
        found.damage.append(&mut piece.damage);
    }
    let totals = pieces
        .iter()
        .zip(&done)
        .map(|(piece, (_, done))| (&*piece.segment, done.totals));
    found.damage.extend(totals::check(trail, sealed, totals));
    found.damage.dedup();
    found
}

/// The row groups of all segments; those of a file that does not open are reported with its checksums.
fn pieces(sealed: &Snapshot) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for segment in sealed.segments() {
        for (group, rows) in segment.groups().unwrap_or_default().iter().enumerate() {
            pieces.push(Piece {
                segment: Arc::clone(segment),
                group,
                range: rows.first..rows.end,
            });
        }
    }
    pieces
}

fn progress(total: u64) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} records, {per_sec}");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
