//! Segment files that no manifest names: programs that read the folders count their events too.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use event::TrailId;
use store::{Segments, StoreError};

use super::report::{Report, chain};

/// Folders within folders below a data directory that are looked into; a segment is three deep.
const MAX_DEPTH: usize = 8;

/// Notes every Parquet file below the directory that is no segment of these trails.
pub(super) fn check<'a>(
    dir: &Path,
    trails: impl Iterator<Item = &'a TrailId>,
    segments: &Segments,
    report: &mut Report,
) {
    let named: Result<Vec<_>, StoreError> =
        trails.map(|trail| named(dir, trail, segments)).collect();
    // A manifest that cannot be read is damage already.
    let Ok(named) = named else { return };
    let named: BTreeSet<PathBuf> = named.into_iter().flatten().collect();
    let mut found = Vec::new();
    if let Err(error) = collect(dir, MAX_DEPTH, &mut found) {
        report
            .damage
            .push(format!("{}: {}", dir.display(), chain(&error)));
    }
    found.sort();
    for path in found.iter().filter(|path| !named.contains(*path)) {
        report.notes.push(format!(
            "{}: no manifest names this file; an interrupted write left it, or somebody put it there, and who reads all Parquet files counts it",
            path.display()
        ));
    }
}

fn named(dir: &Path, trail: &TrailId, segments: &Segments) -> Result<Vec<PathBuf>, StoreError> {
    let folder = dir.join("trails").join(trail.as_str()).join("segments");
    let snapshot = segments.snapshot(trail)?;
    let infos = snapshot.segments().iter().map(|segment| segment.info());
    Ok(infos
        .map(|info| folder.join(format!("{}.parquet", info.name)))
        .collect())
}

fn collect(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if depth > 0 {
                collect(&path, depth - 1, found)?;
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            found.push(path);
        }
    }
    Ok(())
}
