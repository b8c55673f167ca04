//! Events that wait on disk for a server.
//!
//! A journal of frames, written by one process at a time (`docs/format.md` §12). Delivery is at least once: the server
//! knows an event again by its id. The number of the next event is in the journal too, so that a producer's numbers go
//! on after a restart, and whoever deletes the journal starts a new producer.

mod begun;
mod frame;
mod leftovers;
mod shared;

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
};

use journal::{FrameNo, Fs, FsError, Journal, JournalError, Location, Options, Reader};

pub use begun::{Begun, told};
use frame::Frame;
pub use leftovers::{LeftoverError, OWN_SPOOL_PREFIX, deliver_leftovers, deliver_own_spools};
pub use shared::{SharedSpool, Waiting, Watch};

/// A file of the spool: what was delivered is removed file by file.
const FILE_BYTES: u64 = 16 << 20;
/// An empty spool whose file has grown beyond this, or beyond half of its limit, begins a new one.
const COMPACT_BYTES: u64 = 4 << 20;
/// Bytes beyond the limit for the word that something was lost.
const RESERVE_BYTES: u64 = 1 << 20;
/// Most bytes of events read for delivery at a time. A server takes 16 MiB.
const BATCH_BYTES: usize = 4 << 20;
/// Most events read for delivery at a time. A server takes 10,000.
const BATCH_EVENTS: usize = 5_000;

/// Whose events these are, and the number of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Member `producer.id`.
    pub id: String,
    /// The next `producer.seq`.
    pub next_seq: u64,
}

/// The open spool of one process.
#[derive(Debug)]
pub struct Spool {
    journal: Journal,
    dir: PathBuf,
    limit_bytes: u64,
    producer: Producer,
    /// Frames that were not delivered yet.
    waiting: VecDeque<Held>,
    /// End of each file, by its first frame.
    files: BTreeMap<FrameNo, u64>,
    is_synced: bool,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    at: Location,
    events: usize,
}

/// The oldest events that wait, to be read beside the writer.
#[derive(Debug)]
pub struct Batch {
    reader: Reader,
    frames: Vec<Location>,
    events: usize,
}

/// Why events were not kept, or not read back.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file of a shared spool failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// It holds as much as it may.
    #[error("{} is full: {bytes} of {limit_bytes} bytes", dir.display())]
    Full {
        /// Directory of the spool.
        dir: PathBuf,
        /// Bytes in it.
        bytes: u64,
        /// Its limit.
        limit_bytes: u64,
    },
    /// A frame that this version does not write.
    #[error("{}: frame {frame} holds nothing that a spool holds", dir.display())]
    Unknown {
        /// Directory of the spool.
        dir: PathBuf,
        /// Number of the frame.
        frame: u64,
    },
}

