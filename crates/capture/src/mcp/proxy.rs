//! The reverse proxy for servers that speak HTTP, of all eras of the protocol.

mod answer;
mod forward;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{HeaderMap, Request, Response, body::Incoming, header::ORIGIN, http::request::Parts};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
};

use super::{
    Catalogue, Prepared,
    config::Upstream,
    dialogue::{self, Broken, Dialogue},
    exchange::{About, Exchange, LAST_EVENT, SESSION, Session, lock},
    refusal::Refusal,
    sessions::{Name, Sessions, Shared, TOO_MANY},
    target::Target,
};
use crate::{
    config::Mode,
    credential::{Credential, identify},
    draft::{Approval, Draft, Meta, Outcome, Source},
    gateway::Core,
    http::{Body, Client, Listener, discard, tap},
    identity::{Actor, Scope, UnknownAgent, remove_ours},
    recorder::Scribe,
    redact::{Secret, label},
};
use answer::answer_with;

/// Bytes of all requests that are held at once.
const ALL_HELD_BYTES: usize = 128 << 20;

/// The surface; cheap to clone.
#[derive(Clone, Debug)]
pub struct Mcp(Arc<Surface>);

#[derive(Debug)]
struct Surface {
    core: Core,
    mode: Mode,
    allowed_origins: Vec<String>,
    servers: Vec<Server>,
    sessions: Arc<Sessions>,
    exchanges: AtomicU64,
    held: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

#[derive(Debug)]
struct Server {
    upstream: Arc<Upstream>,
    about: Arc<dialogue::About>,
}

/// A request whose server and client are known.
struct Call {
    target: Target,
    /// Number of the server.
    server: usize,
    dialogue: Shared,
    parts: Parts,
}

impl Mcp {
    /// The surface over its core. What was seen of tools before lies in `state`.
    #[must_use]
    pub fn new(
        core: Core,
        prepared: Prepared,
        state: Option<PathBuf>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let env = core.recorder.env().clone();
        let catalogue = Arc::new(Catalogue::new(env.clone(), state));
        let servers = prepared.upstreams.into_iter().map(|upstream| Server {
            about: Arc::new(dialogue::About {
                env: env.clone(),
                transport: "http",
                name: upstream.name.clone(),
                catalogue: Arc::clone(&catalogue),
                server: Mutex::default(),
                rounds: Mutex::default(),
            }),
            upstream: Arc::new(upstream),
        });
        Self(Arc::new(Surface {
            mode: prepared.mode.unwrap_or(core.mode),
            core,
            allowed_origins: prepared.allowed_origins,
            servers: servers.collect(),
            sessions: Arc::default(),
            exchanges: AtomicU64::new(0),
            held: Arc::new(Semaphore::new(ALL_HELD_BYTES)),
            stop,
        }))
    }

    /// Answers requests until `stop` turns true.
    pub async fn serve(self, listener: Listener, stop: watch::Receiver<bool>, patience: Duration) {
        let surface = Arc::clone(&self.0);
        let recorder = self.0.core.recorder.clone();
        let handle = move |request, client| {
            let surface = Arc::clone(&self.0);
            async move { surface.answer(request, client).await }
        };
        listener.serve(&recorder, handle, stop, patience).await;
        surface.end();
    }
}

impl Surface {
    async fn answer(&self, request: Request<Incoming>, client: Client) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let target = Target::parse(parts.uri.path(), parts.uri.query());
        let server = target.as_ref().and_then(|target| {
            let mut servers = self.servers.iter();
            servers.position(|server| server.upstream.name == target.server)
        });
        let (Some(target), Some(server)) = (target, server) else {
            discard(body).await;
            client.state.done();
            return answer_with(&self.unknown_server());
        };
        let credentials = Credential::all(&parts.headers, target.query.as_deref());
        let refusal = match identify(&self.core.agents, &credentials) {
            _ if !self.allows(&parts.headers) => Refusal::Origin,
            Err(UnknownAgent) => Refusal::UnknownAgent,
            Ok((actor, token)) => {
                return self
                    .pass(
                        parts,
                        body,
                        target,
                        server,
                        actor,
                        token,
                        &credentials,
                        client,
                    )
                    .await;
            }
        };
        discard(body).await;
        client.state.done();
        self.record_refusal(&refusal, &client, &parts, &target);
        answer_with(&refusal)
    }

