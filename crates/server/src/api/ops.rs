//! What operators and their machines ask; no key needed, nothing of any trail told.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use hyper::StatusCode;
use ledger::AppendError;

use super::typed;
use crate::{
    app::App,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) static HEALTHZ: RouteInfo = RouteInfo {
    method: "GET",
    path: "/healthz",
    id: "getHealth",
    summary: "Whether the process answers",
    access: Access::Public,
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Json("Status"),
    codes: &[],
};

pub(crate) static READYZ: RouteInfo = RouteInfo {
    path: "/readyz",
    id: "getReadiness",
    summary: "Whether events can be recorded",
    codes: &[Code::LogStopped],
    ..HEALTHZ
};

pub(crate) static METRICS: RouteInfo = RouteInfo {
    path: "/metrics",
    id: "getMetrics",
    summary: "Figures for Prometheus",
    answer: Answer::Text,
    ..HEALTHZ
};

pub(crate) static OPENAPI: RouteInfo = RouteInfo {
    path: "/openapi.json",
    id: "getInterface",
    summary: "This description",
    answer: Answer::Json("Interface"),
    ..HEALTHZ
};

pub(crate) async fn healthz() -> Response {
    typed(StatusCode::OK, "application/json", r#"{"status":"ok"}"#)
}

pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    if !app.node().ledger().is_healthy() {
        return Err(AppendError::Stopped.into());
    }
    Ok(typed(
        StatusCode::OK,
        "application/json",
        r#"{"status":"ready"}"#,
    ))
}

pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let text = app.metrics().to_text(app.node());
    typed(StatusCode::OK, OPEN_METRICS, text)
}

pub(crate) async fn openapi(State(app): State<Arc<App>>) -> Response {
    typed(StatusCode::OK, "application/json", app.openapi())
}
