//! A spool that many short processes share: each opens it for one event.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use journal::{FrameNo, Fs, FsError, Journal, JournalError, Options};

use super::{
    BATCH_EVENTS, SpoolError,
    begun::{self, Abandoned, Begun},
    count,
    frame::{DELIVERED, EVENT, Frame},
};

/// A file of the spool: what was delivered is removed file by file.
const FILE_BYTES: u64 = 1 << 20;
/// Bytes on disk above which nothing is added.
const LIMIT_BYTES: u64 = 1 << 30;
/// Files of single actions that may wait before they are put together: opening the journal reads all of it.
const MAX_BEGUN: usize = 64;
/// Ends the name of a file of frames.
const FRAMES: &str = ".wal";
/// Holds the number of events that were lost since that was last told.
const LOST_FILE: &str = "lost";
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
    limit_bytes: u64,
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
            limit_bytes: LIMIT_BYTES,
        }
    }

    /// The same with another limit than 1 GiB.
    #[must_use]
    pub fn limited(self, limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            ..self
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
        if bytes > self.limit_bytes {
            return Err(self.full(bytes));
        }
        journal.append(&[&[EVENT], event])?;
        Ok(journal.sync()?)
    }

    /// The file of an action that begins, with its intent.
    ///
    /// # Errors
    /// [`SpoolError`]; there is none then.
    pub fn begin(&self, name: &str, intent: &[u8]) -> Result<Begun, SpoolError> {
        let begun = Begun::create(&self.fs, &self.dir, name, intent);
        Ok(begun.map_err(JournalError::from)?)
    }

    /// Whether another event may be kept.
    ///
    /// # Errors
    /// [`SpoolError::Full`] if not.
    pub fn check_room(&self) -> Result<(), SpoolError> {
        let names = self.fs.list(&self.dir).map_err(JournalError::from)?;
        let mut bytes = 0;
        for name in names.iter().filter(|name| name.ends_with(FRAMES)) {
            // Another process may just have delivered and removed it.
            bytes += self.fs.len(&self.dir.join(name)).unwrap_or(0);
        }
        if bytes > self.limit_bytes {
            return Err(self.full(bytes));
        }
        Ok(())
    }

    /// Takes over what processes that are gone have left, once there is a lot of it.
    ///
    /// # Errors
    /// As [`Self::adopt`].
    pub fn adopt_many(&self) -> Result<(), SpoolError> {
        let waiting = begun::count(self.fs.as_ref(), &self.dir).map_err(JournalError::from)?;
        if waiting > MAX_BEGUN {
            self.adopt()?;
        }
        Ok(())
    }

    /// Takes over what processes that are gone have left. What there is no room for is lost, and counted.
    ///
    /// # Errors
    /// [`SpoolError`]; what was not taken over still waits.
    pub fn adopt(&self) -> Result<(), SpoolError> {
        if !self.fs.exists(&self.dir).map_err(JournalError::from)? {
            return Ok(());
        }
        let abandoned = Abandoned::all(&self.fs, &self.dir).map_err(JournalError::from)?;
        if abandoned.is_empty() {
            return Ok(());
        }
        let (mut journal, mut bytes) = self.open()?;
        let mut lost = 0;
        for event in abandoned.iter().flat_map(|one| &one.events) {
            if bytes > self.limit_bytes {
                lost += 1;
                continue;
            }
            journal.append(&[&[EVENT], event])?;
            bytes += event.len() as u64;
        }
        journal.sync()?;
        if lost > 0 {
            self.set_lost(self.lost() + lost)?;
        }
        for one in abandoned {
            one.remove().map_err(JournalError::from)?;
        }
        Ok(())
    }

    /// Counts an event that is lost.
    ///
    /// # Errors
    /// [`SpoolError`] if not even that is possible.
    pub fn lose(&self) -> Result<(), SpoolError> {
        let _journal = self.open()?;
        self.set_lost(self.lost() + 1)
    }

    /// How many events were lost, if some were. They are the caller's to tell: with what `tell` answers it says whether it
    /// could.
    ///
    /// # Errors
    /// [`SpoolError`] if that is not known; it may be told again then.
    pub fn tell_lost(&self, tell: impl FnOnce(u64) -> bool) -> Result<(), SpoolError> {
        if !self
            .fs
            .exists(&self.lost_path())
            .map_err(JournalError::from)?
        {
            return Ok(());
        }
        let _journal = self.open()?;
        let lost = self.lost();
        if lost == 0 || tell(lost) {
            self.fs
                .remove(&self.lost_path())
                .map_err(JournalError::from)?;
        }
        Ok(())
    }

    fn lost_path(&self) -> PathBuf {
        self.dir.join(LOST_FILE)
    }

    fn lost(&self) -> u64 {
        let text = self.fs.read(&self.lost_path()).unwrap_or_default();
        let number = std::str::from_utf8(&text).ok();
        number
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }

    /// With the lock of the journal.
    fn set_lost(&self, events: u64) -> Result<(), SpoolError> {
        let text = format!("{events}\n");
        let written = self
            .fs
            .write_atomic(&self.lost_path(), text.as_bytes(), None);
        Ok(written.map_err(JournalError::from)?)
    }

    fn full(&self, bytes: u64) -> SpoolError {
        SpoolError::Full {
            dir: self.dir.clone(),
            bytes,
            limit_bytes: self.limit_bytes,
        }
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
    fn what_is_left_behind_is_taken_over_once() {
        let (_dir, spool) = spool();
        std::fs::create_dir(spool.dir()).unwrap();
        drop(spool.begin("a", b"{\"n\":1}").unwrap());
        let running = spool.begin("b", b"{\"n\":2}").unwrap();
        spool.adopt().unwrap();
        spool.adopt().unwrap();
        assert_eq!(spool.waiting().unwrap().events, [b"{\"n\":1}"]);
        drop(running);
        spool.adopt_many().unwrap();
        assert_eq!(spool.waiting().unwrap().events.len(), 1, "one is not many");
        for n in 0..MAX_BEGUN {
            drop(spool.begin(&format!("c{n}"), b"{}").unwrap());
        }
        spool.adopt_many().unwrap();
        assert_eq!(spool.waiting().unwrap().events.len(), MAX_BEGUN + 2);
    }

    #[test]
    fn what_a_full_spool_cannot_take_is_counted_and_told_once() {
        let (_dir, spool) = spool();
        let spool = spool.limited(0);
        spool.put(b"{\"n\":1}").unwrap();
        assert!(matches!(spool.put(b"{}"), Err(SpoolError::Full { .. })));
        spool.lose().unwrap();
        drop(spool.begin("a", b"{\"n\":2}").unwrap());
        spool.adopt().unwrap();
        spool.tell_lost(|lost| lost != 2).unwrap();
        let mut told = 0;
        for _ in 0..2 {
            let tell = |lost| {
                told += lost;
                true
            };
            spool.tell_lost(tell).unwrap();
        }
        assert_eq!(told, 2);
        assert_eq!(spool.waiting().unwrap().events, [b"{\"n\":1}"]);
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
