//! Accepting connections, answering requests, and stopping.

mod stall;
#[cfg(test)]
mod trouble;

use std::{
    convert::Infallible,
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, extract::FromRequestParts, response::Response};
use hyper::{
    Request,
    body::Incoming,
    header::{
        ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, HeaderName, HeaderValue,
        REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    },
    http::{Extensions, request::Parts},
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use stall::Stalling;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tracing::Instrument;

use crate::{
    app::App,
    exports,
    node::Node,
    problem::Problem,
    routes::{self, RouteInfo},
    web::PagePath,
};

/// Largest head of a request, bytes; larger ones are answered 431.
const HEAD_BYTES: usize = 64 << 10;
/// Read and write buffer of a connection, bytes.
const BUFFER_BYTES: usize = 256 << 10;
/// How often reads are recorded.
const AUDIT_EVERY: Duration = Duration::from_mins(1);
/// Pause after a failed accept: most often the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Headers that a problem keeps: methods of the path, and what a page of another origin may see.
const CARRIED: [HeaderName; 4] = [ALLOW, ACCESS_CONTROL_ALLOW_ORIGIN, VARY, REFERRER_POLICY];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Number of a request, for its answer and the server's own log.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(Arc<str>);

/// Address of the client of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Serves HTTP until `shutdown` resolves, then stops accepting, lets running requests finish, and closes the node.
///
/// # Errors
/// If the node's threads cannot be joined.
pub async fn serve(
    node: Arc<Node>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let app = Arc::new(App::new(Arc::clone(&node)));
    let router = routes::router(&app);
    let graceful = GracefulShutdown::new();
    let audit = tokio::spawn(record_reads(Arc::clone(&node)));
    let exports = exports::Worker::start(&node);
    let accepting = accept(&app, &router, &listener, &graceful);
    tokio::select! {
        () = shutdown => {}
        () = accepting => {}
    }
    drop(listener);
    app.stop();
    node.exports().stop();
    let patience = Duration::from_secs(node.config().http.stop_timeout_s);
    if timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running when the server stopped");
    }
    audit.abort();
    let close = move || {
        exports.stop();
        node.close();
    };
    tokio::task::spawn_blocking(close)
        .await
        .map_err(std::io::Error::other)
}

async fn record_reads(node: Arc<Node>) {
    let mut minute = interval(AUDIT_EVERY);
    minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minute.tick().await;
        let node = Arc::clone(&node);
        let flush = move || {
            node.flush();
            node.exports().retire(node.now());
        };
        let flushed = tokio::task::spawn_blocking(flush).await;
        if let Err(error) = flushed {
            tracing::error!(%error, "reads could not be recorded");
        }
    }
}

async fn accept(app: &Arc<App>, router: &Router, listener: &TcpListener, stop: &GracefulShutdown) {
    let limits = &app.node().config().http;
    let slots = Arc::new(Semaphore::new(
        limits.max_connections.min(Semaphore::MAX_PERMITS),
    ));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.head_timeout_s))
        .max_header_size(HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES);
    let stall = Duration::from_secs(limits.stall_timeout_s);
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let service = service(app, router, peer);
        let connection = http.serve_connection(io(stream, stall), service);
        let connection = stop.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(slot);
        });
    }
}

fn io(stream: TcpStream, stall: Duration) -> TokioIo<Stalling<TcpStream>> {
    // Answers are written whole; waiting for more bytes would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    TokioIo::new(Stalling::new(stream, stall))
}

fn service(
    app: &Arc<App>,
    router: &Router,
    peer: SocketAddr,
) -> impl Service<
    Request<Incoming>,
    Response = Response,
    Error = Infallible,
    Future: Future<Output = Result<Response, Infallible>> + Send,
> + use<> {
    let app = Arc::clone(app);
    let router = TowerToHyperService::new(router.clone());
    let peer = Peer(peer.ip().to_canonical());
    service_fn(move |mut request: Request<Incoming>| {
        let app = Arc::clone(&app);
        let request_id: Arc<str> = app.next_request_id().into();
        let method = method_name(request.method());
        let started = Instant::now();
        request.extensions_mut().insert(peer);
        request
            .extensions_mut()
            .insert(RequestId(Arc::clone(&request_id)));
        let span = tracing::info_span!("request", %request_id, method);
        let answer = router.call(request.map(Body::new));
        async move {
            let Ok(response) = answer.await;
            Ok(finish(&app, response, method, &request_id, started))
        }
        .instrument(span)
    })
}

/// Puts in what every answer has, and counts it.
fn finish(
    app: &App,
    mut response: Response,
    method: &'static str,
    request_id: &str,
    started: Instant,
) -> Response {
    let extensions = response.extensions();
    let route = extensions
        .get::<&'static RouteInfo>()
        .map(|route| route.path);
    let page = || extensions.get::<PagePath>().map(|page| page.0);
    let route = route.or_else(page).unwrap_or("none");
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let kept = CARRIED.map(|name| (name.clone(), response.headers_mut().remove(name)));
        response = problem.render(request_id);
        let kept = kept.into_iter();
        let kept = kept.filter_map(|(name, value)| Some((name, value?)));
        response.headers_mut().extend(kept);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    app.metrics()
        .answered(method, route, status, elapsed.as_secs_f64());
    tracing::debug!(route, status, elapsed_us = elapsed.as_micros(), "answered");
    response
}

/// Methods as label values: a client cannot make up new ones.
fn method_name(method: &hyper::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

impl RequestId {
    pub(crate) fn of(extensions: &Extensions) -> String {
        let id = extensions.get::<Self>();
        id.map_or_else(String::new, |id| id.0.to_string())
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let peer = parts.extensions.get().copied();
        peer.ok_or_else(Problem::not_found)
    }
}
