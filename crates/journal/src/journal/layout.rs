//! Names in a journal's directory.

use std::path::{Path, PathBuf};

use crate::frame::FrameNo;
use crate::fs::TEMP_SUFFIX;

const FILE_SUFFIX: &str = ".wal";
const DIGITS: usize = 20;

/// The files of a directory that belong to a journal; other names are not ours.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// First frames of the journal files, ascending.
    pub(super) files: Vec<FrameNo>,
    /// Unfinished files of a writer that is gone.
    pub(super) temps: Vec<PathBuf>,
}

impl Listing {
    pub(super) fn of(dir: &Path, names: &[String]) -> Self {
        let mut listing = Self::default();
        for name in names {
            if let Some(first) = name.strip_suffix(FILE_SUFFIX).and_then(number) {
                listing.files.push(first);
            } else if name.strip_suffix(TEMP_SUFFIX).is_some_and(is_file_name) {
                listing.temps.push(dir.join(name));
            }
        }
        listing.files.sort_unstable();
        listing
    }
}

pub(super) fn file_path(dir: &Path, first: FrameNo) -> PathBuf {
    dir.join(format!("{:0DIGITS$}{FILE_SUFFIX}", first.0))
}

pub(super) fn temp_path(dir: &Path, first: FrameNo) -> PathBuf {
    dir.join(format!("{:0DIGITS$}{FILE_SUFFIX}{TEMP_SUFFIX}", first.0))
}

pub(super) fn lock_path(dir: &Path) -> PathBuf {
    dir.join("lock")
}

fn is_file_name(name: &str) -> bool {
    name.strip_suffix(FILE_SUFFIX).and_then(number).is_some()
}

fn number(stem: &str) -> Option<FrameNo> {
    let plain = stem.len() == DIGITS && stem.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| stem.parse().ok().map(FrameNo)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_into_kinds_and_foreign_ones_ignored() {
        let dir = Path::new("/d");
        let names = [
            "00000000000000000010.wal",
            "00000000000000000002.wal",
            "00000000000000000020.wal.tmp",
            "lock",
            "x.tmp",
            "1.wal",
            "+0000000000000000001.wal",
            "99999999999999999999.wal",
        ]
        .map(String::from);
        let listing = Listing::of(dir, &names);
        assert_eq!(listing.files, [FrameNo(2), FrameNo(10)]);
        assert_eq!(listing.temps, [temp_path(dir, FrameNo(20))]);
        assert_eq!(file_path(dir, FrameNo(2)), dir.join(&names[1]));
    }
}
