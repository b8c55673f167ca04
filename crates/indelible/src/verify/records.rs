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
    let bar = progress(sealed.size(), "records");
    let (blocks, tree, mut done) = std::thread::scope(|scope| {
        let blocks = scope.spawn(|| segments.check(trail.id()));
        let tree = scope.spawn(|| trail.verify_tree(|_| ControlFlow::Continue(())));
        let done = on_all_cores(&pieces, |piece| {
            let found = piece::check(trail, piece, signed);
            bar.inc(found.records);
            found
        });
        (blocks.join(), tree.join(), done)
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
    // What is made from other bytes than were recorded says nothing of its own.
    let wrong: Vec<u64> = pieces
        .iter()
        .zip(&done)
        .filter(|(_, done)| !done.damage.is_empty())
        .map(|(piece, _)| piece.segment.range().start)
        .collect();
    for piece in &mut done {
        found.records += piece.records;
        found.contents += piece.contents;
        found.damage.append(&mut piece.damage);
    }
    let totals = pieces
        .iter()
        .zip(&done)
        .map(|(piece, done)| (&*piece.segment, done.totals));
    found.damage.extend(totals::check(trail, sealed, totals));
    let good = sealed.segments().iter();
    let good: Vec<_> = good
        .filter(|segment| !wrong.contains(&segment.range().start))
        .collect();
    let bar = progress(sealed.size(), "indexed events");
    let compared = on_all_cores(&good, |segment| {
        let differences = segments.compare(segment);
        bar.inc(segment.range().end - segment.range().start);
        differences.unwrap_or_else(|error| vec![error])
    });
    bar.finish_and_clear();
    found.damage.dedup();
    for error in compared.iter().flatten().map(|error| chain(error)) {
        if !found.damage.contains(&error) {
            found.damage.push(error);
        }
    }
    found
}

/// What the work on each item gives, in their order.
fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((number, item)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    items.get(number).map(|item| (number, item))
                } {
                    let result = work(item);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((number, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
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

/// `what`: what is counted.
fn progress(total: u64, what: &str) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template(&format!(
        "{{bar:40}} {{human_pos}}/{{human_len}} {what}, {{per_sec}}"
    ));
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
