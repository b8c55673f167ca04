//! Surface `llm`: the proxy in front of model providers.
//!
//! In scope: passing calls through by their path, which key goes out, what is recorded of a call. Nothing is translated:
//! a provider gets what its client sent, and a client what its provider answered.
//!
//! Out of scope: choosing a provider or a model, retrying, caching.

mod assembly;
mod config;
mod exchange;
mod include_usage;
mod prices;
mod refusal;
mod route;
mod socket;
mod usage;

use std::{future::Future, sync::Arc, time::Duration};

use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST},
    http::request::Parts,
};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use crate::{
    config::Mode,
    credential::{Credential, identify},
    draft::{Approval, Draft, Meta, Outcome, Source},
    gateway::Core,
    http::{
        Body, Chained, Client, End, Held, Listener, RequestTap, ResponseTap, Tapped, discard, full,
        has_dot_segments, remove_hop_by_hop, restrict_accepted, tap,
    },
    identity::{Actor, Scope, remove_ours},
    redact::{Secret, label},
};
use config::Provider;
pub use config::{LlmConfig, Prepared};
use exchange::{About, Exchange};
use include_usage::Stripped;
pub(crate) use prices::{Priced, Prices};
use refusal::Refusal;
use route::{Api, Dialect, Route};
use socket::{Line, MAX_SOCKETS, Socket};
pub(crate) use usage::Counts;

/// Longest request that is held because its intent has to be durable first, bytes: the largest that Anthropic takes.
const STRICT_BYTES: usize = 32 << 20;
/// Longest request that is held to be changed, bytes; a longer one goes on as it is.
const CHANGED_BYTES: usize = 8 << 20;
/// Bytes of all requests that are held at once.
const ALL_HELD_BYTES: usize = 128 << 20;

