//! Events that wait on disk for a server.
//!
//! A journal of frames: kind 1 is an event's bytes; kind 2 says that all events in frames below a number (u64
//! little-endian) were delivered. Delivery is at least once: the server knows an event again by its id.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use journal::{Fs, FsError, Journal, JournalError, Options};

const KIND_EVENT: u8 = 1;
const KIND_DELIVERED: u8 = 2;

/// A file of the spool: what was delivered is removed file by file.
const FILE_BYTES: u64 = 1 << 20;
/// Bytes on disk above which nothing is added.
const LIMIT_BYTES: u64 = 1 << 30;
/// Longest wait for another process that has the spool open, which takes milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(5);
/// Most bytes of events read for delivery at a time.
const BATCH_BYTES: usize = 8 << 20;
/// Most events read for delivery at a time.
const BATCH_EVENTS: usize = 1_000;

/// Events on disk in one directory, shared by processes.
#[derive(Debug)]
pub struct Spool {
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

/// Why an event was not kept, or not read back.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It holds as much as it may.
    #[error("{} is full: {bytes} of {LIMIT_BYTES} bytes", dir.display())]
    Full {
        /// Directory of the spool.
        dir: PathBuf,
        /// Bytes in it.
        bytes: u64,
    },
    /// A frame that this version does not write.
    #[error("{}: frame {frame} is not an event", dir.display())]
    Unknown {
        /// Directory of the spool.
        dir: PathBuf,
        /// Number of the frame.
        frame: u64,
    },
}

impl Spool {
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
            });
        }
        journal.append(&[&[KIND_EVENT], event])?;
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
        let mut delivered = 0;
        Journal::scan(self.fs.as_ref(), &self.dir, &mut |_, payload| {
            if let Some((&KIND_DELIVERED, number)) = payload.split_first() {
                let number = number.try_into().map_err(|_| "not a frame number")?;
                delivered = u64::from_le_bytes(number);
            }
            Ok(())
        })?;
        let mut bytes = 0;
        let mut unknown = None;
        Journal::scan(self.fs.as_ref(), &self.dir, &mut |at, payload| {
            match payload.split_first() {
                Some((&KIND_DELIVERED, _)) => {}
                Some((&KIND_EVENT, event)) => {
                    bytes += event.len();
                    let fits = bytes <= BATCH_BYTES || waiting.events.is_empty();
                    if at.frame.0 >= delivered && fits && waiting.events.len() < BATCH_EVENTS {
                        waiting.events.push(event.to_vec());
                        waiting.end = at.frame.0 + 1;
                    }
                }
                _ => unknown = Some(at.frame.0),
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
        let at = journal.append(&[&[KIND_DELIVERED], &waiting.end.to_le_bytes()])?;
        journal.sync()?;
        // The mark itself must stay, events below it need not.
        let below = at.frame.0.min(waiting.end);
        Ok(journal.remove_before(journal::FrameNo(below))?)
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

    fn spool() -> (tempfile::TempDir, Spool) {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(Arc::new(RealFs), &dir.path().join("spool"));
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
