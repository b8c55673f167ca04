//! The log as C2SP tlog-tiles clients and witnesses read it, for the key's trail and for public ones.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use event::TrailId;
use hyper::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use ledger::{SignedCheckpoint, Trail};
use serde::Serialize;
use tlog::TilePath;
use tokio::time::timeout;

use super::{json, typed};
use crate::{
    app::App,
    auth::Caller,
    keys::Scope,
    params::{Kind, Param, Params},
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

/// How long a reader of a trail that was just made waits for its first checkpoint.
const FIRST_CHECKPOINT_PATIENCE: Duration = Duration::from_secs(5);
const TEXT: &str = "text/plain; charset=utf-8";
/// A tile, full or partial, never changes.
const PUBLIC_TILE_CACHE: &str = "public, max-age=31536000, immutable";
const PRIVATE_TILE_CACHE: &str = "private, max-age=31536000, immutable";

const FROM: Param = size("from", "Size of the older tree");
const TO: Param = size(
    "to",
    "Size of the newer tree, at most the newest checkpoint's",
);

pub(crate) static KEY: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/log/key",
    id: "getLogKey",
    summary: "Verifier key of the log",
    access: Access::Key(&[Scope::Read]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Text,
    codes: &[],
};

pub(crate) static CHECKPOINT: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/log/checkpoint",
    id: "getCheckpoint",
    summary: "The newest signed checkpoint",
    access: Access::Key(&[Scope::Read]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Text,
    codes: &[Code::ProjectForbidden, Code::LogStopped],
};

pub(crate) static TILE: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/log/tile/{*path}",
    id: "getTile",
    summary: "A tile of hashes or a bundle of entries, by its C2SP path",
    access: Access::Key(&[Scope::Read]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Bytes,
    codes: &[
        Code::ProjectForbidden,
        Code::NotFound,
        Code::Busy,
        Code::Damaged,
    ],
};

pub(crate) static CONSISTENCY: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/log/consistency",
    id: "getConsistency",
    summary: "Proof that a tree is a prefix of a later one",
    access: Access::Key(&[Scope::Read]),
    params: &[FROM, TO],
    body: None,
    status: 200,
    answer: Answer::Json("Consistency"),
    codes: &[
        Code::InvalidParameter,
        Code::ProjectForbidden,
        Code::Busy,
        Code::Damaged,
    ],
};

pub(crate) static PUBLIC_KEY: RouteInfo = RouteInfo {
    path: "/trails/{trail}/log/key",
    id: "getPublicLogKey",
    access: Access::Public,
    codes: &[Code::NotFound],
    ..KEY
};

pub(crate) static PUBLIC_CHECKPOINT: RouteInfo = RouteInfo {
    path: "/trails/{trail}/log/checkpoint",
    id: "getPublicCheckpoint",
    access: Access::Public,
    codes: &[Code::NotFound, Code::LogStopped],
    ..CHECKPOINT
};

pub(crate) static PUBLIC_TILE: RouteInfo = RouteInfo {
    path: "/trails/{trail}/log/tile/{*path}",
    id: "getPublicTile",
    access: Access::Public,
    codes: &[Code::NotFound, Code::Busy, Code::Damaged],
    ..TILE
};

#[derive(Serialize)]
struct Consistency {
    from: u64,
    to: u64,
    from_root: String,
    to_root: String,
    proof: Vec<String>,
}

const fn size(name: &'static str, about: &'static str) -> Param {
    Param {
        name,
        about,
        kind: Kind::Integer { min: 1, max: None },
    }
}

pub(crate) async fn key(caller: Caller) -> Response {
    key_of(&caller.trail)
}

pub(crate) async fn checkpoint(caller: Caller) -> Result<Response, Problem> {
    caller.require_whole_trail()?;
    checkpoint_of(&caller.trail).await
}

