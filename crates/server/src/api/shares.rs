//! Links to the proof of one event.

mod shown;

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use event::{Micros, SystemEvent, instant_micros};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
pub(crate) use shown::{SHOWN, check_origin, shown};

use super::{events::find, json, settings};
use crate::{
    app::{App, blocking},
    audit,
    auth::Caller,
    keys::Scope,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
    shares::{NewShare, Share, check_origins},
};

const DAY_US: u64 = 86_400_000_000;
/// How long a link holds if nobody says.
const DEFAULT_DAYS: u64 = 30;
/// How long a link may hold.
const MAX_DAYS: u64 = 366;

pub(crate) static CREATE: RouteInfo = RouteInfo {
    method: "POST",
    path: "/v1/events/{event}/shares",
    id: "createShare",
    summary: "Makes a link to the proof of an event; its token is in this answer and nowhere else",
    access: Access::Key(&[Scope::Export]),
    params: &[],
    body: Some("NewShare"),
    status: 201,
    answer: Answer::Json("CreatedShare"),
    codes: &[
        Code::InvalidJson,
        Code::InvalidBody,
        Code::NotFound,
        Code::RequestTimeout,
        Code::TooManyShares,
        Code::BodyTooLarge,
        Code::UnsupportedMediaType,
        Code::UnsupportedEncoding,
        Code::Busy,
        Code::Damaged,
        Code::LogStopped,
    ],
};

pub(crate) static LIST: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/shares",
    id: "listShares",
    summary: "Links to proofs that have not ended, newest first, never their tokens",
    access: Access::Key(&[Scope::Export]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("ShareList"),
    codes: &[],
};

pub(crate) static REVOKE: RouteInfo = RouteInfo {
    method: "DELETE",
    path: "/v1/shares/{id}",
    id: "revokeShare",
    summary: "Ends a link for good",
    access: Access::Key(&[Scope::Export]),
    params: &[],
    body: None,
    status: 204,
    answer: Answer::Nothing,
    codes: &[Code::NotFound],
};

pub(crate) static ORIGINS: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/embedding",
    id: "getEmbedding",
    summary: "Origins whose pages may fetch proofs by a link",
    access: Access::Key(&[Scope::Admin]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("Embedding"),
    codes: &[Code::ProjectForbidden],
};

pub(crate) static SET_ORIGINS: RouteInfo = RouteInfo {
    method: "PUT",
    path: "/v1/embedding",
    id: "setEmbedding",
    summary: "Replaces the origins whose pages may fetch proofs by a link",
    access: Access::Key(&[Scope::Admin]),
    params: &[],
    body: Some("Embedding"),
    status: 200,
    answer: Answer::Json("Embedding"),
    codes: &[
        Code::InvalidJson,
        Code::InvalidBody,
        Code::ProjectForbidden,
        Code::RequestTimeout,
        Code::BodyTooLarge,
        Code::UnsupportedMediaType,
        Code::UnsupportedEncoding,
        Code::Busy,
        Code::LogStopped,
    ],
};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewBody {
    pub(crate) contents: bool,
    pub(crate) expires_at: Option<String>,
}

#[derive(Serialize)]
struct ShownShare<'a> {
    id: &'a str,
    event_seq: u64,
    contents: bool,
    /// Public id of the key that made it.
    by: &'a str,
    created_at: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    /// Path of the bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct ShareList<'a> {
    object: &'static str,
    data: Vec<ShownShare<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Embedding {
    origins: Vec<String>,
}

impl<'a> ShownShare<'a> {
    fn new(share: &'a Share, token: Option<&'a str>) -> Self {
        Self {
            id: &share.id,
            event_seq: share.event_seq,
            contents: share.contents,
            by: &share.by,
            created_at: Micros(share.created_at).to_string(),
            expires_at: Micros(share.expires_at).to_string(),
            token,
            url: token.map(|token| format!("/v1/shared/{token}")),
        }
    }
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let body: NewBody = settings(&app, request).await?;
    let (share, token) = make(&app, &caller, name, body).await?;
    let shown = ShownShare::new(&share, Some(&token));
    Ok(json(StatusCode::CREATED, &shown))
}

