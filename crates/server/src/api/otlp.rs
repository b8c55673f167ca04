//! OpenTelemetry over HTTP: `POST /v1/logs` and `POST /v1/traces`.
//!
//! A request that cannot be recorded now is answered so that exporters send it again (429, 503), one that never can be so that
//! they do not (4xx). What is sent again is known by its ids.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    response::Response,
};
use capture::{
    identity::{Actor, Scope as Belonging},
    otlp::{About, Encoding, Signal, WireError, decode, reply},
};
use event::{Limits, Prepared, Submitter};
use hyper::{HeaderMap, StatusCode};
use ledger::Outcome;

use super::{media_type, typed};
use crate::{
    app::{App, blocking},
    auth::Caller,
    body::{self, Held},
    keys::Scope,
    metrics::Outcomes,
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
    serve::Peer,
};

/// Largest body, unpacked, bytes.
const BODY_BYTES: usize = 16 << 20;
/// Kinds of refusals that an answer tells of.
const REASONS: usize = 3;

const CODES: &[Code] = &[
    Code::InvalidBody,
    Code::InvalidEncoding,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::TooManyEvents,
    Code::UnsupportedMediaType,
    Code::UnsupportedEncoding,
    Code::Busy,
    Code::LogStopped,
];

pub(crate) static LOGS: RouteInfo = RouteInfo {
    path: "/v1/logs",
    id: "recordLogs",
    summary: "Records log records of OpenTelemetry (OTLP/HTTP, protobuf or JSON)",
    ..EXPORT
};

pub(crate) static TRACES: RouteInfo = RouteInfo {
    path: "/v1/traces",
    id: "recordTraces",
    summary: "Records spans of OpenTelemetry (OTLP/HTTP, protobuf or JSON)",
    ..EXPORT
};

/// What both routes have in common.
const EXPORT: RouteInfo = RouteInfo {
    method: "POST",
    path: "",
    id: "",
    summary: "",
    access: Access::Key(&[Scope::Ingest, Scope::Gateway]),
    params: &[],
    body: Some("Telemetry"),
    status: 200,
    answer: Answer::Json("TelemetryAnswer"),
    codes: CODES,
};

pub(crate) async fn logs(
    State(app): State<Arc<App>>,
    caller: Caller,
    Peer(ip): Peer,
    request: Request,
) -> Result<Response, Problem> {
    record(&app, caller, ip, request, Signal::Logs).await
}

pub(crate) async fn traces(
    State(app): State<Arc<App>>,
    caller: Caller,
    Peer(ip): Peer,
    request: Request,
) -> Result<Response, Problem> {
    record(&app, caller, ip, request, Signal::Traces).await
}

/// A request taken apart.
#[derive(Default)]
struct Checked {
    events: Vec<Prepared>,
    refused: u64,
    /// The first few different ones.
    reasons: Vec<String>,
}

async fn record(
    app: &Arc<App>,
    caller: Caller,
    ip: IpAddr,
    request: Request,
    signal: Signal,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let held = body::read(app, &parts.headers, body, BODY_BYTES).await?;
    let encoding = encoding(&parts.headers)?;
    let redactor = app.redactors().of(&caller.trail);
    let redactor = redactor.map_err(|error| Problem::internal(&error))?;
    let now = app.node().now();
    let (scope, is_named) = belonging(&parts.headers, ip);
    let trail = Arc::clone(&caller.trail);
    // Rules look at every byte, which takes longer than other requests may wait.
    let mut checked = blocking(move || {
        let about = About::new(scope, is_named, now, redactor.with(&[]));
        check(&held, encoding, signal, &about, &caller, ip)
    })
    .await?;
    let events = std::mem::take(&mut checked.events);
    let mut outcomes = Outcomes::default();
    if !events.is_empty() {
        for outcome in trail.submit(events).await?.outcomes().await? {
            match outcome {
                Outcome::Recorded(_) => outcomes.recorded += 1,
                Outcome::Duplicate(_) => outcomes.duplicates += 1,
                Outcome::IdConflict { .. } => {
                    checked.refuse("a record that was sent before, and was another one then");
                }
            }
        }
    }
    outcomes.rejected = checked.refused;
    app.metrics().submitted(outcomes);
    let body = reply(
        encoding,
        signal,
        checked.refused,
        &checked.reasons.join("; "),
    );
    let media_type = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    Ok(typed(StatusCode::OK, media_type, body))
}

impl Checked {
    fn refuse(&mut self, reason: &str) {
        self.refused += 1;
        if self.reasons.len() < REASONS && !self.reasons.iter().any(|known| known == reason) {
            self.reasons.push(reason.to_owned());
        }
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    match media_type(headers) {
        Some(name) if name.eq_ignore_ascii_case("application/x-protobuf") => Ok(Encoding::Protobuf),
        Some(name) if name.eq_ignore_ascii_case("application/json") => Ok(Encoding::Json),
        _ => Err(Problem::new(
            Code::UnsupportedMediaType,
            "Content-Type is application/x-protobuf or application/json",
        )),
    }
}

/// What headers say of agent, project and job. They are the exporter's own words, as the telemetry is.
fn belonging(headers: &HeaderMap, ip: IpAddr) -> (Belonging, bool) {
    let text = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let agent = text("x-indelible-agent");
    let is_named = agent.is_some();
    let scope = Belonging {
        actor: agent.map(Actor::claimed).unwrap_or_default(),
        ip: Some(ip),
        project: text("x-indelible-project"),
        job: text("x-indelible-job"),
        ..Belonging::default()
    };
    (scope, is_named)
}

fn check(
    held: &Held,
    encoding: Encoding,
    signal: Signal,
    about: &About<'_>,
    caller: &Caller,
    ip: IpAddr,
) -> Result<Checked, Problem> {
    let export = decode(&held.bytes, encoding, signal, about).map_err(|error| match error {
        WireError::TooMany { .. } => Problem::new(Code::TooManyEvents, error.to_string()),
        error => Problem::new(Code::InvalidBody, error.to_string()),
    })?;
    let by = Submitter {
        key: Some(&caller.key.id),
        ip: Some(ip),
        project: caller.project(),
        // Counts of what was taken out are ours. Nothing is stated of how an actor was identified.
        gateway: true,
        system: false,
    };
    let limits = Limits::default();
    let mut checked = Checked::default();
    for error in &export.refused {
        checked.refuse(&error.to_string());
    }
    for record in &export.records {
        let line = record.draft.line(&about.with);
        match event::prepare(&line, &by, caller.trail.dedup_key(), &limits) {
            Ok(prepared) => checked.events.push(prepared),
            Err(reject) => checked.refuse(&reject.detail),
        }
    }
    Ok(checked)
}
