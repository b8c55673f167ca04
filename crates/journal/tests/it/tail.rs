//! Bounds, locations and the lock.

use std::path::Path;

use indelible_journal::sim::SimFs;
use indelible_journal::{FrameNo, Fs, FsError, Journal, JournalError, MAX_FRAME_BYTES, Options};

use crate::frames::{self, DIR};

#[test]
fn frames_are_read_by_location_until_their_file_is_removed() {
    let disk = SimFs::new(0);
    let (mut journal, _) = frames::open(disk.handle()).unwrap();
    let at: Vec<_> = (0..20)
        .map(|_| frames::append(&mut journal).unwrap())
        .collect();
    let reader = journal.reader();
    for at in &at {
        assert_eq!(reader.read(*at).unwrap(), frames::payload(at.frame.0));
    }
    let mut wrong = at[3];
    wrong.frame = FrameNo(4);
    assert!(matches!(
        reader.read(wrong),
        Err(JournalError::NotThere { .. })
    ));
    wrong = at[3];
    wrong.offset += 1;
    assert!(matches!(
        reader.read(wrong),
        Err(JournalError::NotThere { .. })
    ));
    let path = Path::new(DIR).join(format!("{:020}.wal", at[3].file));
    disk.corrupt(&path, at[3].offset + 24, 1);
    assert!(matches!(
        reader.read(at[3]),
        Err(JournalError::NotThere { .. })
    ));

    journal.sync().unwrap();
    journal.remove_before(FrameNo(19)).unwrap();
    assert!(matches!(reader.read(at[0]), Err(JournalError::Fs(e)) if e.is_not_found()));
    assert_eq!(reader.read(at[19]).unwrap(), frames::payload(19));
}

#[test]
fn files_of_format_version_1_stay_readable() {
    let disk = SimFs::new(0);
    disk.create_dir_all(Path::new(DIR)).unwrap();
    let path = Path::new(DIR).join(format!("{:020}.wal", 7));
    let bytes = include_bytes!("../fixtures/v1.wal");
    disk.write_atomic(&path, bytes, None).unwrap();
    let mut seen = Vec::new();
    let recovery = Journal::scan(&disk, Path::new(DIR), &mut |at, payload| {
        seen.push((at.frame.0, payload.to_vec()));
        Ok(())
    })
    .unwrap();
    let frame = |number, payload: &[u8]| (number, payload.to_vec());
    let expected = [frame(7, b"first"), frame(8, b"same group"), frame(9, b"\0")];
    assert_eq!(seen, expected);
    assert_eq!(recovery.dropped, None);
}

#[test]
fn removal_keeps_every_file_that_holds_a_wanted_frame() {
    let disk = SimFs::new(0);
    let (mut journal, _) = frames::open(disk.handle()).unwrap();
    let at: Vec<_> = (0..30)
        .map(|_| frames::append(&mut journal).unwrap())
        .collect();
    journal.sync().unwrap();
    for wanted in 0..30 {
        journal.remove_before(FrameNo(wanted)).unwrap();
        let index = usize::try_from(wanted).unwrap();
        assert_eq!(journal.first(), at[index].file, "frames below {wanted}");
    }
    journal.remove_before(journal.next()).unwrap();
    assert_eq!(journal.first(), journal.next(), "nothing is wanted");
    let (_, empty) = frames::open(disk.crash().handle()).unwrap();
    assert_eq!((empty.first.0, empty.next.0, empty.files), (30, 30, 1));
}

#[test]
fn empty_and_oversized_frames_are_refused_and_change_nothing() {
    let disk = SimFs::new(0);
    let (mut journal, _) = frames::open(disk.handle()).unwrap();
    let half = vec![0; MAX_FRAME_BYTES / 2 + 1];
    for parts in [&[][..], &[&[][..]], &[&half[..], &half[..]]] {
        let e = journal.append(parts).unwrap_err();
        assert!(matches!(e, JournalError::FrameSize { .. }), "{e}");
    }
    assert!(journal.poison().is_none());
    assert_eq!(frames::append(&mut journal).unwrap().frame, FrameNo(0));
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let disk = SimFs::new(0);
    let (journal, _) = frames::open(disk.handle()).unwrap();
    let e = frames::open(disk.handle()).unwrap_err();
    assert!(matches!(e, JournalError::Fs(FsError::Locked { .. })), "{e}");
    assert!(frames::scan(&disk).is_ok(), "reading needs no lock");
    drop(journal);
    frames::open(disk.handle()).unwrap();
}

#[test]
fn frames_larger_than_a_read_are_recovered() {
    let disk = SimFs::new(0);
    let open = |visitor: &mut indelible_journal::Visitor<'_>| {
        let options = Options::default();
        Journal::open(disk.handle(), Path::new(DIR), options, visitor).unwrap()
    };
    let sizes = [3_000_000_usize, 10, 1_048_576, 700_000, 700_000, 1];
    let (mut journal, _) = open(&mut |_, _| Ok(()));
    for (fill, size) in sizes.into_iter().enumerate() {
        let bytes = vec![u8::try_from(fill).unwrap(); size];
        journal.append(&[&bytes]).unwrap();
    }
    journal.sync().unwrap();
    drop(journal);
    let mut seen = Vec::new();
    open(&mut |at, bytes| {
        let fill = u8::try_from(at.frame.0).unwrap();
        assert!(bytes.iter().all(|&b| b == fill));
        seen.push(bytes.len());
        Ok(())
    });
    assert_eq!(seen, sizes);
}
