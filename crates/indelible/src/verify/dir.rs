//! A data directory, at rest or in use.
//!
//! The order of looking matters while a server writes: checkpoint, then write-ahead log, then manifest. What leaves
//! the log meanwhile is in the manifest by then, and the log holds at least what was signed.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use journal::{DroppedTail, RealFs};
use ledger::{
    Env, LedgerError,
    offline::{self, OfflineTrail},
};
use store::Segments;
use tlog::VerifierKey;

use super::{
    hot::{self, Hot},
    keys, records,
    report::{Report, TrailReport, chain, number},
    strays,
};

/// Looks before a directory that changes all the time is given up.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(50);

/// Checks everything below a data directory.
pub(super) fn verify(dir: &Path, pinned: Option<&VerifierKey>) -> Report {
    let begin = Instant::now();
    let mut report = Report::default();
    for _ in 0..TRIES {
        let before = files(dir);
        report = look(dir, pinned);
        // A file that a running server replaced or removed meanwhile is no damage.
        if report.is_good() || files(dir) == before {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    report.target = dir.display().to_string();
    report.elapsed_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    report
}

/// Names of the files that a server makes and removes while it runs.
fn files(dir: &Path) -> Vec<String> {
    let mut folders = vec![dir.join("wal")];
    let trails = std::fs::read_dir(dir.join("trails"));
    for trail in trails.into_iter().flatten().flatten() {
        let folder = |name| trail.path().join(name);
        folders.extend(["manifest", "segments", "checkpoints/recent"].map(folder));
    }
    let list = |folder: &std::path::PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path().display().to_string())
            .collect::<Vec<_>>()
    };
    let mut names: Vec<String> = folders.iter().flat_map(list).collect();
    names.sort();
    names
}

fn look(dir: &Path, pinned: Option<&VerifierKey>) -> Report {
    let mut report = Report::default();
    let env = Env::system(Arc::new(RealFs));
    let trails = match offline::trails(&env, dir) {
        Ok(trails) => trails,
        Err(error) => {
            report.damage.push(in_file(&error));
            return report;
        }
    };
    if trails.is_empty() {
        report
            .damage
            .push(format!("{}: no trail", dir.join("trails").display()));
        return report;
    }
    keys::check(dir, &trails, pinned, &mut report);
    keys::check_api_keys(&env, dir, &mut report);
    keys::check_kept_files(&env, dir, &mut report);
    let (hot, torn) = hot::check(&env, dir, &trails, &mut report);
    let segments = match Segments::open_read_only(dir, store::Config::default()) {
        Ok(segments) => segments,
        Err(error) => {
            report.damage.push(chain(&error));
            return report;
        }
    };
    let ids = trails.iter().map(OfflineTrail::id);
    strays::check(dir, ids, &segments, &mut report);
    for (trail, hot) in trails.iter().zip(hot) {
        let mut summary = TrailReport {
            name: trail.id().to_string(),
            key: trail.verifier_key().to_string(),
            is_pinned: pinned == Some(trail.verifier_key()),
            size: trail.checkpoint().map_or(0, |newest| newest.size),
            root: trail
                .checkpoint()
                .map_or(String::new(), |newest| newest.root.to_string()),
            ..TrailReport::default()
        };
        check_trail(
            trail,
            &hot,
            torn.as_ref(),
            &segments,
            &mut summary,
            &mut report,
        );
        report.trails.push(summary);
    }
    if let Some(torn) = torn {
        let place = format!("{}, offset {}", torn.path.display(), torn.offset);
        if torn.complete {
            report.damage.push(format!(
                "{place}: the last frame, {} bytes, is whole in length and does not match its checksum",
                torn.bytes
            ));
        } else {
            report.notes.push(format!(
                "{place}: {} bytes of a torn last write, never acknowledged as far as the checkpoints tell",
                torn.bytes
            ));
        }
    }
    report
}

/// An error about a journal as a whole, with the file at whose end it lost something.
fn in_file(error: &LedgerError) -> String {
    let LedgerError::Malformed { path, .. } = error else {
        return chain(error);
    };
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    let last = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "wal"))
        .max();
    match last.as_deref().and_then(Path::file_name) {
        Some(last) => format!("{} (the last file is {})", chain(error), last.display()),
        None => chain(error),
    }
}

fn check_trail(
    trail: &OfflineTrail,
    hot: &Hot,
    torn: Option<&DroppedTail>,
    segments: &Segments,
    summary: &mut TrailReport,
    report: &mut Report,
) {
    let sealed = match segments.snapshot(trail.id()) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            report.damage.push(chain(&error));
            return;
        }
    };
    let size = hot.end.max(sealed.size());
    let signed = summary.size;
    if let Some(first) = hot.first.filter(|first| *first > sealed.size()) {
        report.damage.push(format!(
            "{}: events {} to {} are in no segment and not in the write-ahead log",
            trail.dir().display(),
            sealed.size(),
            first - 1
        ));
    }
    if size < signed {
        let place = torn.map_or_else(String::new, |torn| {
            format!(
                "; the write-ahead log cannot be read from {}, offset {} on",
                torn.path.display(),
                torn.offset
            )
        });
        report.damage.push(format!(
            "{}: a checkpoint of {} events was signed, only {} are here: the log was cut, or an old copy put back{place}",
            trail.dir().join("checkpoint").display(),
            number(signed),
            number(size)
        ));
    }
    let unsealed = |seq: &&u64| **seq >= sealed.size();
    summary.records = size.saturating_sub(sealed.size().max(hot.first.unwrap_or(size)));
    summary.contents = hot.with_content.iter().filter(unsealed).count() as u64;
    summary.unsigned = size.saturating_sub(signed);
    summary.segments = sealed.segments().len() as u64;
    let found = records::check(trail, segments, &sealed, signed);
    summary.records += found.records;
    summary.contents += found.contents;
    report.damage.extend(found.damage);
    match found.tree {
        Ok(tree) => {
            summary.leaves = tree.leaves;
            summary.checkpoints = tree.checkpoints;
            // Only a crash at the very first checkpoint leaves a note in the journal and no file.
            let newest = trail.dir().join("checkpoint");
            if tree.checkpoints > 1 && !newest.exists() {
                report
                    .damage
                    .push(format!("{} is missing", newest.display()));
            }
        }
        Err(error) => report
            .damage
            .push(format!("{}: {}", trail.dir().display(), chain(&error))),
    }
}
