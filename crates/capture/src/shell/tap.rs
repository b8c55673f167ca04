//! From the copying of an output to its recording: at once while there is little, on a thread of its own when there is
//! much, so that bytes are looked at while the next ones pass. Waits when that thread cannot keep up.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{Scope, ScopedJoinHandle},
};

use super::stream::{Recorded, Stream};
use crate::redact::Redaction;

/// Bytes that are held before a thread is worth it: nearly every command writes less.
const HELD_BYTES: usize = 256 << 10;
/// Buffers on their way to the thread.
const MAX_BUFFERS: usize = 8;
/// Bytes of a buffer when there is much.
const BUFFER_BYTES: usize = 256 << 10;
/// And while there is little: what a pipe holds by default.
const FIRST_BUFFER_BYTES: usize = 64 << 10;

pub(super) struct Tap<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    with: Redaction<'scope>,
    held: Vec<u8>,
    buffer: Vec<u8>,
    recording: Option<Recording<'scope>>,
}

struct Recording<'scope> {
    full: SyncSender<(Vec<u8>, usize)>,
    empty: Receiver<Vec<u8>>,
    thread: ScopedJoinHandle<'scope, Recorded>,
}

impl<'scope, 'env> Tap<'scope, 'env> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, with: Redaction<'scope>) -> Self {
        Self {
            scope,
            with,
            held: Vec::new(),
            buffer: vec![0; FIRST_BUFFER_BYTES],
            recording: None,
        }
    }

    /// Room for the next bytes.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Takes so many bytes of the buffer. Says whether from now on there is much.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        if let Some(recording) = &self.recording {
            let next = recording.empty.try_recv();
            let next = next.unwrap_or_else(|_| vec![0; BUFFER_BYTES]);
            let full = std::mem::replace(&mut self.buffer, next);
            // Its thread ends only after this end of the channel.
            let _ = recording.full.send((full, bytes));
            return false;
        }
        let new = self.buffer.get(..bytes).unwrap_or_default();
        self.held.extend_from_slice(new);
        let is_much = self.held.len() > HELD_BYTES;
        if is_much {
            self.recording = Some(self.start());
            self.buffer = vec![0; BUFFER_BYTES];
        }
        is_much
    }

    /// Everything, at the end.
    pub(super) fn finish(self) -> Recorded {
        if let Some(recording) = self.recording {
            drop(recording.full);
            return recording.thread.join().unwrap_or_default();
        }
        let mut stream = Stream::default();
        stream.push(&self.with, &self.held);
        stream.finish(&self.with)
    }

    fn start(&mut self) -> Recording<'scope> {
        let (full, filled) = sync_channel::<(Vec<u8>, usize)>(MAX_BUFFERS);
        let (emptied, empty) = sync_channel(MAX_BUFFERS);
        let held = std::mem::take(&mut self.held);
        let with = self.with;
        let thread = self.scope.spawn(move || {
            let mut stream = Stream::default();
            stream.push(&with, &held);
            drop(held);
            for (buffer, bytes) in filled {
                stream.push(&with, buffer.get(..bytes).unwrap_or_default());
                // No room for it, or nobody wants it any more: a new one costs little.
                let _ = emptied.try_send(buffer);
            }
            stream.finish(&with)
        });
        Recording {
            full,
            empty,
            thread,
        }
    }
}
