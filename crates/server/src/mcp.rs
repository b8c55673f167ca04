//! Tools for assistants, over the Model Context Protocol.
//!
//! In scope: what just happened, the proof of an event, an event explained, searching; the card as a view inside the
//! assistant (MCP Apps). Over Streamable HTTP, without sessions, with the keys and scopes of the API.
//!
//! What an event says is data. It reaches an assistant quoted, cut and between markers that no event can know, beside a
//! sentence that says so: a model that takes instructions from a log would take them from whoever writes into it.

mod event_text;
mod explain;
mod happened;
mod proven;
mod search;
mod service;
mod tools;
mod untrusted;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use hyper::{
    HeaderMap,
    header::{HOST, HeaderName},
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};

use crate::{
    api::shares::check_origin,
    app::App,
    auth::Caller,
    keys::Scope,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};
use service::Assistant;

/// Largest message of a client, bytes: a filter, and what the protocol has around it.
const MESSAGE_BYTES: usize = 256 << 10;

pub(crate) static MCP: RouteInfo = RouteInfo {
    method: "POST",
    path: "/mcp",
    id: "callAssistantTools",
    summary: "Tools for assistants, over the Model Context Protocol (Streamable HTTP)",
    access: Access::Key(&[Scope::Read]),
    params: &[],
    body: Some("McpMessage"),
    status: 200,
    answer: Answer::Json("McpMessage"),
    codes: &[Code::OriginForbidden],
};

pub(crate) async fn mcp(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let origins = app.node().shares().origins(caller.trail_id());
    check_origin(request.headers(), &origins)?;
    let assistant = Assistant {
        base: base(request.headers()),
        app,
        caller,
    };
    // Browsers are told by `Origin`, others need a key: whatever name the server was reached by is good.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MESSAGE_BYTES)
        .disable_allowed_hosts();
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(assistant.clone()), sessions, config);
    Ok(service.handle(request).await.map(Body::new))
}

/// Where the caller reaches this server, for links.
pub(crate) fn base(headers: &HeaderMap) -> String {
    const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-proto");
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = match text(FORWARDED) {
        Some("https") => "https",
        _ => "http",
    };
    text(HOST).map_or_else(String::new, |host| format!("{scheme}://{host}"))
}
