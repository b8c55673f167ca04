//! Keys of the caller's trail.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use event::{Micros, SystemEvent, instant_micros};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::{json, settings};
use crate::{
    app::{App, blocking},
    audit,
    auth::Caller,
    keys::{Key, KeySpec, Role, Scope, Scopes},
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

/// Longest name of a key or a project, bytes.
const NAME_BYTES: usize = 256;

pub(crate) static LIST: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/keys",
    id: "listKeys",
    summary: "Keys of the trail, revoked ones too",
    access: Access::Key(&[Scope::Admin]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("KeyList"),
    codes: &[],
};

pub(crate) static CREATE: RouteInfo = RouteInfo {
    method: "POST",
    path: "/v1/keys",
    id: "createKey",
    summary: "Makes a key; its text is in this answer and nowhere else",
    access: Access::Key(&[Scope::Admin]),
    params: &[],
    body: Some("NewKey"),
    status: 201,
    answer: Answer::Json("CreatedKey"),
    codes: &[
        Code::InvalidJson,
        Code::InvalidBody,
        Code::ProjectForbidden,
        Code::RequestTimeout,
        Code::TooManyKeys,
        Code::BodyTooLarge,
        Code::UnsupportedMediaType,
        Code::UnsupportedEncoding,
        Code::Busy,
        Code::LogStopped,
    ],
};

pub(crate) static REVOKE: RouteInfo = RouteInfo {
    method: "DELETE",
    path: "/v1/keys/{id}",
    id: "revokeKey",
    summary: "Ends a key for good",
    access: Access::Key(&[Scope::Admin]),
    params: &[],
    body: None,
    status: 204,
    answer: Answer::Nothing,
    codes: &[Code::NotFound],
};

pub(crate) static LINK: RouteInfo = RouteInfo {
    method: "POST",
    path: "/v1/keys/{id}/link",
    id: "createSignInLink",
    summary: "Makes a link that signs in to the dashboard with a key, once",
    access: Access::Key(&[Scope::Admin]),
    params: &[],
    body: None,
    status: 201,
    answer: Answer::Json("SignInLink"),
    codes: &[Code::NotFound, Code::Busy, Code::LogStopped],
};

/// How long a link works that somebody sends to somebody.
pub(crate) const LINK_LIFE_US: u64 = 24 * 3_600_000_000;

/// A key that was asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    pub(crate) name: String,
    /// These or a role.
    pub(crate) scopes: Option<Scopes>,
    pub(crate) role: Option<Role>,
    pub(crate) project: Option<String>,
    /// RFC 3339.
    pub(crate) expires_at: Option<String>,
}

#[derive(Serialize)]
struct ShownKey<'a> {
    id: &'a str,
    name: &'a str,
    scopes: Scopes,
    role: Option<Role>,
    project: Option<&'a str>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

#[derive(Serialize)]
struct SignInLink {
    /// Path and query, below the server's address.
    link: String,
    expires_at: String,
}

#[derive(Serialize)]
struct KeyList<'a> {
    object: &'static str,
    data: Vec<ShownKey<'a>>,
}

impl<'a> ShownKey<'a> {
    fn new(key: &'a Key, text: Option<&'a str>) -> Self {
        Self {
            id: &key.id,
            name: &key.name,
            scopes: key.scopes,
            role: key.role,
            project: key.project.as_deref(),
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|at| at.to_string()),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
            key: text,
        }
    }
}

pub(crate) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Response {
    let keys = managed(&app, &caller);
    let list = KeyList {
        object: "list",
        data: keys.iter().map(|key| ShownKey::new(key, None)).collect(),
    };
    json(StatusCode::OK, &list)
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let new: NewKey = settings(&app, request).await?;
    blocking(move || {
        let (key, text) = make(&app, &caller, new)?;
        Ok(json(StatusCode::CREATED, &ShownKey::new(&key, Some(&text))))
    })
    .await
}

pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    blocking(move || {
        end(&app, &caller, &id)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

pub(crate) async fn link(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    blocking(move || {
        let link = link_of(&app, &caller, &id)?;
        let expires_at = app.node().now().0.saturating_add(LINK_LIFE_US);
        let answer = SignInLink {
            link,
            expires_at: Micros(expires_at).to_string(),
        };
        Ok(json(StatusCode::CREATED, &answer))
    })
    .await
}

/// Makes a link that signs in with a key, once, and gives its path. Blocks.
pub(crate) fn link_of(app: &App, caller: &Caller, id: &str) -> Result<String, Problem> {
    let managed = managed(app, caller);
    let key = managed.iter().find(|key| key.id == id);
    let key = key.filter(|key| app.node().keys().is_still_good(key));
    let key = key.ok_or_else(Problem::not_found)?;
    record(caller, "key.link_created", id, &key.name, key.scopes)?;
    let token = app.node().sessions().link(key, LINK_LIFE_US)?;
    Ok(format!("/sign-in?link={token}"))
}

/// The keys that this one manages, oldest first.
pub(crate) fn managed(app: &App, caller: &Caller) -> Vec<Arc<Key>> {
    let mut keys = app.node().keys().list(caller.trail_id());
    keys.retain(|key| may_manage(caller, key));
    keys
}

/// Makes a key and gives its text. Blocks.
pub(crate) fn make(app: &App, caller: &Caller, new: NewKey) -> Result<(Arc<Key>, String), Problem> {
    let spec = spec(new, caller)?;
    let keys = app.node().keys();
    let secret = keys.generate()?;
    // First the log, then the key: there is no key that the log does not know of.
    record(caller, "key.created", &secret.id, &spec.name, spec.scopes)?;
    let key = keys.add(spec, &secret)?;
    Ok((key, secret.text))
}

/// Ends a key for good. Blocks.
pub(crate) fn end(app: &App, caller: &Caller, id: &str) -> Result<(), Problem> {
    let managed = managed(app, caller);
    let known = managed.iter().find(|key| key.id == id);
    let known = known.ok_or_else(Problem::not_found)?;
    if known.revoked_at.is_none() {
        app.node().keys().revoke(caller.trail_id(), id)?;
        // A key must end even when the log accepts nothing any more.
        if let Err(error) = record(caller, "key.revoked", id, &known.name, known.scopes) {
            tracing::error!(?error, key = id, "a revocation could not be recorded");
        }
    }
    Ok(())
}

/// A key that is limited to a project manages keys of that project only, and nobody but a node key touches
/// one that manages the node.
fn may_manage(caller: &Caller, key: &Key) -> bool {
    let same_project = caller.project().is_none() || key.project.as_deref() == caller.project();
    same_project && (caller.has(Scope::Node) || !key.scopes.has(Scope::Node))
}

fn spec(new: NewKey, caller: &Caller) -> Result<KeySpec, Problem> {
    let invalid = |member, detail: &str| Problem::member(Code::InvalidBody, member, detail);
    for (member, text) in [("name", Some(&new.name)), ("project", new.project.as_ref())] {
        let bad = |text: &String| text.is_empty() || text.len() > NAME_BYTES;
        if text.is_some_and(bad) {
            let detail = format!("1 to {NAME_BYTES} bytes");
            return Err(invalid(member, &detail));
        }
    }
    let scopes = match (new.scopes, new.role) {
        (Some(scopes), None) => scopes,
        (None, Some(role)) => role.scopes(),
        _ => return Err(invalid("scopes", "either scopes or a role")),
    };
    if scopes.has(Scope::Node) && !caller.has(Scope::Node) {
        let detail = "only a key with scope node makes another one";
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    let project = match (caller.project(), new.project) {
        (Some(own), Some(other)) if own != other => {
            let detail = "the key is limited to another project";
            return Err(Problem::new(Code::ProjectForbidden, detail));
        }
        (Some(own), _) => Some(own.to_owned()),
        (None, project) => project,
    };
    if project.is_some() && scopes.has(Scope::Node) {
        return Err(invalid("project", "a key with scope node has no project"));
    }
    let expires_at = new.expires_at.map(|text| {
        let micros = instant_micros(&text).ok();
        let micros = micros.and_then(|micros| u64::try_from(micros).ok());
        micros
            .map(Micros)
            .ok_or_else(|| invalid("expires_at", "RFC 3339, such as 2026-12-31T00:00:00Z"))
    });
    Ok(KeySpec {
        trail: caller.trail_id().clone(),
        name: new.name,
        scopes,
        role: new.role,
        project,
        expires_at: expires_at.transpose()?,
    })
}

fn record(
    caller: &Caller,
    action: &str,
    id: &str,
    name: &str,
    scopes: Scopes,
) -> Result<(), Problem> {
    let meta = serde_json::json!({ "name": name, "scopes": scopes }).to_string();
    let event = SystemEvent {
        resource: Some(("key", id)),
        meta: Some(&meta),
        ..audit::by(&caller.key, action)
    };
    Ok(audit::record(&caller.trail, &event)?)
}
