//! What the ledger takes from outside: disk, clock, randomness.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use event::Micros;
use journal::Fs;

/// Wall-clock time.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970, UTC. May jump either way: the sequencer keeps `recorded_at` from decreasing.
    fn now(&self) -> Micros;
}

/// Random bytes fit for secrets.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// If the operating system has no randomness to give.
    fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()>;
}

/// Disk, clock and randomness of one ledger.
#[derive(Clone)]
pub struct Env {
    /// Files; a simulated disk in fault tests.
    pub fs: Arc<dyn Fs>,
    /// Server time.
    pub clock: Arc<dyn Clock>,
    /// Secrets, keys and identifiers.
    pub entropy: Arc<dyn Entropy>,
}

impl Env {
    /// The given files with the system's clock and randomness.
    #[must_use]
    pub fn system(fs: Arc<dyn Fs>) -> Self {
        Self {
            fs,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        }
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// The operating system's random generator.
#[derive(Debug, Clone, Copy)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()> {
        getrandom::fill(buffer).map_err(std::io::Error::from)
    }
}
