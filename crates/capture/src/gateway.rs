//! A running gateway: the recorder, who may use it, and the listeners of its surfaces.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use journal::FsError;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    config::{AgentConfig, ConfigError, GatewayConfig, Mode, read_agents, read_text},
    env::Env,
    forward::{self, CaError, Forward, ForwardConfig},
    http::{ListenError, TlsError, Upstream, tls_config},
    identity::{Agents, Scope},
    keys::{REDACTION_KEY_FILE, kept_key, save_key, shared_key},
    llm::{self, Llm, LlmConfig},
    mcp::{self, Mcp, McpConfig},
    recorder::{Outlet, Recorder, Running, SpoolSettings, StartError},
    redact::{Redactor, RuleFileError, Secret, label},
    sink::{Address, Remote, RemoteError, SinkError},
    spool::SharedSpool,
};

/// How long requests may go on after the stop began.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How long events are delivered after that; the rest waits in the spool.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(10);
/// How often a server that was away at the start is asked for the key of redactions.
const KEY_RETRY: Duration = Duration::from_secs(5);

/// What the settings say about capture.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Table `[gateway]`.
    pub gateway: GatewayConfig,
    /// Tables `[[agent]]`.
    pub agents: Vec<AgentConfig>,
    /// Table `[llm]`; without it there is no such listener.
    pub llm: Option<LlmConfig>,
    /// Table `[forward_proxy]`; without it there is no such listener.
    pub forward_proxy: Option<ForwardConfig>,
    /// Directory of the certificate authority for intercepted hosts.
    pub ca_dir: PathBuf,
    /// Table `[mcp]`; likewise.
    pub mcp: Option<McpConfig>,
}

/// What the environment says: names for whoever shows no token.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Agent, job and project of requests that name none.
    pub scope: Scope,
    /// `SSL_CERT_FILE`.
    pub ssl_cert_file: Option<PathBuf>,
    /// Where surfaces keep what they know; without it they know it for the life of the process.
    pub state_dir: Option<PathBuf>,
}

/// What every surface has.
#[derive(Clone, Debug)]
pub struct Core {
    /// Takes events.
    pub recorder: Recorder,
    /// Who may use the gateway.
    pub agents: Arc<Agents>,
    /// Job and project of requests that name none.
    pub scope: Arc<Scope>,
    /// Connections to upstreams.
    pub upstream: Upstream,
    /// What a surface does that does not say its own.
    pub mode: Mode,
}

