//! The operating system's files.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use indelible_journal::{FrameNo, Fs, FsError, Journal, JournalError, Options, RealFs};

use crate::frames;

const ROTATE: Options = Options { rotate_bytes: 3000 };

fn open(dir: &Path) -> (Journal, Vec<u64>) {
    let mut seen = Vec::new();
    let (journal, recovery) = Journal::open(Arc::new(RealFs), dir, ROTATE, &mut |at, bytes| {
        assert_eq!(bytes, frames::payload(at.frame.0));
        seen.push(at.frame.0);
        Ok(())
    })
    .unwrap();
    assert_eq!(recovery.dropped, None);
    (journal, seen)
}

#[test]
fn a_journal_lives_on_real_files() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("a/b");
    for life in 0..5 {
        let (mut journal, seen) = open(&dir);
        assert_eq!(journal.next().0, life * 20);
        assert!(seen.iter().copied().eq(journal.first().0..life * 20));
        for _ in 0..20 {
            let at = frames::append(&mut journal).unwrap();
            journal.sync().unwrap();
            let read = journal.reader().read(at).unwrap();
            assert_eq!(read, frames::payload(at.frame.0));
        }
        journal.remove_before(FrameNo(life * 20)).unwrap();
    }
    let (journal, _) = open(&dir);
    assert!(journal.first().0 > 60, "{}", journal.first());
}

#[test]
fn a_torn_real_file_loses_only_its_last_frame() {
    let temp = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(temp.path());
    let at = [(); 3].map(|()| frames::append(&mut journal).unwrap());
    journal.sync().unwrap();
    drop(journal);
    let path = temp.path().join(format!("{:020}.wal", 0));
    let mut file = RealFs.open_append(&path).unwrap();
    file.set_len(at[2].offset + 30).unwrap();
    let recovery = Journal::scan(&RealFs, temp.path(), &mut |_, _| Ok(())).unwrap();
    assert_eq!(recovery.next, FrameNo(2));
    let dropped = recovery.dropped.unwrap();
    assert_eq!((dropped.offset, dropped.bytes), (at[2].offset, 30));
}

#[test]
fn a_directory_has_one_writer() {
    let temp = tempfile::tempdir().unwrap();
    let (journal, _) = open(temp.path());
    let second = Journal::open(Arc::new(RealFs), temp.path(), ROTATE, &mut |_, _| Ok(()));
    let e = second.unwrap_err();
    assert!(matches!(e, JournalError::Fs(FsError::Locked { .. })), "{e}");
    drop(journal);
    open(temp.path());
}

#[test]
fn atomic_replacement_sets_the_mode_and_survives_leftovers() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("key");
    std::fs::write(temp.path().join("key.tmp"), b"left over").unwrap();
    RealFs.write_atomic(&path, b"one", Some(0o600)).unwrap();
    RealFs.write_atomic(&path, b"two", Some(0o600)).unwrap();
    assert_eq!(RealFs.read(&path).unwrap(), b"two");
    assert_eq!(RealFs.list(temp.path()).unwrap(), ["key"]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn calls_name_what_was_tried_and_where() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("absent");
    let e = RealFs.read(&path).unwrap_err();
    assert!(e.is_not_found());
    let text = e.to_string();
    assert!(
        text.starts_with("cannot read ") && text.contains("/absent"),
        "{text}"
    );
    let mut file = RealFs.create_new(&path).unwrap();
    assert!(RealFs.create_new(&path).is_err());
    file.append_vectored(&[b"", b"ab", b"", b"cde", b""])
        .unwrap();
    let mut buf = [0; 8];
    assert_eq!(file.read_at(1, &mut buf).unwrap(), 4);
    assert_eq!(&buf[..4], b"bcde");
    assert!(file.read_exact_at(1, &mut buf).is_err());
    let mut more = RealFs.open_append(&path).unwrap();
    more.append(b"XY").unwrap();
    assert_eq!(RealFs.read(&path).unwrap(), b"abcdeXY");
    more.set_len(2).unwrap();
    more.append(b"Z").unwrap();
    assert_eq!(RealFs.read(&path).unwrap(), b"abZ");
}