/// The surface; cheap to clone.
#[derive(Clone, Debug)]
pub struct Llm(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    core: Core,
    mode: Mode,
    providers: Vec<Arc<Provider>>,
    prices: Arc<Prices>,
    held: Arc<Semaphore>,
    /// Room for connections that go on after an upgrade.
    sockets: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

/// A request whose provider and client are known.
struct Call {
    route: Route,
    provider: Arc<Provider>,
    dialect: Dialect,
    parts: Parts,
    adds_usage: bool,
    /// If it asks for a `WebSocket`.
    socket: Option<Socket>,
}

impl Llm {
    /// The surface over its core.
    #[must_use]
    pub fn new(core: Core, prepared: Prepared, stop: watch::Receiver<bool>) -> Self {
        Self(Arc::new(Shared {
            mode: prepared.mode.unwrap_or(core.mode),
            core,
            providers: prepared.providers,
            prices: Arc::new(prepared.prices),
            held: Arc::new(Semaphore::new(ALL_HELD_BYTES)),
            sockets: Arc::new(Semaphore::new(MAX_SOCKETS)),
            stop,
        }))
    }

    /// Answers requests until `stop` turns true.
    pub fn serve(
        self,
        listener: Listener,
        stop: watch::Receiver<bool>,
        patience: Duration,
    ) -> impl Future<Output = ()> + Send {
        let sockets = Arc::clone(&self.0.sockets);
        let recorder = self.0.core.recorder.clone();
        let handle = move |request, client| {
            let shared = Arc::clone(&self.0);
            async move { shared.answer(request, client).await }
        };
        async move {
            listener.serve(&recorder, handle, stop, patience).await;
            let all = u32::try_from(MAX_SOCKETS).unwrap_or(u32::MAX);
            if timeout(patience, sockets.acquire_many(all)).await.is_err() {
                tracing::warn!("WebSockets were still open when the gateway stopped");
            }
        }
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>, client: Client) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let route = Route::parse(parts.uri.path(), parts.uri.query());
        let provider = route
            .as_ref()
            .and_then(|route| self.provider(&route.provider));
        let (Some(mut route), Some(provider)) = (route, provider) else {
            discard(body).await;
            client.state.done();
            return self.unknown_provider();
        };
        let (api, model) = route.api(&parts.method, &provider.base);
        let dialect = Dialect::of(api, &provider.name);
        let credentials = Credential::all(&parts.headers, route.query.as_deref());
        let mut scope = self.core.scope.as_ref().clone();
        scope.job = route.job.clone().or(scope.job);
        let known = match identify(&self.core.agents, &credentials) {
            _ if has_dot_segments(&route.path) => Err(Refusal::DotSegments),
            known => known.map_err(|_| Refusal::UnknownAgent),
        };
        let (actor, token) = match known {
            Ok(known) => known,
            Err(refusal) => {
                discard(body).await;
                client.state.done();
                self.record_refusal(&refusal, &scope, &client, &parts, &route, (api, model));
                return refusal.answer(dialect);
            }
        };
        let scope = scope.with_headers(actor, client.address.ip(), &parts.headers);
        remove_ours(&mut parts.headers);
        let (key, secrets) = send_key(
            &provider,
            token,
            &credentials,
            &mut parts.headers,
            &mut route.query,
        );
        let adds_usage = provider.adds_usage && api == Api::Chat;
        let mut socket = Socket::asked(&mut parts, &client.state);
        let mut about = About {
            scope: Arc::new(scope),
            provider: Arc::clone(&provider),
            prices: Arc::clone(&self.prices),
            secrets,
            key,
            api,
            method: parts.method.clone(),
            path: route.path.clone(),
            model,
            call: self.core.recorder.env().new_id().into(),
            started_at: (self.core.recorder.env().now)(),
            connection: None,
            upgraded: None,
        };
        if let Some(socket) = &mut socket {
            about = socket.about(about, route.carries_responses(&provider.base));
            socket.permit = Arc::clone(&self.sockets).try_acquire_owned().ok();
        }
        let exchange = Exchange::new(about, &parts.headers);
        let (seen, answered) = tap(exchange, &self.core.recorder, client.state);
        let call = Call {
            route,
            provider,
            dialect,
            parts,
            adds_usage,
            socket,
        };
        self.forward(call, body, seen, answered).await
    }

    fn provider(&self, name: &str) -> Option<Arc<Provider>> {
        self.providers
            .iter()
            .find(|provider| provider.name == name)
            .cloned()
    }

    fn unknown_provider(&self) -> Response<Body> {
        let known: Vec<_> = self
            .providers
            .iter()
            .map(|provider| provider.name.as_str())
            .collect();
        let refusal = Refusal::UnknownProvider {
            known: known.join(", "),
        };
        refusal.answer(Dialect::OpenAi)
    }

    /// A call that was not made, as one event.
    fn record_refusal(
        &self,
        refusal: &Refusal,
        scope: &Scope,
        client: &Client,
        parts: &Parts,
        route: &Route,
        (api, model): (Api, Option<String>),
    ) {
        let recorder = &self.core.recorder;
        let actor = Actor::claimed("unknown".to_owned());
        let scope = scope.with_headers(actor, client.address.ip(), &parts.headers);
        let action = api.action().map_or_else(
            || format!("{} {}", parts.method, route.path),
            ToOwned::to_owned,
        );
        let mut draft = Draft::new(Source::Llm, Arc::new(scope), (recorder.env().now)(), action);
        draft.resource = Some(match model {
            Some(model) => ("model", model),
            None => ("endpoint", route.path.clone()),
        });
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
            .push(("provider", Meta::Text(route.provider.clone())));
        draft.meta.push(("path", Meta::Text(route.path.clone())));
        let work =
            Box::new(move |scribe: &mut crate::recorder::Scribe<'_>| scribe.write(&draft, &[]));
        recorder.submit(Source::Llm, 1, 0, work);
    }

    async fn forward(
        &self,
        mut call: Call,
        body: Incoming,
        seen: RequestTap<Exchange>,
        mut answered: ResponseTap<Exchange>,
    ) -> Response<Body> {
        let dialect = call.dialect;
        let refused = |refusal: &Refusal, answered: ResponseTap<Exchange>| {
            answered.failed(refusal.status(), refusal.message());
            refusal.answer(dialect)
        };
        if call
            .socket
            .as_ref()
            .is_some_and(|socket| socket.permit.is_none())
        {
            return refused(&Refusal::TooMany { max: MAX_SOCKETS }, answered);
        }
        let is_strict = self.mode == Mode::Strict;
        let body = if is_strict || call.adds_usage {
            match self.held(&mut call, body, seen, is_strict).await {
                Ok(body) => body,
                Err(refusal @ Refusal::NotRecorded(_)) => {
                    // What cannot be recorded has no outcome either.
                    answered.forget();
                    return refusal.answer(dialect);
                }
                Err(refusal) => return refused(&refusal, answered),
            }
        } else {
            Tapped::new(body, seen).boxed_unsync()
        };
        let added_usage = call.adds_usage;
        let socket = call.socket.take();
        let Some(request) = call.request(body, socket.as_ref()) else {
            return refused(&Refusal::Incomplete, answered);
        };
        let sent = match &socket {
            Some(_) => self.core.upstream.send_for_upgrade(request).await,
            None => self.core.upstream.send(request).await,
        };
        match sent {
            Ok(answer) => {
                answered.answer(answer.status(), answer.headers().clone());
                let is_upgraded = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
                if let Some(socket) = socket.filter(|_| is_upgraded) {
                    return socket.open(answer, answered, self.line());
                }
                pass_on(answer, answered, added_usage)
            }
            Err(error) => refused(&Refusal::Unreachable(error.to_string()), answered),
        }
    }

    fn line(&self) -> Line {
        Line {
            recorder: self.core.recorder.clone(),
            mode: self.mode,
            held: Arc::clone(&self.held),
            stop: self.stop.clone(),
        }
    }

    /// A request that is here as a whole before it is passed on: because its intent has to be durable, or because it may
    /// be changed.
    async fn held(
        &self,
        call: &mut Call,
        mut body: Incoming,
        mut seen: RequestTap<Exchange>,
        is_strict: bool,
    ) -> Result<Body, Refusal> {
        let mut held = Held::default();
        let max_bytes = if is_strict {
            STRICT_BYTES
        } else {
            CHANGED_BYTES
        };
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                seen.end(End::ClientGone);
                return Err(Refusal::Incomplete);
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            seen.bytes(&data);
            let has_room = held.add(data, &self.held) && held.bytes <= max_bytes;
            if !has_room && is_strict {
                seen.end(End::Cut("it is not passed on".to_owned()));
                drop(held);
                discard(body).await;
                return Err(Refusal::TooLong { max_bytes });
            }
            if !has_room {
                call.adds_usage = false;
                return Ok(Chained::new(held, Tapped::new(body, seen)).boxed_unsync());
            }
        }
        if is_strict {
            let recorded = seen.end_durably().await;
            recorded.map_err(|error| Refusal::NotRecorded(error.0.to_string()))?;
        } else {
            seen.end(End::Complete);
        }
        let mut whole = held.joined();
        let is_plain = !call.parts.headers.contains_key(CONTENT_ENCODING);
        let changed = include_usage::asking(&whole).filter(|_| call.adds_usage && is_plain);
        call.adds_usage = changed.is_some();
        if let Some(changed) = changed {
            whole = changed.into();
            call.parts
                .headers
                .insert(CONTENT_LENGTH, whole.len().into());
        }
        Ok(full(whole))
    }
}

