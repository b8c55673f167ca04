//! Recording events: `POST /v1/events`.

mod answer;

use std::{net::IpAddr, sync::Arc, time::Duration};

use answer::{Answered, write_answer};
use axum::{
    extract::{Request, State},
    response::Response,
};
use event::{Batch, BatchFormat, Limits, Prepared, Reject, Submitter};
use hyper::{HeaderMap, StatusCode};
use tokio::time::timeout;

use super::{media_type, typed};
use crate::{
    app::{App, blocking},
    auth::Caller,
    body::{self, Held},
    keys::Scope,
    params::{Kind, Param, Params},
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
    serve::Peer,
};

/// Largest body, unpacked, bytes.
const BODY_BYTES: usize = 16 << 20;
/// Most events of a request.
const MAX_EVENTS: usize = 10_000;
/// A larger body is taken apart on a thread of its own, so that other requests do not wait for it.
const INLINE_BYTES: usize = 1 << 20;
/// How long `ack=integrated` waits; a checkpoint is due within one second.
const INTEGRATION_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) static WRITE: RouteInfo = RouteInfo {
    method: "POST",
    path: "/v1/events",
    id: "recordEvents",
    summary: "Records events: one object, an array, or NDJSON",
    access: Access::Key(&[Scope::Ingest, Scope::Gateway]),
    params: &[Param {
        name: "ack",
        about: "What the answer promises: `durable` is the default",
        kind: Kind::OneOf(&["durable", "integrated", "witnessed"]),
    }],
    body: Some("Events"),
    status: 200,
    answer: Answer::Json("Receipts"),
    codes: &[
        Code::InvalidParameter,
        Code::InvalidJson,
        Code::InvalidBody,
        Code::InvalidEncoding,
        Code::NoWitnesses,
        Code::RequestTimeout,
        Code::BodyTooLarge,
        Code::TooManyEvents,
        Code::UnsupportedMediaType,
        Code::UnsupportedEncoding,
        Code::Busy,
        Code::LogStopped,
        Code::NotIntegrated,
    ],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ack {
    Durable,
    Integrated,
    Witnessed,
}

/// A request taken apart: the good events in order, and why the others are refused.
struct Checked {
    events: Vec<Prepared>,
    /// Index in the request, rising.
    rejects: Vec<(usize, Reject)>,
}

pub(crate) async fn write(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
    Peer(ip): Peer,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let held = body::read(&app, &parts.headers, body, BODY_BYTES).await?;
    let ack = ack(&params)?;
    let format = format(&parts.headers)?;
    let checked = take_apart(held, format, &caller, ip).await?;
    let outcomes = if checked.events.is_empty() {
        Vec::new()
    } else {
        caller
            .trail
            .submit(checked.events)
            .await?
            .outcomes()
            .await?
    };
    let tree_size = caller.trail.size();
    let Answered {
        body,
        outcomes,
        covers,
    } = write_answer(&outcomes, &checked.rejects, tree_size);
    if ack == Ack::Integrated {
        integrated(&caller, covers).await?;
    }
    app.metrics().submitted(outcomes);
    Ok(typed(StatusCode::OK, "application/json", body))
}

fn ack(params: &Params) -> Result<Ack, Problem> {
    let words = [
        ("durable", Ack::Durable),
        ("integrated", Ack::Integrated),
        ("witnessed", Ack::Witnessed),
    ];
    match params.word("ack", &words)? {
        None => Ok(Ack::Durable),
        Some(Ack::Witnessed) => Err(Problem::parameter(
            Code::NoWitnesses,
            "ack",
            "the log has no witnesses; nothing was recorded",
        )),
        Some(ack) => Ok(ack),
    }
}

fn format(headers: &HeaderMap) -> Result<BatchFormat, Problem> {
    match media_type(headers) {
        Some(name) if name.eq_ignore_ascii_case("application/json") => Ok(BatchFormat::Json),
        Some(name) if name.eq_ignore_ascii_case("application/x-ndjson") => Ok(BatchFormat::Ndjson),
        _ => Err(Problem::new(
            Code::UnsupportedMediaType,
            "Content-Type is application/json or application/x-ndjson",
        )),
    }
}

/// Lets go of the body before the events are written.
async fn take_apart(
    held: Held,
    format: BatchFormat,
    caller: &Caller,
    ip: IpAddr,
) -> Result<Checked, Problem> {
    if held.bytes.len() <= INLINE_BYTES {
        return check(&held.bytes, format, caller, ip);
    }
    let caller = caller.clone();
    blocking(move || check(&held.bytes, format, &caller, ip)).await
}

fn check(
    body: &[u8],
    format: BatchFormat,
    caller: &Caller,
    ip: IpAddr,
) -> Result<Checked, Problem> {
    let batch = Batch::read(body, format, MAX_EVENTS)?;
    let by = Submitter {
        key: Some(&caller.key.id),
        ip: Some(ip),
        project: caller.project(),
        gateway: caller.has(Scope::Gateway),
        system: false,
    };
    let limits = Limits::default();
    let dedup = caller.trail.dedup_key();
    let mut checked = Checked {
        events: Vec::with_capacity(batch.len()),
        rejects: Vec::new(),
    };
    for (index, event) in batch.events().enumerate() {
        match event.and_then(|event| event.prepare(&by, dedup, &limits)) {
            Ok(prepared) => checked.events.push(prepared),
            Err(reject) => checked.rejects.push((index, reject)),
        }
    }
    Ok(checked)
}

async fn integrated(caller: &Caller, size: u64) -> Result<(), Problem> {
    match timeout(INTEGRATION_PATIENCE, caller.trail.wait_integrated(size)).await {
        Ok(covered) => covered.map(drop).map_err(Problem::from),
        Err(_) => Err(Problem::new(
            Code::NotIntegrated,
            "the events are durable, but no checkpoint covers them yet; send them again with the same ids",
        )),
    }
}
