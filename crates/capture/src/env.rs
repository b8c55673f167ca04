//! What capture takes from outside: files, clock, randomness.

use std::{
    io,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use event::Micros;
use journal::{Fs, RealFs};

use crate::event_id;

/// Files, clock and randomness of one gateway.
#[derive(Clone, Debug)]
pub struct Env {
    /// Files of the spool; a simulated disk in fault tests.
    pub fs: Arc<dyn Fs>,
    /// Wall-clock time.
    pub now: fn() -> Micros,
    /// Fills a buffer with random bytes.
    pub random: fn(&mut [u8]) -> io::Result<()>,
}

impl Env {
    /// The operating system's.
    #[must_use]
    pub fn system() -> Self {
        Self {
            fs: Arc::new(RealFs),
            now: system_now,
            random: |buffer| getrandom::fill(buffer).map_err(io::Error::from),
        }
    }

    /// A fresh id for an event or a call.
    #[must_use]
    pub fn new_id(&self) -> String {
        let mut random = [0; 10];
        // Linux always has randomness once it has booted; without it only the time would tell ids apart.
        let _ = (self.random)(&mut random);
        event_id((self.now)(), random)
    }
}

fn system_now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.unwrap_or_default().as_micros();
    Micros(u64::try_from(micros).unwrap_or(u64::MAX))
}
