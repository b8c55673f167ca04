//! The handlers, one module for each noun.

pub(crate) mod calls;
pub(crate) mod count;
pub(crate) mod embed;
pub(crate) mod events;
pub(crate) mod exports;
pub(crate) mod facets;
pub(crate) mod figures;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod ops;
pub(crate) mod otlp;
mod paging;
pub(crate) mod proof;
pub(crate) mod redaction_key;
pub(crate) mod selection;
pub(crate) mod series;
pub(crate) mod shares;
pub(crate) mod summaries;
pub(crate) mod trails;
pub(crate) mod write;

use axum::{
    body::Bytes,
    response::{IntoResponse, Response},
};
use hyper::{StatusCode, header::CONTENT_TYPE};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    app::App,
    body,
    problem::{Code, Problem},
};

/// Largest body of a settings request, bytes.
const SETTINGS_BYTES: usize = 64 << 10;

fn json<T: Serialize>(status: StatusCode, answer: &T) -> Response {
    match serde_json::to_vec(answer) {
        Ok(bytes) => typed(status, "application/json", bytes),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// An answer of exact bytes.
fn typed(status: StatusCode, content_type: &'static str, bytes: impl Into<Bytes>) -> Response {
    (status, [(CONTENT_TYPE, content_type)], bytes.into()).into_response()
}

/// Reads a small JSON body.
async fn settings<T: DeserializeOwned>(
    app: &App,
    request: axum::extract::Request,
) -> Result<T, Problem> {
    let (parts, body) = request.into_parts();
    let held = body::read(app, &parts.headers, body, SETTINGS_BYTES).await?;
    if media_type(&parts.headers) != Some("application/json") {
        let detail = "Content-Type is application/json";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    serde_json::from_slice(&held.bytes).map_err(|error| {
        let code = match error.classify() {
            serde_json::error::Category::Data => Code::InvalidBody,
            _ => Code::InvalidJson,
        };
        Problem::new(code, error.to_string())
    })
}

/// Media type of a body without its parameters; names are compared as they are usually written, in lower case.
pub(crate) fn media_type(headers: &hyper::HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or(value).trim())
}
