//! One trail: what its readers, its submitters and the three threads share.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, TrySendError},
    },
};

use event::{DedupKey, Prepared, Salts, Seq, TrailId};
use journal::FrameNo;
use tlog::{Hash, SigningKey, Tile, VerifierKey};
use tokio::sync::{oneshot, watch};

use crate::{
    checkpoints::{Checkpoints, KeptCheckpoint, SignedCheckpoint},
    chunk::{Chunk, Hot},
    env::Env,
    epochs::Epochs,
    error::{AppendError, LedgerError, NoCheckpoint},
    keys::TrailKeys,
    outcome::Ticket,
    room::Room,
    sequencer::{Batch, Message, Sequence},
    tail::Tail,
    tree::{TreeReader, TreeWriter},
};

/// One organisation's log: one tree, one origin, one key.
pub struct Trail {
    id: TrailId,
    dir: PathBuf,
    pub(crate) key: SigningKey,
    vkey: VerifierKey,
    dedup: DedupKey,
    pub(crate) epochs: Epochs,
    tree: TreeReader,
    size: watch::Sender<u64>,
    sealed: AtomicU64,
    published: watch::Sender<Option<Arc<SignedCheckpoint>>>,
    hot: Tail,
    /// Chunks that left the hot tail and whose ids the sequencer has still to forget.
    evicted: Mutex<Vec<Arc<Chunk>>>,
    queue: SyncSender<Message>,
    room: Arc<Room>,
    checkpoints: Mutex<Checkpoints>,
    /// The integrator's.
    writer: Mutex<TreeWriter>,
    /// The sequencer's.
    sequence: Mutex<Sequence>,
}

impl Trail {
    /// Opens a trail whose keys exist, at the size of its newest checkpoint.
    pub(crate) fn open(
        env: &Env,
        id: TrailId,
        dir: &Path,
        keys: TrailKeys,
        queue: SyncSender<Message>,
        room: Arc<Room>,
    ) -> Result<Self, LedgerError> {
        let vkey = keys.log.verifier().clone();
        let checkpoints = Checkpoints::open(env.clone(), dir, &vkey)?;
        let newest = checkpoints.newest();
        let size = newest.as_ref().map_or(0, |newest| newest.size);
        let tree = TreeReader::new(Arc::clone(&env.fs), dir.join("tree"));
        let writer = TreeWriter::open(Arc::clone(&env.fs), dir.join("tree"), size, &tree)?;
        if let Some(newest) = &newest
            && writer.root() != newest.root
        {
            return Err(LedgerError::Root { trail: id, size });
        }
        Ok(Self {
            dir: dir.to_owned(),
            key: keys.log,
            vkey,
            dedup: keys.dedup,
            epochs: Epochs::open(env.clone(), dir.join("epochs"))?,
            tree,
            size: watch::Sender::new(0),
            sealed: AtomicU64::new(0),
            published: watch::Sender::new(newest),
            hot: Tail::default(),
            evicted: Mutex::default(),
            queue,
            room,
            checkpoints: Mutex::new(checkpoints),
            writer: Mutex::new(writer),
            sequence: Mutex::new(Sequence::new()),
            id,
        })
    }

    /// Name of the trail.
    #[must_use]
    pub fn id(&self) -> &TrailId {
        &self.id
    }