/// Makes a link to the proof of an event; its token is known to nobody else.
pub(crate) async fn make(
    app: &Arc<App>,
    caller: &Caller,
    name: String,
    body: NewBody,
) -> Result<(Share, String), Problem> {
    if !caller.has(Scope::Export)
        || !caller.has(Scope::Read)
        || (body.contents && !caller.has(Scope::Content))
    {
        let scope = if body.contents { "content" } else { "read" };
        let detail = format!("the link shows what needs scope {scope}, and needs scope export");
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    let now = app.node().now();
    let expires_at = expiry(body.expires_at.as_deref(), now)?;
    let engine = caller.engine(app);
    let reader = caller.clone();
    let event = app
        .read(move || find(&engine.snapshot()?, &name, &reader))
        .await?;
    let new = NewShare {
        event_seq: event.seq,
        contents: body.contents,
        expires_at,
    };
    let (app, caller) = (Arc::clone(app), caller.clone());
    blocking(move || {
        let shares = app.node().shares();
        let secret = shares.generate()?;
        // First the log, then the link: there is no link that the log does not know of.
        record(&caller, "share.created", &secret.id, &new)?;
        let share = shares.add(&caller.key, &new, &secret, now)?;
        Ok((share, secret.text))
    })
    .await
}

fn expiry(text: Option<&str>, now: Micros) -> Result<Micros, Problem> {
    let Some(text) = text else {
        return Ok(Micros(now.0 + DEFAULT_DAYS * DAY_US));
    };
    let invalid = || {
        let detail = format!("RFC 3339, within the next {MAX_DAYS} days");
        Problem::member(Code::InvalidBody, "expires_at", detail)
    };
    let at = instant_micros(text).map_err(|_| invalid())?;
    let at = u64::try_from(at).map_err(|_| invalid())?;
    if at <= now.0 || at > now.0 + MAX_DAYS * DAY_US {
        return Err(invalid());
    }
    Ok(Micros(at))
}

pub(crate) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Response {
    let now = app.node().now();
    let shares = app
        .node()
        .shares()
        .list(caller.trail_id(), caller.project(), now);
    let list = ShareList {
        object: "list",
        data: shares
            .iter()
            .map(|share| ShownShare::new(share, None))
            .collect(),
    };
    json(StatusCode::OK, &list)
}

pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    blocking(move || end(&app, &caller, &id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Ends a link for good. Blocks.
pub(crate) fn end(app: &App, caller: &Caller, id: &str) -> Result<(), Problem> {
    let shares = app.node().shares();
    let ended = shares.revoke(caller.trail_id(), caller.project(), id)?;
    let ended = ended.ok_or_else(Problem::not_found)?;
    let was = NewShare {
        event_seq: event::Seq(ended.event_seq),
        contents: ended.contents,
        expires_at: Micros(ended.expires_at),
    };
    // A link must end even when the log accepts nothing any more.
    if let Err(error) = record(caller, "share.revoked", id, &was) {
        tracing::error!(?error, share = id, "a revocation could not be recorded");
    }
    Ok(())
}

pub(crate) async fn origins(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.require_whole_trail()?;
    let origins = app.node().shares().origins(caller.trail_id());
    Ok(json(StatusCode::OK, &Embedding { origins }))
}

pub(crate) async fn set_origins(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.require_whole_trail()?;
    let Embedding { origins } = settings(&app, request).await?;
    blocking(move || {
        change_origins(&app, &caller, origins)?;
        let origins = app.node().shares().origins(caller.trail_id());
        Ok(json(StatusCode::OK, &Embedding { origins }))
    })
    .await
}

/// Replaces the origins of the caller's trail, on record. Blocks.
pub(crate) fn change_origins(
    app: &App,
    caller: &Caller,
    origins: Vec<String>,
) -> Result<(), Problem> {
    caller.require_whole_trail()?;
    let origins = check_origins(origins)?;
    let meta = serde_json::json!({ "origins": origins }).to_string();
    let event = SystemEvent {
        meta: Some(&meta),
        ..audit::by(&caller.key, "embedding.changed")
    };
    audit::record(&caller.trail, &event)?;
    let shares = app.node().shares();
    Ok(shares.set_origins(caller.trail_id(), origins)?)
}

fn record(caller: &Caller, action: &str, id: &str, share: &NewShare) -> Result<(), Problem> {
    let meta = serde_json::json!({
        "event_seq": share.event_seq.0,
        "contents": share.contents,
        "expires_at": share.expires_at.to_string(),
    });
    let meta = meta.to_string();
    let event = SystemEvent {
        resource: Some(("share", id)),
        meta: Some(&meta),
        ..audit::by(&caller.key, action)
    };
    Ok(audit::record(&caller.trail, &event)?)
}
