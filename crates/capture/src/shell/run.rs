//! Running a command: the thin part that touches the world.

use std::{
    fs::File,
    io::{ErrorKind, pipe},
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, Scope, ScopedJoinHandle},
    time::{Duration, Instant},
};

use event::Micros;

use super::{
    Ending, Finished, Invocation,
    pass::{Left, pass_on},
    signals::Caught,
};
use crate::redact::Redaction;

/// A command that still runs after this long gets an intent of its own; one that is over by then is one record.
pub const INTENT_AFTER: Duration = Duration::from_secs(1);

/// Where the command's output goes, unbuffered.
#[derive(Debug)]
pub struct Sinks {
    /// For its standard output.
    pub stdout: File,
    /// For its standard error.
    pub stderr: File,
}

/// The command may have run, but what became of it is not known.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Signals could not be taken over; the command was not started.
    #[error("cannot take over signals")]
    Signals(#[source] std::io::Error),
    /// Nothing could be had that tells of the command's end; it was not started.
    #[error("cannot make a pipe")]
    Pipe(#[source] std::io::Error),
    /// The terminal could not be taken over; the command was not started.
    #[error("cannot take over the terminal")]
    Terminal(#[source] std::io::Error),
    /// Its end could not be waited for.
    #[error("cannot wait for the command")]
    Wait(#[source] std::io::Error),
}

/// Runs a command to its end, passing its output on as it comes. `on_long` is called on a thread of its own if the
/// command still runs after [`INTENT_AFTER`]. Also answers the outputs that others still hold: the caller has to see to
/// it that somebody goes on reading them.
///
/// # Errors
/// [`RunError`]. A command that cannot be started is no error but an [`Ending`].
pub fn run(
    invocation: &Invocation,
    sinks: Sinks,
    with: Redaction<'_>,
    started_at: Micros,
    on_long: impl FnOnce() + Send,
) -> Result<(Finished, Vec<Left>), RunError> {
    let caught = Caught::new().map_err(RunError::Signals)?;
    let (ended, running) = pipe().map_err(RunError::Pipe)?;
    let begin = Instant::now();
    let mut finished = Finished::new(started_at);
    let mut child = match spawn(invocation) {
        Ok(child) => child,
        Err(error) => {
            finished.ending = not_started(&error);
            return Ok((finished, Vec::new()));
        }
    };
    let forwarding = caught.forward(child.id());
    let stdout = child.stdout.take().map(OwnedFd::from);
    let stderr = child.stderr.take().map(OwnedFd::from);
    let mut left = Vec::new();
    let status = thread::scope(|scope| {
        let (over, watcher) = watch(scope, on_long);
        let pass = |from: Option<OwnedFd>, to| {
            let ended = &ended;
            scope.spawn(move || from.map(|from| pass_on(scope, with, from, to, ended)))
        };
        let passing = [pass(stdout, sinks.stdout), pass(stderr, sinks.stderr)];
        let status = child.wait().map_err(RunError::Wait);
        drop(running);
        let [stdout, stderr] = passing.map(|passing| passing.join().ok().flatten());
        finished.duration_us = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        for (name, passed, recorded) in [
            ("stdout", stdout, &mut finished.stdout),
            ("stderr", stderr, &mut finished.stderr),
        ] {
            if let Some(passed) = passed {
                *recorded = passed.recorded;
                left.extend(passed.left);
                let failed = passed.failed.map(|error| (name, error.to_string()));
                finished.unwritten.extend(failed);
            }
        }
        drop(over);
        finished.has_intent = watcher.join().unwrap_or_default();
        status
    })?;
    finished.signals = forwarding.stop();
    finished.is_left_open = !left.is_empty();
    finished.ending = ending(status);
    Ok((finished, left))
}

/// Calls back on a thread of its own unless what is answered is dropped within [`INTENT_AFTER`]; the thread says whether
/// it did.
pub(super) fn watch<'scope>(
    scope: &'scope Scope<'scope, '_>,
    on_long: impl FnOnce() + Send + 'scope,
) -> (Sender<()>, ScopedJoinHandle<'scope, bool>) {
    let (over, end) = mpsc::channel();
    let watcher = scope.spawn(move || {
        let is_long = end.recv_timeout(INTENT_AFTER) == Err(RecvTimeoutError::Timeout);
        if is_long {
            on_long();
        }
        is_long
    });
    (over, watcher)
}

fn spawn(invocation: &Invocation) -> std::io::Result<Child> {
    let (program, args) = invocation.argv.split_first().ok_or(ErrorKind::NotFound)?;
    Command::new(program)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

pub(super) fn not_started(error: &std::io::Error) -> Ending {
    Ending::NotStarted {
        status: if error.kind() == ErrorKind::NotFound {
            127
        } else {
            126
        },
        reason: error.to_string(),
    }
}

pub(super) fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(status), _) => Ending::Exited(status),
        (None, Some(signal)) => Ending::Signalled(signal),
        // Only a stopped process has neither, and that one is still waited for.
        (None, None) => Ending::Exited(1),
    }
}
