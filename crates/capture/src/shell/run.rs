//! Running a command: the thin part that touches the world.

use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use event::Micros;

use super::{Ending, Excerpt, Finished, Invocation, signals::Caught};

/// A command that still runs after this long gets an intent of its own; one that is over by then is one record.
pub const INTENT_AFTER: Duration = Duration::from_secs(1);

/// Bytes passed on at a time: what a pipe holds by default.
const COPY_BYTES: usize = 64 << 10;

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
    /// Its end could not be waited for.
    #[error("cannot wait for the command")]
    Wait(#[source] std::io::Error),
}

/// Runs a command to its end, passing its output on as it comes. `on_long` is called on a thread of its own if the
/// command still runs after [`INTENT_AFTER`].
///
/// # Errors
/// [`RunError`]. A command that cannot be started is no error but an [`Ending`].
pub fn run(
    invocation: &Invocation,
    sinks: Sinks,
    started_at: Micros,
    on_long: impl FnOnce() + Send,
) -> Result<Finished, RunError> {
    let caught = Caught::new().map_err(RunError::Signals)?;
    let begin = Instant::now();
    let mut finished = Finished {
        ending: Ending::Exited(0),
        started_at,
        duration_us: 0,
        stdout: Excerpt::default(),
        stderr: Excerpt::default(),
        has_intent: false,
    };
    let mut child = match spawn(invocation) {
        Ok(child) => child,
        Err(error) => {
            finished.ending = not_started(&error);
            return Ok(finished);
        }
    };
    let forwarding = caught.forward(child.id());
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let status = thread::scope(|scope| {
        let (ended, end) = mpsc::channel::<()>();
        let watcher = scope.spawn(move || {
            let is_long = end.recv_timeout(INTENT_AFTER) == Err(RecvTimeoutError::Timeout);
            if is_long {
                on_long();
            }
            is_long
        });
        let stderr = scope.spawn(|| pass_on(stderr, sinks.stderr));
        finished.stdout = pass_on(stdout, sinks.stdout);
        finished.stderr = stderr.join().unwrap_or_default();
        let status = child.wait().map_err(RunError::Wait);
        finished.duration_us = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        drop(ended);
        finished.has_intent = watcher.join().unwrap_or_default();
        status
    })?;
    drop(forwarding);
    finished.ending = ending(status);
    Ok(finished)
}

fn spawn(invocation: &Invocation) -> std::io::Result<Child> {
    let (program, args) = invocation.argv.split_first().ok_or(ErrorKind::NotFound)?;
    Command::new(program)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

fn not_started(error: &std::io::Error) -> Ending {
    Ending::NotStarted {
        status: if error.kind() == ErrorKind::NotFound {
            127
        } else {
            126
        },
        reason: error.to_string(),
    }
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(status), _) => Ending::Exited(status),
        (None, Some(signal)) => Ending::Signalled(signal),
        // Only a stopped process has neither, and that one is still waited for.
        (None, None) => Ending::Exited(1),
    }
}

/// Copies until the end of the stream. When nobody reads our output any more the pipe is closed, so that the command
/// learns it as it would without us.
fn pass_on(from: Option<impl Read>, mut to: File) -> Excerpt {
    let mut excerpt = Excerpt::default();
    let Some(mut from) = from else {
        return excerpt;
    };
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        let written = to.write_all(bytes);
        excerpt.add(bytes);
        if written.is_err() {
            break;
        }
    }
    excerpt
}
