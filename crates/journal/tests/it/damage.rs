//! Altered, cut and missing files: an error that names the place, or only the unproven end is dropped.

use std::path::{Path, PathBuf};

use indelible_journal::sim::SimFs;
use indelible_journal::{FrameNo, Fs, JournalError, Recovery};

use crate::frames::{self, DIR};

/// A clean journal of three files.
fn journal() -> SimFs {
    let disk = SimFs::new(1);
    let (mut journal, _) = frames::open(disk.handle()).unwrap();
    while files(&disk).len() < 3 {
        frames::append(&mut journal).unwrap();
        frames::append(&mut journal).unwrap();
        journal.sync().unwrap();
    }
    frames::append(&mut journal).unwrap();
    frames::append(&mut journal).unwrap();
    journal.sync().unwrap();
    disk
}

fn files(disk: &SimFs) -> Vec<(PathBuf, Vec<u8>)> {
    let all = frames::contents(disk).into_iter();
    all.filter(|(name, _)| name.strip_suffix(".wal").is_some())
        .map(|(name, bytes)| (Path::new(DIR).join(name), bytes))
        .collect()
}

/// Offsets at which frames begin, and the end of the last one.
fn bounds(disk: &SimFs, path: &Path) -> Vec<u64> {
    let mut bounds = Vec::new();
    let dir = Path::new(DIR);
    indelible_journal::Journal::scan(disk, dir, &mut |at, _| {
        if dir.join(format!("{:020}.wal", at.file)) == path {
            bounds.push(at.offset);
            bounds.push(at.offset + 24 + u64::from(at.len));
        }
        Ok(())
    })
    .unwrap();
    bounds.dedup();
    bounds
}

/// The place that an error names.
fn place(e: &JournalError) -> (PathBuf, u64) {
    let (path, offset) = match e {
        JournalError::BadHeader { path, .. }
        | JournalError::WrongFirst { path, .. }
        | JournalError::OutOfSequence { path, .. } => (path, 0),
        JournalError::BadFrame { path, offset, .. } => (path, *offset),
        other => panic!("{other}"),
    };
    let text = e.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    assert!(text.contains(&format!("offset {offset}")), "{text}");
    (path.clone(), offset)
}

fn expect_untouched(disk: &SimFs) -> JournalError {
    let before = frames::contents(disk);
    let calls = disk.calls();
    let e = frames::open(disk.handle()).expect_err("damage");
    assert_eq!(frames::contents(disk), before, "nothing is modified");
    assert_eq!(disk.calls(), calls + 1, "only the directory is ensured");
    e
}

#[test]
fn every_flipped_byte_is_found_or_only_unproven_frames_are_dropped() {
    let disk = journal();
    let clean = frames::scan(&disk).unwrap();
    let files = files(&disk);
    let last = files.len() - 1;
    let mut dropped = 0;
    for (index, (path, bytes)) in files.iter().enumerate() {
        let bounds = bounds(&disk, path);
        for at in 0..bytes.len() as u64 {
            let mask = 1 << (at % 8);
            disk.corrupt(path, at, mask);
            let begin = bounds.iter().rfind(|&&b| b <= at).copied().unwrap_or(0);
            match frames::scan(&disk) {
                Err(e) => assert_eq!(place(&e), (path.clone(), begin), "byte {at}: {e}"),
                Ok(found) => {
                    assert_eq!(index, last, "{} byte {at}", path.display());
                    let tail = found.dropped.as_ref().expect("dropped is told");
                    assert_eq!((&tail.path, tail.offset), (path, begin), "byte {at}");
                    assert!(found.next.0 + 2 >= clean.next.0, "only the last sync");
                    let in_payload_of_one = begin + 24 <= at;
                    assert!(tail.complete || !in_payload_of_one, "byte {at}");
                    dropped += 1;
                }
            }
            disk.corrupt(path, at, mask);
        }
    }
    let group = frames::payload(clean.next.0 - 1).len() + frames::payload(clean.next.0 - 2).len();
    assert_eq!(dropped, group + 48, "every byte of the last sync");
    assert_eq!(frames::scan(&disk).unwrap(), clean);
}

#[test]
fn damage_stops_the_opening_and_modifies_nothing() {
    let disk = journal();
    let (path, _) = files(&disk).remove(1);
    disk.corrupt(&path, 30, 1);
    assert_eq!(place(&expect_untouched(&disk)), (path, 24));
}

