//! Passing one output on, byte for byte, until it ends or the command has.

use std::{
    fs::File,
    io::{self, ErrorKind, PipeReader, Read, Write},
    os::fd::OwnedFd,
    thread::Scope,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::ioctl_fionread,
};

use super::{stream::Recorded, tap::Tap};
use crate::redact::Redaction;

/// How long an output that outlives its command is still recorded: what `command > >(tee log)` has to say comes a
/// moment later.
const LINGER: Duration = Duration::from_millis(50);
/// What a pipe is asked to hold when there is much, bytes: the most that the kernel gives everybody.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// An output that somebody still holds after the command has ended, and where it goes.
#[derive(Debug)]
pub struct Left {
    /// The reading end.
    pub from: OwnedFd,
    /// The caller's.
    pub to: File,
}

/// What became of an output.
pub(super) struct Passed {
    pub(super) recorded: Recorded,
    pub(super) left: Option<Left>,
    /// Why it could not be passed on, unless nobody reads it any more.
    pub(super) failed: Option<io::Error>,
}

struct Passing<'scope, 'env> {
    from: File,
    to: File,
    tap: Tap<'scope, 'env>,
    failed: Option<io::Error>,
}

/// What there is to do.
#[derive(PartialEq, Eq)]
enum Ready {
    Output,
    Ended,
    Nothing,
}

/// Copies until the end of the output, or, once `ended` is closed, what is still there. When our output takes nothing any
/// more, because nobody reads it or the disk is full, the pipe is closed: that is all that a pipe can tell the command.
pub(super) fn pass_on<'scope>(
    scope: &'scope Scope<'scope, '_>,
    with: Redaction<'scope>,
    from: OwnedFd,
    to: File,
    ended: &PipeReader,
) -> Passed {
    let mut passing = Passing {
        from: from.into(),
        to,
        tap: Tap::new(scope, with),
        failed: None,
    };
    let is_left = passing.until_ended(ended) && passing.linger();
    let Passing {
        from,
        to,
        tap,
        failed,
    } = passing;
    let left = is_left.then(|| Left {
        from: from.into(),
        to,
    });
    Passed {
        recorded: tap.finish(),
        left,
        failed,
    }
}

impl Passing<'_, '_> {
    /// Says whether the command has ended and its output has not.
    fn until_ended(&mut self, ended: &PipeReader) -> bool {
        loop {
            match self.wait(Some(ended), None) {
                Ready::Ended => return true,
                Ready::Output if self.copy().is_none() => return false,
                Ready::Output | Ready::Nothing => {}
            }
        }
    }

    /// Says whether the output goes on.
    fn linger(&mut self) -> bool {
        // What the command itself wrote is in the pipe by now, however much others add.
        let mut own = ioctl_fionread(&self.from).unwrap_or(0);
        let deadline = Instant::now() + LINGER;
        while own > 0 || Instant::now() < deadline {
            if self.wait(None, Some(deadline)) == Ready::Output {
                match self.copy() {
                    Some(bytes) => own = own.saturating_sub(bytes as u64),
                    None => return false,
                }
            }
        }
        true
    }

    /// One piece; `None` at the end.
    fn copy(&mut self) -> Option<usize> {
        let buffer = self.tap.buffer();
        let read = match self.from.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Some(0),
            Err(_) => 0,
        };
        let bytes = buffer.get(..read).filter(|bytes| !bytes.is_empty())?;
        let written = write_all(&mut self.to, bytes);
        let is_taken = written.is_ok();
        self.failed = written
            .err()
            .filter(|error| error.kind() != ErrorKind::BrokenPipe);
        if self.tap.take(read) {
            widen(&self.from);
        }
        is_taken.then_some(read)
    }

    /// Waits for output, for the end of the command, or until a time. The end comes first: others may write for ever.
    fn wait(&self, ended: Option<&PipeReader>, deadline: Option<Instant>) -> Ready {
        let output = PollFd::new(&self.from, PollFlags::IN);
        let mut fds = match ended {
            Some(ended) => vec![output, PollFd::new(ended, PollFlags::IN)],
            None => vec![output],
        };
        let patience = deadline.and_then(|deadline| {
            Timespec::try_from(deadline.saturating_duration_since(Instant::now())).ok()
        });
        if poll(&mut fds, patience.as_ref()).is_err() {
            return Ready::Nothing;
        }
        let is_ready = |index: usize| fds.get(index).is_some_and(|fd| !fd.revents().is_empty());
        if is_ready(1) {
            Ready::Ended
        } else if is_ready(0) {
            Ready::Output
        } else {
            Ready::Nothing
        }
    }
}

/// Waits where the caller's output does not: that is between it and whoever shares it.
fn write_all(to: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(to, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fewer, larger pieces. It works without.
fn widen(pipe: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
    #[cfg(not(target_os = "linux"))]
    let _ = pipe;
}
