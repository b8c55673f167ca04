//! The ledger of a node: opens, creates trails, starts and stops the threads.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, SyncSender},
    },
    thread::JoinHandle,
    time::Duration,
};

use event::{Limits, Micros, Seq, Submitter, SystemEvent, TrailId};
use journal::{FsLock, Journal};

use crate::{
    committer::{Committer, Trails},
    config::Config,
    env::Env,
    error::LedgerError,
    integrator::Integrator,
    keys::{TrailKeys, log_key_path},
    recovery,
    room::Room,
    sequencer::{Message, Sequencer},
    trail::Trail,
};

/// Batches that wait for the sequencer; their bytes are bounded by `hot_limit_bytes`.
const QUEUE_BATCHES: usize = 4_096;
/// One group is written while the next is built.
const GROUPS_AHEAD: usize = 1;

/// What is known of the events that have left the write-ahead log. Implemented by the segment store.
pub trait History: Send + Sync {
    /// Where the sealed events of a trail end.
    ///
    /// # Errors
    /// If the trail's manifest cannot be read.
    fn sealed(&self, trail: &TrailId) -> Result<SealedEnd, HistoryError>;

    /// The sealed event with this id.
    ///
    /// # Errors
    /// If a segment or its id table cannot be read: never answered as "none".
    fn find(&self, trail: &TrailId, id: &str) -> Result<Option<Known>, HistoryError>;
}

/// End of the sealed events of a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SealedEnd {
    /// Number of sealed events.
    pub size: u64,
    /// Server time of the last one, 0 if there is none.
    pub recorded_at: Micros,
}

/// A sealed event found by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Position in the log.
    pub seq: Seq,
    /// Server time of the commit.
    pub recorded_at: Micros,
    /// Keyed hash of the event as sent, if the producer gave the id.
    pub digest: Option<[u8; 16]>,
}

/// A failed look-up among sealed events.
#[derive(Debug, thiserror::Error)]
#[error("sealed events cannot be looked up")]
pub struct HistoryError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Whether the log still accepts events.
#[derive(Debug, Default)]
pub(crate) struct Health {
    stopped: AtomicBool,
}

impl Health {
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Stops the log for good: after a failed write or fsync nobody knows what the disk holds.
    pub(crate) fn stop(&self, thread: &'static str, error: &dyn std::error::Error) {
        self.stopped.store(true, Ordering::Release);
        let cause = error.source().map(tracing::field::display);
        tracing::error!(thread, %error, cause, "the log has stopped");
    }
}

/// The running ledger. Dropping it stops it like [`Self::shutdown`].
pub struct Ledger {
    config: Config,
    env: Env,
    trails: Trails,
    health: Arc<Health>,
    room: Arc<Room>,
    queue: SyncSender<Message>,
    creating: Mutex<()>,
    running: Mutex<Option<Running>>,
}

struct Running {
    sequencer: JoinHandle<()>,
    committer: JoinHandle<Option<Committer>>,
    integrator: JoinHandle<()>,
    /// Dropped to stop the integrator.
    stop_integrator: mpsc::Sender<()>,
    /// Given back last.
    _lock: Box<dyn FsLock>,
}

impl Ledger {
    /// Recovers the ledger in `config.dir` and starts it. The same after a crash and after a clean stop.
    ///
    /// # Errors
    /// If another process has the directory, if anything durable is damaged, missing or shorter than what was
    /// signed, or on a disk error. Nothing is changed before the damage is found, except that a torn last frame is dropped.
    pub fn open(config: Config, env: Env, history: Arc<dyn History>) -> Result<Self, LedgerError> {
        env.fs.create_dir_all(&config.dir.join("trails"))?;
        let lock = env.fs.lock_exclusive(&config.dir.join("lock"))?;
        let room = Arc::new(Room::new(config.hot_limit_bytes));
        let (queue, receiver) = mpsc::sync_channel(QUEUE_BATCHES);
        let trails = load_trails(&config, &env, &queue, &room)?;
        let journal = recovery::recover(&config, &env, &trails, history.as_ref())?;
        let ledger = Self {
            env,
            trails: Arc::new(trails.into()),
            health: Arc::new(Health::default()),
            room,
            queue,
            creating: Mutex::new(()),
            running: Mutex::new(None),
            config,
        };
        let running = ledger.start(journal, receiver, history, lock)?;
        *ledger
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(running);
        for trail in ledger.trails() {
            // A crash between the keys of a trail and its first event.
            if trail.size() == 0 {
                record_creation(&trail)?;
            }
        }
        Ok(ledger)
    }

