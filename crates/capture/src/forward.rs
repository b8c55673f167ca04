//! Surface `forward-proxy`: the proxy in front of the network.
//!
//! In scope: CONNECT and plain HTTP, which hosts are reached and how, TLS opened for those that the settings name, what is
//! recorded of a tunnel and of a request.
//!
//! Out of scope: caching, changing what passes, a proxy behind this one.

mod address;
mod ca;
mod config;
mod credential;
mod dial;
mod exchange;
mod hello;
mod intercept;
mod link;
mod plain;
mod pump;
mod refusal;
mod relay;
mod rules;
mod secrets;
mod settings;
mod sniff;
mod splice;
mod summary;
mod target;
mod tunnel;

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{HeaderMap, Method, Request, Response, body::Incoming, header::PROXY_AUTHORIZATION};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

use crate::{
    config::Mode,
    gateway::Core,
    http::{Body, Client, ClientIo, Listener, empty},
    identity::{Actor, Scope},
    redact::{Secret, label},
};
pub use ca::{Authority, CA_FILE, CaError};
pub use config::{ForwardConfig, Prepared};
use credential::Credential;
use dial::{DialError, Pinned, Policy};
pub use hello::{Hello, HelloReader};
use intercept::Opened;
use plain::PlainClient;
use pump::both_sockets;
pub(crate) use pump::{Progress, both_ways};
use refusal::Refusal;
pub use rules::{HostMode, HostRule};
use rules::{Rule, rule_for};
pub use settings::takes_connect;
use sniff::Prefixed;
use target::Target;
pub(crate) use tunnel::watch;
use tunnel::{About, Tunnel};

/// Tunnels and intercepted connections at once.
const MAX_TUNNELS: usize = 10_000;
/// Bytes of all requests that are held at once.
const ALL_HELD_BYTES: usize = 128 << 20;
/// A side that has not answered for so long is asked whether it lives; one that has vanished is noticed minutes later.
const KEEPALIVE_AFTER: Duration = Duration::from_mins(1);

/// The surface; cheap to clone.
#[derive(Clone)]
pub struct Forward(Arc<Shared>);

struct Shared {
    core: Core,
    mode: Mode,
    rules: Vec<Rule>,
    policy: Policy,
    authority: Authority,
    /// TLS with intercepted hosts.
    tls: Arc<rustls::ClientConfig>,
    plain: PlainClient,
    held: Arc<Semaphore>,
    tunnels: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

/// Who asks, and what of theirs has to stay out of the record.
struct Known {
    scope: Scope,
    /// Whether they may use the proxy.
    is_agent: bool,
    secrets: Vec<Secret>,
}

impl Forward {
    /// The surface over its core. `address` is where it listens.
    #[must_use]
    pub fn new(
        core: Core,
        prepared: Prepared,
        authority: Authority,
        tls: rustls::ClientConfig,
        address: SocketAddr,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let policy = Policy {
            allow_private: prepared.allow_private,
            own: address,
        };
        Self(Arc::new(Shared {
            mode: prepared.mode.unwrap_or(core.mode),
            core,
            rules: prepared.rules,
            policy,
            authority,
            tls: Arc::new(tls),
            plain: PlainClient::new(policy),
            held: Arc::new(Semaphore::new(ALL_HELD_BYTES)),
            tunnels: Arc::new(Semaphore::new(MAX_TUNNELS)),
            stop,
        }))
    }

