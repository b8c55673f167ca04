//! A relay around a server that speaks over its standard streams.
//!
//! Bytes pass as they come; a copy of them goes to the recorder before they are written on, so that a request is known before
//! its answer. A server sees what it would see without us: the end of its input, a client that reads no more, signals.

mod out;
mod pump;
mod strict;
mod watch;

use std::{
    ffi::OsString,
    fs::File,
    io::ErrorKind,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use super::{Catalogue, pending::Side};
use crate::{
    config::Mode,
    draft::Source,
    identity::Scope,
    recorder::{Recorder, Work},
    shell::{Caught, Forwarding},
};
use out::Out;
use pump::{Clock, Tap};
use watch::Watch;

/// How long the streams of a server that has ended may stay open: a process that it started may hold them.
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// Keys of ours, which are never a wrapped program's business.
const OUR_KEYS: [&str; 2] = ["INDELIBLE_KEY", "INDELIBLE_ADMIN_KEY"];

/// A server that was started.
pub struct Server {
    child: Child,
    /// Kept for its end.
    _forwarding: Forwarding,
    begin: Instant,
}

/// A program that cannot be started.
#[derive(Debug)]
pub struct NotStarted {
    /// The operating system's reason.
    pub reason: String,
    /// What a shell answers: 127 if there is no such program, else 126.
    pub status: u8,
}

/// Where a server is recorded, and for whom.
#[derive(Debug)]
pub struct Recording {
    /// Takes events.
    pub recorder: Recorder,
    /// Definitions that were seen before.
    pub catalogue: Arc<Catalogue>,
    /// Who uses the server.
    pub scope: Scope,
    /// What happens when a request cannot be recorded.
    pub mode: Mode,
    /// Program and arguments.
    pub argv: Vec<OsString>,
}

/// Why a relay does not work.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Signals could not be taken over; the server was not started.
    #[error("cannot take over signals")]
    Signals(#[source] std::io::Error),
    /// A thread or a stream is missing.
    #[error("cannot relay")]
    Relay(#[source] std::io::Error),
    /// The server's end could not be waited for.
    #[error("cannot wait for the server")]
    Wait(#[source] std::io::Error),
}

impl Server {
    /// Starts a program with its streams in our hands.
    ///
    /// # Errors
    /// [`RelayError`]; a program that cannot be started is none, but the inner error.
    pub fn start(argv: &[OsString]) -> Result<Result<Self, NotStarted>, RelayError> {
        let caught = Caught::new().map_err(RelayError::Signals)?;
        let begin = Instant::now();
        match spawn(argv) {
            Ok(child) => Ok(Ok(Self {
                _forwarding: caught.forward(child.id()),
                child,
                begin,
            })),
            Err(error) => Ok(Err(NotStarted {
                status: if error.kind() == ErrorKind::NotFound {
                    127
                } else {
                    126
                },
                reason: error.to_string(),
            })),
        }
    }

    /// Relays between our standard streams and the server's until it ends; answers its status as a shell would. Without a
    /// recording everything passes all the same.
    ///
    /// # Errors
    /// [`RelayError`].
    pub fn relay(mut self, recording: Option<&Recording>) -> Result<u8, RelayError> {
        let watch = recording.map(|recording| Watched::begin(recording, self.begin));
        let tap = |side| watch.as_ref().map(|watch| watch.tap(side));
        let own = |stream: std::io::Result<std::os::fd::OwnedFd>| {
            stream.map(File::from).map_err(RelayError::Relay)
        };
        let out = Arc::new(Out::new(own(std::io::stdout()
            .as_fd()
            .try_clone_to_owned())?));
        let errors = own(std::io::stderr().as_fd().try_clone_to_owned())?;
        let input = own(std::io::stdin().as_fd().try_clone_to_owned())?;
        let (over, ended) = mpsc::channel();
        let start = |name: &str, pump: Box<dyn FnOnce() + Send>| {
            let thread = thread::Builder::new().name(name.to_owned());
            thread.spawn(pump).map(drop).map_err(RelayError::Relay)
        };
        if let Some(to) = self.child.stdin.take() {
            let (tap, refusals) = (tap(Side::Client), Arc::clone(&out));
            let is_strict = recording.is_some_and(|recording| recording.mode == Mode::Strict);
            start(
                "to-server",
                Box::new(move || match tap {
                    Some(tap) if is_strict => strict::pump(input, to, tap, &refusals),
                    tap => pump::to_server(input, to, tap),
                }),
            )?;
        }
        if let Some(from) = self.child.stdout.take() {
            let (tap, over) = (tap(Side::Server), over.clone());
            start(
                "to-client",
                Box::new(move || {
                    pump::to_client(from, &out, tap);
                    drop(over);
                }),
            )?;
        }
        if let Some(from) = self.child.stderr.take() {
            let watch = watch.clone();
            start(
                "stderr",
                Box::new(move || {
                    pump::errors(from, errors, watch.as_ref());
                    drop(over);
                }),
            )?;
        }
        let status = self.child.wait().map_err(RelayError::Wait)?;
        // Nothing is sent: the wait is over when both streams are.
        let _: Result<(), _> = ended.recv_timeout(DRAIN_TIME);
        if let Some(watch) = &watch {
            watch.end(status);
        }
        Ok(shell_status(status))
    }
}

/// What the pumps share of a recording.
#[derive(Clone, Debug)]
struct Watched {
    recorder: Recorder,
    watch: Arc<Mutex<Watch>>,
    missed: Arc<AtomicU64>,
    clock: Clock,
}

impl Watched {
    fn begin(recording: &Recording, begin: Instant) -> Self {
        let recorder = recording.recorder.clone();
        let clock = Clock::new((recorder.env().now)(), begin);
        let watch = Watch::new(recording, clock.start());
        let this = Self {
            recorder,
            missed: watch.missed(),
            watch: Arc::new(Mutex::new(watch)),
            clock,
        };
        this.submit(Watch::write_begin);
        this
    }

    fn tap(&self, side: Side) -> Tap {
        Tap::new(self.clone(), side)
    }

    /// Work on bytes that pass. What the recorder does not take is counted; says whether it does.
    fn offer(&self, events: u64, bytes: usize, work: Work) -> bool {
        let is_taken = self.recorder.offer(Source::Mcp, events, bytes, work);
        if !is_taken {
            self.missed.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        is_taken
    }

    /// Work that writes one event.
    fn submit(
        &self,
        work: impl FnOnce(&mut Watch, &mut crate::recorder::Scribe<'_>) + Send + 'static,
    ) {
        let watch = Arc::clone(&self.watch);
        let work = move |scribe: &mut crate::recorder::Scribe<'_>| {
            let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut watch, scribe);
        };
        self.recorder.submit(Source::Mcp, 1, 0, Box::new(work));
    }

    fn end(&self, status: ExitStatus) {
        let at = self.clock.now();
        self.submit(move |watch, scribe| watch.write_end(status, at, scribe));
    }
}

impl Recording {
    /// Records a server that could not be started.
    pub fn not_started(&self, failed: &NotStarted) {
        let clock = Clock::new((self.recorder.env().now)(), Instant::now());
        let watch = Watch::new(self, clock.start());
        let (status, reason) = (failed.status, failed.reason.clone());
        let work = move |scribe: &mut crate::recorder::Scribe<'_>| {
            watch.write_not_started(status, reason, scribe);
        };
        self.recorder.submit(Source::Mcp, 1, 0, Box::new(work));
    }
}

fn spawn(argv: &[OsString]) -> std::io::Result<Child> {
    let (program, rest) = argv.split_first().ok_or(ErrorKind::NotFound)?;
    let mut command = Command::new(program);
    for name in OUR_KEYS {
        command.env_remove(name);
    }
    command
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// The status as a shell gives it.
fn shell_status(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