    fn start(
        &self,
        journal: Journal,
        queue: mpsc::Receiver<Message>,
        history: Arc<dyn History>,
        lock: Box<dyn FsLock>,
    ) -> Result<Running, LedgerError> {
        let (groups, receiver) = mpsc::sync_channel(GROUPS_AHEAD);
        let sequencer = Sequencer {
            env: self.env.clone(),
            history,
            health: Arc::clone(&self.health),
            room: Arc::clone(&self.room),
            queue,
            committer: groups,
        };
        let committer = Committer {
            journal,
            trails: Arc::clone(&self.trails),
            health: Arc::clone(&self.health),
            groups: receiver,
        };
        let (stop_integrator, stop) = mpsc::channel();
        let integrator = Integrator {
            env: self.env.clone(),
            trails: Arc::clone(&self.trails),
            health: Arc::clone(&self.health),
            interval: Duration::from_millis(self.config.checkpoint_interval_ms),
            stop,
        };
        Ok(Running {
            sequencer: spawn("sequencer", move || sequencer.run())?,
            committer: spawn("committer", move || committer.run())?,
            integrator: spawn("integrator", move || integrator.run())?,
            stop_integrator,
            _lock: lock,
        })
    }

    /// All trails, by name.
    #[must_use]
    pub fn trails(&self) -> Vec<Arc<Trail>> {
        let trails = self.trails.read().unwrap_or_else(PoisonError::into_inner);
        trails.values().cloned().collect()
    }

    /// One trail.
    #[must_use]
    pub fn trail(&self, id: &TrailId) -> Option<Arc<Trail>> {
        let trails = self.trails.read().unwrap_or_else(PoisonError::into_inner);
        trails.get(id).cloned()
    }

    /// Makes a trail with new keys and records `trail.created` as its first event. Blocks: not for async code.
    ///
    /// # Errors
    /// [`LedgerError::TrailExists`], a disk error, or a server name that cannot be part of an origin.
    pub fn create_trail(&self, id: &TrailId) -> Result<Arc<Trail>, LedgerError> {
        let _one = self.creating.lock().unwrap_or_else(PoisonError::into_inner);
        if self.trail(id).is_some() {
            return Err(LedgerError::TrailExists(id.clone()));
        }
        let dir = trail_dir(&self.config, id);
        self.env.fs.create_dir_all(&dir)?;
        let origin = format!("{}/{id}", self.config.server_name);
        let keys = TrailKeys::create(&self.env, &dir, &origin)?;
        let trail = Trail::open(
            &self.env,
            id.clone(),
            &dir,
            keys,
            self.queue.clone(),
            Arc::clone(&self.room),
        )?;
        let trail = Arc::new(trail);
        self.trails
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), Arc::clone(&trail));
        record_creation(&trail)?;
        Ok(trail)
    }

    /// Whether the log accepts events; false for good after a disk error.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.health.is_stopped()
    }

    /// Queued and unsealed bytes in memory.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.room.held()
    }

    /// Data directory.
    #[must_use]
    pub fn dir(&self) -> &std::path::Path {
        &self.config.dir
    }

    /// Commits what was submitted, signs it, and stops. Submitters see `AppendError::Stopped` from then on.
    pub fn shutdown(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(running) = running else {
            return;
        };
        // A full queue of a stopped log is never drained; then the sequencer has left already.
        let _ = self.queue.try_send(Message::Stop);
        join("sequencer", running.sequencer);
        let committer = join("committer", running.committer).flatten();
        drop(running.stop_integrator);
        join("integrator", running.integrator);
        // What the last checkpoint covers and the segments hold is no longer needed.
        if let Some(mut committer) = committer
            && let Err(error) = committer.drop_files()
        {
            self.health.stop("committer", &error);
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.shutdown();
    }
}

fn join<T>(name: &'static str, thread: JoinHandle<T>) -> Option<T> {
    let ended = thread.join();
    if ended.is_err() {
        tracing::error!(thread = name, "a thread of the ledger panicked");
    }
    ended.ok()
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, LedgerError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(LedgerError::Thread)
}

pub(crate) fn trail_dir(config: &Config, id: &TrailId) -> PathBuf {
    config.dir.join("trails").join(id.as_str())
}

fn load_trails(
    config: &Config,
    env: &Env,
    queue: &SyncSender<Message>,
    room: &Arc<Room>,
) -> Result<std::collections::BTreeMap<TrailId, Arc<Trail>>, LedgerError> {
    let mut trails = std::collections::BTreeMap::new();
    for name in env.fs.list(&config.dir.join("trails"))? {
        let dir = config.dir.join("trails").join(&name);
        let Ok(id) = TrailId::new(name) else {
            return Err(LedgerError::Malformed {
                path: dir,
                what: "not the name of a trail",
            });
        };
        // Without its key, written last, the creation never finished and nobody was told of the trail.
        if !env.fs.exists(&log_key_path(&dir))? {
            continue;
        }
        let keys = TrailKeys::load(env, &dir)?;
        let trail = Trail::open(env, id.clone(), &dir, keys, queue.clone(), Arc::clone(room))?;
        trails.insert(id, Arc::new(trail));
    }
    Ok(trails)
}

fn record_creation(trail: &Arc<Trail>) -> Result<(), LedgerError> {
    let event = SystemEvent {
        resource: Some(("trail", trail.id().as_str())),
        ..SystemEvent::new("trail.created")
    };
    let by = Submitter {
        system: true,
        ..Submitter::default()
    };
    let prepared = event::prepare(&event.to_json(), &by, trail.dedup_key(), &Limits::default())?;
    trail.submit_now(vec![prepared])?.wait()?;
    Ok(())
}
