//! Pages of events.

use std::{io::Write as _, sync::Arc};

use axum::{extract::State, response::Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event::TrailId;
use hyper::StatusCode;
use query::{Asked, Cursor, Engine, Order, Query};

use super::row;
use crate::{
    api::{
        selection::{
            ACTION, ACTOR, AT, FROM, JOB, PROJECT, Q, RESOURCE, RESULT, SOURCE, Selection, TO, TZ,
        },
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
const CURSOR: Param = Param {
    name: "cursor",
    about: "`next_cursor` of the page before; without the other parameters it stands for those of that page",
    kind: Kind::Text,
};
const ORDER: Param = Param {
    name: "order",
    about: "Newest first by default",
    kind: Kind::OneOf(&["desc", "asc"]),
};

/// What a cursor belongs to. With none of them in a request, its cursor brings them.
const CARRIED: &[&str] = &[
    "q", "from", "to", "order", "actor", "action", "source", "resource", "result", "project", "job",
];

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

/// A page that was asked for.
struct Request {
    trail: TrailId,
    selection: Selection,
    from: Option<String>,
    to: Option<String>,
    order: Order,
    limit: usize,
    cursor: Option<String>,
    /// For the next cursor.
    carried: String,
}

struct Listed {
    body: Vec<u8>,
    seqs: Vec<u64>,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    let request = Request::read(params, &caller, app.node().now_us())?;
    let engine = caller.engine(&app);
    let asked = request.selection.asked.clone();
    let listed = app.read(move || request.answer(&engine)).await?;
    app.node()
        .audit()
        .note(&caller.key, What::Records, Some(&asked), listed.seqs);
    Ok(typed(StatusCode::OK, "application/json", listed.body))
}

impl Request {
    fn read(mut params: Params, caller: &Caller, now_us: i64) -> Result<Self, Problem> {
        let mut cursor = params.get("cursor").map(ToOwned::to_owned);
        if let Some(text) = &cursor {
            let (position, carried) = text.split_once('.').unwrap_or((text, ""));
            if CARRIED.iter().all(|name| params.get(name).is_none()) {
                params.extend(unpack(carried)?, CARRIED)?;
            }
            cursor = Some(position.to_owned());
        }
        let order = params.word("order", &[("desc", Order::Newest), ("asc", Order::Oldest)])?;
        let limit = params.within("limit", 1..=MAX_LIMIT)?;
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        Ok(Self {
            trail: caller.trail_id().clone(),
            selection: Selection::read(&params, caller, now_us)?,
            from: params.get("from").map(ToOwned::to_owned),
            to: params.get("to").map(ToOwned::to_owned),
            order: order.unwrap_or_default(),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            cursor,
            carried: pack(&params),
        })
    }

    fn answer(&self, engine: &Engine) -> Result<Listed, Problem> {
        let asked = Asked {
            trail: &self.trail,
            filter: &self.selection.filter,
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            order: self.order,
            at: self.selection.at,
        };
        let cursor = self.cursor.as_deref();
        let cursor = cursor.map(|text| Cursor::parse(text, &asked)).transpose()?;
        let newest = engine.snapshot()?;
        let view = match &cursor {
            Some(cursor) => newest.at(cursor.size)?,
            None => self.selection.view(newest)?,
        };
        let range = cursor.map_or(self.selection.range, |cursor| cursor.range);
        let query = Query {
            filter: self.selection.filter.clone(),
            range,
            order: self.order,
            limit: self.limit,
        };
        let page = view.page(&query, cursor.map(|cursor| cursor.after))?;
        let bytes: usize = page.rows.iter().map(|row| row.record.len() + 200).sum();
        let mut body = Vec::with_capacity(bytes + 1_000);
        body.extend_from_slice(br#"{"object":"list","data":["#);
        for (index, row) in page.rows.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            row::write(&mut body, row.seq, &row.record)?;
        }
        let next = page.next.map(|after| {
            let position = Cursor::new(&asked, range, view.size(), after).to_text();
            format!("\"{position}{}\"", self.carried)
        });
        // Writing into a vector cannot fail. Nothing was retired from a log yet: all of it is listed.
        let _ = write!(
            body,
            "],\"has_more\":{},\"next_cursor\":{},\"snapshot\":{{\"tree_size\":{},\"root\":\"{}\"}},\"truncated_before\":null}}",
            next.is_some(),
            next.as_deref().unwrap_or("null"),
            view.size(),
            view.root()?,
        );
        Ok(Listed {
            body,
            seqs: page.rows.iter().map(|row| row.seq.0).collect(),
        })
    }
}

/// The carried parameters as the second half of a cursor, with its dot.
fn pack(params: &Params) -> String {
    let pairs: Vec<_> = CARRIED
        .iter()
        .filter_map(|name| Some((*name, params.get(name)?)))
        .collect();
    if pairs.is_empty() {
        return String::new();
    }
    let json = serde_json::to_vec(&pairs).unwrap_or_default();
    format!(".{}", URL_SAFE_NO_PAD.encode(json))
}

fn unpack(carried: &str) -> Result<Vec<(String, String)>, Problem> {
    if carried.is_empty() {
        return Ok(Vec::new());
    }
    let json = URL_SAFE_NO_PAD.decode(carried).ok();
    json.and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| {
            let detail = "the cursor is malformed";
            Problem::parameter(Code::InvalidCursor, "cursor", detail)
        })
}
