//! The unsealed chunks of one trail, shared by the committer, which adds, and everybody who reads.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use event::Seq;
use journal::FrameNo;

use crate::chunk::{Chunk, Hot};

/// The unsealed chunks with their frames, oldest first.
#[derive(Default)]
pub(crate) struct Tail(RwLock<Chunks>);

#[derive(Default)]
struct Chunks {
    held: VecDeque<(FrameNo, Arc<Chunk>)>,
    /// The view of the last reader; none after a change. Many small commits make many chunks, which are not to be
    /// collected for each of many readers.
    view: Option<Hot>,
}

impl Tail {
    /// All chunks; `size` is the size of the log if there are none.
    pub(crate) fn view(&self, size: impl FnOnce() -> u64) -> Hot {
        if let Some(view) = &self.read().view {
            return view.clone();
        }
        let mut chunks = self.write();
        let held: Arc<[_]> = chunks
            .held
            .iter()
            .map(|(_, held)| Arc::clone(held))
            .collect();
        let end = Seq(held.last().map_or_else(size, |last| last.end().0));
        let view = Hot {
            first: held.first().map_or(end, |first| first.first()),
            end,
            chunks: held,
        };
        chunks.view = Some(view.clone());
        view
    }

    /// The chunk that holds `seq`.
    pub(crate) fn find(&self, seq: Seq) -> Option<Arc<Chunk>> {
        let chunks = self.read();
        let after = chunks.held.partition_point(|(_, held)| held.first() <= seq);
        let (_, chunk) = chunks.held.get(after.checked_sub(1)?)?;
        (seq < chunk.end()).then(|| Arc::clone(chunk))
    }

    /// Adds the next chunk.
    pub(crate) fn push(&self, frame: FrameNo, chunk: Arc<Chunk>) {
        let mut chunks = self.write();
        chunks.held.push_back((frame, chunk));
        chunks.view = None;
    }

    /// Forgets the cached view: the size of an empty tail has changed.
    pub(crate) fn resize(&self) {
        self.write().view = None;
    }

    /// Takes out the chunks that end at or before `limit`.
    pub(crate) fn take_until(&self, limit: u64) -> Vec<Arc<Chunk>> {
        let mut chunks = self.write();
        let mut gone = Vec::new();
        while let Some((_, chunk)) = chunks.held.front()
            && chunk.end().0 <= limit
        {
            gone.extend(chunks.held.pop_front().map(|(_, chunk)| chunk));
            chunks.view = None;
        }
        gone
    }

    /// Frame of the oldest chunk.
    pub(crate) fn oldest_frame(&self) -> Option<FrameNo> {
        self.read().held.front().map(|(frame, _)| *frame)
    }

    fn read(&self) -> RwLockReadGuard<'_, Chunks> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Chunks> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
