//! Unsealed records: the write-ahead log against the stored leaf hashes.

use std::path::Path;

use event::RecordView;
use journal::DroppedTail;
use ledger::{
    Env, HotEvent,
    offline::{self, OfflineTrail},
};

use super::report::{Report, chain};

/// What the write-ahead log has of one trail.
#[derive(Debug, Default, Clone)]
pub(super) struct Hot {
    /// First sequence number, if there is an event.
    pub(super) first: Option<u64>,
    /// One past the last sequence number.
    pub(super) end: u64,
    /// Those that have content.
    pub(super) with_content: Vec<u64>,
}

/// Checks the write-ahead log against the trees; the torn end of its last write, if there is one.
pub(super) fn check(
    env: &Env,
    dir: &Path,
    trails: &[OfflineTrail],
    report: &mut Report,
) -> (Vec<Hot>, Option<DroppedTail>) {
    let mut hot = vec![Hot::default(); trails.len()];
    let mut wrong = Vec::new();
    let scanned = offline::scan_log(env, dir, trails, |trail, event| {
        let Some(hot) = trails
            .iter()
            .zip(&mut hot)
            .find(|(other, _)| other.id() == trail.id())
        else {
            return Ok(());
        };
        wrong.extend(
            hot_event(trail, hot.1, &event)
                .map(|text| format!("{}: {text}", dir.join("wal").display())),
        );
        Ok(())
    });
    report.damage.append(&mut wrong);
    match scanned {
        Ok(torn) => (hot, torn),
        Err(error) => {
            report.damage.push(chain(&error));
            (hot, None)
        }
    }
}

/// Checks an event of the write-ahead log; what is wrong with it, if anything is.
fn hot_event(trail: &OfflineTrail, hot: &mut Hot, event: &HotEvent<'_>) -> Option<String> {
    let seq = event.seq.0;
    if hot.first.is_some() && hot.end != seq {
        return Some(format!(
            "trail {}: event {} is missing, {seq} follows",
            trail.id(),
            hot.end
        ));
    }
    hot.first = hot.first.or(Some(seq));
    hot.end = seq + 1;
    if event.content.is_some() {
        hot.with_content.push(seq);
    }
    match RecordView::parse(event.record) {
        Err(error) => return Some(format!("trail {}: record {seq}: {error}", trail.id())),
        Ok(view) if view.seq != event.seq || view.recorded_at != event.recorded_at => {
            return Some(format!(
                "trail {}: record {seq} states another place or time",
                trail.id()
            ));
        }
        Ok(_) => {}
    }
    let signed = trail.checkpoint().map_or(0, |newest| newest.size);
    if seq >= signed {
        return None;
    }
    match trail.leaf_hash(event.seq) {
        Ok(stored) if stored == event.leaf_hash => None,
        Ok(stored) => Some(format!(
            "trail {}: record {seq} has leaf hash {}, {} has {stored}",
            trail.id(),
            event.leaf_hash,
            trail
                .dir()
                .join(format!("tree/0/{:06}", seq / 65_536))
                .display(),
        )),
        Err(error) => Some(chain(&error)),
    }
}