impl Call {
    /// What goes out; `None` if the path is none.
    fn request(self, body: Body, socket: Option<&Socket>) -> Option<Request<Body>> {
        let Self {
            route,
            provider,
            mut parts,
            ..
        } = self;
        let query = route
            .query
            .map_or(String::new(), |query| format!("?{query}"));
        let path = format!("{}{}{query}", provider.base, route.path);
        let path = if path.is_empty() {
            "/".to_owned()
        } else {
            path
        };
        parts.uri = Uri::builder()
            .scheme(provider.scheme.clone())
            .authority(provider.authority.clone())
            .path_and_query(path)
            .build()
            .ok()?;
        match socket {
            Some(socket) => socket.ask(&mut parts),
            None => remove_hop_by_hop(&mut parts.headers),
        }
        let headers = &mut parts.headers;
        headers.remove(HOST);
        headers.remove(EXPECT);
        restrict_accepted(headers, self.adds_usage);
        parts.extensions.clear();
        Some(Request::from_parts(parts, body))
    }
}

/// Decides which key goes out. Answers it, and what of it has to stay out of the record besides the keys that are always kept
/// out.
fn send_key(
    provider: &Provider,
    token: Option<&Credential>,
    credentials: &[Credential],
    headers: &mut HeaderMap,
    query: &mut Option<String>,
) -> (Option<String>, Vec<Secret>) {
    if let Some(key) = &provider.key {
        let usual = Credential::usual(&provider.name);
        let place = token.or(credentials.first()).unwrap_or(&usual);
        place.replace(key, headers, query);
        return (Some(key.clone()), Vec::new());
    }
    if let Some(token) = token {
        // It opens our door, and is nobody else's business.
        token.remove(headers, query);
        return (None, Vec::new());
    }
    let secrets = credentials.iter().map(|credential| Secret {
        label: label::CLIENT_KEY,
        value: credential.value.clone(),
    });
    let key = credentials
        .first()
        .map(|credential| credential.value.clone());
    (key, secrets.collect())
}

/// The provider's answer on its way to the client.
fn pass_on(
    answer: Response<Incoming>,
    answered: ResponseTap<Exchange>,
    added_usage: bool,
) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    let is_stream = added_usage && parts.status.is_success() && is_plain_events(&parts.headers);
    remove_hop_by_hop(&mut parts.headers);
    parts.extensions.clear();
    let body = Tapped::new(body, answered);
    if is_stream {
        parts.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(parts, Stripped::new(body).boxed_unsync());
    }
    Response::from_parts(parts, body.boxed_unsync())
}

fn is_plain_events(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
        && !headers.contains_key(CONTENT_ENCODING)
}
