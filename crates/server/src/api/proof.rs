//! Proof bundles (`docs/format.md` §5).

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use event::json::write_string;
use hyper::{HeaderMap, StatusCode, header::ACCEPT};
use ledger::{SignedCheckpoint, Trail};
use query::{Event, Snapshot};
use tlog::{Note, TlogProof};

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

/// A proof before it is written.
struct Proof {
    event: Event,
    leaf: [u8; event::Leaf::BYTES],
    salts: event::Salts,
    /// The offline form has the index, the hashes and the note.
    offline: TlogProof,
    checkpoint: Arc<SignedCheckpoint>,
    key: String,
    /// Whether the content may be shown.
    with_content: bool,
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
            Proof::make(&view, event, size, &reader)
        })
        .await?;
    if wants_text(headers) {
        let text = proof.offline.to_string();
        return Ok(typed(StatusCode::OK, "text/plain; charset=utf-8", text));
    }
    caller.audit_one(app, What::Records, proof.event.seq);
    if proof.with_content && proof.event.content.is_some() {
        caller.audit_one(app, What::Contents, proof.event.seq);
    }
    Ok(typed(StatusCode::OK, "application/json", proof.to_json()))
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
    fn make(
        view: &Snapshot,
        event: Event,
        size: Option<u64>,
        caller: &Caller,
    ) -> Result<Self, Problem> {
        let trail = &caller.trail;
        let checkpoint = checkpoint(trail, event.seq, size)?;
        let note = Note::parse(checkpoint.note.as_bytes());
        Ok(Self {
            leaf: view.leaf(&event)?.to_bytes(),
            salts: trail.salts(event.seq)?,
            offline: TlogProof {
                extra: Vec::new(),
                index: event.seq.0,
                proof: trail.inclusion(event.seq, checkpoint.size)?,
                checkpoint: note.map_err(|error| Problem::internal(&error))?,
            },
            key: trail.verifier_key().to_string(),
            with_content: caller.has(Scope::Content),
            checkpoint,
            event,
        })
    }

    fn to_json(&self) -> Vec<u8> {
        let content = self.event.content.as_deref();
        let shown = content.filter(|_| self.with_content);
        let hashes: Vec<_> = self
            .offline
            .proof
            .iter()
            .map(|hash| format!("\"{hash}\""))
            .collect();
        let mut out = Vec::with_capacity(2 * self.event.record.len() + 4_096);
        let mut raw = |name: &str, value: &[u8]| {
            out.push(if out.is_empty() { b'{' } else { b',' });
            write_string(&mut out, name);
            out.push(b':');
            out.extend_from_slice(value);
        };
        raw("index", self.event.seq.to_string().as_bytes());
        raw("record", &string(&self.event.record));
        raw("content", &shown.map_or(b"null".to_vec(), string));
        raw("salt_record", &base64(&self.salts.record));
        raw(
            "salt_content",
            &shown.map_or(b"null".to_vec(), |_| base64(&self.salts.content)),
        );
        raw("leaf", &base64(&self.leaf));
        raw("proof", format!("[{}]", hashes.join(",")).as_bytes());
        raw("checkpoint", &string(self.checkpoint.note.as_bytes()));
        raw("key", &string(self.key.as_bytes()));
        raw("tlog_proof", &string(self.offline.to_string().as_bytes()));
        if content.is_some() && shown.is_none() {
            raw("content_withheld", b"true");
        }
        out.push(b'}');
        out
    }
}

/// A JSON string of stored bytes, which are UTF-8.
fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 4 + 2);
    write_string(&mut out, &String::from_utf8_lossy(bytes));
    out
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    format!("\"{}\"", STANDARD.encode(bytes)).into_bytes()
}
