//! The calls of a connection, and the events that they make. Pure: it sees messages and writes drafts.
//!
//! A message `response.create` of the client is a call. The provider's messages are the events of the oldest call that is open
//! in their lane (`stream_id`), up to the one that ends it.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use event::Micros;
use hyper::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::{Upgraded, session::Piece};
use crate::{
    env::Env,
    http::{End, Observer},
    llm::exchange::{About, Exchange},
    payload::Payload,
    recorder::Scribe,
    stream::MAX_EVENT_BYTES,
};

/// Calls of one connection that are open at once; of more the oldest is given up.
const MAX_OPEN: usize = 64;
/// Members of a message that is too long to be read, and of the response in it.
const MEMBERS: &[&str] = &[
    "type",
    "stream_id",
    "id",
    "status",
    "model",
    "usage",
    "service_tier",
];

/// Type of an event that says how a response stands.
const STATE: &str = "response.in_progress";

pub(super) struct Calls {
    /// What all calls have in common.
    about: About,
    env: Env,
    upgraded: Arc<Upgraded>,
    /// Bytes of the connection that were not seen.
    missed: Arc<AtomicU64>,
    /// What the client is saying; perhaps a call.
    saying: Option<Call>,
    /// What the provider is saying.
    message: Message,
    open: VecDeque<Call>,
    /// Calls of the last messages that came from the client.
    newest: Vec<Arc<str>>,
}

struct Call {
    exchange: Exchange,
    name: Arc<str>,
    lane: Option<String>,
    /// The response's name, once there is one.
    response: Option<String>,
    /// Since the begin of the connection.
    began: Duration,
    missed: u64,
}

/// A message of the provider as it comes.
enum Message {
    Short(Vec<u8>),
    /// Only some members are looked at, of so many bytes.
    Long(Box<Payload>, u64),
    /// It is not text.
    Other,
}

/// What is looked at of an event.
#[derive(Default, Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    stream_id: Option<Cow<'a, str>>,
    status: Option<u16>,
    #[serde(borrow)]
    response: Option<Named<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
}

impl Calls {
    /// `about` is what its calls have in common, and began when the connection did.
    pub(super) fn new(
        about: About,
        env: Env,
        upgraded: Arc<Upgraded>,
        missed: Arc<AtomicU64>,
    ) -> Self {
        Self {
            about,
            env,
            upgraded,
            missed,
            saying: None,
            message: Message::Other,
            open: VecDeque::new(),
            newest: Vec::new(),
        }
    }

    /// Parts of what the client says; `took` since the begin of the connection.
    pub(super) fn client(&mut self, pieces: &[Piece], took: Duration, scribe: &mut Scribe<'_>) {
        self.newest.clear();
        for piece in pieces {
            if piece.begins {
                self.saying = piece.is_text.then(|| self.call(took, None));
            }
            if let Some(call) = &mut self.saying {
                call.exchange.request(&piece.unmasked(), scribe);
            }
            let whole = self.saying.take_if(|_| piece.ends);
            let kind = |call: &Call| call.exchange.asked("type");
            let Some((kind, mut call)) = whole.and_then(|call| Some((kind(&call)?, call))) else {
                continue;
            };
            call.lane = call.exchange.asked("stream_id");
            if kind == "response.create" {
                self.newest.push(Arc::clone(&call.name));
                self.begin(call, took, scribe);
            } else {
                // What steers or cancels a call that runs is a part of it.
                let running = self.open.iter().find(|other| other.lane == call.lane);
                let running = running.map(|running| &running.exchange);
                call.exchange.said(&kind, running, scribe);
            }
        }
    }

    /// Parts of what the provider says.
    pub(super) fn provider(&mut self, pieces: &[Piece], took: Duration, scribe: &mut Scribe<'_>) {
        for piece in pieces {
            if piece.begins {
                self.message = if piece.is_text {
                    Message::Short(Vec::new())
                } else {
                    Message::Other
                };
            }
            self.message.push(piece, &self.about, scribe);
            if !piece.ends {
                continue;
            }
            match std::mem::replace(&mut self.message, Message::Other) {
                Message::Short(data) => {
                    if let Ok(head) = serde_json::from_slice(&data) {
                        self.event(&head, &data, took, scribe);
                    }
                }
                Message::Long(payload, bytes) => self.long(&payload, bytes, took, scribe),
                Message::Other => {}
            }
        }
    }

    /// An event that is too long to be read as a whole: what it says of the response's state counts, what it says else is
    /// left to the events before it.
    fn long(&mut self, payload: &Payload, bytes: u64, took: Duration, scribe: &mut Scribe<'_>) {
        let kind = payload.picked_text("type").unwrap_or_default();
        let head = Head {
            kind: kind.as_str().into(),
            stream_id: payload.picked_text("stream_id").map(Cow::from),
            status: payload
                .picked("status")
                .and_then(|status| serde_json::from_slice(status).ok()),
            response: Some(Named {
                id: payload.picked_text("id").map(Cow::from),
                model: payload.picked_text("model").map(Cow::from),
            }),
        };
        let state = event_of(STATE, payload);
        if kind == "response.created" {
            self.event(&head, &state, took, scribe);
        }
        let at = self.place(&head);
        let Some(call) = at.and_then(|at| self.open.get_mut(at)) else {
            return;
        };
        let since = took.saturating_sub(call.began);
        call.exchange.unread(bytes, since);
        if ends(&kind) {
            call.exchange.event(STATE, None, &state, since);
            let end = serde_json::json!({"type": kind}).to_string();
            self.event(&head, end.as_bytes(), took, scribe);
        }
    }

