//! Pages of events.

use std::{io::Write as _, sync::Arc};

use axum::{extract::State, response::Response};
use hyper::StatusCode;
use query::{Engine, Order, Query};

use super::row;
use crate::{
    api::{
        paging::{CURSOR, Listing, Paging},
        selection::{ACTION, ACTOR, AT, FROM, JOB, PROJECT, Q, RESOURCE, RESULT, SOURCE, TO, TZ},
        typed,
    },
    app::App,
    audit::What,
    auth::Caller,
    keys::Scope,
    params::{Kind, Param, Params},
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

const MAX_LIMIT: u64 = 200;
const DEFAULT_LIMIT: u64 = 50;

const LIMIT: Param = Param {
    name: "limit",
    about: "Rows of a page, 50 by default",
    kind: Kind::Integer {
        min: 1,
        max: Some(MAX_LIMIT),
    },
};
const ORDER: Param = Param {
    name: "order",
    about: "Newest first by default",
    kind: Kind::OneOf(&["desc", "asc"]),
};

pub(crate) static LIST: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/events",
    id: "listEvents",
    summary: "Lists events, newest first",
    access: Access::Key(&[Scope::Read]),
    params: &[
        Q, FROM, TO, TZ, AT, LIMIT, CURSOR, ORDER, ACTOR, ACTION, SOURCE, RESOURCE, RESULT,
        PROJECT, JOB,
    ],
    body: None,
    status: 200,
    answer: Answer::Json("EventList"),
    codes: &[
        Code::InvalidFilter,
        Code::InvalidParameter,
        Code::InvalidCursor,
        Code::CursorMismatch,
        Code::Busy,
        Code::Damaged,
    ],
};

struct Listed {
    body: Vec<u8>,
    seqs: Vec<u64>,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    mut params: Params,
) -> Result<Response, Problem> {
    let limit = params.within("limit", 1..=MAX_LIMIT)?;
    let limit = usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX);
    let now_us = app.node().now_us();
    let paging = Paging::read(Listing::Events, &mut params, &caller, now_us, Order::Newest)?;
    let engine = caller.engine(&app);
    let asked = paging.selection.asked.clone();
    let listed = app.read(move || answer(&paging, limit, &engine)).await?;
    app.node()
        .audit()
        .note(&caller.key, What::Records, Some(&asked), listed.seqs);
    Ok(typed(StatusCode::OK, "application/json", listed.body))
}

fn answer(paging: &Paging, limit: usize, engine: &Engine) -> Result<Listed, Problem> {
    let part = paging.part(engine)?;
    let query = Query {
        filter: paging.selection.filter.clone(),
        range: part.range,
        order: paging.order,
        limit,
    };
    let page = part.view.page(&query, part.after)?;
    let bytes: usize = page.rows.iter().map(|row| row.record.len() + 200).sum();
    let mut body = Vec::with_capacity(bytes + 1_000);
    body.extend_from_slice(br#"{"object":"list","data":["#);
    for (index, row) in page.rows.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        row::write(&mut body, row.seq, &row.record)?;
    }
    // Writing into a vector cannot fail. Nothing was retired from a log yet: all of it is listed.
    let _ = write!(
        body,
        "],\"has_more\":{},\"next_cursor\":{},\"snapshot\":{{\"tree_size\":{},\"root\":\"{}\"}},\"truncated_before\":null}}",
        page.next.is_some(),
        paging.next(&part, page.next),
        part.view.size(),
        part.view.root()?,
    );
    Ok(Listed {
        body,
        seqs: page.rows.iter().map(|row| row.seq.0).collect(),
    })
}
