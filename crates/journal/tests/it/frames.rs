//! Payloads that are known from their number, and journals made of them.

use std::path::Path;
use std::sync::Arc;

use indelible_journal::{FrameNo, Fs, Journal, JournalError, Location, Options, Recovery};

pub(crate) const DIR: &str = "/data/wal";

/// Small files, so that a short run rotates often.
pub(crate) const SMALL: Options = Options { rotate_bytes: 2000 };

/// The payload of a frame: 1 to 1,200 bytes that no other frame has.
pub(crate) fn payload(number: u64) -> Vec<u8> {
    let mut bytes = format!("frame {number};").into_bytes();
    let len = (number * 7919) % 1200;
    bytes.resize(usize::try_from(len).unwrap().max(bytes.len()), b'.');
    bytes
}

pub(crate) fn append(journal: &mut Journal) -> Result<Location, JournalError> {
    let bytes = payload(journal.next().0);
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    journal.append(&[head, &[], tail])
}

/// Opens a journal and checks that every frame has its own payload and that they follow each other.
pub(crate) fn open(fs: Arc<dyn Fs>) -> Result<(Journal, Recovery), JournalError> {
    let mut seen = Vec::new();
    let (journal, recovery) = Journal::open(fs, Path::new(DIR), SMALL, &mut |at, bytes| {
        check(&mut seen, at, bytes);
        Ok(())
    })?;
    assert_eq!(seen.len() as u64, recovery.next.0 - recovery.first.0);
    assert_eq!(
        seen.first().copied().unwrap_or(recovery.next),
        recovery.first
    );
    assert_eq!(journal.next(), recovery.next);
    assert_eq!(journal.synced(), recovery.next);
    Ok((journal, recovery))
}

/// The same without writing.
pub(crate) fn scan(fs: &dyn Fs) -> Result<Recovery, JournalError> {
    let mut seen = Vec::new();
    Journal::scan(fs, Path::new(DIR), &mut |at, bytes| {
        check(&mut seen, at, bytes);
        Ok(())
    })
}

fn check(seen: &mut Vec<FrameNo>, at: Location, bytes: &[u8]) {
    assert_eq!(bytes, payload(at.frame.0), "bytes of frame {}", at.frame);
    assert_eq!(at.len as usize, bytes.len());
    if let Some(last) = seen.last() {
        assert_eq!(at.frame.0, last.0 + 1, "order");
    }
    seen.push(at.frame);
}

/// Every file of the journal's directory.
pub(crate) fn contents(fs: &dyn Fs) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(DIR);
    let names = fs.list(dir).unwrap();
    let read = |name: String| {
        let bytes = fs.read(&dir.join(&name)).unwrap();
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}