#[test]
fn damage_in_front_of_a_later_sync_stops_the_opening() {
    let disk = journal();
    let (mut writer, _) = frames::open(disk.handle()).unwrap();
    let first = frames::append(&mut writer).unwrap();
    writer.sync().unwrap();
    frames::append(&mut writer).unwrap();
    writer.sync().unwrap();
    drop(writer);
    let path = Path::new(DIR).join(format!("{:020}.wal", first.file));
    disk.corrupt(&path, first.offset + 30, 0x80);
    let e = expect_untouched(&disk);
    assert_eq!(place(&e), (path.clone(), first.offset));
    assert!(matches!(e, JournalError::BadFrame { frame, .. } if frame == first.frame));
    // An altered length hides where the next frame begins; it is searched.
    disk.corrupt(&path, first.offset + 30, 0x80);
    disk.corrupt(&path, first.offset + 4, 0x01);
    assert_eq!(place(&expect_untouched(&disk)), (path, first.offset));
}

fn cut(disk: &SimFs, path: &Path, len: u64) -> SimFs {
    let mut file = disk.open_append(path).unwrap();
    file.set_len(len).unwrap();
    file.sync_data().unwrap();
    disk.restart()
}

#[test]
fn every_cut_is_found_or_only_the_last_file_loses_its_end() {
    let count = files(&journal()).len();
    for index in 0..count {
        let pristine = journal();
        let (path, bytes) = files(&pristine).remove(index);
        let bounds = bounds(&pristine, &path);
        let clean = frames::scan(&pristine).unwrap();
        let mut disk = pristine;
        for len in (0..bytes.len() as u64).rev() {
            disk = cut(&disk, &path, len);
            let found: Result<Recovery, JournalError> = frames::scan(&disk);
            if index + 1 < count {
                place(&found.expect_err("a file in the middle is short"));
                continue;
            }
            let found = found.unwrap();
            let whole = bounds.iter().skip(1).filter(|&&end| end <= len).count() as u64;
            let first = clean.next.0 - (bounds.len() as u64 - 1);
            assert_eq!(found.next.0, first + whole, "cut at {len}");
            let ended = bounds.contains(&len);
            assert_eq!(found.dropped.is_none(), ended, "cut at {len}");
            assert!(
                found.dropped.is_none_or(|tail| !tail.complete),
                "cut at {len}"
            );
        }
    }
}

#[test]
fn a_cut_journal_opens_and_goes_on() {
    for len in [0, 5, 23, 24, 25, 60] {
        let disk = journal();
        let (path, _) = files(&disk).pop().unwrap();
        let disk = cut(&disk, &path, len);
        let (mut journal, recovery) = frames::open(disk.handle()).unwrap();
        assert_eq!(recovery.dropped.is_some(), len != 24, "cut at {len}");
        frames::append(&mut journal).unwrap();
        journal.sync().unwrap();
        let (_, again) = frames::open(disk.crash().handle()).unwrap();
        assert_eq!(again.next.0, recovery.next.0 + 1);
        assert_eq!(again.dropped, None);
    }
}

#[test]
fn a_missing_a_swapped_and_a_doubled_file_are_found() {
    let disk = journal();
    let names: Vec<PathBuf> = files(&disk).into_iter().map(|(path, _)| path).collect();
    disk.remove(&names[1]).unwrap();
    assert_eq!(place(&expect_untouched(&disk)), (names[2].clone(), 0));

    let disk = journal();
    disk.rename(&names[0], &names[1]).unwrap();
    let e = expect_untouched(&disk);
    assert!(matches!(e, JournalError::WrongFirst { .. }), "{e}");
    assert_eq!(place(&e), (names[1].clone(), 0));

    let disk = journal();
    let bytes = disk.read(&names[0]).unwrap();
    let doubled = Path::new(DIR).join(format!("{:020}.wal", 1));
    disk.write_atomic(&doubled, &bytes, None).unwrap();
    let e = expect_untouched(&disk);
    assert!(matches!(e, JournalError::OutOfSequence { .. }), "{e}");
    assert_eq!(place(&e), (doubled, 0));
}

#[test]
fn a_visitor_that_refuses_stops_the_opening_with_the_place() {
    let disk = journal();
    let before = frames::contents(&disk);
    let e = indelible_journal::Journal::open(
        disk.handle(),
        Path::new(DIR),
        frames::SMALL,
        &mut |at, _| {
            if at.frame.0 == 1 {
                Err("no".into())
            } else {
                Ok(())
            }
        },
    )
    .unwrap_err();
    assert!(
        matches!(
            e,
            JournalError::Visit {
                frame: FrameNo(1),
                ..
            }
        ),
        "{e}"
    );
    assert_eq!(frames::contents(&disk), before);
}