impl Spool {
    /// Opens or creates the spool in a directory. `fresh` names the producer if there was none.
    ///
    /// # Errors
    /// [`SpoolError`] if it is damaged, or another process has it.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        limit_bytes: u64,
        fresh: &str,
    ) -> Result<Self, SpoolError> {
        let mut found = Found::default();
        let options = Options {
            rotate_bytes: FILE_BYTES,
        };
        let (journal, _) = Journal::open(fs, dir, options, &mut |at, payload| {
            found.visit(at, payload);
            Ok(())
        })?;
        if let Some(frame) = found.unknown {
            return Err(SpoolError::Unknown {
                dir: dir.to_owned(),
                frame,
            });
        }
        Ok(Self {
            journal,
            dir: dir.to_owned(),
            limit_bytes,
            producer: found.producer.unwrap_or_else(|| Producer {
                id: fresh.to_owned(),
                next_seq: 0,
            }),
            waiting: found.waiting,
            files: found.files,
            is_synced: true,
        })
    }

    /// Whose events it holds.
    #[must_use]
    pub fn producer(&self) -> &Producer {
        &self.producer
    }

    /// Keeps events, one JSON text a line, that begin with the producer's next number. They outlive the process at once,
    /// and the machine after the next [`Self::sync`].
    ///
    /// # Errors
    /// [`SpoolError`]; none of them is kept then. After an error other than [`SpoolError::Full`] it must be opened again.
    pub fn append(&mut self, lines: &[u8], events: usize) -> Result<(), SpoolError> {
        self.append_within(self.limit_bytes, lines, events)
    }

    /// The same for the word that something was lost, which has room of its own.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_reserved(&mut self, lines: &[u8], events: usize) -> Result<(), SpoolError> {
        self.append_within(
            self.limit_bytes.saturating_add(RESERVE_BYTES),
            lines,
            events,
        )
    }

    fn append_within(
        &mut self,
        limit_bytes: u64,
        lines: &[u8],
        events: usize,
    ) -> Result<(), SpoolError> {
        let bytes = self.bytes();
        if bytes + lines.len() as u64 > limit_bytes {
            return Err(SpoolError::Full {
                dir: self.dir.clone(),
                bytes,
                limit_bytes,
            });
        }
        let head = frame::events_head(&self.producer);
        let at = self.journal.append(&[&head, lines])?;
        self.note(at);
        self.waiting.push_back(Held { at, events });
        self.producer.next_seq += events as u64;
        Ok(())
    }

    /// Makes what was kept durable.
    ///
    /// # Errors
    /// [`SpoolError`]; it must be opened again then.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        if !self.is_synced {
            self.journal.sync()?;
            self.is_synced = true;
        }
        Ok(())
    }

    /// The oldest events that wait; `None` if there are none.
    #[must_use]
    pub fn batch(&self) -> Option<Batch> {
        let (mut bytes, mut events) = (0, 0);
        let fits = |held: &&Held| {
            let is_first = events == 0;
            bytes += held.at.len as usize;
            events += held.events;
            is_first || (bytes <= BATCH_BYTES && events <= BATCH_EVENTS)
        };
        let held: Vec<_> = self.waiting.iter().take_while(fits).collect();
        (!held.is_empty()).then(|| Batch {
            reader: self.journal.reader(),
            frames: held.iter().map(|held| held.at).collect(),
            events: held.iter().map(|held| held.events).sum(),
        })
    }

    /// Forgets events that were delivered.
    ///
    /// # Errors
    /// [`SpoolError`]; they may be delivered again then, and it must be opened again.
    pub fn delivered(&mut self, batch: &Batch) -> Result<(), SpoolError> {
        let Some(last) = batch.frames.last() else {
            return Ok(());
        };
        let below = last.frame.following();
        while self
            .waiting
            .front()
            .is_some_and(|held| held.at.frame < below)
        {
            self.waiting.pop_front();
        }
        self.mark(below)?;
        if self.waiting.is_empty() && self.bytes() > COMPACT_BYTES.min(self.limit_bytes / 2) {
            // Everything goes, and the mark is written again into the new file.
            self.journal.remove_before(self.journal.next())?;
            self.mark(below)?;
        } else {
            self.journal.remove_before(below)?;
        }
        let first = self.journal.first();
        self.files.retain(|file, _| *file >= first);
        Ok(())
    }

    /// Whether everything was delivered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn mark(&mut self, below: FrameNo) -> Result<(), SpoolError> {
        let at = self
            .journal
            .append(&[&frame::mark(below, &self.producer)])?;
        self.note(at);
        Ok(())
    }

    fn note(&mut self, at: Location) {
        self.files.insert(at.file, frame::end(&at));
        self.is_synced = false;
    }

    fn bytes(&self) -> u64 {
        self.files.values().sum()
    }
}

impl Batch {
    /// How many events it holds.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events
    }

    /// The events, one JSON text a line.
    ///
    /// # Errors
    /// [`SpoolError`] if a frame cannot be read back.
    pub fn lines(&self) -> Result<Vec<u8>, SpoolError> {
        let mut lines = Vec::new();
        for at in &self.frames {
            let payload = self.reader.read(*at)?;
            if let Some(Frame::Events { lines: some, .. }) = Frame::parse(&payload) {
                lines.extend_from_slice(some);
                if !some.ends_with(b"\n") {
                    lines.push(b'\n');
                }
            }
        }
        Ok(lines)
    }
}

/// What a journal turns out to hold.
#[derive(Default)]
struct Found {
    producer: Option<Producer>,
    waiting: VecDeque<Held>,
    files: BTreeMap<FrameNo, u64>,
    unknown: Option<u64>,
}

impl Found {
    fn visit(&mut self, at: Location, payload: &[u8]) {
        self.files.insert(at.file, frame::end(&at));
        match Frame::parse(payload) {
            Some(Frame::Events { lines, producer }) => {
                let events = count(lines);
                self.waiting.push_back(Held { at, events });
                self.producer = Some(Producer {
                    next_seq: producer.next_seq + events as u64,
                    ..producer
                });
            }
            Some(Frame::Delivered { below, producer }) => {
                self.waiting.retain(|held| held.at.frame >= below);
                self.producer = Some(producer);
            }
            None => self.unknown = self.unknown.or(Some(at.frame.0)),
        }
    }
}

/// Lines of a frame; the last one may lack its line feed.
fn count(lines: &[u8]) -> usize {
    let ended = memchr::memchr_iter(b'\n', lines).count();
    ended + usize::from(!lines.is_empty() && !lines.ends_with(b"\n"))
}

#[cfg(test)]
mod tests;
