//! Surface `shell`: one command, run and recorded.
//!
//! A wrapper sees the command, not its children, and not in which order the two streams were written
//! relative to each other. Like a pipeline it ends when the command has ended and both streams are closed.

mod excerpt;
mod output;
mod pass;
mod record;
mod run;
mod secrets;
pub mod session;
mod signals;
mod stream;
mod tap;
mod terminal;
mod writer;

use std::{ffi::OsString, path::PathBuf};

use event::Micros;

pub use excerpt::{EDGE_BYTES, Excerpt};
pub use pass::Left;
pub use record::Told;
pub use run::{INTENT_AFTER, RunError, Sinks, run};
pub use secrets::{of_arguments, of_environment};
pub use signals::{Caught, Forwarding};
pub use stream::{Recorded, Stream};
pub use terminal::{Terminal, run_in_terminal};
pub use writer::Writer;

/// Variables whose values are recorded; the others may hold secrets.
const RECORDED_ENV: [&str; 12] = [
    "CI", "HOME", "HOSTNAME", "LANG", "LC_ALL", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TZ",
    "USER",
];

/// A command as it was asked for.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Program and arguments; never empty.
    pub argv: Vec<OsString>,
    /// Working directory, if it is known.
    pub cwd: Option<PathBuf>,
    /// Recorded part of the environment, by name.
    pub env: Vec<(String, OsString)>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It never began: why, and the status that a shell gives for it (127 not found, 126 otherwise).
    NotStarted {
        /// The operating system's reason.
        reason: String,
        /// 126 or 127.
        status: i32,
    },
}

/// A command that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How.
    pub ending: Ending,
    /// When it was started.
    pub started_at: Micros,
    /// How long it ran, microseconds.
    pub duration_us: u64,
    /// What it wrote to standard output.
    pub stdout: Recorded,
    /// What it wrote to standard error.
    pub stderr: Recorded,
    /// Signals that were passed on to it.
    pub signals: Vec<i32>,
    /// Outputs that could not be passed on as a whole, and why.
    pub unwritten: Vec<(&'static str, String)>,
    /// Whether others still hold its output.
    pub is_left_open: bool,
    /// Whether its intent was recorded while it ran.
    pub has_intent: bool,
}

impl Finished {
    /// A command that has done nothing yet.
    #[must_use]
    pub fn new(started_at: Micros) -> Self {
        Self {
            ending: Ending::Exited(0),
            started_at,
            duration_us: 0,
            stdout: Recorded::default(),
            stderr: Recorded::default(),
            signals: Vec::new(),
            unwritten: Vec::new(),
            is_left_open: false,
            has_intent: false,
        }
    }
}

impl Finished {
    /// The status for the caller: a command that succeeded has not if its output was lost.
    #[must_use]
    pub fn status(&self) -> i32 {
        match self.ending.status() {
            0 if !self.unwritten.is_empty() => 1,
            status => status,
        }
    }
}

impl Invocation {
    /// A command with the part of an environment that is recorded.
    #[must_use]
    pub fn new(
        argv: Vec<OsString>,
        cwd: Option<PathBuf>,
        env: impl Iterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut env: Vec<_> = env
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| RECORDED_ENV.contains(&name.as_str()))
            .collect();
        env.sort();
        Self { argv, cwd, env }
    }
}

impl Ending {
    /// The status that a shell would report: 128 + n for signal n.
    #[must_use]
    pub fn status(&self) -> i32 {
        match self {
            Self::Exited(status) | Self::NotStarted { status, .. } => *status,
            Self::Signalled(signal) => 128 + signal,
        }
    }
}
