//! The key with which gateways hash the secrets that they take out: `GET /v1/redaction-key`.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::StatusCode;
use serde::Serialize;

use super::json;
use crate::{
    auth::Caller,
    keys::Scope,
    routes::{Access, Answer, RouteInfo},
};

pub(crate) static REDACTION_KEY: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/redaction-key",
    id: "getRedactionKey",
    summary: "The trail's key for the hashes of redacted secrets, for gateways",
    access: Access::Key(&[Scope::Gateway]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("RedactionKey"),
    codes: &[],
};

#[derive(Serialize)]
struct RedactionKey {
    key: String,
}

pub(crate) async fn redaction_key(caller: Caller) -> Response {
    let key = STANDARD.encode(caller.trail.dedup_key().redaction_key());
    json(StatusCode::OK, &RedactionKey { key })
}
