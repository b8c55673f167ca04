//! Jobs and agents at a glance.

use std::{io::Write as _, sync::Arc};

use axum::{
    extract::{Path, State},
    response::Response,
};
use event::{TrailId, json::write_string};
use jiff::Timestamp;
use query::{Asked, Cursor, Order, Snapshot, Summary, SummaryQuery};

use super::{
    figures::write_figures,
    paging::Listing,
    selection::{
        ACTION, ACTOR, AT, FROM, JOB, PROJECT, Q, RESOURCE, RESULT, SOURCE, Selection, TO, TZ,
    },
};
use crate::{
    app::App,
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
const CURSOR: Param = Param {
    name: "cursor",
    about: "`next_cursor` of the page before, with the same other parameters",
    kind: Kind::Text,
};

const CODES: &[Code] = &[
    Code::InvalidFilter,
    Code::InvalidParameter,
    Code::InvalidCursor,
    Code::CursorMismatch,
    Code::TooManyGroups,
    Code::Busy,
    Code::Damaged,
];

pub(crate) static JOBS: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/jobs",
    id: "listJobs",
    summary: "Summaries of jobs, the one with the newest event first",
    access: Access::Key(&[Scope::Read]),
    params: &[
        LIMIT, CURSOR, Q, FROM, TO, TZ, AT, ACTOR, ACTION, SOURCE, RESOURCE, RESULT, PROJECT, JOB,
    ],
    body: None,
    status: 200,
    answer: Answer::Json("SummaryList"),
    codes: CODES,
};

pub(crate) static AGENTS: RouteInfo = RouteInfo {
    path: "/v1/agents",
    id: "listAgents",
    summary: "Summaries of agents, the one with the newest event first",
    ..JOBS
};

pub(crate) static JOB_ROUTE: RouteInfo = RouteInfo {
    path: "/v1/jobs/{job}",
    id: "getJob",
    summary: "Summary of a job",
    params: &[
        Q, FROM, TO, TZ, AT, ACTOR, ACTION, SOURCE, RESOURCE, RESULT, PROJECT, JOB,
    ],
    answer: Answer::Json("Summary"),
    codes: &[
        Code::InvalidFilter,
        Code::InvalidParameter,
        Code::NotFound,
        Code::Busy,
        Code::Damaged,
    ],
    ..JOBS
};

pub(crate) static AGENT_ROUTE: RouteInfo = RouteInfo {
    path: "/v1/agents/{id}",
    id: "getAgent",
    summary: "Summary of an agent",
    ..JOB_ROUTE
};

/// Whose summaries.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Jobs,
    Agents,
}

/// A page that was asked for.
struct Request {
    whose: Whose,
    trail: TrailId,
    from: Option<String>,
    to: Option<String>,
    limit: usize,
    cursor: Option<String>,
}

pub(crate) async fn jobs(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    list(&app, &caller, &params, Whose::Jobs).await
}

pub(crate) async fn agents(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    list(&app, &caller, &params, Whose::Agents).await
}

pub(crate) async fn job(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    one(&app, &caller, &params, Whose::Jobs, name).await
}

pub(crate) async fn agent(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    one(&app, &caller, &params, Whose::Agents, name).await
}

async fn list(
    app: &App,
    caller: &Caller,
    params: &Params,
    whose: Whose,
) -> Result<Response, Problem> {
    let limit = params.within("limit", 1..=MAX_LIMIT)?;
    let owned = |name| params.get(name).map(ToOwned::to_owned);
    let request = Request {
        whose,
        trail: caller.trail_id().clone(),
        from: owned("from"),
        to: owned("to"),
        limit: usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX),
        cursor: owned("cursor"),
    };
    let selection = Selection::read(params, caller, app.node().now_us())?;
    let make = move |selection: &Selection, view: &Snapshot| request.answer(selection, view);
    selection.answer(app, caller, make).await
}

async fn one(
    app: &App,
    caller: &Caller,
    params: &Params,
    whose: Whose,
    name: String,
) -> Result<Response, Problem> {
    let selection = Selection::read(params, caller, app.node().now_us())?;
    let make = move |selection: &Selection, view: &Snapshot| {
        let (filter, range) = (selection.filter.clone(), selection.range);
        let found = match whose {
            Whose::Jobs => view.job(filter, range, &name)?,
            Whose::Agents => view.agent(filter, range, &name)?,
        };
        let mut body = Vec::new();
        write_summary(&mut body, &found.ok_or_else(Problem::not_found)?);
        Ok(body)
    };
    selection.answer(app, caller, make).await
}

impl Whose {
    fn listing(self) -> Listing {
        match self {
            Self::Jobs => Listing::Jobs,
            Self::Agents => Listing::Agents,
        }
    }
}

impl Request {
    fn answer(&self, selection: &Selection, view: &Snapshot) -> Result<Vec<u8>, Problem> {
        let asked = Asked {
            trail: &self.trail,
            filter: &selection.filter,
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            order: Order::Newest,
            at: selection.at,
        };
        let listing = self.whose.listing();
        let cursor = self.cursor.as_deref();
        let cursor = cursor
            .map(|text| listing.cursor(text, &asked))
            .transpose()?;
        let view = match &cursor {
            Some(cursor) => view.at(cursor.size)?,
            None => view.clone(),
        };
        let range = cursor.map_or(selection.range, |cursor| cursor.range);
        let query = SummaryQuery {
            filter: selection.filter.clone(),
            range,
            limit: self.limit,
            before: cursor.map(|cursor| cursor.after),
        };
        let found = match self.whose {
            Whose::Jobs => view.jobs(&query)?,
            Whose::Agents => view.agents(&query)?,
        };
        let mut body = br#"{"object":"list","data":["#.to_vec();
        for (index, summary) in found.rows.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            write_summary(&mut body, summary);
        }
        let next = found.next.map(|after| {
            let position = Cursor::new(&asked, range, view.size(), after).to_text();
            format!("\"{}{position}\"", listing.prefix())
        });
        // Writing into a vector cannot fail.
        let _ = write!(
            body,
            "],\"has_more\":{},\"next_cursor\":{},\"total\":{}}}",
            next.is_some(),
            next.as_deref().unwrap_or("null"),
            found.total,
        );
        Ok(body)
    }
}

fn write_summary(out: &mut Vec<u8>, summary: &Summary) {
    out.extend_from_slice(b"{\"id\":");
    write_string(out, &summary.id);
    // Writing into a vector cannot fail.
    let _ = write!(
        out,
        ",\"first_seq\":{},\"first_time\":\"{}\",\"last_seq\":{},\"last_time\":\"{}\",",
        summary.first,
        rfc3339(summary.first_time_us),
        summary.last,
        rfc3339(summary.last_time_us),
    );
    write_figures(out, &summary.figures);
    let _ = write!(
        out,
        ",\"approvals\":{},\"denied\":{}}}",
        summary.approvals, summary.denied
    );
}

/// Times of events lie in the years 0 to 9999, and so before 1970 too.
fn rfc3339(time_us: i64) -> String {
    let time = Timestamp::from_microsecond(time_us).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
