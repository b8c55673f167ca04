//! Bytes from one stream to the other, noted for the recorder.

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    future::poll_fn,
    io::{ErrorKind, Read, Write},
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use event::Micros;
use rustix::stdio::{dup2_stdin, dup2_stdout};

use super::{Out, Watched};
use crate::{mcp::pending::Side, recorder::Scribe};

/// Bytes passed on at a time: what a pipe holds by default.
const COPY_BYTES: usize = 64 << 10;
/// How long one direction waits for the recorder in all; after that its bytes pass unseen when the recorder is behind.
const PATIENCE: Duration = Duration::from_secs(2);

/// Wall-clock time that does not jump.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Micros,
    begin: Instant,
}

/// Notes one direction for the recorder.
pub(super) struct Tap {
    watched: Watched,
    side: Side,
    patience: Duration,
    /// The last bytes were not noted.
    is_behind: bool,
}

impl Clock {
    /// `now` is the time now, `begin` when the clock has started.
    pub(super) fn new(now: Micros, begin: Instant) -> Self {
        let since = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        Self {
            start: Micros(now.0.saturating_sub(since)),
            begin,
        }
    }

    pub(super) fn start(&self) -> Micros {
        self.start
    }

    pub(super) fn now(&self) -> Micros {
        let since = u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        Micros(self.start.0.saturating_add(since))
    }
}

impl Tap {
    pub(super) fn new(watched: Watched, side: Side) -> Self {
        Self {
            watched,
            side,
            patience: PATIENCE,
            is_behind: false,
        }
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Notes bytes. Waits when the recorder is far behind, but not for ever.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        self.wait();
        let length = bytes.len();
        let work = self.work(bytes.to_vec());
        self.is_behind = !self.watched.offer(1, length, work);
    }

    /// What the recorder does with bytes.
    pub(super) fn work(&self, bytes: Vec<u8>) -> crate::recorder::Work {
        let watch = Arc::clone(&self.watched.watch);
        let (side, at, is_behind) = (self.side, self.watched.clock.now(), self.is_behind);
        Box::new(move |scribe: &mut Scribe<'_>| {
            let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
            if is_behind {
                watch.lose(side);
            }
            watch.bytes(side, &bytes, at, scribe);
        })
    }

    /// The sender has closed its stream.
    pub(super) fn end(&self) {
        let (side, at, is_behind) = (self.side, self.watched.clock.now(), self.is_behind);
        self.watched.submit(move |watch, scribe| {
            if is_behind {
                watch.lose(side);
            }
            watch.closed(side, at, scribe);
        });
    }

    fn wait(&mut self) {
        let recorder = &self.watched.recorder;
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        if self.patience.is_zero() || recorder.poll_room(&mut context).is_ready() {
            return;
        }
        let since = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        if let Ok(runtime) = runtime {
            let room = poll_fn(|context| recorder.poll_room(context));
            let patience = self.patience;
            // After that they pass unseen, which is counted.
            let _ = runtime.block_on(async { tokio::time::timeout(patience, room).await });
        }
        self.patience = self.patience.saturating_sub(since.elapsed());
    }
}

/// From the client to the server, whose input ends with the client's.
pub(super) fn to_server(mut from: File, mut to: ChildStdin, mut tap: Option<Tap>) {
    copy(&mut from, |bytes| {
        if let Some(tap) = &mut tap {
            tap.see(bytes);
        }
        to.write_all(bytes).is_ok()
    });
    if let Some(tap) = tap {
        tap.end();
    }
    drop(from);
    read_no_more();
}

/// From the server to the client, whose input ends with the server's output.
pub(super) fn to_client(mut from: ChildStdout, out: &Out, mut tap: Option<Tap>) {
    copy(&mut from, |bytes| {
        if let Some(tap) = &mut tap {
            tap.see(bytes);
        }
        out.pass(bytes)
    });
    if let Some(tap) = tap {
        tap.end();
    }
    out.close();
    // The client sees that nothing will come any more; the server that nobody reads.
    if let Ok(null) = File::options().write(true).open("/dev/null") {
        let _ = dup2_stdout(null);
    }
}

/// What the server says for people.
pub(super) fn errors(mut from: ChildStderr, mut to: File, watched: Option<&Watched>) {
    copy(&mut from, |bytes| {
        if let Some(watched) = watched {
            let (watch, bytes) = (Arc::clone(&watched.watch), bytes.to_vec());
            let length = bytes.len();
            let work = move |scribe: &mut Scribe<'_>| {
                let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
                watch.errors(&bytes, scribe);
            };
            watched.offer(0, length, Box::new(work));
        }
        to.write_all(bytes).is_ok()
    });
}

/// A client that goes on writing learns that the server reads no more.
pub(super) fn read_no_more() {
    if let Ok(null) = File::open("/dev/null") {
        let _ = dup2_stdin(null);
    }
}

/// Reads until the end of a stream, or until `each` wants no more.
pub(super) fn copy(from: &mut impl Read, mut each: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                if !each(buffer.get(..read).unwrap_or_default()) {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
