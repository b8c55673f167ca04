//! The committer: one thread that makes groups durable, then visible, then acknowledged, in that order.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use event::TrailId;
use journal::{FrameNo, Journal, JournalError};
use tokio::sync::oneshot;

use crate::{chunk::Chunk, error::AppendError, ledger::Health, outcome::Outcome, trail::Trail};

/// How often an idle committer looks whether write-ahead log files can go.
const IDLE: Duration = Duration::from_millis(500);

/// What one fsync commits.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) frames: Vec<GroupFrame>,
    pub(crate) replies: Vec<(Reply, Vec<Outcome>)>,
}

/// Where a submitter waits.
pub(crate) type Reply = oneshot::Sender<Result<Vec<Outcome>, AppendError>>;

/// The events of one trail in a group.
pub(crate) struct GroupFrame {
    pub(crate) trail: Arc<Trail>,
    /// Head of the frame's payload; the chunk's bytes are the rest.
    pub(crate) head: Vec<u8>,
    pub(crate) chunk: Arc<Chunk>,
}

pub(crate) type Trails = Arc<RwLock<BTreeMap<TrailId, Arc<Trail>>>>;

/// What the thread works with.
pub(crate) struct Committer {
    pub(crate) journal: Journal,
    pub(crate) trails: Trails,
    pub(crate) health: Arc<Health>,
    pub(crate) groups: Receiver<Group>,
}

impl Committer {
    /// Runs until the sequencer is gone, and returns itself for [`Self::drop_files`]. After an error nothing more
    /// is written or acknowledged: the replies of the failed group are dropped, which their waiters see as a
    /// stopped log.
    pub(crate) fn run(mut self) -> Option<Self> {
        loop {
            match self.groups.recv_timeout(IDLE) {
                Ok(group) => {
                    if let Err(error) = self.commit(group) {
                        self.health.stop("committer", &error);
                        return None;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Some(self),
            }
            if let Err(error) = self.drop_files() {
                self.health.stop("committer", &error);
                return None;
            }
        }
    }

    fn commit(&mut self, group: Group) -> Result<(), JournalError> {
        let mut numbers: Vec<FrameNo> = Vec::with_capacity(group.frames.len());
        for frame in &group.frames {
            let at = self.journal.append(&[&frame.head, &frame.chunk.bytes])?;
            numbers.push(at.frame);
        }
        if !numbers.is_empty() {
            self.journal.sync()?;
        }
        for (frame, number) in group.frames.into_iter().zip(numbers) {
            frame.trail.publish(number, frame.chunk);
        }
        for (reply, outcomes) in group.replies {
            // A waiter that has gone away does not matter to the others.
            let _ = reply.send(Ok(outcomes));
        }
        Ok(())
    }

    /// Removes the files that no trail needs any more. Only this thread adds frames, so what no trail
    /// names now is not needed.
    pub(crate) fn drop_files(&mut self) -> Result<(), JournalError> {
        let trails = self.trails.read().unwrap_or_else(PoisonError::into_inner);
        let needed = trails
            .values()
            .filter_map(|trail| trail.oldest_frame())
            .min()
            .unwrap_or(self.journal.next());
        drop(trails);
        if needed > self.journal.first() {
            self.journal.remove_before(needed)?;
        }
        Ok(())
    }
}
