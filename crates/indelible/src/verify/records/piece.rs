//! The records of one row group.

use std::{ops::Range, sync::Arc};

use event::{Leaf, Micros, RecordView, Seq, commit_content, commit_record};
use ledger::offline::OfflineTrail;
use store::{Order, Row, Segment, TypedColumns};
use tlog::Hash;

use super::totals::Totals;
use crate::verify::report::chain;

/// Leaf hashes read at a time.
const LEAVES: u64 = 4_096;
/// Faults after which a piece is given up: a damaged key makes every record wrong.
const FAULTS: usize = 20;

/// A row group: what one thread takes at a time, since its columns are decoded together.
pub(super) struct Piece {
    pub(super) segment: Arc<Segment>,
    pub(super) group: usize,
    pub(super) range: Range<u64>,
}

/// What was found in a piece.
#[derive(Default)]
pub(super) struct PieceFound {
    pub(super) records: u64,
    pub(super) contents: u64,
    pub(super) damage: Vec<String>,
    /// Of all its records, if they could all be read.
    pub(super) totals: Option<Totals>,
}

pub(super) fn path(trail: &OfflineTrail, segment: &Segment) -> String {
    let name = format!("segments/{}.parquet", segment.info().name);
    trail.dir().join(name).display().to_string()
}

/// Checks the records of a row group. `signed`: leaves that are in the tree.
pub(super) fn check(trail: &OfflineTrail, piece: &Piece, signed: u64) -> PieceFound {
    let mut found = PieceFound::default();
    let typed = match piece.segment.typed(piece.group) {
        Ok(typed) => Some(typed),
        Err(error) => {
            found.damage.push(chain(&error));
            None
        }
    };
    let mut totals = None;
    let mut leaves: std::vec::IntoIter<Hash> = Vec::new().into_iter();
    for (index, row) in piece
        .segment
        .rows(piece.range.clone(), Order::OldestFirst)
        .enumerate()
    {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                found.damage.push(chain(&error));
                return found;
            }
        };
        if leaves.len() == 0 && row.seq < signed {
            let count = LEAVES.min(signed - row.seq).min(piece.range.end - row.seq);
            match trail.leaf_hashes(Seq(row.seq), count) {
                Ok(run) => leaves = run.into_iter(),
                Err(error) => {
                    found.damage.push(chain(&error));
                    return found;
                }
            }
        }
        found.records += 1;
        found.contents += u64::from(row.content.is_some());
        let wrong = check_row(trail, &row, leaves.next(), &mut totals)
            .and_then(|view| check_columns(typed.as_ref(), index, &row, &view));
        if let Err(text) = wrong {
            found.damage.push(format!(
                "{}: record {}: {text}",
                path(trail, &piece.segment),
                row.seq
            ));
            if found.damage.len() >= FAULTS {
                return found;
            }
        }
    }
    found.totals = totals;
    found
}

/// The record, or what is wrong with it. `stored`: its leaf hash in the tree, if it is signed.
fn check_row<'a>(
    trail: &OfflineTrail,
    row: &'a Row,
    stored: Option<Hash>,
    totals: &mut Option<Totals>,
) -> Result<RecordView<'a>, String> {
    let view = RecordView::parse(&row.record).map_err(|error| error.to_string())?;
    if view.seq.0 != row.seq {
        return Err(format!("states seq {}", view.seq));
    }
    let own = Totals::of(row, &view);
    let last = totals.map_or(view.recorded_at, |before| before.recorded_at[1]);
    *totals = Some(totals.map_or(own, |before| before.and(own)));
    if view.recorded_at < last {
        return Err("recorded_at decreases".to_owned());
    }
    let salts = trail.salts(view.seq).map_err(|error| chain(&error))?;
    let leaf = Leaf {
        recorded_at: view.recorded_at,
        c_r: commit_record(&salts.record, &row.record),
        c_c: commit_content(&salts.content, row.content.as_deref()),
    };
    let hash = tlog::leaf_hash(&leaf.to_bytes());
    match stored {
        Some(stored) if stored != hash => Err(format!(
            "its leaf hash is {hash}, the tree ({}) has {stored}",
            trail
                .dir()
                .join("tree/0")
                .join(format!("{:06}", row.seq / 65_536))
                .display()
        )),
        _ => Ok(view),
    }
}

/// Compares what other programs query with the record.
fn check_columns(
    typed: Option<&TypedColumns>,
    index: usize,
    row: &Row,
    view: &RecordView<'_>,
) -> Result<(), String> {
    if let Some(difference) = typed.and_then(|typed| typed.difference(index, view)) {
        return Err(difference.to_string());
    }
    if row.digest.is_none() && !is_from_server(&view.id, view.recorded_at) {
        return Err("column digest has null, though the producer gave the id".to_owned());
    }
    Ok(())
}

/// Whether the server may have given the id: a `UUIDv7` (RFC 9562, section 5.7) with the time of the commit.
fn is_from_server(id: &str, recorded_at: Micros) -> bool {
    let millis = format!("{:012x}", recorded_at.0 / 1_000);
    let (high, low) = millis.split_at(8);
    let version = id
        .strip_prefix(high)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_prefix(low))
        .and_then(|rest| rest.strip_prefix("-7"));
    version.is_some() && id.len() == 36
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_ids_carry_the_time_of_their_commit() {
        let at = Micros(0x0199_0000_1234 * 1_000 + 999);
        let id = "01990000-1234-7abc-8def-0123456789ab";
        assert!(is_from_server(id, at));
        for other in [
            "01990000-1235-7abc-8def-0123456789ab",
            "01990000-1234-4abc-8def-0123456789ab",
            "01990000-1234-7abc-8def-0123456789a",
            "order-7",
        ] {
            assert!(!is_from_server(other, at), "{other}");
        }
    }
}
