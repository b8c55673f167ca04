//! How many events match.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use hyper::StatusCode;
use query::{Engine, Order};

use super::{
    paging::{CURSOR, Listing, Paging},
    selection::{ACTION, ACTOR, AT, FROM, JOB, PROJECT, Q, RESOURCE, RESULT, SOURCE, TO, TZ},
    typed,
};
use crate::{
    app::App,
    audit::What,
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
        Q, FROM, TO, TZ, AT, CURSOR, ACTOR, ACTION, SOURCE, RESOURCE, RESULT, PROJECT, JOB,
    ],
    body: None,
    status: 200,
    answer: Answer::Json("Count"),
    codes: &[
        Code::InvalidFilter,
        Code::InvalidParameter,
        Code::InvalidCursor,
        Code::CursorMismatch,
        Code::Busy,
        Code::Damaged,
    ],
};

pub(crate) async fn count(
    State(app): State<Arc<App>>,
    caller: Caller,
    mut params: Params,
) -> Result<Response, Problem> {
    let now_us = app.node().now_us();
    let paging = Paging::read(Listing::Count, &mut params, &caller, now_us, Order::Oldest)?;
    let engine = caller.engine(&app);
    let asked = paging.selection.asked.clone();
    let body = app.read(move || answer(&paging, &engine)).await?;
    app.node()
        .audit()
        .note(&caller.key, What::Records, Some(&asked), []);
    Ok(typed(StatusCode::OK, "application/json", body))
}

fn answer(paging: &Paging, engine: &Engine) -> Result<Vec<u8>, Problem> {
    let part = paging.part(engine)?;
    let filter = &paging.selection.filter;
    let counted = part.view.count_after(filter, part.range, part.after)?;
    let mut body = format!("{{\"value\":{},\"relation\":\"eq\"}}", counted.value);
    if counted.next.is_some() {
        body = format!(
            "{{\"value\":{},\"relation\":\"gte\",\"next_cursor\":{}}}",
            counted.value,
            paging.next(&part, counted.next)
        );
    }
    Ok(body.into_bytes())
}
