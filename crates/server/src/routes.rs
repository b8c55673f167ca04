//! Every route: what it is called, who may use it, what it takes and answers. The router, the guard and the
//! interface description are all made from this table.

use std::sync::Arc;

use axum::{
    Router,
    http::HeaderMap,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post, put},
};

use crate::{
    api::{
        calls, count, embed, events, exports, facets, figures, keys, log, ops, otlp, proof,
        redaction_key, series, shares, summaries, trails, write,
    },
    app::App,
    auth::{Guarded, guard},
    keys::Scope,
    mcp,
    params::Param,
    problem::{Code, Problem},
    web,
};

/// Who may use a route.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    /// Everybody.
    Public,
    /// A good key with any of these scopes; with any key at all if there are none.
    Key(&'static [Scope]),
}

/// What a route answers when all is well.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// JSON of a schema.
    Json(&'static str),
    Text,
    /// Server-sent events.
    EventStream,
    Bytes,
    /// JavaScript.
    Script,
    /// HTML.
    Page,
    Nothing,
}

/// What there is to say about a route.
#[derive(Debug)]
pub(crate) struct RouteInfo {
    pub(crate) method: &'static str,
    /// With `{name}` for one segment and `{*name}` for the rest.
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    pub(crate) params: &'static [Param],
    /// Schema of the body.
    pub(crate) body: Option<&'static str>,
    pub(crate) status: u16,
    pub(crate) answer: Answer,
    /// Errors of its own; those of keys and parameters come with `access` and `params`.
    pub(crate) codes: &'static [Code],
}

/// The handler of one method of a path.
type Handler = fn() -> MethodRouter<Arc<App>>;

/// All routes.
pub(crate) const ROUTES: &[(&RouteInfo, Handler)] = &[
    (&write::WRITE, || post(write::write)),
    (&otlp::LOGS, || post(otlp::logs)),
    (&otlp::TRACES, || post(otlp::traces)),
    (&events::LIST, || get(events::list)),
    (&events::STREAM, || get(events::stream)),
    (&events::GET, || get(events::get)),
    (&events::RECORD, || get(events::record)),
    (&events::CONTENT, || get(events::content)),
    (&proof::PROOF, || get(proof::proof)),
    (&count::COUNT, || get(count::count)),
    (&figures::AGGREGATE, || get(figures::aggregate)),
    (&series::SERIES, || get(series::series)),
    (&facets::FACETS, || get(facets::facets)),
    (&summaries::JOBS, || get(summaries::jobs)),
    (&summaries::JOB_ROUTE, || get(summaries::job)),
    (&calls::CALLS, || get(calls::calls)),
    (&summaries::AGENTS, || get(summaries::agents)),
    (&summaries::AGENT_ROUTE, || get(summaries::agent)),
    (&log::KEY, || get(log::key)),
    (&log::CHECKPOINT, || get(log::checkpoint)),
    (&log::TILE, || get(log::tile)),
    (&log::CONSISTENCY, || get(log::consistency)),
    (&log::PUBLIC_KEY, || get(log::public_key)),
    (&log::PUBLIC_CHECKPOINT, || get(log::public_checkpoint)),
    (&log::PUBLIC_TILE, || get(log::public_tile)),
    (&exports::LIST, || get(exports::list)),
    (&exports::CREATE, || post(exports::create)),
    (&exports::GET, || get(exports::get)),
    (&exports::REMOVE, || delete(exports::remove)),
    (&exports::DOWNLOAD, || get(exports::download)),
    (&keys::LIST, || get(keys::list)),
    (&keys::CREATE, || post(keys::create)),
    (&keys::REVOKE, || delete(keys::revoke)),
    (&redaction_key::REDACTION_KEY, || {
        get(redaction_key::redaction_key)
    }),
    (&keys::LINK, || post(keys::link)),
    (&trails::LIST, || get(trails::list)),
    (&trails::CREATE, || post(trails::create)),
    (&shares::CREATE, || post(shares::create)),
    (&shares::LIST, || get(shares::list)),
    (&shares::REVOKE, || delete(shares::revoke)),
    (&shares::SHOWN, || get(shares::shown)),
    (&shares::ORIGINS, || get(shares::origins)),
    (&shares::SET_ORIGINS, || put(shares::set_origins)),
    (&embed::PROOF, || get(embed::proof)),
    (&embed::VERIFY, || get(embed::verify)),
    (&mcp::MCP, || post(mcp::mcp)),
    (&ops::HEALTHZ, || get(ops::healthz)),
    (&ops::READYZ, || get(ops::readyz)),
    (&ops::METRICS, || get(ops::metrics)),
    (&ops::OPENAPI, || get(ops::openapi)),
];

/// The router over [`ROUTES`].
pub(crate) fn router(app: &Arc<App>) -> Router {
    let router = ROUTES
        .iter()
        .fold(Router::new(), |router, (route, handler)| {
            let guarded = Guarded {
                app: Arc::clone(app),
                route,
            };
            let handler = handler().layer(from_fn_with_state(guarded, guard));
            router.route(route.path, handler)
        });
    router
        .merge(web::router(app))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .with_state(Arc::clone(app))
}

/// A person with a browser gets a page, a program a problem.
async fn not_found(headers: HeaderMap) -> Response {
    web::missing(&headers).unwrap_or_else(|| Problem::not_found().into_response())
}

/// `Allow` is set by the router.
async fn method_not_allowed() -> Response {
    Problem::new(
        Code::MethodNotAllowed,
        "the path does not have this method; `Allow` names those it has",
    )
    .into_response()
}
