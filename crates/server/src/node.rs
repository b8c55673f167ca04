//! A running node without its HTTP face.

mod first_start;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use event::{Micros, SystemEvent, TrailId};
use journal::{FsError, RealFs};
use ledger::{Entropy, Env, Ledger, LedgerError, Trail};
use query::Engine;
use store::{Sealer, SealerConfig, SealerHealth, Segments, StoreError};

use crate::{
    audit::{self, Audit, RecordError},
    config::{Config, ConfigError},
    exports::Exports,
    kept,
    keys::{Key, KeySpec, Keys, KeysError, Scopes},
    numbers::Numbers,
    sessions::{Sessions, SessionsError},
    shares::Shares,
    views::Views,
};

/// The trail that every node has.
pub const DEFAULT_TRAIL: &str = "default";
/// The trail that pages mark as sample data.
pub const SAMPLE_TRAIL: &str = "sample";

/// Ledger, segments, sealer and keys of one data directory.
pub struct Node {
    config: Config,
    env: Env,
    ledger: Arc<Ledger>,
    segments: Arc<Segments>,
    /// Taken by [`Node::close`].
    sealer: Mutex<Option<Sealer>>,
    keys: Keys,
    sessions: Sessions,
    views: Views,
    audit: Audit,
    exports: Exports,
    shares: Shares,
    /// One engine for each trail, for as long as the node runs: it keeps the tree of the newest snapshot.
    engines: RwLock<BTreeMap<TrailId, Engine>>,
    /// What is known of the numbers of producers, for each trail that somebody asked about.
    numbers: Mutex<BTreeMap<TrailId, Arc<Numbers>>>,
    new_admin_key: Option<String>,
    new_sign_in_link: Option<String>,
}