    /// Web pages are let in by name only.
    fn allows(&self, headers: &HeaderMap) -> bool {
        headers.get_all(ORIGIN).iter().all(|origin| {
            let mut allowed = self.allowed_origins.iter();
            allowed.any(|allowed| allowed.as_bytes() == origin.as_bytes())
        })
    }

    fn unknown_server(&self) -> Refusal {
        let names = self
            .servers
            .iter()
            .map(|server| server.upstream.name.as_str());
        Refusal::UnknownServer {
            known: names.collect::<Vec<_>>().join(", "),
        }
    }

    /// A request that was not passed on, as one event.
    fn record_refusal(&self, refusal: &Refusal, client: &Client, parts: &Parts, target: &Target) {
        let recorder = &self.core.recorder;
        let mut scope = self.core.scope.as_ref().clone();
        scope.job = target.job.clone().or(scope.job);
        let actor = Actor::claimed("unknown".to_owned());
        let scope = scope.with_headers(actor, client.address.ip(), &parts.headers);
        let action = format!("{} /{}", parts.method, target.server);
        let now = (recorder.env().now)();
        let mut draft = Draft::new(Source::Mcp, Arc::new(scope), now, action);
        draft.resource = Some(("server", target.server.clone()));
        draft.result = Some(Outcome::Failure);
        draft.status = Some(i64::from(refusal.status().as_u16()));
        draft.approval = Some(Approval {
            allowed: false,
            approver: "auto".to_owned(),
            rule: Some(refusal.rule().to_owned()),
            reason: Some(refusal.message()),
            waited_us: None,
        });
        draft
            .meta
            .push(("transport", Meta::Text("http".to_owned())));
        let work = move |scribe: &mut Scribe<'_>| scribe.write(&draft, &[]);
        recorder.submit(Source::Mcp, 1, 0, Box::new(work));
    }

    #[expect(clippy::too_many_arguments, reason = "a request, taken apart once")]
    async fn pass(
        &self,
        mut parts: Parts,
        body: Incoming,
        mut target: Target,
        server: usize,
        actor: Actor,
        token: Option<&Credential>,
        credentials: &[Credential],
        client: Client,
    ) -> Response<Body> {
        let Some(Server { upstream, about }) = self.servers.get(server) else {
            return answer_with(&self.unknown_server());
        };
        let mut scope = self.core.scope.as_ref().clone();
        scope.job = target.job.clone().or(scope.job);
        let scope = scope.with_headers(actor, client.address.ip(), &parts.headers);
        remove_ours(&mut parts.headers);
        let mut secrets = send_key(
            upstream,
            token,
            credentials,
            &mut parts.headers,
            &mut target.query,
        );
        let path = target.path(upstream);
        let (session, known) = self.session(server, &parts.headers, &path, &scope);
        secrets.extend(
            session
                .iter()
                .filter(|session| !session.is_endpoint)
                .map(|session| Secret {
                    label: label::MCP_SESSION,
                    value: session.id.clone(),
                }),
        );
        let dialogue =
            known.unwrap_or_else(|| Arc::new(Mutex::new(Dialogue::new(Arc::clone(about)))));
        let recorder = &self.core.recorder;
        let about = About {
            sessions: Arc::clone(&self.sessions),
            server,
            dialogue: Arc::clone(&dialogue),
            session,
            scope: Arc::new(scope),
            secrets: secrets.into(),
            number: self.exchanges.fetch_add(1, Ordering::Relaxed),
            method: parts.method.clone(),
            upstream: Arc::clone(upstream),
            path,
            started_at: (recorder.env().now)(),
            recorder: recorder.clone(),
            runtime: Handle::current(),
        };
        let exchange = Exchange::new(about, &parts.headers);
        let (seen, answered) = tap(exchange, recorder, client.state);
        let call = Call {
            target,
            server,
            dialogue,
            parts,
        };
        self.forward(call, body, seen, answered).await
    }

