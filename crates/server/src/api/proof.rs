//! Proof bundles (`docs/format.md` §5).

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use export::Proven;
use hyper::{HeaderMap, StatusCode, header::ACCEPT};
use ledger::{SignedCheckpoint, Trail};
use query::{Event, Snapshot};
use tlog::Hash;

use super::{events::find, typed};
use crate::{
    app::App,
    audit::What,
    auth::Caller,
    keys::Scope,
    params::{Kind, Param, Params},
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

pub(crate) static PROOF: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/events/{event}/proof",
    id: "getProof",
    summary: "Proof bundle of an event; with `Accept: text/plain` the `tlog-proof@v1` text alone",
    access: Access::Key(&[Scope::Read]),
    params: &[Param {
        name: "size",
        about: "Under the kept checkpoint of that size, not the newest",
        kind: Kind::Integer { min: 1, max: None },
    }],
    body: None,
    status: 200,
    answer: Answer::Json("ProofBundle"),
    codes: &[
        Code::InvalidParameter,
        Code::NotFound,
        Code::NoCheckpoint,
        Code::NotCoveredYet,
        Code::Busy,
        Code::Damaged,
    ],
};

/// An event and what proves it, before it is written.
pub(crate) struct Proof {
    pub(crate) event: Event,
    leaf: [u8; event::Leaf::BYTES],
    salts: event::Salts,
    hashes: Vec<Hash>,
    checkpoint: Arc<SignedCheckpoint>,
    trail: Arc<Trail>,
}

pub(crate) async fn proof(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let size = params.number("size")?;
    bundle(&app, &caller, name, size, &headers).await
}

/// The proof of an event in the form that the headers ask for; notes what it shows.
pub(crate) async fn bundle(
    app: &App,
    caller: &Caller,
    name: String,
    size: Option<u64>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let engine = caller.engine(app);
    let reader = caller.clone();
    let proof = app
        .read(move || {
            let view = engine.snapshot()?;
            let event = find(&view, &name, &reader)?;
            Proof::make(&view, event, size, &reader.trail)
        })
        .await?;
    if wants_text(headers) {
        return Ok(typed(
            StatusCode::OK,
            "text/plain; charset=utf-8",
            proof.to_text()?,
        ));
    }
    let with_content = caller.has(Scope::Content);
    proof.note(app, caller, with_content);
    let bundle = proof.to_bundle(with_content)?;
    Ok(typed(StatusCode::OK, "application/json", bundle))
}

fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| {
        let mut types = accept.split(',').map(|range| range.split(';').next());
        types.any(|name| name.map(str::trim) == Some("text/plain"))
    })
}

fn checkpoint(
    trail: &Trail,
    seq: event::Seq,
    size: Option<u64>,
) -> Result<Arc<SignedCheckpoint>, Problem> {
    let Some(size) = size else {
        let newest = trail.checkpoint().filter(|newest| newest.size > seq.0);
        return newest.ok_or_else(|| {
            let detail = "no checkpoint covers the event yet; one is due within a second";
            Problem::new(Code::NotCoveredYet, detail)
        });
    };
    if size <= seq.0 {
        let detail = format!("a tree of {size} events does not hold event {seq}");
        return Err(Problem::parameter(Code::InvalidParameter, "size", detail));
    }
    Ok(Arc::new(trail.checkpoint_at(size)??))
}

impl Proof {
    /// Under the newest checkpoint, or under the kept one of a size.
    pub(crate) fn make(
        view: &Snapshot,
        event: Event,
        size: Option<u64>,
        trail: &Arc<Trail>,
    ) -> Result<Self, Problem> {
        let checkpoint = checkpoint(trail, event.seq, size)?;
        Ok(Self {
            leaf: view.leaf(&event)?.to_bytes(),
            salts: trail.salts(event.seq)?,
            hashes: trail.inclusion(event.seq, checkpoint.size)?,
            trail: Arc::clone(trail),
            checkpoint,
            event,
        })
    }

    /// Notes that the bundle is read.
    pub(crate) fn note(&self, app: &App, caller: &Caller, with_content: bool) {
        caller.audit_one(app, What::Records, self.event.seq);
        if with_content && self.event.content.is_some() {
            caller.audit_one(app, What::Contents, self.event.seq);
        }
    }

    /// The bundle of `docs/format.md` §5. `with_content`: whether the reader may see the content.
    pub(crate) fn to_bundle(&self, with_content: bool) -> Result<Vec<u8>, Problem> {
        let key = self.trail.verifier_key();
        let bundle = self
            .proven()
            .to_bundle(with_content, &self.checkpoint.note, key);
        bundle.map_err(|error| Problem::internal(&error))
    }

    fn to_text(&self) -> Result<String, Problem> {
        let text = self.proven().tlog_proof(&self.checkpoint.note);
        text.map(|text| text.to_string())
            .map_err(|error| Problem::internal(&error))
    }

    fn proven(&self) -> Proven<'_> {
        Proven {
            seq: self.event.seq.0,
            record: &self.event.record,
            content: self.event.content.as_deref(),
            salts: self.salts,
            leaf: &self.leaf,
            proof: &self.hashes,
        }
    }
}
