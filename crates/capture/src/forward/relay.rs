//! A request on its way to its host, and the answer on its way back.

use std::{future::Future, net::IpAddr, sync::Arc};

use http_body_util::BodyExt;
use hyper::{
    Method, Request, Response, StatusCode, Uri, Version,
    body::Incoming,
    header::{EXPECT, HOST, HeaderValue},
    http::{request::Parts, uri::Authority},
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Shared,
    dial::DialError,
    exchange::{About, Exchange, Way},
    hello::Hello,
    pump::{Progress, both_ways},
    refusal::Refusal,
    secrets::secrets,
    target::{Target, name},
    tunnel::{submit, watch},
};
use crate::{
    config::Mode,
    http::{
        Body, ClientState, End, Held, RequestTap, ResponseTap, Tapped, between_neighbours, discard,
        full, is_upgrade, remove_hop_by_hop, tap,
    },
    identity::{Scope, remove_ours},
    redact::Secret,
};

/// Longest request that is held because its intent has to be durable first, bytes.
const STRICT_BYTES: usize = 32 << 20;

/// Where requests come from and where they go.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) shared: Arc<Shared>,
    pub(super) scope: Scope,
    pub(super) target: Target,
    pub(super) way: Way,
    pub(super) scheme: &'static str,
    pub(super) hello: Option<Hello>,
    pub(super) address: Option<IpAddr>,
    pub(super) client: Arc<ClientState>,
    /// What the client showed us.
    pub(super) token: Vec<Secret>,
    /// A connection that goes on after an upgrade counts as long as it does.
    pub(super) permit: Option<Arc<OwnedSemaphorePermit>>,
}

impl Context {
    /// Passes a request on with `send`, and records both ways.
    pub(super) async fn pass<F, S>(&self, request: Request<Incoming>, send: F) -> Response<Body>
    where
        F: FnOnce(Request<Body>) -> S,
        S: Future<Output = Result<Response<Incoming>, Refusal>>,
    {
        let (mut parts, body) = request.into_parts();
        if parts.headers.get_all(HOST).iter().nth(1).is_some() {
            // Whoever reads it behind us may take the other one.
            return self.refuse(&Refusal::TwoHosts, &parts, body).await;
        }
        let progress: Arc<Progress> = Arc::default();
        let about = self.about(&parts, Arc::clone(&progress));
        let barrier = Arc::clone(&about.barrier);
        remove_ours(&mut parts.headers);
        let exchange = Exchange::new(about, &parts.headers);
        let (seen, mut answered) = tap(
            exchange,
            &self.shared.core.recorder,
            Arc::clone(&self.client),
        );
        let upgrade = asks_for_upgrade(&parts)
            .then(|| parts.extensions.remove::<OnUpgrade>())
            .flatten();
        let body = match self.shared.mode {
            Mode::Async => Tapped::new(body, seen).boxed_unsync(),
            Mode::Strict => match self.held(body, seen).await {
                Ok(body) => body,
                Err(refusal @ Refusal::NotRecorded(_)) => {
                    answered.forget();
                    return refusal.answer();
                }
                Err(refusal) => {
                    answered.failed(refusal.status(), refusal.message());
                    return refusal.answer();
                }
            },
        };
        let Some(request) = self.request(parts, body) else {
            answered.failed(StatusCode::BAD_REQUEST, Refusal::NoTarget.message());
            return Refusal::NoTarget.answer();
        };
        match send(request).await {
            Ok(answer) => {
                answered.answer(answer.status(), answer.headers().clone());
                self.pass_back(answer, answered, upgrade, progress)
            }
            Err(refusal) => {
                if let Refusal::Dial(DialError::Refused(found)) = &refusal {
                    barrier.get_or_init(|| *found);
                }
                answered.failed(refusal.status(), refusal.message());
                refusal.answer()
            }
        }
    }

    /// Refuses a request, with one event.
    pub(super) async fn refuse(
        &self,
        refusal: &Refusal,
        parts: &Parts,
        body: Incoming,
    ) -> Response<Body> {
        discard(body).await;
        self.client.done();
        let about = self.about(parts, Arc::default());
        submit(
            &self.shared.core.recorder,
            about.refused(refusal),
            about.secrets,
        );
        refusal.answer()
    }

    fn about(&self, parts: &Parts, upgraded: Arc<Progress>) -> About {
        let env = self.shared.core.recorder.env();
        let actor = self.scope.actor.clone();
        let scope = match self.scope.ip {
            Some(ip) => self.scope.with_headers(actor, ip, &parts.headers),
            None => self.scope.clone(),
        };
        let query = parts.uri.query();
        let mut known = secrets(&parts.headers, query);
        known.extend(self.token.iter().cloned());
        let named = requested_host(parts);
        About {
            scope: Arc::new(scope),
            target: self.target.clone(),
            way: self.way,
            secrets: known,
            method: parts.method.clone(),
            scheme: self.scheme,
            path: parts.uri.path().to_owned(),
            query: query.map(ToOwned::to_owned),
            other_host: named.filter(|named| *named != self.target.host),
            hello: self.hello.clone(),
            address: self.address,
            call: env.new_id().into(),
            started_at: (env.now)(),
            upgraded,
            barrier: Arc::default(),
        }
    }