/// A gateway that runs until it is stopped.
#[derive(Debug)]
pub struct Gateway {
    running: Running,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
    addresses: Vec<(&'static str, std::net::SocketAddr)>,
}

/// Where events go, and the key for the hashes of redactions that belongs to it.
pub struct Destination {
    /// Spool or sink.
    pub outlet: Outlet,
    /// The key as it is known now.
    pub redaction_key: [u8; 32],
    /// Asked for the trail's key until it answers.
    pub ask: Option<KeySource>,
}

/// A server that has not told the trail's key yet.
pub struct KeySource {
    remote: Arc<Remote>,
    vouches: Arc<AtomicBool>,
    env: Env,
    path: PathBuf,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The rules for secrets are.
    #[error(transparent)]
    Rules(#[from] RuleFileError),
    /// The server's address is.
    #[error("gateway.server: {0}")]
    Server(#[from] RemoteError),
    /// The server refuses the key.
    #[error("the server does not take the key in {}: {source}", path.display())]
    Key {
        /// The file with the key.
        path: PathBuf,
        /// What the server said.
        source: SinkError,
    },
    /// The key may do too little.
    #[error(
        "the key in {} has not the scope `gateway`; make one with: indelible key create --scope gateway",
        path.display()
    )]
    Scope {
        /// The file with the key.
        path: PathBuf,
    },
    /// The spool's directory cannot be used.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The recorder does not start.
    #[error(transparent)]
    Recorder(#[from] StartError),
    /// There is no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A listener has no address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// There is no certificate authority.
    #[error(transparent)]
    Authority(#[from] CaError),
    /// No surface has a table in the settings.
    #[error("no surface is configured: the settings need a table such as [llm]")]
    NoSurface,
}

impl Settings {
    /// Whether there is anything to listen for.
    #[must_use]
    pub fn has_surface(&self) -> bool {
        self.llm.is_some() || self.forward_proxy.is_some() || self.mcp.is_some()
    }
}

impl Destination {
    /// A server over HTTP, with a spool in front of it. Blocks for a moment.
    ///
    /// # Errors
    /// [`GatewayError`] if the settings are wrong, or the server is there and does not take the key. One that is away
    /// is no error.
    pub fn remote(
        config: &GatewayConfig,
        address: Address,
        env: &Env,
    ) -> Result<Self, GatewayError> {
        let path = config.key_file.clone();
        let (destination, refused) =
            Self::spooled(address, &config.spool_dir, config.spool_limit_bytes, env)?;
        if let Some(source) = refused {
            return Err(GatewayError::Key { path, source });
        }
        if !destination.outlet.0.vouches.load(Ordering::Relaxed) {
            return Err(GatewayError::Scope { path });
        }
        Ok(destination)
    }

    /// The same with a key that need not have the scope `gateway`: then nothing is said of how actors were identified. Also
    /// answers why the server does not take the key, if it is there and does not: events wait then.
    ///
    /// # Errors
    /// As [`Self::remote`].
    pub fn spooled(
        address: Address,
        dir: &Path,
        limit_bytes: u64,
        env: &Env,
    ) -> Result<(Self, Option<SinkError>), GatewayError> {
        let remote = Arc::new(Remote::new(address)?);
        env.fs.create_dir_all(dir)?;
        restrict(dir);
        let path = dir.join(REDACTION_KEY_FILE);
        let vouches = Arc::new(AtomicBool::new(true));
        let (mut is_known, mut refused) = (true, None);
        let redaction_key = match remote.redaction_key() {
            Ok(Some(key)) => {
                save_key(env, &path, &key)?;
                key
            }
            Ok(None) => {
                vouches.store(false, Ordering::Relaxed);
                kept_key(env, &path)?
            }
            Err(error) => {
                is_known = false;
                if let SinkError::Refused { .. } = &error {
                    refused = Some(error);
                } else {
                    tracing::warn!(%error, "the server is away; events wait in the spool");
                }
                kept_key(env, &path)?
            }
        };
        let settings = SpoolSettings {
            dir: dir.to_owned(),
            limit_bytes,
            vouches: Arc::clone(&vouches),
        };
        let ask = (!is_known).then(|| KeySource {
            remote: Arc::clone(&remote),
            vouches,
            env: env.clone(),
            path,
        });
        let destination = Self {
            outlet: Outlet(settings, remote),
            redaction_key,
            ask,
        };
        Ok((destination, refused))
    }

    /// The same for a process that may not keep anybody waiting: a server that does not answer within `patience` is asked
    /// beside the work. The key that is used until then, one of an earlier process if there was one, lies in `keys`.
    ///
    /// # Errors
    /// [`GatewayError`] if the URL is none, or a directory cannot be used.
    pub fn prompt(
        address: Address,
        dir: &Path,
        keys: &Path,
        limit_bytes: u64,
        env: &Env,
        patience: Duration,
    ) -> Result<Self, GatewayError> {
        let remote = Arc::new(Remote::new(address)?);
        for dir in [keys, dir] {
            env.fs.create_dir_all(dir)?;
            restrict(dir);
        }
        let path = keys.join(REDACTION_KEY_FILE);
        let (answer, answered) = mpsc::channel();
        let asked = Arc::clone(&remote);
        let thread = std::thread::Builder::new().name("redaction-key".to_owned());
        let started = thread.spawn(move || answer.send(asked.redaction_key()));
        started.map_err(StartError::Thread)?;
        let vouches = Arc::new(AtomicBool::new(true));
        let mut ask = None;
        let kept = kept_key(env, &path)?;
        let redaction_key = match answered.recv_timeout(patience) {
            Ok(Ok(Some(key))) => {
                if key != kept {
                    save_key(env, &path, &key)?;
                }
                key
            }
            Ok(Ok(None)) => {
                vouches.store(false, Ordering::Relaxed);
                kept
            }
            _ => {
                ask = Some(KeySource {
                    remote: Arc::clone(&remote),
                    vouches: Arc::clone(&vouches),
                    env: env.clone(),
                    path,
                });
                kept
            }
        };
        let settings = SpoolSettings {
            dir: dir.to_owned(),
            limit_bytes,
            vouches,
        };
        Ok(Self {
            outlet: Outlet(settings, remote),
            redaction_key,
            ask,
        })
    }

    /// The spool that processes of this machine share, which lies in `shared`: a gateway delivers from there.
    ///
    /// # Errors
    /// [`GatewayError`] if a directory cannot be used.
    pub fn handed_on(
        dir: &Path,
        shared: &Path,
        limit_bytes: u64,
        env: &Env,
    ) -> Result<Self, GatewayError> {
        for dir in [shared, dir] {
            env.fs.create_dir_all(dir)?;
            restrict(dir);
        }
        let spool = SharedSpool::with(env.clone(), shared);
        let redaction_key = shared_key(env, &spool.key_path())?;
        let settings = SpoolSettings {
            dir: dir.to_owned(),
            limit_bytes,
            vouches: Arc::new(AtomicBool::new(false)),
        };
        Ok(Self {
            outlet: Outlet(settings, Arc::new(spool)),
            redaction_key,
            ask: None,
        })
    }
}

impl Gateway {
    /// Starts the recorder and listens for every surface that has a table.
    ///
    /// # Errors
    /// [`GatewayError`]; nothing runs then.
    pub async fn start(
        settings: &Settings,
        surroundings: &Surroundings,
        destination: Destination,
        env: Env,
    ) -> Result<Self, GatewayError> {
        let tokens = read_agents(&settings.agents)?;
        let mut secrets: Vec<Secret> = tokens
            .iter()
            .map(|(_, token)| Secret {
                label: label::AGENT_TOKEN,
                value: token.clone(),
            })
            .collect();
        let llm = settings.llm.as_ref().map(llm::Prepared::new).transpose()?;
        secrets.extend(llm.iter().flat_map(llm::Prepared::secrets));
        let forward = settings.forward_proxy.as_ref();
        let forward = forward
            .map(|config| forward::Prepared::new(config, settings.ca_dir.clone()))
            .transpose()?;
        let mcp = settings.mcp.as_ref().map(mcp::Prepared::new).transpose()?;
        secrets.extend(mcp.iter().flat_map(mcp::Prepared::secrets));
        let rules = settings.gateway.redaction_rules_file.as_deref();
        let rules = rules
            .map(|path| read_text("gateway.redaction_rules_file", path))
            .transpose()?;
        let key = &destination.redaction_key;
        let redactor = Arc::new(Redactor::new(rules.as_deref(), &secrets, key)?);
        let tls = tls_config(surroundings.ssl_cert_file.as_deref(), &[])?;
        let agents = Agents::new(tokens, surroundings.scope.actor.id.clone());
        // Addresses are taken before anything runs that would have to be stopped again.
        let llm = match llm {
            Some(prepared) => Some(prepared.bind().await?),
            None => None,
        };
        let forward = match forward {
            Some(prepared) => {
                let authority = prepared.authority(&env)?;
                let tls = prepared.tls(surroundings.ssl_cert_file.as_deref())?;
                let (listener, prepared) = prepared.bind().await?;
                Some((listener, prepared, authority, tls))
            }
            None => None,
        };
        let mcp = match mcp {
            Some(prepared) => Some(prepared.bind().await?),
            None => None,
        };
        let running = Recorder::start(env, Arc::clone(&redactor), destination.outlet)?;
        if let Some(source) = destination.ask {
            source.start(redactor)?;
        }
        let core = Core {
            recorder: running.recorder().clone(),
            agents: Arc::new(agents),
            scope: Arc::new(surroundings.scope.clone()),
            upstream: Upstream::new(&tls),
            mode: settings.gateway.mode,
        };
        let mut gateway = Self {
            running,
            stop: watch::Sender::new(false),
            listeners: JoinSet::new(),
            addresses: Vec::new(),
        };
        if let Some((listener, prepared)) = llm {
            gateway.addresses.push(("llm", listener.address()));
            let llm = Llm::new(core.clone(), prepared, gateway.stop.subscribe());
            let stop = gateway.stop.subscribe();
            gateway
                .listeners
                .spawn(llm.serve(listener, stop, STOP_PATIENCE));
        }
        if let Some((listener, prepared)) = mcp {
            gateway.addresses.push(("mcp", listener.address()));
            let state = surroundings.state_dir.clone();
            let mcp = Mcp::new(core.clone(), prepared, state, gateway.stop.subscribe());
            let stop = gateway.stop.subscribe();
            gateway
                .listeners
                .spawn(mcp.serve(listener, stop, STOP_PATIENCE));
        }
        if let Some((listener, prepared, authority, tls)) = forward {
            let address = listener.address();
            gateway.addresses.push(("forward_proxy", address));
            let stop = || gateway.stop.subscribe();
            let forward = Forward::new(core.clone(), prepared, authority, tls, address, stop());
            let serving = forward.serve(listener, stop(), STOP_PATIENCE);
            gateway.listeners.spawn(serving);
        }
        Ok(gateway)
    }

    /// The surfaces and where clients find them.
    #[must_use]
    pub fn addresses(&self) -> &[(&'static str, std::net::SocketAddr)] {
        &self.addresses
    }

    /// What was lost since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.running.recorder().losses().total()
    }

    /// Lets requests that are under way finish, records them, and tries to deliver what is in the spool. Says whether
    /// nothing is left behind.
    pub async fn stop(mut self) -> bool {
        self.stop.send_replace(true);
        while self.listeners.join_next().await.is_some() {}
        let running = self.running;
        let stopped = tokio::task::spawn_blocking(move || running.stop(DELIVERY_PATIENCE));
        stopped.await.unwrap_or(false)
    }
}

impl KeySource {
    /// Asks on a thread of its own, for as long as the redactor is used.
    ///
    /// # Errors
    /// [`StartError`] if there is no thread.
    pub fn start(self, redactor: Arc<Redactor>) -> Result<(), StartError> {
        let thread = std::thread::Builder::new().name("redaction-key".to_owned());
        let started = thread.spawn(move || self.ask(&redactor));
        started.map(drop).map_err(StartError::Thread)
    }

    /// Asks until the server answers.
    fn ask(&self, redactor: &Arc<Redactor>) {
        while Arc::strong_count(redactor) > 1 {
            match self.remote.redaction_key() {
                Ok(Some(key)) => {
                    redactor.set_key(&key);
                    if let Err(error) = save_key(&self.env, &self.path, &key) {
                        tracing::warn!(%error, "the key of redactions could not be kept");
                    }
                    return;
                }
                Ok(None) => return self.vouches.store(false, Ordering::Relaxed),
                Err(_) => std::thread::sleep(KEY_RETRY),
            }
        }
    }
}

/// What agents did is nobody else's to read.
fn restrict(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let only_owner = std::fs::Permissions::from_mode(0o700);
    if let Err(error) = std::fs::set_permissions(dir, only_owner) {
        tracing::warn!(%error, dir = %dir.display(), "the spool could not be closed to others");
    }
}
