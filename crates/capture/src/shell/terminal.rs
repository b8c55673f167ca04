//! Running a command in a terminal of its own, between it and ours: the thin part that touches the world.

use std::{
    fs::File,
    io::{ErrorKind, PipeReader, Read, Write, pipe},
    os::fd::{AsFd, OwnedFd},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use event::Micros;
use pty_process::{Size, blocking::Pty};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{self, OptionalActions, Termios},
};

use super::{
    Finished, Invocation, RunError,
    output::line,
    pass::pass_on,
    run::{ending, not_started, watch},
    session::{Header, Part, Session},
    signals::Caught,
};
use crate::redact::Redaction;

/// How long output of a session is waited for whose command has ended, while others still have its terminal.
const LINGER: Duration = Duration::from_millis(50);
/// Bytes taken from a terminal at a time.
const COPY_BYTES: usize = 16 << 10;
/// Pieces on their way to the recording; when it is behind, the terminal waits.
const MAX_PIECES: usize = 256;
/// Size of a terminal where ours has none.
const DEFAULT_SIZE: (u16, u16) = (80, 24);
/// What ends the input of a terminal (Ctrl-D).
const END_OF_INPUT: u8 = 4;
/// Longest command in the header of a recording, bytes.
const MAX_COMMAND_BYTES: usize = 1_000;

/// Our side: mostly a terminal, too.
#[derive(Debug)]
pub struct Terminal {
    /// Where what is typed comes from.
    pub input: File,
    /// Where output goes.
    pub output: File,
    /// Where standard error goes if it is not a terminal.
    pub stderr: Option<File>,
}

/// What is to be recorded.
enum Seen {
    Output(Duration, Vec<u8>),
    Resized(Duration, u16, u16),
}

/// Keeps our terminal from doing what the inner one does, until it is dropped.
struct Raw<'a> {
    terminal: &'a File,
    before: Termios,
}

/// Runs a command in a terminal of its own to its end. `on_long` is called as by [`super::run()`], `on_part` gets the parts of a long session as they are complete,
/// on a thread of its own; the last one is answered.
///
/// # Errors
/// [`RunError`]. A command that cannot be started is no error but an ending.
pub fn run_in_terminal(
    invocation: &Invocation,
    variables: &[(&str, String)],
    terminal: &Terminal,
    with: Redaction<'_>,
    started_at: Micros,
    on_long: impl FnOnce() + Send,
    on_part: impl FnMut(Part) + Send,
) -> Result<(Finished, Part), RunError> {
    let caught = Caught::for_terminal().map_err(RunError::Signals)?;
    let (ended, running) = pipe().map_err(RunError::Pipe)?;
    let (cols, rows) = size(&terminal.output);
    let begin = Instant::now();
    let session = Session::new(header(invocation, (cols, rows), with, started_at));
    let mut finished = Finished::new(started_at);
    let (inner, spawned) = start(invocation, variables, terminal, Size::new(rows, cols))?;
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            finished.ending = not_started(&error);
            let (part, shown) = session.finish(&with, begin.elapsed(), finished.ending.status());
            finished.stdout = shown;
            return Ok((finished, part));
        }
    };
    let raw = Raw::of(&terminal.input);
    let (seen, to_record) = sync_channel(MAX_PIECES);
    let forwarding = caught.forward_to_session(
        child.id(),
        follow_size(terminal, &inner, seen.clone(), begin).map_err(RunError::Terminal)?,
    );
    let stderr = child.stderr.take().map(OwnedFd::from);
    let sink = terminal
        .stderr
        .as_ref()
        .and_then(|file| file.try_clone().ok());
    let (status, session) = thread::scope(|scope| {
        let recording = scope.spawn(move || record(session, with, &to_record, begin, on_part));
        let (over, watcher) = watch(scope, on_long);
        let ended = &ended;
        let errors = scope.spawn(move || {
            let (from, to) = (stderr?, sink?);
            Some(pass_on(scope, with, from, to, ended))
        });
        let inner = &inner;
        scope.spawn(move || type_into(inner, &terminal.input, ended));
        let showing = scope.spawn(move || show(inner, terminal, &seen, ended, begin));
        let status = child.wait().map_err(RunError::Wait);
        drop(running);
        let _ = showing.join();
        if let Some(passed) = errors.join().ok().flatten() {
            finished.stderr = passed.recorded;
        }
        finished.duration_us = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        finished.signals = forwarding.stop();
        drop(over);
        finished.has_intent = watcher.join().unwrap_or_default();
        (status, recording.join())
    });
    drop(raw);
    finished.ending = ending(status?);
    let status = finished.ending.status();
    let session = session
        .unwrap_or_else(|_| Session::new(header(invocation, (cols, rows), with, started_at)));
    let (part, shown) = session.finish(&with, begin.elapsed(), status);
    finished.stdout = shown;
    Ok((finished, part))
}

/// The inner terminal and the command in it.
fn start(
    invocation: &Invocation,
    variables: &[(&str, String)],
    terminal: &Terminal,
    size: Size,
) -> Result<(Pty, std::io::Result<Child>), RunError> {
    let failed = |error: pty_process::Error| RunError::Terminal(std::io::Error::other(error));
    let (inner, theirs) = pty_process::blocking::open().map_err(failed)?;
    inner.resize(size).map_err(failed)?;
    if let Ok(ours) = termios::tcgetattr(&terminal.input) {
        // The same keys do the same. Where it is refused, the kernel's own settings serve.
        let _ = termios::tcsetattr(&theirs, OptionalActions::Now, &ours);
    }
    let (program, args) = invocation
        .argv
        .split_first()
        .ok_or_else(|| RunError::Terminal(ErrorKind::NotFound.into()))?;
    let mut command = pty_process::blocking::Command::new(program)
        .args(args)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    if terminal.stderr.is_some() {
        command = command.stderr(Stdio::piped());
    }
    let child = match command.spawn(theirs) {
        Ok(child) => Ok(child),
        Err(pty_process::Error::Io(error)) => Err(error),
        Err(error) => return Err(failed(error)),
    };
    Ok((inner, child))
}

