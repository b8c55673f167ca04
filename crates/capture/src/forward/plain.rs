//! Requests with absolute URLs, which are not inside of any TLS.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use hyper::{Request, Response, Uri, body::Incoming};
use hyper_util::{
    client::legacy::{self, Client as Pooled},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::net::TcpStream;
use tower_service::Service;

use super::{
    Shared,
    dial::{DialError, Policy},
    exchange::Way,
    refusal::Refusal,
    relay::Context,
    target::Target,
};
use crate::http::{Body, Client, discard, innermost};

/// How long an unused connection is kept: less than the minute after which most servers close it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Unused connections for each host.
const MAX_IDLE: usize = 64;
/// Read buffer of a connection, bytes: what a tap may hold on to.
const BUFFER_BYTES: usize = 256 << 10;

/// Connections to hosts without TLS, each to an address that was checked.
#[derive(Clone, Debug)]
pub(super) struct PlainClient(Pooled<Dialler, Body>);

/// Connects to nothing that the policy does not allow.
#[derive(Clone, Debug)]
struct Dialler(Policy);

impl PlainClient {
    pub(super) fn new(policy: Policy) -> Self {
        let client = Pooled::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE)
            .http1_preserve_header_case(true)
            .http1_max_buf_size(BUFFER_BYTES)
            .build(Dialler(policy));
        Self(client)
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Refusal> {
        self.0
            .request(request)
            .await
            .map_err(|error| refusal(&error))
    }
}

impl Service<Uri> for Dialler {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DialError>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let policy = self.0;
        Box::pin(async move {
            let none = || DialError::NotFound(std::io::ErrorKind::InvalidInput.into());
            let target = Target::of_absolute(&uri).ok_or_else(none)?;
            let pinned = policy.resolve(&target).await?;
            Ok(TokioIo::new(policy.dial(&pinned).await?))
        })
    }
}

impl Shared {
    /// A request with an absolute URL.
    pub(super) async fn plain(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: Client,
    ) -> Response<Body> {
        let Some(target) = Target::of_absolute(request.uri()) else {
            discard(request.into_body()).await;
            client.state.done();
            return Refusal::NoTarget.answer();
        };
        let known = self.identify(request.headers(), &client);
        let (_, denied) = self.rule(&target);
        let is_agent = known.is_agent;
        let context = Context {
            shared: Arc::clone(&self),
            scope: known.scope,
            token: known.secrets,
            target,
            way: Way::Plain,
            scheme: "http",
            hello: None,
            address: None,
            client: client.state,
            permit: None,
        };
        let refusal = if is_agent {
            denied
        } else {
            Some(Refusal::UnknownAgent)
        };
        if let Some(refusal) = refusal {
            let (parts, body) = request.into_parts();
            return context.refuse(&refusal, &parts, body).await;
        }
        context
            .pass(request, |request| self.plain.send(request))
            .await
    }
}

/// What the pool says, with its cause taken out.
fn refusal(error: &legacy::Error) -> Refusal {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(dialled) = inner.downcast_ref::<DialError>() {
            return Refusal::Dial(dialled.copied());
        }
        cause = inner.source();
    }
    Refusal::NoAnswer(innermost(error))
}