    /// A request that is here as a whole, and whose intent is durable.
    async fn held(
        &self,
        mut body: Incoming,
        mut seen: RequestTap<Exchange>,
    ) -> Result<Body, Refusal> {
        let mut held = Held::default();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                seen.end(End::ClientGone);
                return Err(Refusal::Incomplete);
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            seen.bytes(&data);
            if !held.add(data, &self.shared.held) || held.bytes > STRICT_BYTES {
                seen.end(End::Cut("it is not passed on".to_owned()));
                drop(held);
                discard(body).await;
                return Err(Refusal::TooLong {
                    max_bytes: STRICT_BYTES,
                });
            }
        }
        let recorded = seen.end_durably().await;
        recorded.map_err(|error| Refusal::NotRecorded(error.0.to_string()))?;
        Ok(full(held.joined()))
    }

    /// What goes out.
    fn request(&self, mut parts: Parts, body: Body) -> Option<Request<Body>> {
        let path = parts.uri.path_and_query().cloned();
        let headers = &mut parts.headers;
        headers.remove(EXPECT);
        if parts.version == Version::HTTP_2 {
            return Some(Request::from_parts(parts, body));
        }
        between_neighbours(headers);
        parts.uri = match self.way {
            Way::Intercept => Uri::from(path?),
            Way::Plain => {
                let authority = self.target.authority();
                let named = authority.strip_suffix(":80").unwrap_or(&authority);
                headers.insert(HOST, HeaderValue::from_str(named).ok()?);
                let path = path.as_ref().map_or("/", |path| path.as_str());
                Uri::builder()
                    .scheme("http")
                    .authority(authority)
                    .path_and_query(path)
                    .build()
                    .ok()?
            }
        };
        parts.version = Version::HTTP_11;
        Some(Request::from_parts(parts, body))
    }

    /// The answer on its way to the client; with an upgrade, what follows it.
    fn pass_back(
        &self,
        mut answer: Response<Incoming>,
        answered: ResponseTap<Exchange>,
        upgrade: Option<OnUpgrade>,
        progress: Arc<Progress>,
    ) -> Response<Body> {
        let is_http2 = answer.version() == Version::HTTP_2;
        let is_upgraded = answer.status() == StatusCode::SWITCHING_PROTOCOLS
            || (is_http2 && answer.status().is_success());
        if let Some(client) = upgrade.filter(|_| is_upgraded) {
            let host = hyper::upgrade::on(&mut answer);
            let (shared, permit) = (Arc::clone(&self.shared), self.permit.clone());
            tokio::spawn(async move {
                pass_upgraded(&shared, client, host, answered, &progress).await;
                drop(permit);
            });
            return answer.map(|_| crate::http::empty());
        }
        let (mut parts, body) = answer.into_parts();
        if !is_http2 {
            remove_hop_by_hop(&mut parts.headers);
        }
        Response::from_parts(parts, Tapped::new(body, answered).boxed_unsync())
    }
}

/// The host that a request names, in one spelling.
fn requested_host(parts: &Parts) -> Option<String> {
    let header = || {
        parts
            .headers
            .get(HOST)?
            .to_str()
            .ok()?
            .parse::<Authority>()
            .ok()
    };
    let authority = parts.uri.authority().cloned().or_else(header)?;
    let host = authority.host().trim_matches(['[', ']']);
    Some(name(host).unwrap_or_else(|| host.to_owned()))
}

/// Bytes both ways once both sides have agreed on another protocol.
async fn pass_upgraded(
    shared: &Shared,
    client: OnUpgrade,
    host: OnUpgrade,
    answered: ResponseTap<Exchange>,
    progress: &Progress,
) {
    let (client, host) = match tokio::try_join!(client, host) {
        Ok(both) => both,
        Err(error) => return answered.end(End::Cut(error.to_string())),
    };
    let passing = both_ways(TokioIo::new(client), TokioIo::new(host), progress);
    match watch(passing, progress, shared.stop.clone(), || {}).await {
        Ok(()) => answered.end(End::Complete),
        Err(reason) => answered.end(End::Cut(reason)),
    }
}

/// WebSocket and the like: `Upgrade` of HTTP/1.1, or an extended CONNECT of HTTP/2.
fn asks_for_upgrade(parts: &Parts) -> bool {
    match parts.version {
        Version::HTTP_2 => parts.method == Method::CONNECT,
        _ => is_upgrade(&parts.headers),
    }
}
