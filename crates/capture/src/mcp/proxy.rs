//! The reverse proxy for servers that speak HTTP, of all eras of the protocol.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ACCEPT_ENCODING, CONTENT_TYPE, EXPECT, HOST, HeaderValue, ORIGIN},
    http::request::Parts,
};
use serde_json::Value as Json;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
};

use super::{
    Catalogue, Prepared,
    config::Upstream,
    dialogue::{self, Broken, Dialogue},
    exchange::{About, Exchange, SESSION, Session, lock},
    message::{Form, Message},
    reader::{Reader, Seen},
    refusal::Refusal,
    sessions::{Name, Sessions, Shared},
    stream::{Rename, Stream},
    target::{self, Target},
};
use crate::{
    config::Mode,
    credential::Credential,
    draft::{Approval, Draft, Meta, Outcome, Source},
    gateway::Core,
    http::{
        Body, Chained, Client, End, Held, Listener, RequestTap, ResponseTap, Tapped, discard, full,
        remove_hop_by_hop, restrict_accepted, tap,
    },
    identity::{Actor, remove_ours},
    recorder::Scribe,
    redact::Secret,
};

/// Longest request that is held because its intent has to be durable first, bytes.
const STRICT_BYTES: usize = 32 << 20;
/// Bytes of all requests that are held at once.
const ALL_HELD_BYTES: usize = 128 << 20;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

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
        let handle = move |request, client| {
            let surface = Arc::clone(&self.0);
            async move { surface.answer(request, client).await }
        };
        listener.serve(handle, stop, patience).await;
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
        let refusal = match self.identify(&credentials) {
            _ if !self.allows(&parts.headers) => Refusal::Origin,
            Err(refusal) => refusal,
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

    /// Who calls, and with which of the credentials, if it is an agent's token.
    fn identify<'a>(
        &self,
        credentials: &'a [Credential],
    ) -> Result<(Actor, Option<&'a Credential>), Refusal> {
        let agents = &self.core.agents;
        if !agents.has_tokens() {
            let actor = agents.identify(None).map_err(|_| Refusal::UnknownAgent)?;
            return Ok((actor, None));
        }
        let known = credentials.iter().find_map(|credential| {
            let actor = agents.identify(Some(&credential.value)).ok()?;
            Some((actor, Some(credential)))
        });
        known.ok_or(Refusal::UnknownAgent)
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
        let (session, known) = self.session(server, &parts.headers, &path);
        secrets.extend(
            session
                .iter()
                .filter(|session| !session.is_endpoint)
                .map(|session| Secret {
                    label: "mcp-session",
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
        let Some(id) = headers.get(SESSION).and_then(|id| id.to_str().ok()) else {
            return (None, None);
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
            self.end_dialogue(given_up, "too many sessions are open, this is the oldest");
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

    async fn forward(
        &self,
        mut call: Call,
        body: Incoming,
        seen: RequestTap<Exchange>,
        mut answered: ResponseTap<Exchange>,
    ) -> Response<Body> {
        let refused = |refusal: &Refusal, answered: ResponseTap<Exchange>| {
            answered.failed(refusal.status(), refusal.message());
            answer_with(refusal)
        };
        let body = if self.mode == Mode::Strict && call.parts.method == Method::POST {
            match self.held(body, seen).await {
                Ok(body) => body,
                Err((refusal @ Refusal::NotRecorded(_), messages)) => {
                    // What cannot be recorded has no outcome either.
                    answered.forget();
                    return answer_to(&messages, &refusal);
                }
                Err((refusal, messages)) => {
                    answered.failed(refusal.status(), refusal.message());
                    return answer_to(&messages, &refusal);
                }
            }
        } else {
            match self
                .begun(Tapped::new(body, seen), &call.parts.method)
                .await
            {
                Some(body) => body,
                None => return refused(&Refusal::Incomplete, answered),
            }
        };
        let Some(upstream) = self.servers.get(call.server).map(|server| &server.upstream) else {
            return refused(&self.unknown_server(), answered);
        };
        let Some(uri) = call.target.uri(upstream) else {
            return refused(&Refusal::Incomplete, answered);
        };
        call.parts.uri = uri;
        let headers = &mut call.parts.headers;
        remove_hop_by_hop(headers);
        headers.remove(HOST);
        headers.remove(EXPECT);
        restrict_accepted(headers, false);
        if call.parts.method == Method::GET {
            // The first event of a stream may have to be changed.
            headers.remove(ACCEPT_ENCODING);
        }
        call.parts.extensions.clear();
        let method = call.parts.method.clone();
        let path = call.target.path(upstream);
        let request = Request::from_parts(call.parts, body);
        let answer = match self.core.upstream.send(request).await {
            Ok(answer) => answer,
            Err(error) => return refused(&Refusal::Unreachable(error.to_string()), answered),
        };
        answered.answer(answer.status(), answer.headers().clone());
        if let Some(id) = new_session(&answer) {
            self.join(call.server, id, Arc::clone(&call.dialogue));
        }
        let (mut parts, body) = answer.into_parts();
        remove_hop_by_hop(&mut parts.headers);
        parts.extensions.clear();
        if !is_stream(&parts.headers) {
            return Response::from_parts(parts, Tapped::new(body, answered).boxed_unsync());
        }
        answered.at_once();
        let body = Tapped::new(body, answered);
        if method != Method::GET {
            return Response::from_parts(parts, body.boxed_unsync());
        }
        let rename = self.rename(&call.target, call.server, path, call.dialogue);
        let mut stop = self.stop.clone();
        let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
        Response::from_parts(parts, Stream::new(body, rename, stopped).boxed_unsync())
    }

    /// Leads the client of the oldest protocol to the endpoint by way of us.
    fn rename(&self, target: &Target, server: usize, path: String, dialogue: Shared) -> Rename {
        let upstream = self
            .servers
            .get(server)
            .map(|server| Arc::clone(&server.upstream));
        let (sessions, prefix) = (Arc::clone(&self.sessions), target.prefix.clone());
        Box::new(move |named| {
            let endpoint = target::endpoint(named, upstream.as_ref()?, &path)?;
            // One that is given up for it ends with the gateway.
            let key = (server, Name::Endpoint(endpoint.clone()));
            drop(sessions.add(key, Arc::clone(&dialogue)));
            Some(format!("{prefix}{endpoint}"))
        })
    }

    /// A body whose first part is here, mostly all of it: what was asked is known even if nobody can be asked. `None` if the
    /// client went away.
    async fn begun(
        &self,
        mut body: Tapped<Incoming, RequestTap<Exchange>>,
        method: &Method,
    ) -> Option<Body> {
        let mut held = Held::default();
        if *method == Method::POST
            && let Some(first) = body.frame().await
            && let Ok(data) = first.ok()?.into_data()
        {
            held.add(data, &self.held);
        }
        Some(Chained::new(held, body).boxed_unsync())
    }

    /// A request that is here as a whole, and recorded durably, before it is passed on; else what its messages are.
    async fn held(
        &self,
        mut body: Incoming,
        mut seen: RequestTap<Exchange>,
    ) -> Result<Body, (Refusal, Vec<Message>)> {
        let mut held = Held::default();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                seen.end(End::ClientGone);
                return Err((Refusal::Incomplete, Vec::new()));
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            seen.bytes(&data);
            if !held.add(data, &self.held) || held.bytes > STRICT_BYTES {
                seen.end(End::Cut("it is not passed on".to_owned()));
                let messages = self.heads(&held.joined());
                discard(body).await;
                let max_bytes = STRICT_BYTES;
                return Err((Refusal::TooLong { max_bytes }, messages));
            }
        }
        let recorded = seen.end_durably().await;
        let whole = held.joined();
        match recorded {
            Ok(()) => Ok(full(whole)),
            Err(error) => {
                let refusal = Refusal::NotRecorded(error.0.to_string());
                Err((refusal, self.heads(&whole)))
            }
        }
    }

    fn heads(&self, body: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        let with = self.core.recorder.redactor().with(&[]);
        Reader::heads_only().push(body, &with, &mut |seen| {
            if let Seen::Message(message) = seen {
                messages.push(*message);
            }
        });
        messages
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
        label: "client-key",
        value: credential.value.clone(),
    });
    secrets.collect()
}

fn new_session(answer: &Response<Incoming>) -> Option<String> {
    let id = answer.headers().get(SESSION)?.to_str().ok()?;
    answer.status().is_success().then(|| id.to_owned())
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
}

/// An answer to whatever it was.
fn answer_with(refusal: &Refusal) -> Response<Body> {
    json(refusal.status(), &refusal.to_anything())
}

/// An answer to each request of a body.
fn answer_to(messages: &[Message], refusal: &Refusal) -> Response<Body> {
    let mut answers: Vec<_> = messages
        .iter()
        .filter_map(|message| match message.form()? {
            Form::Request(id, method) => Some(refusal.to_request(&id, &method)),
            _ => None,
        })
        .collect();
    match answers.len() {
        0 => json(StatusCode::SERVICE_UNAVAILABLE, &refusal.to_anything()),
        1 => json(refusal.status(), &answers.remove(0)),
        _ => json(refusal.status(), &Json::Array(answers)),
    }
}

fn json(status: StatusCode, body: &Json) -> Response<Body> {
    let mut answer = Response::new(full(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}
