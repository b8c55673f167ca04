//! Exports, made in the background.

mod download;

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
pub(crate) use download::{DOWNLOAD, download};
use event::{Micros, json::write_string};
use export::{Asked, Counts};
use hyper::StatusCode;
use query::TimeRange;
use serde::{Deserialize, Serialize};

use super::{json, selection::Selection, settings};
use crate::{
    app::{App, blocking},
    auth::Caller,
    exports::{Format, NewExport, Shown, Status},
    keys::Scope,
    params::Params,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

/// Longest statement of what an export is for, bytes.
const PURPOSE_BYTES: usize = 1_000;
/// Longest filter as JSON, bytes: the log's record of the export holds it.
const FILTER_BYTES: usize = 40_000;

pub(crate) static LIST: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/exports",
    id: "listExports",
    summary: "Exports of the trail, newest first",
    access: Access::Key(&[Scope::Export]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("ExportList"),
    codes: &[],
};

pub(crate) static CREATE: RouteInfo = RouteInfo {
    method: "POST",
    path: "/v1/exports",
    id: "createExport",
    summary: "Starts an export in the background",
    access: Access::Key(&[Scope::Export]),
    params: &[],
    body: Some("NewExport"),
    status: 202,
    answer: Answer::Json("Export"),
    codes: &[
        Code::InvalidJson,
        Code::InvalidBody,
        Code::InvalidFilter,
        Code::InvalidParameter,
        Code::RequestTimeout,
        Code::ExportsFull,
        Code::BodyTooLarge,
        Code::UnsupportedMediaType,
        Code::UnsupportedEncoding,
        Code::Busy,
        Code::Damaged,
    ],
};

pub(crate) static GET: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/exports/{id}",
    id: "getExport",
    summary: "What became of an export",
    access: Access::Key(&[Scope::Export]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("Export"),
    codes: &[Code::NotFound],
};

pub(crate) static REMOVE: RouteInfo = RouteInfo {
    method: "DELETE",
    path: "/v1/exports/{id}",
    id: "removeExport",
    summary: "Ends an export and removes its file",
    access: Access::Key(&[Scope::Export]),
    params: &[],
    body: None,
    status: 204,
    answer: Answer::Nothing,
    codes: &[Code::NotFound],
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBody {
    #[serde(default)]
    q: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    at: Option<u64>,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    contents: bool,
    #[serde(default)]
    purpose: String,
}

#[derive(Serialize)]
struct ShownExport<'a> {
    id: &'a str,
    status: Status,
    format: Format,
    query: &'a Asked,
    contents: bool,
    purpose: &'a str,
    /// Public id of the key that asked.
    by: &'a str,
    progress: Progress,
    counts: Counts,
    bytes: u64,
    sha256: Option<&'a str>,
    event_seq: Option<u64>,
    error: Option<&'a str>,
    created_at: String,
    finished_at: Option<String>,
    expires_at: Option<String>,
    links: Links,
}

#[derive(Serialize)]
struct Progress {
    done: u64,
    total: u64,
}

#[derive(Serialize)]
struct Links {
    #[serde(rename = "self")]
    own: String,
    download: String,
}

#[derive(Serialize)]
struct ExportList<'a> {
    object: &'static str,
    data: Vec<ShownExport<'a>>,
}

impl<'a> ShownExport<'a> {
    fn new(shown: &'a Shown) -> Self {
        let export = &shown.export;
        let [done, total] = shown.progress;
        let time = |at: u64| Micros(at).to_string();
        let path = format!("/v1/exports/{}", export.id);
        Self {
            id: &export.id,
            status: export.status,
            format: export.format,
            query: &export.query,
            contents: export.contents,
            purpose: &export.purpose,
            by: &export.by,
            progress: Progress { done, total },
            counts: export.counts,
            bytes: export.bytes,
            sha256: export.sha256.as_deref(),
            event_seq: export.event_seq,
            error: export.error.as_deref(),
            created_at: time(export.created_at),
            finished_at: export.finished_at.map(time),
            expires_at: shown.expires_at.map(time),
            links: Links {
                download: format!("{path}/download"),
                own: path,
            },
        }
    }
}

pub(crate) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Response {
    let exports = app.node().exports();
    let shown = exports.list(caller.trail_id(), caller.project());
    let list = ExportList {
        object: "list",
        data: shown.iter().map(ShownExport::new).collect(),
    };
    json(StatusCode::OK, &list)
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let body: NewBody = settings(&app, request).await?;
    let params = Params::of(vec![
        ("q", body.q),
        ("from", body.from),
        ("to", body.to),
        ("at", body.at.map(|at| at.to_string())),
    ]);
    let selection = Selection::read(&params, &caller, app.node().now_us())?;
    let shown = start(
        &app,
        &caller,
        selection,
        body.format,
        body.contents,
        body.purpose,
    )
    .await?;
    Ok(json(StatusCode::ACCEPTED, &ShownExport::new(&shown)))
}

/// Starts an export of what was selected.
pub(crate) async fn start(
    app: &Arc<App>,
    caller: &Caller,
    selection: Selection,
    format: Format,
    contents: bool,
    purpose: String,
) -> Result<Shown, Problem> {
    if !caller.has(Scope::Export) || (contents && !caller.has(Scope::Content)) {
        let scope = if contents { "content" } else { "export" };
        let detail = format!("the key needs scope {scope}");
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    let mut filter = Vec::new();
    write_string(&mut filter, &selection.asked);
    for (member, bytes, most) in [
        ("purpose", purpose.len(), PURPOSE_BYTES),
        ("q", filter.len(), FILTER_BYTES),
    ] {
        if bytes > most {
            let detail = format!("at most {most} bytes");
            return Err(Problem::member(Code::InvalidBody, member, detail));
        }
    }
    let size = caller.trail.size();
    let at = selection.at.unwrap_or(size);
    if at > size {
        return Err(query::AtError { size, at }.into());
    }
    let TimeRange { from, to } = selection.range;
    let time = |us: i64| Micros(u64::try_from(us).unwrap_or(0)).to_string();
    let new = NewExport {
        format,
        contents,
        purpose,
        query: Asked {
            q: selection.filter.to_string(),
            from: from.map(time),
            to: to.map(time),
            at,
        },
        range_us: [from, to],
    };
    let (app, key) = (Arc::clone(app), Arc::clone(&caller.key));
    blocking(move || {
        let node = app.node();
        Ok(node.exports().ask(&key, new, node.now(), node.entropy())?)
    })
    .await
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let shown = find(&app, &caller, &id)?;
    Ok(json(StatusCode::OK, &ShownExport::new(&shown)))
}

pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let shown = find(&app, &caller, &id)?;
    blocking(move || {
        app.node().exports().remove(&shown.export.id);
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

fn find(app: &App, caller: &Caller, id: &str) -> Result<Shown, Problem> {
    let exports = app.node().exports();
    let shown = exports.find(caller.trail_id(), caller.project(), id);
    shown.ok_or_else(Problem::not_found)
}
