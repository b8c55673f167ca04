//! Trails of the node.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use event::TrailId;
use hyper::StatusCode;
use ledger::Trail;
use serde::{Deserialize, Serialize};

use super::{json, settings};
use crate::{
    app::{App, blocking},
    auth::Caller,
    keys::Scope,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

pub(crate) static LIST: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/trails",
    id: "listTrails",
    summary: "Trails of the node",
    access: Access::Key(&[Scope::Node]),
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("TrailList"),
    codes: &[],
};

pub(crate) static CREATE: RouteInfo = RouteInfo {
    method: "POST",
    path: "/v1/trails",
    id: "createTrail",
    summary: "Makes a trail; its admin key is in this answer and nowhere else",
    access: Access::Key(&[Scope::Node]),
    params: &[],
    body: Some("NewTrail"),
    status: 201,
    answer: Answer::Json("CreatedTrail"),
    codes: &[
        Code::InvalidJson,
        Code::InvalidBody,
        Code::RequestTimeout,
        Code::TrailExists,
        Code::TooManyKeys,
        Code::BodyTooLarge,
        Code::UnsupportedMediaType,
        Code::UnsupportedEncoding,
        Code::Busy,
        Code::LogStopped,
    ],
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTrail {
    name: String,
    #[serde(default)]
    public: bool,
}

#[derive(Serialize)]
struct ShownTrail {
    name: String,
    public: bool,
    origin: String,
    /// Verifier key of the log.
    vkey: String,
    tree_size: u64,
    /// Text and public id of the admin key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
}

#[derive(Serialize)]
struct TrailList {
    object: &'static str,
    data: Vec<ShownTrail>,
}

impl ShownTrail {
    fn new(trail: &Trail, app: &App) -> Self {
        Self {
            name: trail.id().to_string(),
            public: app.node().keys().is_public(trail.id()),
            origin: trail.origin().to_owned(),
            vkey: trail.verifier_key().to_string(),
            tree_size: trail.size(),
            key: None,
            key_id: None,
        }
    }
}

pub(crate) async fn list(State(app): State<Arc<App>>, _: Caller) -> Response {
    let trails = app.node().ledger().trails();
    let list = TrailList {
        object: "list",
        data: trails
            .iter()
            .map(|trail| ShownTrail::new(trail, &app))
            .collect(),
    };
    json(StatusCode::OK, &list)
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let new: NewTrail = settings(&app, request).await?;
    let id = TrailId::new(new.name)
        .map_err(|error| Problem::member(Code::InvalidBody, "name", error.to_string()))?;
    blocking(move || {
        let made = app.node().create_trail(&id, new.public, &caller.key)?;
        let shown = ShownTrail {
            key: Some(made.admin_key_text),
            key_id: Some(made.admin_key.id.clone()),
            ..ShownTrail::new(&made.log, &app)
        };
        Ok(json(StatusCode::CREATED, &shown))
    })
    .await
}
