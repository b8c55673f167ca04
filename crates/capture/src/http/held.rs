//! Parts of a body that are held back.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The beginning of a body, counted against what may be held in all.
#[derive(Debug, Default)]
pub struct Held {
    parts: VecDeque<Bytes>,
    /// Their length.
    pub bytes: usize,
    room: Option<OwnedSemaphorePermit>,
}

/// What was held, then the rest as it comes.
#[derive(Debug)]
pub struct Chained<B> {
    held: Held,
    rest: B,
}

impl Held {
    /// Adds a part. Says whether there was room for it; it is added all the same.
    pub fn add(&mut self, part: Bytes, room: &Arc<Semaphore>) -> bool {
        let permits = u32::try_from(part.len()).unwrap_or(u32::MAX);
        let taken = Arc::clone(room).try_acquire_many_owned(permits).ok();
        let has_room = taken.is_some();
        match (&mut self.room, taken) {
            (Some(room), Some(more)) => room.merge(more),
            (room @ None, more) => *room = more,
            (Some(_), None) => {}
        }
        self.bytes += part.len();
        self.parts.push_back(part);
        has_room
    }

    /// All parts as one.
    #[must_use]
    pub fn joined(mut self) -> Bytes {
        if self.parts.len() <= 1 {
            return self.parts.pop_front().unwrap_or_default();
        }
        let mut whole = BytesMut::with_capacity(self.bytes);
        self.parts
            .iter()
            .for_each(|part| whole.extend_from_slice(part));
        whole.freeze()
    }
}

impl<B> Chained<B> {
    /// A body of both.
    pub fn new(held: Held, rest: B) -> Self {
        Self { held, rest }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Chained<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if let Some(part) = this.held.parts.pop_front() {
            this.held.bytes -= part.len();
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        this.held.room = None;
        Pin::new(&mut this.rest).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.held.parts.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.size_hint();
        let held = self.held.bytes as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(held)) {
            hint.set_upper(upper);
        }
        hint
    }
}
