//! A spool that many short processes share. An event is a file, so that nobody who puts one waits for anybody: not for
//! another process, not for whoever is delivering, and no longer if much waits already.

mod deliver;
mod files;
mod hand_on;
mod running;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use journal::{Fs, FsError};

use super::SpoolError;
use crate::{draft::Source, env::Env};
pub use deliver::Watch;
use files::Files;

/// Bytes on disk above which nothing is added.
const LIMIT_BYTES: u64 = 1 << 30;
/// Most bytes of events read for delivery at a time. A server takes 16 MiB, and one event may be much of that.
const BATCH_BYTES: usize = 4 << 20;

/// Events on disk in one directory, shared by processes.
#[derive(Debug)]
pub struct SharedSpool {
    files: Files,
    env: Env,
    limit_bytes: u64,
}

/// The oldest events that wait.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Exact bytes, oldest first.
    pub events: Vec<Vec<u8>>,
    /// Files of them, and of what never became an event.
    names: Vec<String>,
    bytes: u64,
}

impl SharedSpool {
    /// The spool in a directory, which need not exist.
    #[must_use]
    pub fn new(fs: Arc<dyn Fs>, dir: &Path) -> Self {
        let env = Env {
            fs,
            ..Env::system()
        };
        Self::with(env, dir)
    }

    /// The same with a clock and randomness of one's own.
    #[must_use]
    pub fn with(env: Env, dir: &Path) -> Self {
        Self {
            files: Files::new(Arc::clone(&env.fs), dir),
            env,
            limit_bytes: LIMIT_BYTES,
        }
    }

    /// The same with another limit.
    #[must_use]
    pub fn limited(mut self, limit_bytes: u64) -> Self {
        self.limit_bytes = limit_bytes;
        self
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.files.root()
    }

    /// Where a key for the hashes of redactions is kept.
    #[must_use]
    pub fn key_path(&self) -> PathBuf {
        self.dir().join(crate::keys::REDACTION_KEY_FILE)
    }

    /// Keeps an event; it is durable afterwards.
    ///
    /// # Errors
    /// [`SpoolError`]; the event is not kept then.
    pub fn put(&self, event: &[u8]) -> Result<(), SpoolError> {
        self.keep(event, true)
    }

    /// Keeps an event; it outlives this process at once, and the machine when the operating system has written it.
    ///
    /// # Errors
    /// [`SpoolError`]; the event is not kept then.
    pub fn put_soon(&self, event: &[u8]) -> Result<(), SpoolError> {
        self.keep(event, false)
    }

    /// Counts an event that could not be kept. Whoever delivers next records how many there were.
    ///
    /// # Errors
    /// [`SpoolError`] if not even that can be written.
    pub fn count_lost(&self, source: Source) -> Result<(), SpoolError> {
        Ok(self.files.count_lost(source)?)
    }

    /// The oldest events that were not delivered yet, a batch of bounded size; none if the directory does not exist.
    ///
    /// # Errors
    /// [`SpoolError`] if they cannot be read.
    pub fn waiting(&self) -> Result<Waiting, SpoolError> {
        let names = self.files.names()?;
        let (waiting, _) = self.files.batch(&names)?;
        Ok(waiting)
    }

    /// How many events wait.
    ///
    /// # Errors
    /// [`SpoolError`] if the directory cannot be listed.
    pub fn count(&self) -> Result<usize, SpoolError> {
        Ok(self.files.names()?.len())
    }

    /// Forgets what [`Self::waiting`] returned.
    ///
    /// # Errors
    /// [`SpoolError`]; it will be delivered again then.
    pub fn delivered(&self, waiting: &Waiting) -> Result<(), SpoolError> {
        Ok(self.files.forget(waiting)?)
    }

    /// Whether another event may be kept.
    ///
    /// # Errors
    /// [`SpoolError::Full`] if not.
    pub fn check_room(&self) -> Result<(), SpoolError> {
        let bytes = self.files.bytes()?;
        if bytes > self.limit_bytes {
            return Err(SpoolError::Full {
                dir: self.dir().to_owned(),
                bytes,
                limit_bytes: self.limit_bytes,
            });
        }
        Ok(())
    }

    fn keep(&self, event: &[u8], is_durable: bool) -> Result<(), SpoolError> {
        self.check_room()?;
        Ok(self.files.keep(&self.name()?, event, is_durable)?)
    }

    /// Names sort as the events came: microseconds, and randomness against two of the same one.
    fn name(&self) -> Result<String, FsError> {
        let mut random = [0; 4];
        (self.env.random)(&mut random)
            .map_err(|source| FsError::io("name an event in", self.dir(), source))?;
        let random = u32::from_ne_bytes(random);
        Ok(format!("{:020}-{random:08x}", (self.env.now)().0))
    }
}

#[cfg(test)]
mod tests;