    /// Directory of the trail.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Origin line of the checkpoints, which is also the name of the key.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.vkey.name()
    }

    /// The key that checkpoints are verified with.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.vkey
    }

    /// Key of the digests by which a repeated event is recognised.
    #[must_use]
    pub fn dedup_key(&self) -> &DedupKey {
        &self.dedup
    }

    /// Hands events to the sequencer, in order; waits a little while for room.
    ///
    /// # Errors
    /// [`AppendError::Busy`]: nothing was recorded. [`AppendError::Stopped`] after a disk error or shutdown.
    pub async fn submit(self: &Arc<Self>, events: Vec<Prepared>) -> Result<Ticket, AppendError> {
        let bytes = weight(&events);
        self.room.take(bytes).await?;
        self.enqueue(events, bytes)
    }

    /// Hands the server's own events to the sequencer without waiting for room.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn submit_now(self: &Arc<Self>, events: Vec<Prepared>) -> Result<Ticket, AppendError> {
        let bytes = weight(&events);
        self.room.take_anyway(bytes);
        self.enqueue(events, bytes)
    }

    fn enqueue(
        self: &Arc<Self>,
        events: Vec<Prepared>,
        bytes: usize,
    ) -> Result<Ticket, AppendError> {
        let (reply, receiver) = oneshot::channel();
        let batch = Batch {
            trail: Arc::clone(self),
            events,
            bytes,
            reply,
        };
        self.queue
            .try_send(Message::Batch(batch))
            .map_err(|refused| {
                self.room.give_back(bytes);
                match refused {
                    TrySendError::Full(_) => AppendError::Busy,
                    TrySendError::Disconnected(_) => AppendError::Stopped,
                }
            })?;
        Ok(Ticket(receiver))
    }

    /// Number of durable events.
    #[must_use]
    pub fn size(&self) -> u64 {
        *self.size.borrow()
    }

    /// Follows [`Self::size`].
    #[must_use]
    pub fn watch_size(&self) -> watch::Receiver<u64> {
        self.size.subscribe()
    }

    /// The unsealed events, as of now.
    #[must_use]
    pub fn hot(&self) -> Hot {
        self.hot.view(|| self.size())
    }

    /// Tells that the events below `size` are durable in segments and can be found there.
    pub fn mark_sealed(&self, size: u64) {
        self.sealed.fetch_max(size, Ordering::AcqRel);
        self.trim();
    }

    /// Number of sealed events.
    #[must_use]
    pub fn sealed(&self) -> u64 {
        self.sealed.load(Ordering::Acquire)
    }

    /// The newest published checkpoint; none before the first event is integrated.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Arc<SignedCheckpoint>> {
        self.published.borrow().clone()
    }

    /// The kept checkpoint of exactly that size.
    ///
    /// # Errors
    /// The outer error if it is kept and cannot be read; the inner one names the next larger kept size.
    pub fn checkpoint_at(
        &self,
        size: u64,
    ) -> Result<Result<SignedCheckpoint, NoCheckpoint>, LedgerError> {
        let located = self.checkpoints().locate(size);
        located
            .map(|kept| kept.read(&self.vkey, &self.dir))
            .map_or_else(|missing| Ok(Err(missing)), |read| read.map(Ok))
    }

    /// The newest kept checkpoints, the newest first.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn kept_checkpoints(&self, most: usize) -> Result<Vec<KeptCheckpoint>, LedgerError> {
        let latest = self.checkpoints().latest(most);
        latest
            .iter()
            .map(|kept| kept.read_kept(&self.vkey, &self.dir))
            .collect()
    }

    /// Waits until a published checkpoint covers `size` events.
    ///
    /// # Errors
    /// [`AppendError::Stopped`] if the ledger is shut down before.
    pub async fn wait_integrated(&self, size: u64) -> Result<Arc<SignedCheckpoint>, AppendError> {
        let mut published = self.published.subscribe();
        let covered = published
            .wait_for(|newest| newest.as_ref().is_some_and(|newest| newest.size >= size))
            .await
            .map_err(|_| AppendError::Stopped)?;
        covered.clone().ok_or(AppendError::Stopped)
    }

    /// Hash of a leaf, integrated or not.
    ///
    /// # Errors
    /// If `seq` is not in the log or the tree cannot be read.
    pub fn leaf_hash(&self, seq: Seq) -> Result<Hash, LedgerError> {
        let hot = self.hot_chunk(seq);
        if let Some(event) = hot.as_ref().and_then(|chunk| chunk.get(seq)) {
            return Ok(event.leaf_hash);
        }
        self.tree.hash(0, seq.0)
    }

    /// Bytes of a hash tile. The caller sees to it that a published checkpoint covers the tile.
    ///
    /// # Errors
    /// If the tree cannot be read or is shorter.
    pub fn tile(&self, tile: Tile) -> Result<Vec<u8>, LedgerError> {
        self.tree.tile(tile)
    }

    /// Proof that leaf `seq` is in the tree of `size` leaves, which must be published.
    ///
    /// # Errors
    /// If `seq` is not below `size`, or the tree cannot be read.
    pub fn inclusion(&self, seq: Seq, size: u64) -> Result<Vec<Hash>, LedgerError> {
        Ok(tlog::inclusion_proof(seq.0, size, |tile| {
            self.tree.tile(tile)
        })?)
    }

    /// Proof that the tree of `from` leaves is a prefix of that of `to`, both published.
    ///
    /// # Errors
    /// If `from` is above `to`, or the tree cannot be read.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, LedgerError> {
        Ok(tlog::consistency_proof(from, to, |tile| {
            self.tree.tile(tile)
        })?)
    }

    /// Root of the first `size` leaves, which must be published.
    ///
    /// # Errors
    /// If the tree cannot be read or is shorter.
    pub fn root(&self, size: u64) -> Result<Hash, LedgerError> {
        self.tree.root(size)
    }

    /// Salts of the commitments of a recorded event.
    ///
    /// # Errors
    /// If the secret of its epoch is missing or damaged.
    pub fn salts(&self, seq: Seq) -> Result<Salts, LedgerError> {
        self.epochs.salts(seq)
    }

    /// The unsealed chunk that holds `seq`.
    pub(crate) fn hot_chunk(&self, seq: Seq) -> Option<Arc<Chunk>> {
        self.hot.find(seq)
    }

    /// Makes a durable chunk visible. Committer and recovery only, in order.
    pub(crate) fn publish(&self, frame: FrameNo, chunk: Arc<Chunk>) {
        self.room.take_anyway(chunk.size_bytes());
        let end = chunk.end().0;
        self.hot.push(frame, chunk);
        self.size.send_replace(end);
    }

    /// Sets the size of a log that has no unsealed events, at the start.
    pub(crate) fn restore_size(&self, size: u64) {
        self.size.send_replace(size);
        self.hot.resize();
    }

    /// Makes a durable checkpoint visible.
    pub(crate) fn publish_checkpoint(&self, signed: Arc<SignedCheckpoint>) {
        self.published.send_replace(Some(signed));
        self.trim();
    }

    /// Lets go of the chunks that are both sealed and covered by a checkpoint: the write-ahead log is needed for
    /// whatever is not in the segments and for whatever is not in the tree.
    fn trim(&self) {
        let covered = self
            .published
            .borrow()
            .as_ref()
            .map_or(0, |newest| newest.size);
        let limit = covered.min(self.sealed());
        let mut gone = self.hot.take_until(limit);
        if gone.is_empty() {
            return;
        }
        self.room
            .give_back(gone.iter().map(|chunk| chunk.size_bytes()).sum());
        lock(&self.evicted).append(&mut gone);
    }

    /// Oldest frame of the write-ahead log that this trail still needs.
    pub(crate) fn oldest_frame(&self) -> Option<FrameNo> {
        self.hot.oldest_frame()
    }

    pub(crate) fn take_evicted(&self) -> Vec<Arc<Chunk>> {
        std::mem::take(&mut *lock(&self.evicted))
    }

    pub(crate) fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        lock(&self.checkpoints)
    }

    pub(crate) fn writer(&self) -> MutexGuard<'_, TreeWriter> {
        lock(&self.writer)
    }

    pub(crate) fn tree(&self) -> &TreeReader {
        &self.tree
    }

    pub(crate) fn sequence(&self) -> MutexGuard<'_, Sequence> {
        lock(&self.sequence)
    }
}

/// What a batch counts for in the room for queued events, bytes.
fn weight(events: &[Prepared]) -> usize {
    events
        .iter()
        .map(|event| event.record_len_hint() + event.content().map_or(0, <[u8]>::len))
        .sum()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
