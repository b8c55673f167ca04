//! What a link shows, to whoever has it.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use event::Seq;
use hyper::{
    HeaderMap, StatusCode,
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, HOST, HeaderValue, ORIGIN, REFERRER_POLICY, VARY},
};

use crate::{
    api::{proof::Proof, typed},
    app::App,
    keys::Scope,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

pub(crate) static SHOWN: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/shared/{token}",
    id: "getShared",
    summary: "The proof bundle that a link is for",
    access: Access::Public,
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("ProofBundle"),
    codes: &[
        Code::OriginForbidden,
        Code::NotFound,
        Code::NotCoveredYet,
        Code::Busy,
        Code::Damaged,
    ],
};

pub(crate) async fn shown(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let mut response = match bundle(&app, &token, &headers).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    let headers_out = response.headers_mut();
    headers_out.insert(VARY, HeaderValue::from_static("origin"));
    headers_out.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn bundle(app: &Arc<App>, token: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let node = app.node();
    // A link that never was, one that has ended, and one of a key that has ended are all the same.
    let share = node.shares().find(token, node.now());
    let share = share.ok_or_else(Problem::not_found)?;
    let trail = node.trail(share.trail()).ok_or_else(Problem::not_found)?;
    let key = node.keys().good(trail.id(), &share.by);
    let key = key.filter(|key| key.scopes.has(Scope::Read) && key.scopes.has(Scope::Export));
    let key = key.ok_or_else(Problem::not_found)?;
    let allowed = check_origin(headers, &node.shares().origins(trail.id()))?;
    let engine = node.engine(&trail);
    let seq = Seq(share.event_seq);
    let prove = Arc::clone(&trail);
    let proof = app
        .read(move || {
            let view = engine.snapshot()?;
            let event = view.get(seq)?.ok_or_else(Problem::not_found)?;
            Proof::make(&view, event, None, &prove)
        })
        .await;
    let mut response = match proof {
        Ok(proof) => {
            let with_content = share.contents && key.scopes.has(Scope::Content);
            node.shares().note(trail.id(), &share);
            let bundle = proof.to_bundle(with_content)?;
            typed(StatusCode::OK, "application/json", bundle)
        }
        // A page that may ask has to see that the proof is still to come.
        Err(problem) => problem.into_response(),
    };
    if let Some(origin) = allowed {
        response
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    Ok(response)
}

/// The origin of the page that asks, if browsers have to be told that it may. A program sends none.
pub(crate) fn check_origin(
    headers: &HeaderMap,
    origins: &[String],
) -> Result<Option<HeaderValue>, Problem> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(None);
    };
    let text = origin.to_str().unwrap_or_default();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_own = text
        .split_once("://")
        .is_some_and(|(_, own)| Some(own) == host);
    if is_own || origins.iter().any(|known| known == text) {
        return Ok(Some(origin.clone()));
    }
    let detail = "pages of this origin may not ask; see `/v1/embedding`";
    Err(Problem::new(Code::OriginForbidden, detail))
}
