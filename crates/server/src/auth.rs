//! Who is asking, and whether the route is open to them.

use std::sync::Arc;

use axum::{
    RequestExt,
    body::Body,
    extract::{FromRequestParts, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    middleware::Next,
    response::{IntoResponse, Response},
};
use event::{Seq, TrailId};
use hyper::{HeaderMap, Method, header::AUTHORIZATION, http::request::Parts};
use ledger::Trail;
use query::Engine;

use crate::{
    app::App,
    body,
    keys::{Key, Scope},
    params::Params,
    problem::{Code, Problem},
    routes::{Access, RouteInfo},
    web::{Cookies, is_from_here},
};

/// A good key and the trail that it opens.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) key: Arc<Key>,
    pub(crate) trail: Arc<Trail>,
}

/// What the guard works with.
#[derive(Clone)]
pub(crate) struct Guarded {
    pub(crate) app: Arc<App>,
    pub(crate) route: &'static RouteInfo,
}

/// Lets a request through to its handler, with its [`Caller`] and [`Params`], or answers it.
pub(crate) async fn guard(
    State(guarded): State<Guarded>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = guarded.route;
    let mut admitted = admit(&guarded, &mut request);
    // The handlers' own extractor would answer in plain text.
    if let Err(RawPathParamsRejection::InvalidUtf8InPathParam(_)) =
        request.extract_parts::<RawPathParams>().await
    {
        admitted = admitted.and_then(|()| Err(Problem::not_found()));
    }
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            // A client that is still sending would see a reset connection instead of the answer.
            body::discard(request.into_body()).await;
            problem.into_response()
        }
    };
    response.extensions_mut().insert(route);
    response
}

fn admit(guarded: &Guarded, request: &mut Request<Body>) -> Result<(), Problem> {
    if let Access::Key(scopes) = guarded.route.access {
        let caller = Caller::authenticate(&guarded.app, request.method(), request.headers())?;
        caller.require_any(scopes)?;
        request.extensions_mut().insert(caller);
    }
    let params = Params::parse(request.uri(), guarded.route.params)?;
    request.extensions_mut().insert(params);
    Ok(())
}

impl Caller {
    /// No key, a wrong, an expired and a revoked one all get the same answer. Scripts of our own pages read with the
    /// session that they are in; nothing is changed by it, so a page of somebody else can do no harm with it.
    fn authenticate(app: &App, method: &Method, headers: &HeaderMap) -> Result<Self, Problem> {
        let refused = || {
            let detail = "a good key is needed: `Authorization: Bearer ik_…`";
            Problem::new(Code::Unauthorized, detail)
        };
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let session = Cookies::of(headers).session();
        let session = session.filter(|_| reads && !headers.contains_key(AUTHORIZATION));
        if let Some(token) = session.filter(|_| is_from_here(headers)) {
            return Self::of_session(app, token).ok_or_else(refused);
        }
        let key = bearer(headers).and_then(|text| app.node().keys().authenticate(text));
        key.and_then(|key| Self::new(app, key)).ok_or_else(refused)
    }

    /// Who is signed in with a browser.
    pub(crate) fn of_session(app: &App, token: &str) -> Option<Self> {
        let name = app.node().sessions().find(token)?;
        let key = app.node().keys().good(&name.trail, &name.id)?;
        Self::new(app, key)
    }

    /// Whom a good key stands for.
    pub(crate) fn new(app: &App, key: Arc<Key>) -> Option<Self> {
        let trail = app.node().ledger().trail(&key.trail)?;
        Some(Self { key, trail })
    }

    fn require_any(&self, scopes: &[Scope]) -> Result<(), Problem> {
        if scopes.is_empty() || scopes.iter().any(|scope| self.has(*scope)) {
            return Ok(());
        }
        let names: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
        let detail = format!("the key needs scope {}", names.join(" or "));
        Err(Problem::new(Code::InsufficientScope, detail))
    }

    pub(crate) fn has(&self, scope: Scope) -> bool {
        self.key.scopes.has(scope)
    }

    /// The only project that this key sees.
    pub(crate) fn project(&self) -> Option<&str> {
        self.key.project.as_deref()
    }

    pub(crate) fn trail_id(&self) -> &TrailId {
        self.trail.id()
    }

    /// Refuses keys that see a part of the trail only: hashes say how much else there is.
    pub(crate) fn require_whole_trail(&self) -> Result<(), Problem> {
        match self.project() {
            None => Ok(()),
            Some(_) => Err(Problem::new(
                Code::ProjectForbidden,
                "the key is limited to a project, this path is about the whole trail",
            )),
        }
    }

    pub(crate) fn engine(&self, app: &App) -> Engine {
        app.node().engine(&self.trail)
    }

    /// Notes that this key read one event.
    pub(crate) fn audit_one(&self, app: &App, what: crate::audit::What, seq: Seq) {
        app.node().audit().note(&self.key, what, None, [seq.0]);
    }
}

/// The key's text in `Authorization`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, text) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get().cloned();
        caller.ok_or_else(|| Problem::new(Code::Unauthorized, "a key is needed"))
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let params = parts.extensions.remove();
        params.ok_or_else(Problem::not_found)
    }
}
