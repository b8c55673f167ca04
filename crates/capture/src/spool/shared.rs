//! A spool that many short processes share: each opens it for one event.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use journal::{FrameNo, Fs, FsError, Journal, JournalError, Options};

use super::{
    BATCH_EVENTS, SpoolError, count,
    frame::{DELIVERED, EVENT, Frame},
};

/// A file of the spool: what was delivered is removed file by file.
const FILE_BYTES: u64 = 1 << 20;
/// Bytes on disk above which nothing is added.
const LIMIT_BYTES: u64 = 1 << 30;
/// Longest wait for another process that has the spool open, which takes milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(5);
/// Most bytes of events read for delivery at a time.
const BATCH_BYTES: usize = 8 << 20;

/// Events on disk in one directory, shared by processes.
#[derive(Debug)]
pub struct SharedSpool {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
}

/// The oldest events that wait.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Exact bytes, oldest first.
    pub events: Vec<Vec<u8>>,
    /// One past the frame of the last of them.
    end: u64,
}

impl SharedSpool {
    /// The spool in a directory, which need not exist.
    #[must_use]
    pub fn new(fs: Arc<dyn Fs>, dir: &Path) -> Self {
        Self {
            fs,
            dir: dir.to_owned(),
        }
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps an event; it is durable afterwards.
    ///
    /// # Errors
    /// [`SpoolError`]; the event is not kept then.
    pub fn put(&self, event: &[u8]) -> Result<(), SpoolError> {
        let (mut journal, bytes) = self.open()?;
        if bytes > LIMIT_BYTES {
            return Err(SpoolError::Full {
                dir: self.dir.clone(),
                bytes,
                limit_bytes: LIMIT_BYTES,
            });
        }
        journal.append(&[&[EVENT], event])?;
        Ok(journal.sync()?)
    }

    /// The oldest events that were not delivered yet, a batch of bounded size; none if the directory does not exist.
    ///
    /// # Errors
    /// [`SpoolError`] if the journal is damaged, or is just being written by another process.
    pub fn waiting(&self) -> Result<Waiting, SpoolError> {
        let mut waiting = Waiting::default();
        if !self.fs.exists(&self.dir).map_err(JournalError::from)? {
            return Ok(waiting);
        }
        // Frames that are marked delivered by a later one; so two passes.
        let mut delivered = FrameNo(0);
        Journal::scan(self.fs.as_ref(), &self.dir, &mut |_, payload| {
            if let Some(Frame::Delivered { below, .. }) = Frame::parse(payload) {
                delivered = below;
            }
            Ok(())
        })?;
        let (mut bytes, mut events, mut is_full) = (0, 0, false);
        let mut unknown = None;
        Journal::scan(self.fs.as_ref(), &self.dir, &mut |at, payload| {
            match Frame::parse(payload) {
                Some(Frame::Events { lines, .. }) if at.frame >= delivered => {
                    bytes += lines.len();
                    events += count(lines);
                    let fits = bytes <= BATCH_BYTES && events <= BATCH_EVENTS;
                    is_full |= !fits && !waiting.events.is_empty();
                    if !is_full {
                        let lines = lines.split(|byte| *byte == b'\n');
                        let events = lines.filter(|line| !line.is_empty());
                        waiting.events.extend(events.map(<[u8]>::to_vec));
                        waiting.end = at.frame.0 + 1;
                    }
                }
                Some(_) => {}
                None => unknown = Some(at.frame.0),
            }
            Ok(())
        })?;
        match unknown {
            Some(frame) => Err(SpoolError::Unknown {
                dir: self.dir.clone(),
                frame,
            }),
            None => Ok(waiting),
        }
    }

    /// Marks what [`Self::waiting`] returned as delivered.
    ///
    /// # Errors
    /// [`SpoolError`]; it will be delivered again then.
    pub fn delivered(&self, waiting: &Waiting) -> Result<(), SpoolError> {
        let (mut journal, _) = self.open()?;
        let at = journal.append(&[&[DELIVERED], &waiting.end.to_le_bytes()])?;
        journal.sync()?;
        // The mark itself must stay, events below it need not.
        let below = at.frame.0.min(waiting.end);
        Ok(journal.remove_before(FrameNo(below))?)
    }

    fn open(&self) -> Result<(Journal, u64), SpoolError> {
        let deadline = Instant::now() + LOCK_WAIT;
        loop {
            let options = Options {
                rotate_bytes: FILE_BYTES,
            };
            match Journal::open(Arc::clone(&self.fs), &self.dir, options, &mut |_, _| Ok(())) {
                Ok((journal, recovery)) => return Ok((journal, recovery.bytes)),
                Err(JournalError::Fs(FsError::Locked { .. })) if Instant::now() < deadline => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use journal::RealFs;

    use super::*;

    fn spool() -> (tempfile::TempDir, SharedSpool) {
        let dir = tempfile::tempdir().unwrap();
        let spool = SharedSpool::new(Arc::new(RealFs), &dir.path().join("spool"));
        (dir, spool)
    }

    #[test]
    fn events_wait_until_they_are_delivered() {
        let (_dir, spool) = spool();
        assert_eq!(spool.waiting().unwrap(), Waiting::default());
        spool.put(b"{\"n\":1}").unwrap();
        spool.put(b"{\"n\":2}").unwrap();
        let first = spool.waiting().unwrap();
        assert_eq!(first.events, [b"{\"n\":1}", b"{\"n\":2}"]);
        // Put by another process between reading and marking.
        spool.put(b"{\"n\":3}").unwrap();
        spool.delivered(&first).unwrap();
        let second = spool.waiting().unwrap();
        assert_eq!(second.events, [b"{\"n\":3}"]);
        spool.delivered(&second).unwrap();
        assert_eq!(spool.waiting().unwrap().events, Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_batch_is_bounded_and_the_rest_follows() {
        let (_dir, spool) = spool();
        let event = vec![b'x'; BATCH_BYTES / 2 + 1];
        for _ in 0..3 {
            spool.put(&event).unwrap();
        }
        for _ in 0..3 {
            let waiting = spool.waiting().unwrap();
            assert_eq!(waiting.events.len(), 1);
            spool.delivered(&waiting).unwrap();
        }
        assert!(spool.waiting().unwrap().events.is_empty());
    }

    #[test]
    fn processes_that_put_at_once_lose_nothing() {
        let (_dir, spool) = spool();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5).for_each(|_| spool.put(b"{}").unwrap()));
            }
        });
        assert_eq!(spool.waiting().unwrap().events.len(), 20);
    }
}
