//! One event and its exact bytes.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use hyper::StatusCode;
use query::Event;

use super::{find, row};
use crate::{
    api::typed,
    app::App,
    audit::What,
    auth::Caller,
    keys::Scope,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

const CODES: &[Code] = &[Code::NotFound, Code::Busy, Code::Damaged];

pub(crate) static GET: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/events/{event}",
    id: "getEvent",
    summary: "One record, by `seq` or `id`, with links",
    access: Access::Key(&[Scope::Read]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("Record"),
    codes: CODES,
};

pub(crate) static RECORD: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/events/{event}/record",
    id: "getRecord",
    summary: "The exact bytes of a record",
    access: Access::Key(&[Scope::Read]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("Record"),
    codes: CODES,
};

pub(crate) static CONTENT: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/events/{event}/content",
    id: "getContent",
    summary: "The exact bytes of a content",
    access: Access::Key(&[Scope::Content]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("Content"),
    codes: &[Code::NotFound, Code::NoContent, Code::Busy, Code::Damaged],
};

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let event = read(&app, &caller, name).await?;
    caller.audit_one(&app, What::Records, event.seq);
    let mut body = Vec::with_capacity(event.record.len() + 200);
    row::write(&mut body, event.seq, &event.record)?;
    Ok(exact(body.into()))
}

pub(crate) async fn record(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let event = read(&app, &caller, name).await?;
    caller.audit_one(&app, What::Records, event.seq);
    Ok(exact(event.record))
}

pub(crate) async fn content(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let event = read(&app, &caller, name).await?;
    let content = event.content.ok_or_else(|| {
        let detail = "the event was recorded without content";
        Problem::new(Code::NoContent, detail)
    })?;
    caller.audit_one(&app, What::Contents, event.seq);
    Ok(exact(content))
}

async fn read(app: &App, caller: &Caller, name: String) -> Result<Event, Problem> {
    let engine = caller.engine(app);
    let reader = caller.clone();
    app.read(move || find(&engine.snapshot()?, &name, &reader))
        .await
}

fn exact(bytes: Bytes) -> Response {
    typed(StatusCode::OK, "application/json", bytes)
}