/// Gives the inner terminal the size of ours, and notes it.
fn follow_size(
    terminal: &Terminal,
    inner: &Pty,
    seen: SyncSender<Seen>,
    begin: Instant,
) -> std::io::Result<impl FnMut() + Send + use<>> {
    let ours = terminal.output.try_clone()?;
    let inner = inner.as_fd().try_clone_to_owned()?;
    Ok(move || {
        if let Ok(size) = termios::tcgetwinsize(&ours) {
            // The kernel tells whoever is in front there.
            let _ = termios::tcsetwinsize(&inner, size);
            let _ = seen.send(Seen::Resized(begin.elapsed(), size.ws_col, size.ws_row));
        }
    })
}

/// From our terminal into the inner one, until the command ends.
fn type_into(mut inner: &Pty, mut input: &File, ended: &PipeReader) {
    let mut buffer = [0; COPY_BYTES];
    let is_terminal = termios::isatty(input);
    while is_ready(&input, Some(ended), None) {
        let read = match input.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.unwrap_or(0),
        };
        let typed = buffer.get(..read).unwrap_or_default();
        if typed.is_empty() {
            if !is_terminal {
                let _ = inner.write_all(&[END_OF_INPUT]);
            }
            return;
        }
        if inner.write_all(typed).is_err() {
            return;
        }
    }
}

/// From the inner terminal to ours and into the recording, until everybody has left it, or the command has and the rest
/// is silent.
fn show(
    mut inner: &Pty,
    terminal: &Terminal,
    seen: &SyncSender<Seen>,
    ended: &PipeReader,
    begin: Instant,
) {
    let mut output = &terminal.output;
    let mut buffer = vec![0; COPY_BYTES];
    let mut deadline = None;
    loop {
        let awaited = deadline.is_none().then_some(ended);
        if !is_ready(&inner, awaited, deadline) {
            if deadline.is_some() {
                return;
            }
            deadline = Some(Instant::now() + LINGER);
            continue;
        }
        let read = match inner.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // EIO: nobody has it any more.
            read => read.unwrap_or(0),
        };
        let shown = buffer.get(..read).unwrap_or_default();
        if shown.is_empty() {
            return;
        }
        let is_taken = output.write_all(shown).is_ok();
        // Ends only when all senders are gone.
        let _ = seen.send(Seen::Output(begin.elapsed(), shown.to_vec()));
        if !is_taken {
            return;
        }
    }
}

/// Takes down what is seen. Hands back the session, but for its end.
fn record(
    mut session: Session,
    with: Redaction<'_>,
    seen: &Receiver<Seen>,
    begin: Instant,
    mut on_part: impl FnMut(Part),
) -> Session {
    loop {
        let next = match session.due_in(begin.elapsed()) {
            Some(patience) => seen.recv_timeout(patience),
            None => seen.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(Seen::Output(at, bytes)) => session.output(&with, at, &bytes),
            Ok(Seen::Resized(at, cols, rows)) => session.resize(at, cols, rows),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return session,
        }
        if let Some(part) = session.part(&with, begin.elapsed()) {
            on_part(part);
        }
    }
}

/// Waits until something can be read; `false` when the command has ended, or a time is over.
fn is_ready(from: &impl AsFd, ended: Option<&PipeReader>, deadline: Option<Instant>) -> bool {
    loop {
        let mut fds = vec![PollFd::new(from, PollFlags::IN)];
        if let Some(ended) = ended {
            fds.push(PollFd::new(ended, PollFlags::IN));
        }
        let patience = deadline.and_then(|deadline| {
            Timespec::try_from(deadline.saturating_duration_since(Instant::now())).ok()
        });
        if poll(&mut fds, patience.as_ref()).is_err() {
            continue;
        }
        let has = |index: usize| fds.get(index).is_some_and(|fd| !fd.revents().is_empty());
        return !has(1) && has(0);
    }
}

fn size(output: &File) -> (u16, u16) {
    let found = termios::tcgetwinsize(output).ok();
    found
        .map(|size| (size.ws_col, size.ws_row))
        .filter(|(cols, rows)| *cols > 0 && *rows > 0)
        .unwrap_or(DEFAULT_SIZE)
}

fn header(
    invocation: &Invocation,
    (cols, rows): (u16, u16),
    with: Redaction<'_>,
    started_at: Micros,
) -> Header {
    let command = String::from_utf8_lossy(&line(&invocation.argv)).into_owned();
    let command = with.text(&command, &mut 0).into_owned();
    let end = command.floor_char_boundary(MAX_COMMAND_BYTES);
    let term = invocation.env.iter().find(|(name, _)| name == "TERM");
    Header {
        cols,
        rows,
        term: term.map_or_else(String::new, |(_, term)| term.to_string_lossy().into_owned()),
        command: command.get(..end).unwrap_or_default().to_owned(),
        began_s: started_at.0 / 1_000_000,
    }
}

impl<'a> Raw<'a> {
    /// `None` if it is no terminal.
    fn of(terminal: &'a File) -> Option<Self> {
        let before = termios::tcgetattr(terminal).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        termios::tcsetattr(terminal, OptionalActions::Now, &raw).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = termios::tcsetattr(self.terminal, OptionalActions::Drain, &self.before);
    }
}
