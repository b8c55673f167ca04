//! How many events match.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use query::Snapshot;

use super::selection::{
    ACTION, ACTOR, AT, FROM, JOB, PROJECT, Q, RESOURCE, RESULT, SOURCE, Selection, TO, TZ,
};
use crate::{
    app::App,
    auth::Caller,
    keys::Scope,
    params::Params,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

pub(crate) static COUNT: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/count",
    id: "countEvents",
    summary: "Counts the events that match",
    access: Access::Key(&[Scope::Read]),
    params: &[
        Q, FROM, TO, TZ, AT, ACTOR, ACTION, SOURCE, RESOURCE, RESULT, PROJECT, JOB,
    ],
    body: None,
    status: 200,
    answer: Answer::Json("Count"),
    codes: &[
        Code::InvalidFilter,
        Code::InvalidParameter,
        Code::Busy,
        Code::Damaged,
    ],
};

pub(crate) async fn count(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    let selection = Selection::read(&params, &caller, app.node().now_us())?;
    let make = |selection: &Selection, view: &Snapshot| {
        let value = view.count(&selection.filter, selection.range)?;
        Ok(format!("{{\"value\":{value},\"relation\":\"eq\"}}").into_bytes())
    };
    selection.answer(&app, &caller, make).await
}
