//! The calls of a job as several sides tell of them: `GET /v1/jobs/{job}/calls`.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use query::Snapshot;

use super::selection::{AT, PROJECT, Selection};
use crate::{
    app::App,
    auth::Caller,
    correlation::{Report, write},
    keys::Scope,
    params::Params,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

pub(crate) static CALLS: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/jobs/{job}/calls",
    id: "listJobCalls",
    summary: "Calls of tools and models of a job, with the records of each and where they disagree",
    access: Access::Key(&[Scope::Read]),
    params: &[AT, PROJECT],
    body: None,
    status: 200,
    answer: Answer::Json("Calls"),
    codes: &[
        Code::InvalidParameter,
        Code::NotFound,
        Code::Busy,
        Code::Damaged,
    ],
};

pub(crate) async fn calls(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(job): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let selection = Selection::read(&params, &caller, app.node().now_us())?;
    let make = move |selection: &Selection, view: &Snapshot| {
        let report = Report::of(view, &selection.filter, &job)?;
        if report.records == 0 {
            return Err(Problem::not_found());
        }
        Ok(write(&report))
    };
    selection.answer(&app, &caller, make).await
}