pub(crate) async fn tile(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    caller.require_whole_trail()?;
    tile_of(&app, caller.trail, &path, PRIVATE_TILE_CACHE).await
}

pub(crate) async fn public_key(
    State(app): State<Arc<App>>,
    Path(trail): Path<String>,
) -> Result<Response, Problem> {
    Ok(key_of(&*public_trail(&app, trail)?))
}

pub(crate) async fn public_checkpoint(
    State(app): State<Arc<App>>,
    Path(trail): Path<String>,
) -> Result<Response, Problem> {
    checkpoint_of(&*public_trail(&app, trail)?).await
}

pub(crate) async fn public_tile(
    State(app): State<Arc<App>>,
    Path((trail, path)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let trail = public_trail(&app, trail)?;
    tile_of(&app, trail, &path, PUBLIC_TILE_CACHE).await
}

pub(crate) async fn consistency(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    caller.require_whole_trail()?;
    let end = |name| {
        let missing = || Problem::parameter(Code::InvalidParameter, name, "is needed");
        params.number(name)?.ok_or_else(missing)
    };
    let (from, to) = (end("from")?, end("to")?);
    let newest = newest_checkpoint(&caller.trail).await?;
    if from == 0 || from > to || to > newest.size {
        let detail = format!("0 < from <= to <= {}", newest.size);
        return Err(Problem::parameter(Code::InvalidParameter, "from", detail));
    }
    let answer = app
        .read(move || {
            let proof = caller.trail.consistency(from, to)?;
            Ok(Consistency {
                from,
                to,
                from_root: caller.trail.root(from)?.to_string(),
                to_root: caller.trail.root(to)?.to_string(),
                proof: proof.iter().map(ToString::to_string).collect(),
            })
        })
        .await?;
    Ok(json(StatusCode::OK, &answer))
}

/// A trail whose log is public. One that is not, or not there, is answered alike.
fn public_trail(app: &App, name: String) -> Result<Arc<Trail>, Problem> {
    let id = TrailId::new(name).map_err(|_| Problem::not_found())?;
    let trail = app.node().ledger().trail(&id);
    trail
        .filter(|_| app.node().keys().is_public(&id))
        .ok_or_else(Problem::not_found)
}

fn key_of(trail: &Trail) -> Response {
    typed(StatusCode::OK, TEXT, format!("{}\n", trail.verifier_key()))
}

async fn checkpoint_of(trail: &Trail) -> Result<Response, Problem> {
    let newest = newest_checkpoint(trail).await?;
    Ok(typed(StatusCode::OK, TEXT, newest.note.clone()))
}

async fn newest_checkpoint(trail: &Trail) -> Result<Arc<SignedCheckpoint>, Problem> {
    match timeout(FIRST_CHECKPOINT_PATIENCE, trail.wait_integrated(1)).await {
        // Any later one may have come meanwhile.
        Ok(first) => Ok(trail.checkpoint().unwrap_or(first?)),
        Err(_) => Err(ledger::AppendError::Stopped.into()),
    }
}

/// Serves whatever the newest checkpoint covers, of any width: such a tile never changes.
async fn tile_of(
    app: &App,
    trail: Arc<Trail>,
    path: &str,
    cache: &'static str,
) -> Result<Response, Problem> {
    let path: TilePath = format!("tile/{path}")
        .parse()
        .map_err(|_| Problem::not_found())?;
    let newest = newest_checkpoint(&trail).await?;
    if !path.exists_in(newest.size) {
        return Err(Problem::not_found());
    }
    let engine = app.node().engine(&trail);
    let bytes = app
        .read(move || match path {
            TilePath::Hashes(tile) => Ok(trail.tile(tile)?),
            TilePath::Entries { n, width } => {
                let entries = engine.snapshot()?.entries(n, width)?;
                entries.ok_or_else(Problem::not_found)
            }
        })
        .await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CACHE_CONTROL, cache),
    ];
    Ok((headers, bytes).into_response())
}