/// Why a node does not start, or a trail cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A setting is outside its range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The ledger does not open, or a trail cannot be made.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The segments cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys are not available.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Nobody can be signed in.
    #[error(transparent)]
    Sessions(#[from] SessionsError),
    /// A preset admin key that could not be sent in a header, or is no secret.
    #[error("an admin key is 8 to 256 visible ASCII characters")]
    AdminKey,
    /// The operating system gives no random bytes.
    #[error("no random bytes")]
    Entropy(#[source] std::io::Error),
    /// The server's own event was not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// A trail that was just made.
pub(crate) struct NewTrail {
    pub(crate) log: Arc<Trail>,
    pub(crate) admin_key: Arc<Key>,
    pub(crate) admin_key_text: String,
}

impl Node {
    /// Opens the data directory, recovers, and starts the threads. Blocks: not for async code.
    ///
    /// The first start creates the trail [`DEFAULT_TRAIL`] and its admin key, and writes `admin.key`
    /// (mode 0600) and `log.vkey` into the data directory. `admin_key` presets the admin key; one that was
    /// never known is added at any start.
    ///
    /// # Errors
    /// If a setting is wrong, another process has the directory, or anything in it is damaged.
    pub fn open(config: Config, admin_key: Option<&str>) -> Result<Self, NodeError> {
        config.check()?;
        let env = Env::system(Arc::new(RealFs));
        env.fs.create_dir_all(&config.data)?;
        let mut seed = [0; 8];
        env.entropy.fill(&mut seed).map_err(NodeError::Entropy)?;
        let segments = store::Config {
            index_seed: u64::from_le_bytes(seed),
            ..store::Config::default()
        };
        let segments = Arc::new(Segments::open(&config.data, segments)?);
        let ledger = ledger::Config {
            server_name: config.log.server_name.clone(),
            hot_limit_bytes: config.log.hot_limit_mib << 20,
            ..ledger::Config::new(&config.data)
        };
        let ledger = Arc::new(Ledger::open(
            ledger,
            env.clone(),
            Arc::clone(&segments) as _,
        )?);
        let ready = first_start::make_ready(&ledger, &env, &config.data, admin_key)?;
        let sealer = SealerConfig {
            segment_raw_bytes: (config.segments.seal_mib as u64) << 20,
            segment_age_us: config.segments.seal_after_s.saturating_mul(1_000_000),
        };
        let sealer = Sealer::start(
            Arc::clone(&segments),
            Arc::clone(&ledger),
            Arc::clone(&env.clock),
            sealer,
        )?;
        let exports = Exports::open(&env, &config.data, &config.exports);
        let shares = Shares::load(&env, config.data.join(kept::SHARES));
        Ok(Self {
            config,
            env,
            ledger,
            segments,
            sealer: Mutex::new(Some(sealer)),
            keys: ready.keys,
            sessions: ready.sessions,
            views: ready.views,
            audit: Audit::default(),
            exports,
            shares,
            engines: RwLock::default(),
            numbers: Mutex::default(),
            new_admin_key: ready.new_admin_key,
            new_sign_in_link: ready.new_sign_in_link,
        })
    }

    /// The admin key, if this start made it: shown once.
    #[must_use]
    pub fn new_admin_key(&self) -> Option<&str> {
        self.new_admin_key.as_deref()
    }

    /// Path of a link that signs in to the dashboard with the admin key, once, if this start made that key.
    #[must_use]
    pub fn new_sign_in_link(&self) -> Option<&str> {
        self.new_sign_in_link.as_deref()
    }

    /// Verifier key of a trail in the form `name+id+key`.
    #[must_use]
    pub fn verifier_key(&self, trail: &str) -> Option<String> {
        Some(self.trail(trail)?.verifier_key().to_string())
    }

    /// Data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.ledger.dir()
    }

    /// Records what is still to be recorded, seals, signs, and stops. Blocks.
    pub fn close(&self) {
        self.flush();
        let sealer = self
            .sealer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if sealer.is_some_and(|sealer| !sealer.shutdown()) {
            tracing::warn!("not everything is sealed; it stays in the write-ahead log");
        }
        self.ledger.shutdown();
    }

    /// Records what was read and writes when sessions were used. Blocks.
    pub(crate) fn flush(&self) {
        self.audit.flush(&self.ledger);
        self.shares.flush(&self.ledger);
        self.sessions.flush();
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The server's clock.
    pub(crate) fn now(&self) -> Micros {
        self.env.clock.now()
    }

    /// The same, signed, for comparison with the times of events.
    pub(crate) fn now_us(&self) -> i64 {
        i64::try_from(self.now().0).unwrap_or(i64::MAX)
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) fn views(&self) -> &Views {
        &self.views
    }

    /// Bytes that differ from page to page; all zeros if the system has no randomness, which hides nothing and
    /// breaks nothing.
    pub(crate) fn mask(&self) -> [u8; 16] {
        let mut mask = [0; 16];
        if let Err(error) = self.env.entropy.fill(&mut mask) {
            tracing::warn!(%error, "no randomness for a page");
        }
        mask
    }

    pub(crate) fn audit(&self) -> &Audit {
        &self.audit
    }

    pub(crate) fn exports(&self) -> &Exports {
        &self.exports
    }

    pub(crate) fn shares(&self) -> &Shares {
        &self.shares
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.env.entropy.as_ref()
    }

    /// The trail of this name.
    pub(crate) fn trail(&self, name: &str) -> Option<Arc<Trail>> {
        self.ledger.trail(&TrailId::new(name).ok()?)
    }

    /// How sealing goes; none after the node was closed.
    pub(crate) fn sealer_health(&self) -> Option<SealerHealth> {
        let sealer = self.sealer.lock().unwrap_or_else(PoisonError::into_inner);
        sealer.as_ref().map(Sealer::health)
    }

    /// The reader of a trail.
    pub(crate) fn engine(&self, trail: &Arc<Trail>) -> Engine {
        let engines = self.engines.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(trail.id()) {
            return engine.clone();
        }
        drop(engines);
        let mut engines = self.engines.write().unwrap_or_else(PoisonError::into_inner);
        engines
            .entry(trail.id().clone())
            .or_insert_with(|| Engine::new(Arc::clone(trail), Arc::clone(&self.segments)))
            .clone()
    }

    /// The numbers that the producers of a trail gave.
    pub(crate) fn numbers(&self, trail: &TrailId) -> Arc<Numbers> {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(numbers.entry(trail.clone()).or_default())
    }

    /// Makes a trail with its admin key, and records that in the trail of the one who asked. Blocks.
    pub(crate) fn create_trail(
        &self,
        id: &TrailId,
        public: bool,
        by: &Key,
    ) -> Result<NewTrail, NodeError> {
        let log = match self.ledger.create_trail(id) {
            // A crash after the trail and before its key left it to nobody.
            Err(LedgerError::TrailExists(id)) if self.keys.list(&id).is_empty() => {
                self.ledger.trail(&id).ok_or(LedgerError::TrailExists(id))?
            }
            created => created?,
        };
        if public {
            self.keys.publish(id)?;
        }
        let secret = self.keys.generate()?;
        let spec = KeySpec {
            trail: id.clone(),
            name: "admin".to_owned(),
            scopes: Scopes::TRAIL_ADMIN,
            role: None,
            project: None,
            expires_at: None,
        };
        let admin_key = self.keys.add(spec, &secret)?;
        let meta = format!("{{\"public\":{public}}}");
        let event = SystemEvent {
            resource: Some(("trail", id.as_str())),
            meta: Some(&meta),
            ..audit::by(by, "trail.created")
        };
        if let Some(home) = self.ledger.trail(&by.trail) {
            audit::record(&home, &event)?;
        }
        Ok(NewTrail {
            log,
            admin_key,
            admin_key_text: secret.text,
        })
    }
}
