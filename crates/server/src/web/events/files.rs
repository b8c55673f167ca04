//! Parts of an event as files. They are never opened as a page: what is inside is hostile.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use event::json::Value;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};

use crate::{
    api::{events, proof as proof_api},
    app::App,
    audit::What,
    keys::Scope,
    problem::{Code, Problem},
    web::{content, visit::Visit},
};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
/// Even if a browser shows it after all, nothing in it runs.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// `GET /events/{seq}/record`: the exact bytes.
pub(in super::super) async fn record(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(seq): Path<String>,
) -> Result<Response, Problem> {
    let event = read(&app, &visit, seq).await?;
    visit.caller.audit_one(&app, What::Records, event.seq);
    Ok(file(
        &format!("event-{}-record.json", event.seq),
        JSON,
        event.record,
    ))
}

/// `GET /events/{seq}/content` and `…/content/{member}`: the exact bytes; of a member that is text, the text.
pub(in super::super) async fn content(
    State(app): State<Arc<App>>,
    visit: Visit,
    path: Path<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    if !visit.has(Scope::Content) {
        let detail = "your role may not see contents";
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    let part = |wanted: &str| {
        path.0
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.clone())
    };
    let event = read(&app, &visit, part("event").unwrap_or_default()).await?;
    let bytes = event
        .content
        .ok_or_else(|| Problem::new(Code::NoContent, "the event was recorded without content"))?;
    visit.caller.audit_one(&app, What::Contents, event.seq);
    let Some(wanted) = part("member") else {
        return Ok(file(
            &format!("event-{}-content.json", event.seq),
            JSON,
            bytes,
        ));
    };
    let whole = Value::new(std::str::from_utf8(&bytes).unwrap_or(""));
    let member = content::member(whole, &wanted).ok_or_else(Problem::not_found)?;
    let stem: String = wanted
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(40)
        .collect();
    Ok(match (member.text(), wanted.as_str()) {
        (Some(text), "recording") => file(
            &format!("event-{}-{stem}.cast", event.seq),
            TEXT,
            text.decode().into_owned(),
        ),
        (Some(text), _) => file(
            &format!("event-{}-{stem}.txt", event.seq),
            TEXT,
            text.decode().into_owned(),
        ),
        (None, _) => file(
            &format!("event-{}-{stem}.json", event.seq),
            JSON,
            member.as_str().to_owned(),
        ),
    })
}

/// `GET /events/{seq}/proof`: everything that a verifier needs.
pub(in super::super) async fn proof(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(seq): Path<String>,
) -> Result<Response, Problem> {
    let name = format!("event-{seq}-proof.json");
    let answer = proof_api::bundle(&app, &visit.caller, seq, None, &HeaderMap::new()).await?;
    Ok(as_file(answer, &name))
}

async fn read(app: &App, visit: &Visit, seq: String) -> Result<query::Event, Problem> {
    let engine = visit.engine(app);
    let caller = visit.caller.clone();
    app.read(move || events::find(&engine.snapshot()?, &seq, &caller))
        .await
}

fn file(name: &str, media_type: &'static str, bytes: impl Into<Bytes>) -> Response {
    as_file(
        ([(CONTENT_TYPE, media_type)], bytes.into()).into_response(),
        name,
    )
}

fn as_file(mut response: Response, name: &str) -> Response {
    // Names are of digits and letters.
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c))
        .collect();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_DISPOSITION,
        disposition.unwrap_or(HeaderValue::from_static("attachment")),
    );
    headers.insert(CONTENT_SECURITY_POLICY, NOTHING);
    response
}