    /// The session that a request belongs to, and the conversation, if it is known.
    fn session(
        &self,
        server: usize,
        headers: &HeaderMap,
        path: &str,
        scope: &Scope,
    ) -> (Option<Session>, Option<Shared>) {
        let mark = |id: &str| self.core.recorder.redactor().fingerprint(id.as_bytes());
        if let Some(dialogue) = self
            .sessions
            .get(&(server, Name::Endpoint(path.to_owned())))
        {
            let session = Session {
                id: path.to_owned(),
                mark: mark(path),
                is_endpoint: true,
            };
            return (Some(session), Some(dialogue));
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(id) = text(SESSION) else {
            let last = text(LAST_EVENT).map(|id| (server, Name::event(id, scope)));
            return (None, last.and_then(|key| self.sessions.remove(&key)));
        };
        let session = Session {
            id: id.to_owned(),
            mark: mark(id),
            is_endpoint: false,
        };
        if let Some(dialogue) = self.sessions.get(&(server, Name::Session(id.to_owned()))) {
            return (Some(session), Some(dialogue));
        }
        // Of before our start.
        let about = self
            .servers
            .get(server)
            .map(|server| Arc::clone(&server.about));
        let dialogue = about.map(|about| Arc::new(Mutex::new(Dialogue::new(about))));
        if let Some(dialogue) = &dialogue {
            self.join(server, id.to_owned(), Arc::clone(dialogue));
        }
        (Some(session), dialogue)
    }

    /// Makes a session known.
    fn join(&self, server: usize, id: String, dialogue: Shared) {
        let key = (server, Name::Session(id));
        if let Some(given_up) = self.sessions.add(key, dialogue) {
            self.end_dialogue(given_up, TOO_MANY);
        }
    }

    fn end_dialogue(&self, dialogue: Shared, reason: &'static str) {
        let work = move |scribe: &mut Scribe<'_>| {
            let at = scribe.now();
            lock(&dialogue).end(&Broken::error(reason), at, scribe);
        };
        self.core.recorder.submit(Source::Mcp, 0, 0, Box::new(work));
    }

    /// Nothing comes any more.
    fn end(&self) {
        let reason = "the gateway stopped before an answer";
        for dialogue in self.sessions.drain() {
            self.end_dialogue(dialogue, reason);
        }
        for server in &self.servers {
            let dialogue = Dialogue::new(Arc::clone(&server.about));
            let work = move |scribe: &mut Scribe<'_>| {
                let at = scribe.now();
                dialogue.end_rounds(&Broken::error(reason), at, scribe);
            };
            self.core.recorder.submit(Source::Mcp, 0, 0, Box::new(work));
        }
    }
}

/// Decides which key goes out. Answers what has to stay out of the record besides the keys that are always kept out.
fn send_key(
    upstream: &Upstream,
    token: Option<&Credential>,
    credentials: &[Credential],
    headers: &mut HeaderMap,
    query: &mut Option<String>,
) -> Vec<Secret> {
    if let Some(token) = token {
        // It opens our door, and is nobody else's business.
        token.remove(headers, query);
    }
    if let Some(key) = &upstream.key {
        Credential::usual("mcp").replace(key, headers, query);
    }
    let secrets = credentials.iter().map(|credential| Secret {
        label: label::CLIENT_KEY,
        value: credential.value.clone(),
    });
    secrets.collect()
}