    /// The connection is over, and so are its calls.
    pub(super) fn end(&mut self, end: &End, took: Duration, scribe: &mut Scribe<'_>) {
        while !self.open.is_empty() {
            self.finish(0, end.clone(), took, scribe);
        }
    }

    /// The newest messages could not be recorded, and do not pass.
    pub(super) fn forget(&mut self) {
        let newest = std::mem::take(&mut self.newest);
        self.open.retain(|call| !newest.contains(&call.name));
        self.count();
    }

    fn event(&mut self, head: &Head<'_>, data: &[u8], took: Duration, scribe: &mut Scribe<'_>) {
        let id = head
            .response
            .as_ref()
            .and_then(|response| response.id.as_deref());
        let begins = head.kind == "response.created";
        if let Some(at) = self.place(head).filter(|_| begins) {
            let is_another = self
                .open
                .get(at)
                .and_then(|call| call.response.as_deref())
                .is_some_and(|known| Some(known) != id);
            if is_another {
                let unseen = End::Cut("its end was not seen".to_owned());
                self.finish(at, unseen, took, scribe);
            }
        }
        if begins && self.place(head).is_none() {
            // One that goes on with what was queued for it (`response.steer`) is not asked for by a message of its own.
            let model = head
                .response
                .as_ref()
                .and_then(|named| named.model.as_deref());
            let mut call = self.call(took, model.map(ToOwned::to_owned));
            call.lane = head.stream_id.as_deref().map(ToOwned::to_owned);
            self.begin(call, took, scribe);
        }
        let Some(at) = self.place(head) else {
            return;
        };
        let Some(call) = self.open.get_mut(at) else {
            return;
        };
        if begins {
            call.response = id.map(ToOwned::to_owned);
        }
        let status = head
            .status
            .filter(|_| head.kind == "error")
            .and_then(|status| StatusCode::from_u16(status).ok());
        let since = took.saturating_sub(call.began);
        call.exchange.event(&head.kind, status, data, since);
        if ends(&head.kind) {
            self.finish(at, End::Complete, took, scribe);
        }
    }

    /// The call that an event belongs to.
    fn place(&self, head: &Head<'_>) -> Option<usize> {
        let mut lanes = self.open.iter().map(|call| call.lane.as_deref());
        lanes.position(|lane| lane == head.stream_id.as_deref())
    }

    fn call(&self, began: Duration, model: Option<String>) -> Call {
        let name: Arc<str> = self.env.new_id().into();
        let micros = u64::try_from(began.as_micros()).unwrap_or(u64::MAX);
        let about = About {
            call: Arc::clone(&name),
            model,
            started_at: Micros(self.about.started_at.0.saturating_add(micros)),
            ..self.about.clone()
        };
        Call {
            exchange: Exchange::new(about, &HeaderMap::new()),
            name,
            lane: None,
            response: None,
            began,
            missed: self.missed.load(Ordering::Relaxed),
        }
    }

    fn begin(&mut self, mut call: Call, took: Duration, scribe: &mut Scribe<'_>) {
        call.exchange.request_end(End::Complete, scribe);
        if self.open.len() >= MAX_OPEN {
            let given_up = End::Cut("too many calls were open at once".to_owned());
            self.finish(0, given_up, took, scribe);
        }
        self.upgraded.calls.fetch_add(1, Ordering::Relaxed);
        self.open.push_back(call);
        self.count();
    }

    fn finish(&mut self, at: usize, end: End, took: Duration, scribe: &mut Scribe<'_>) {
        let Some(mut call) = self.open.remove(at) else {
            return;
        };
        let missed = self.missed.load(Ordering::Relaxed) - call.missed;
        let took = took.saturating_sub(call.began);
        call.exchange.response_end(end, took, missed, scribe);
        self.count();
    }

    fn count(&self) {
        let open = self.open.len() as u64;
        self.upgraded.open.store(open, Ordering::Relaxed);
    }
}

impl Message {
    fn push(&mut self, piece: &Piece, about: &About, scribe: &Scribe<'_>) {
        let bytes = piece.unmasked();
        let with = scribe.redactor().with(&about.secrets);
        match self {
            Self::Short(data) if data.len() + bytes.len() <= MAX_EVENT_BYTES => {
                data.extend_from_slice(&bytes);
            }
            Self::Short(data) => {
                let mut payload = Payload::new(MEMBERS).within("response").limited(0);
                payload.push(&with, data);
                payload.push(&with, &bytes);
                *self = Self::Long(Box::new(payload), (data.len() + bytes.len()) as u64);
            }
            Self::Long(payload, length) => {
                payload.push(&with, &bytes);
                *length += bytes.len() as u64;
            }
            Self::Other => {}
        }
    }
}

/// An event that says how a response stands, as far as that was picked out of a longer one.
fn event_of(kind: &str, payload: &Payload) -> Vec<u8> {
    let mut response = serde_json::Map::new();
    response.insert("object".to_owned(), "response".into());
    for name in ["id", "status", "model", "usage", "service_tier"] {
        let picked = payload.picked(name);
        let value = picked.and_then(|json| serde_json::from_slice(json).ok());
        response.extend(value.map(|value: serde_json::Value| (name.to_owned(), value)));
    }
    let event = serde_json::json!({"type": kind, "response": response});
    event.to_string().into_bytes()
}

/// Whether an event is the last one of its call.
fn ends(kind: &str) -> bool {
    matches!(
        kind,
        "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "error"
    )
}
