//! Where the recorder puts its groups: into a spool on disk, and from there to a sink.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Cause, Losses, SharedSink, StartError,
    forward::{self, Forwarder, Wake},
    thread::Group,
};
use crate::{
    draft::Source,
    env::Env,
    sink::Receipts,
    spool::{Producer, Spool, SpoolError},
};

/// Events that were spooled are fsynced at least this often.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How often a spool that failed is tried again.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

/// Where events go: into a spool, and from there to a sink.
pub struct Outlet(pub SpoolSettings, pub SharedSink);

/// How a spool is kept.
#[derive(Clone, Debug)]
pub struct SpoolSettings {
    /// Its directory.
    pub dir: PathBuf,
    /// Most bytes on disk.
    pub limit_bytes: u64,
    /// Whether the server takes our word for how an actor was identified; may change while the server is away.
    pub vouches: Arc<AtomicBool>,
}

/// Counts events that a sink refuses for good.
#[derive(Clone)]
pub(super) struct Rejections(pub(super) Arc<Losses>);

/// An outlet at work.
pub(super) struct Spooling {
    shared: Arc<SharedSpool>,
    settings: SpoolSettings,
    env: Env,
    /// The producer as of the last commit.
    producer: Producer,
    synced_at: Instant,
    reopened_at: Instant,
    wake: Wake,
}

/// What recorder and forwarder share; `None` while it is broken.
pub(super) struct SharedSpool {
    spool: Mutex<Option<Spool>>,
}

impl std::fmt::Debug for SharedSpool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedSpool").finish_non_exhaustive()
    }
}

impl SharedSpool {
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Spool>> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outlet {
    /// The outlet at work, and what delivers from it.
    pub(super) fn open(
        self,
        env: &Env,
        losses: &Arc<Losses>,
    ) -> Result<(Spooling, Forwarder), StartError> {
        let Self(settings, sink) = self;
        let spool = open(env, &settings)?;
        let producer = spool.producer().clone();
        let shared = Arc::new(SharedSpool {
            spool: Mutex::new(Some(spool)),
        });
        let rejections = Rejections(Arc::clone(losses));
        let forwarder =
            forward::start(Arc::clone(&shared), sink, rejections).map_err(StartError::Thread)?;
        let spooling = Spooling {
            shared,
            settings,
            env: env.clone(),
            producer,
            synced_at: Instant::now(),
            reopened_at: Instant::now(),
            wake: forwarder.wake(),
        };
        Ok((spooling, forwarder))
    }
}

fn open(env: &Env, settings: &SpoolSettings) -> Result<Spool, SpoolError> {
    let fresh = format!("gateway-{}", env.new_id());
    Spool::open(
        Arc::clone(&env.fs),
        &settings.dir,
        settings.limit_bytes,
        &fresh,
    )
}

impl Spooling {
    /// Whose events these are, and the number of the next one.
    pub(super) fn producer(&self) -> Producer {
        self.producer.clone()
    }

    pub(super) fn vouches(&self) -> bool {
        self.settings.vouches.load(Ordering::Relaxed)
    }

    /// Keeps a group; durably if that is asked for.
    pub(super) fn commit(&mut self, group: &Group, is_durable: bool) -> Result<(), Cause> {
        self.commit_with(group, is_durable, Spool::append)
    }

    /// Keeps the word of a loss, which has room of its own.
    pub(super) fn commit_reserved(&mut self, group: &Group) -> Result<(), Cause> {
        self.commit_with(group, true, Spool::append_reserved)
    }

    /// Nothing comes in: time to fsync.
    pub(super) fn idle(&mut self) {
        // What fails here fails again at the next commit, which reports it.
        let _ = self.with_spool(Spool::sync);
    }

    fn commit_with(
        &mut self,
        group: &Group,
        is_durable: bool,
        append: fn(&mut Spool, &[u8], usize) -> Result<(), SpoolError>,
    ) -> Result<(), Cause> {
        let is_due = is_durable || self.synced_at.elapsed() >= SYNC_EVERY;
        let kept = self.with_spool(|spool| {
            append(spool, &group.lines, group.events)?;
            if is_due {
                spool.sync()?;
            }
            Ok(spool.producer().clone())
        })?;
        self.producer = kept;
        if is_due {
            self.synced_at = Instant::now();
        }
        self.wake.wake();
        Ok(())
    }

    fn with_spool<T>(
        &mut self,
        work: impl FnOnce(&mut Spool) -> Result<T, SpoolError>,
    ) -> Result<T, Cause> {
        let mut spool = self.shared.lock();
        if spool.is_none() && self.reopened_at.elapsed() >= REOPEN_EVERY {
            self.reopened_at = Instant::now();
            match open(&self.env, &self.settings) {
                Ok(opened) => {
                    self.producer = opened.producer().clone();
                    *spool = Some(opened);
                }
                Err(error) => tracing::error!(%error, "the spool cannot be opened again"),
            }
        }
        let Some(open) = spool.as_mut() else {
            return Err(Cause::WriteFailed);
        };
        match work(open) {
            Ok(done) => Ok(done),
            Err(SpoolError::Full { .. }) => Err(Cause::SpoolFull),
            Err(error) => {
                // What the disk holds is unknown; opening it again finds out.
                tracing::error!(%error, "the spool failed");
                *spool = None;
                self.reopened_at = Instant::now();
                Err(Cause::WriteFailed)
            }
        }
    }
}

impl Rejections {
    /// `sources` are those of the events sent.
    pub(super) fn count(&self, receipts: &Receipts, sources: &[Source]) {
        for rejected in &receipts.rejected {
            tracing::error!(code = rejected.code, "the server refused an event");
            if let Some(source) = sources.get(rejected.index) {
                self.0.add(*source, Cause::Rejected, 1);
            }
        }
    }
}