    /// Answers requests until `stop` turns true; then waits for tunnels, too.
    pub async fn serve(self, listener: Listener, stop: watch::Receiver<bool>, patience: Duration) {
        let shared = Arc::clone(&self.0);
        let recorder = self.0.core.recorder.clone();
        let handle = move |request, client| Arc::clone(&shared).answer(request, client);
        listener.serve(&recorder, handle, stop, patience).await;
        let all = u32::try_from(MAX_TUNNELS).unwrap_or(u32::MAX);
        if timeout(patience, self.0.tunnels.acquire_many(all))
            .await
            .is_err()
        {
            tracing::warn!("tunnels were still open when the gateway stopped");
        }
    }
}

impl Shared {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return self.connect(request, client).await;
        }
        self.plain(request, client).await
    }

    /// Who asks.
    fn identify(&self, headers: &HeaderMap, client: &Client) -> Known {
        let credential = Credential::of(headers);
        let mut scope = self.core.scope.as_ref().clone();
        scope.job = credential.job.or(scope.job);
        let shown = headers
            .get(PROXY_AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let shown = shown
            .and_then(|value| value.split_once(' '))
            .map(|(_, value)| value.trim().to_owned());
        let secrets = credential
            .token
            .iter()
            .cloned()
            .chain(shown)
            .map(|value| Secret {
                label: label::AGENT_TOKEN,
                value,
            });
        let secrets = secrets.collect();
        let found = self.core.agents.identify(credential.token.as_deref());
        let is_agent = found.is_ok();
        let actor = found.unwrap_or_else(|_| Actor::claimed("unknown".to_owned()));
        Known {
            scope: scope.with_headers(actor, client.address.ip(), headers),
            is_agent,
            secrets,
        }
    }

    fn rule(&self, target: &Target) -> (HostMode, Option<Refusal>) {
        let rule = rule_for(&self.rules, target);
        let mode = rule.map(|rule| rule.mode).unwrap_or_default();
        let denied = rule
            .filter(|rule| rule.mode == HostMode::Deny)
            .map(|rule| Refusal::Denied {
                host: target.host.clone(),
                pattern: format!("forward_proxy.host {}", rule.pattern),
            });
        (mode, denied)
    }

    async fn connect(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        client: Client,
    ) -> Response<Body> {
        client.state.done();
        let Some(target) = Target::of_connect(request.uri()) else {
            return Refusal::NoTarget.answer();
        };
        let known = self.identify(request.headers(), &client);
        let (mode, denied) = self.rule(&target);
        let is_agent = known.is_agent;
        let about = About {
            scope: Arc::new(known.scope),
            target,
            mode,
            secrets: known.secrets,
        };
        let refusal = if is_agent {
            denied
        } else {
            Some(Refusal::UnknownAgent)
        };
        if let Some(refusal) = refusal {
            about.refused(&refusal, &self.core.recorder);
            return refusal.answer();
        }
        let Ok(permit) = Arc::clone(&self.tunnels).try_acquire_owned() else {
            about.refused(&Refusal::Full, &self.core.recorder);
            return Refusal::Full.answer();
        };
        let pinned = match self.policy.resolve(&about.target).await {
            Err(error @ DialError::Refused(_)) => {
                let refusal = Refusal::Dial(error);
                about.refused(&refusal, &self.core.recorder);
                return refusal.answer();
            }
            pinned => pinned,
        };
        let upgrade = hyper::upgrade::on(&mut request);
        let client_io = async move {
            let upgraded = upgrade.await.ok()?;
            let parts = upgraded.downcast::<TokioIo<ClientIo>>().ok()?;
            Some((parts.io.into_inner(), parts.read_buf))
        };
        if mode == HostMode::Intercept {
            return self.open(about, pinned, permit, client, client_io).await;
        }
        self.tunnel(about, pinned, permit, client_io).await
    }

    async fn tunnel(
        self: Arc<Self>,
        about: About,
        pinned: Result<Pinned, DialError>,
        permit: OwnedSemaphorePermit,
        client: impl Future<Output = Option<(ClientIo, bytes::Bytes)>> + Send + 'static,
    ) -> Response<Body> {
        let mut tunnel = match Tunnel::begin(about, &self.core.recorder, self.mode).await {
            Ok(tunnel) => tunnel,
            Err(refusal) => return refusal.answer(),
        };
        let host = match self.reach(pinned).await {
            Ok((_, host)) => host,
            Err(refusal) => {
                tunnel.failed(&refusal);
                return refusal.answer();
            }
        };
        tunnel.reached(dial::peer(&host));
        tokio::spawn(async move {
            let Some((client, first)) = client.await else {
                return;
            };
            let client = client.into_stream();
            // What works without it works.
            let _ = keepalive(&client);
            let passing = async |progress: &_| both_sockets(first, client, host, progress).await;
            tunnel.run(passing, self.stop.clone()).await;
            drop(permit);
        });
        Response::new(empty())
    }

    async fn open(
        self: Arc<Self>,
        about: About,
        pinned: Result<Pinned, DialError>,
        permit: OwnedSemaphorePermit,
        client: Client,
        client_io: impl Future<Output = Option<(ClientIo, bytes::Bytes)>> + Send + 'static,
    ) -> Response<Body> {
        let (pinned, host) = match self.reach(pinned).await {
            Ok(reached) => reached,
            Err(refusal) => {
                if let Ok(tunnel) = Tunnel::begin(about, &self.core.recorder, Mode::Async).await {
                    tunnel.failed(&refusal);
                }
                return refusal.answer();
            }
        };
        let opened = Opened {
            shared: self,
            about,
            pinned,
            address: dial::peer(&host),
            client: client.state,
            permit: Arc::new(permit),
        };
        tokio::spawn(async move {
            if let Some((client, first)) = client_io.await {
                Box::pin(opened.run(Prefixed::new(first, client), host)).await;
            }
        });
        Response::new(empty())
    }

    async fn reach(
        &self,
        pinned: Result<Pinned, DialError>,
    ) -> Result<(Pinned, TcpStream), Refusal> {
        let pinned = pinned.map_err(Refusal::Dial)?;
        let host = self.policy.dial(&pinned).await.map_err(Refusal::Dial)?;
        Ok((pinned, host))
    }
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Forward(..)")
    }
}

fn keepalive(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepidle};
    set_socket_keepalive(stream, true)?;
    set_tcp_keepidle(stream, KEEPALIVE_AFTER)?;
    Ok(())
}
