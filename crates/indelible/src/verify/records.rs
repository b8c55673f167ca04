//! Every sealed record against the stored leaf hashes, on all cores.

use std::{
    io::{IsTerminal, stderr},
    ops::{ControlFlow, Range},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use event::{Leaf, Micros, RecordView, Seq, commit_content, commit_record};
use indicatif::{ProgressBar, ProgressStyle};
use ledger::{
    LedgerError,
    offline::{OfflineTrail, TreeReport},
};
use store::{Order, Row, Segment, Segments, Snapshot};
use tlog::Hash;

use super::report::chain;

/// Records that one thread takes at a time.
const PIECE: u64 = 16_384;
/// Leaf hashes read at a time.
const LEAVES: u64 = 4_096;
/// Faults after which a piece is given up: a damaged key makes every record wrong.
const FAULTS: usize = 20;

/// What was found.
pub(super) struct Found {
    pub(super) records: u64,
    pub(super) contents: u64,
    pub(super) damage: Vec<String>,
    pub(super) tree: Result<TreeReport, LedgerError>,
}

/// A run of records within one segment.
struct Piece {
    segment: Arc<Segment>,
    range: Range<u64>,
}

/// What was found in one piece.
#[derive(Default)]
struct PieceFound {
    records: u64,
    contents: u64,
    damage: Vec<String>,
    /// `recorded_at` of the first and the last record.
    times: Option<(Micros, Micros)>,
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
            let found = check_piece(trail, piece, signed);
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
    let mut last = Micros(0);
    for ((_, piece), Piece { segment, range }) in done.into_iter().zip(&pieces) {
        found.records += piece.records;
        found.contents += piece.contents;
        found.damage.extend(piece.damage);
        if let Some((first, end)) = piece.times {
            if first < last {
                found.damage.push(format!(
                    "{}: recorded_at of record {} decreases",
                    path(trail, segment),
                    range.start
                ));
            }
            last = end;
        }
    }
    found.damage.dedup();
    found
}

fn pieces(sealed: &Snapshot) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for segment in sealed.segments() {
        let Range { mut start, end } = segment.range();
        while start < end {
            // Row groups and pages are cut at sequence numbers too; a boundary inside one costs a page read twice.
            let stop = (start - start % PIECE + PIECE).min(end);
            pieces.push(Piece {
                segment: Arc::clone(segment),
                range: start..stop,
            });
            start = stop;
        }
    }
    pieces
}

fn path(trail: &OfflineTrail, segment: &Segment) -> String {
    let name = format!("segments/{}.parquet", segment.info().name);
    trail.dir().join(name).display().to_string()
}

fn check_piece(trail: &OfflineTrail, piece: &Piece, signed: u64) -> PieceFound {
    let mut found = PieceFound::default();
    let mut leaves: std::vec::IntoIter<Hash> = Vec::new().into_iter();
    for row in piece.segment.rows(piece.range.clone(), Order::OldestFirst) {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                found.damage.push(chain(&error));
                break;
            }
        };
        if leaves.len() == 0 && row.seq < signed {
            let count = LEAVES.min(signed - row.seq).min(piece.range.end - row.seq);
            match trail.leaf_hashes(Seq(row.seq), count) {
                Ok(run) => leaves = run.into_iter(),
                Err(error) => {
                    found.damage.push(chain(&error));
                    break;
                }
            }
        }
        let wrong = check_row(trail, &row, leaves.next(), &mut found);
        found.records += 1;
        found.contents += u64::from(row.content.is_some());
        if let Some(text) = wrong {
            found.damage.push(format!(
                "{}: record {}: {text}",
                path(trail, &piece.segment),
                row.seq
            ));
            if found.damage.len() >= FAULTS {
                break;
            }
        }
    }
    found
}

/// What is wrong with a record, if anything is. `stored`: its leaf hash in the tree, if it is signed.
fn check_row(
    trail: &OfflineTrail,
    row: &Row,
    stored: Option<Hash>,
    found: &mut PieceFound,
) -> Option<String> {
    let view = match RecordView::parse(&row.record) {
        Ok(view) => view,
        Err(error) => return Some(error.to_string()),
    };
    if view.seq.0 != row.seq {
        return Some(format!("states seq {}", view.seq));
    }
    let (first, last) = found.times.unwrap_or((view.recorded_at, view.recorded_at));
    found.times = Some((first, view.recorded_at));
    if view.recorded_at < last {
        return Some("recorded_at decreases".to_owned());
    }
    let salts = match trail.salts(view.seq) {
        Ok(salts) => salts,
        Err(error) => return Some(chain(&error)),
    };
    let leaf = Leaf {
        recorded_at: view.recorded_at,
        c_r: commit_record(&salts.record, &row.record),
        c_c: commit_content(&salts.content, row.content.as_deref()),
    };
    let hash = tlog::leaf_hash(&leaf.to_bytes());
    match stored {
        Some(stored) if stored != hash => Some(format!(
            "its leaf hash is {hash}, the tree ({}) has {stored}",
            trail
                .dir()
                .join("tree/0")
                .join(format!("{:06}", row.seq / 65_536))
                .display()
        )),
        _ => None,
    }
}

fn progress(total: u64) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} records, {per_sec}");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
