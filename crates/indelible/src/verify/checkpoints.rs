//! The two journals of signed checkpoints against the newest one: neither may have lost its end.

use std::{collections::BTreeSet, path::Path};

use journal::{Journal, RealFs, Recovery};
use ledger::offline::OfflineTrail;

use super::report::{Report, chain};

const HOUR_US: u64 = 3_600_000_000;

/// Checks what `offline` cannot: that the journals reach as far as the newest checkpoint.
pub(super) fn check(trail: &OfflineTrail, report: &mut Report) {
    let newest_path = trail.dir().join("checkpoint");
    // Read before the journal: a server may add to the latter meanwhile, never the other way round.
    let Ok(newest) = std::fs::read(&newest_path) else {
        if trail.checkpoint().is_some() {
            report
                .damage
                .push(format!("{} is missing", newest_path.display()));
        }
        return;
    };
    let recent_dir = trail.dir().join("checkpoints/recent");
    let hourly_dir = trail.dir().join("checkpoints/hourly");
    let hourly = frames(&hourly_dir, report);
    let recent = frames(&recent_dir, report);
    let (Some((recent, recovery)), Some((hourly, _))) = (recent, hourly) else {
        return;
    };
    if !recent.iter().any(|(_, note)| *note == newest) {
        report.damage.push(format!(
            "{}: the newest checkpoint is missing: the journal was cut",
            recent_dir.display()
        ));
    }
    let kept: BTreeSet<u64> = hourly.iter().map(|(hour, _)| *hour).collect();
    // The first hour of a journal that has dropped its beginning may have begun in what was dropped.
    let whole = if recovery.first.0 == 0 {
        None
    } else {
        recent.first().map(|(hour, _)| *hour)
    };
    let due: BTreeSet<u64> = recent
        .iter()
        .map(|(hour, _)| *hour)
        .filter(|hour| Some(*hour) != whole)
        .collect();
    if let Some(hour) = due.difference(&kept).next() {
        let since = event::Micros(hour * HOUR_US);
        report.damage.push(format!(
            "{}: the checkpoint of the hour from {since} on is missing",
            hourly_dir.display()
        ));
    }
}

/// Hour and note of a kept checkpoint.
type Kept = (u64, Vec<u8>);

fn frames(dir: &Path, report: &mut Report) -> Option<(Vec<Kept>, Recovery)> {
    let mut frames = Vec::new();
    let scanned = Journal::scan(&RealFs, dir, &mut |_, frame| {
        let (time, note) = frame.split_first_chunk().ok_or("too short for a time")?;
        frames.push((u64::from_le_bytes(*time) / HOUR_US, note.to_vec()));
        Ok(())
    });
    match scanned {
        Ok(recovery) => Some((frames, recovery)),
        Err(error) => {
            report.damage.push(chain(&error));
            None
        }
    }
}
