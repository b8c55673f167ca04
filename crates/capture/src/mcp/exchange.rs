//! One HTTP exchange with a server: a part of a conversation, or all of it. Pure: it sees bytes and writes drafts.

use std::{
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use event::Micros;
use hyper::{HeaderMap, Method, header::CONTENT_TYPE};
use tokio::runtime::Handle;

use super::{
    config::Upstream,
    dialogue::{Broken, Via},
    pending::Side,
    reader::{Reader, Seen},
    sessions::{Key, Name, Sessions, Shared, TOO_MANY},
    target,
};
use crate::{
    draft::{Meta, Outcome, Source},
    http::{Answer, Coding, End, Observer},
    identity::Scope,
    recorder::{Recorder, Scribe},
    redact::{Redaction, Secret},
    stream::{SsePart, SsePieces},
};

/// The header that names a session (until 2025-11-25).
pub(super) const SESSION: &str = "mcp-session-id";
/// The header with which a client takes up a stream again.
pub(super) const LAST_EVENT: &str = "last-event-id";
/// How long a client may take to take up a stream again that broke off before the answer.
const RESUME_TIME: Duration = Duration::from_mins(2);
/// Longest endpoint that a server names, bytes.
const MAX_ENDPOINT_BYTES: usize = 4 << 10;

/// What is known of an exchange when it begins.
pub(super) struct About {
    pub(super) sessions: Arc<Sessions>,
    /// Number of the server in the settings.
    pub(super) server: usize,
    pub(super) dialogue: Shared,
    /// The session that the client names, or the endpoint of one.
    pub(super) session: Option<Session>,
    pub(super) scope: Arc<Scope>,
    pub(super) secrets: Arc<[Secret]>,
    pub(super) number: u64,
    pub(super) method: Method,
    pub(super) upstream: Arc<Upstream>,
    /// On the server's host, with the query.
    pub(super) path: String,
    /// For what has to be done later.
    pub(super) recorder: Recorder,
    pub(super) runtime: Handle,
    pub(super) started_at: Micros,
}

/// What joins exchanges.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: String,
    /// Stands for it in records.
    pub(super) mark: String,
    /// Answers come in another exchange, as in the oldest protocol.
    pub(super) is_endpoint: bool,
}

/// An exchange on its way.
pub(super) struct Exchange {
    about: About,
    request: Reader,
    request_coding: Coding,
    answer: Option<Answer>,
    response_coding: Coding,
    response: Response,
    has_spoken: bool,
}

enum Response {
    Nothing,
    Json(Box<Reader>),
    Events(Box<Events>),
}

#[derive(Default)]
struct Events {
    pieces: SsePieces,
    reader: Reader,
    /// The beginning of an event's data.
    start: Vec<u8>,
    /// The endpoint that the server has named.
    endpoint: Option<String>,
}

impl Exchange {
    /// `headers` are those of the request.
    pub(super) fn new(about: About, headers: &HeaderMap) -> Self {
        Self {
            about,
            request: Reader::default(),
            request_coding: Coding::of(headers),
            answer: None,
            response_coding: Coding::Identity,
            response: Response::Nothing,
            has_spoken: false,
        }
    }

    fn at(&self, took: Duration) -> Micros {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        Micros(self.about.started_at.0.saturating_add(took))
    }

    fn status(&self) -> Option<u16> {
        self.answer.as_ref().map(|answer| answer.status.as_u16())
    }

    fn via(&self, at: Micros) -> Via<'_> {
        let About {
            scope,
            secrets,
            number,
            session,
            ..
        } = &self.about;
        Via {
            at,
            scope,
            secrets,
            exchange: *number,
            status: self.status(),
            session: session.as_ref().map(|session| session.mark.as_str()),
        }
    }

    fn take(&mut self, seen: Vec<Seen>, from: Side, at: Micros, scribe: &mut Scribe<'_>) {
        self.has_spoken |= from == Side::Client && !seen.is_empty();
        let via = self.via(at);
        let mut dialogue = lock(&self.about.dialogue);
        for one in seen {
            dialogue.take(one, from, &via, scribe);
        }
    }

    /// The session is known from now on.
    fn join(&mut self, id: String, is_endpoint: bool, scribe: &Scribe<'_>) {
        let mark = scribe.redactor().fingerprint(id.as_bytes());
        self.about.session = Some(Session {
            id,
            mark,
            is_endpoint,
        });
    }

    /// Ends the requests that were not answered in this exchange, unless an answer may come in another one: to an endpoint it
    /// always does, and a stream whose events have ids can be taken up again.
    fn end_open(&self, broken: Broken, is_refused: bool, at: Micros, scribe: &mut Scribe<'_>) {
        let session = self.about.session.as_ref().filter(|_| !is_refused);
        match session {
            Some(session) if session.is_endpoint => {}
            _ if !is_refused && self.response.last_id().is_some() => {
                self.end_open_later(broken, at);
            }
            _ => {
                let via = self.via(at);
                lock(&self.about.dialogue).end_exchange(&broken, &via, scribe);
            }
        }
    }

    /// Without a session what joins the rest of a stream to its beginning is the last id that the client has seen.
    fn leave_to_be_resumed(&self, at: Micros, scribe: &mut Scribe<'_>) {
        let About {
            sessions, dialogue, ..
        } = &self.about;
        if !lock(dialogue).has_open() {
            return;
        }
        let given_up = self
            .resumed_by()
            .and_then(|key| sessions.add(key, Arc::clone(dialogue)));
        if let Some(given_up) = given_up {
            lock(&given_up).end(&Broken::error(TOO_MANY), at, scribe);
        }
    }

    fn resumed_by(&self) -> Option<Key> {
        let About {
            server,
            session,
            scope,
            ..
        } = &self.about;
        let id = self.response.last_id().filter(|_| session.is_none())?;
        let id = std::str::from_utf8(id).ok()?;
        Some((*server, Name::event(id, scope)))
    }

    fn end_open_later(&self, broken: Broken, at: Micros) {
        let About {
            dialogue,
            scope,
            secrets,
            number,
            recorder,
            runtime,
            ..
        } = &self.about;
        if !lock(dialogue).has_open_of(*number) {
            return;
        }
        let (dialogue, scope) = (Arc::clone(dialogue), Arc::clone(scope));
        let (sessions, key) = (Arc::clone(&self.about.sessions), self.resumed_by());
        let (secrets, exchange, recorder) = (Arc::clone(secrets), *number, recorder.clone());
        runtime.spawn(async move {
            tokio::time::sleep(RESUME_TIME).await;
            drop(key.and_then(|key| sessions.remove(&key)));
            let work = move |scribe: &mut Scribe<'_>| {
                let via = Via {
                    at,
                    scope: &scope,
                    secrets: &secrets,
                    exchange,
                    status: broken.status,
                    session: None,
                };
                lock(&dialogue).end_exchange(&broken, &via, scribe);
            };
            recorder.submit(Source::Mcp, 1, 0, Box::new(work));
        });
    }

    /// The session is over.
    fn forget(&mut self, reason: &str, at: Micros, scribe: &mut Scribe<'_>) {
        let About {
            sessions,
            server,
            session,
            ..
        } = &self.about;
        let Some(session) = session else {
            return;
        };
        let name = if session.is_endpoint {
            Name::Endpoint(session.id.clone())
        } else {
            Name::Session(session.id.clone())
        };
        if let Some(dialogue) = sessions.remove(&(*server, name)) {
            lock(&dialogue).end(&Broken::error(reason), at, scribe);
        }
    }

    /// A request that was none of the protocol's.
    fn write_plain(&self, broken: Option<&Broken>, took: Duration, scribe: &mut Scribe<'_>) {
        let via = self.via(self.about.started_at);
        let path = self.about.path.split('?').next().unwrap_or_default();
        let action = format!("{} {path}", self.about.method);
        let mut draft = lock(&self.about.dialogue).notice(&action, &via);
        draft.duration_us = u64::try_from(took.as_micros()).ok();
        draft.status = via.status.map(i64::from);
        draft.result = Some(broken.map_or(Outcome::Success, |broken| broken.result));
        let reason = broken.map(|broken| broken.reason.clone());
        draft
            .meta
            .extend(reason.map(|reason| ("reason", Meta::Text(reason))));
        scribe.write(&draft, &self.about.secrets);
    }
}

impl Observer for Exchange {
    const SOURCE: Source = Source::Mcp;

    fn request(&mut self, bytes: &[u8], scribe: &mut Scribe<'_>) {
        let mut seen = Vec::new();
        let with = scribe.redactor().with(&self.about.secrets);
        let reader = &mut self.request;
        self.request_coding.push(bytes, |bytes| {
            reader.push(bytes, &with, &mut |one| seen.push(one));
        });
        self.take(seen, Side::Client, self.about.started_at, scribe);
    }

    fn request_end(&mut self, _: End, scribe: &mut Scribe<'_>) {
        let mut seen = Vec::new();
        self.request.end(&mut |one| seen.push(one));
        self.take(seen, Side::Client, self.about.started_at, scribe);
    }

    fn answer(&mut self, answer: Answer, scribe: &mut Scribe<'_>) {
        self.response_coding = Coding::of(&answer.headers);
        self.response = Response::of(&answer.headers);
        let at = self.at(answer.took);
        let session = answer.headers.get(SESSION);
        let session = session
            .and_then(|id| id.to_str().ok())
            .map(ToOwned::to_owned);
        let is_good = answer.status.is_success();
        self.answer = Some(answer);
        if let Some(id) = session.filter(|_| is_good && self.about.session.is_none()) {
            self.join(id, false, scribe);
        }
        if self.about.method == Method::DELETE && is_good {
            self.forget("the client ended the session", at, scribe);
        }
    }

    fn response(&mut self, bytes: &[u8], scribe: &mut Scribe<'_>) {
        self.response_at(bytes, Duration::ZERO, scribe);
    }

    fn response_at(&mut self, bytes: &[u8], took: Duration, scribe: &mut Scribe<'_>) {
        let mut seen = Vec::new();
        let with = scribe.redactor().with(&self.about.secrets);
        let response = &mut self.response;
        self.response_coding.push(bytes, |bytes| {
            response.push(bytes, &with, &mut |one| seen.push(one));
        });
        let at = self.at(took);
        if let Response::Events(events) = &mut self.response
            && let Some(endpoint) = events.endpoint.take()
            && self.about.method == Method::GET
            && let Some(path) = target::endpoint(&endpoint, &self.about.upstream, &self.about.path)
        {
            self.join(path, true, scribe);
        }
        self.take(seen, Side::Server, at, scribe);
    }

    fn response_end(&mut self, end: End, took: Duration, missed: u64, scribe: &mut Scribe<'_>) {
        let at = self.at(took);
        let mut seen = Vec::new();
        self.response.end(&mut |one| seen.push(one));
        self.take(seen, Side::Server, at, scribe);
        let broken = self.broken(&end, missed);
        let is_refused = self.status().is_none_or(|status| status >= 400);
        let is_post = self.about.method == Method::POST;
        if !is_refused {
            self.leave_to_be_resumed(at, scribe);
        }
        if is_post {
            let none = Broken {
                status: self.status(),
                ..Broken::error("there was no answer to it")
            };
            self.end_open(broken.clone().unwrap_or(none), is_refused, at, scribe);
        }
        // A stream of the oldest protocol is the session.
        let is_endpoint = self
            .about
            .session
            .as_ref()
            .is_some_and(|session| session.is_endpoint);
        if is_endpoint && self.about.method == Method::GET {
            let reason = match end {
                End::ClientGone => "the client went away",
                _ => "the server ended the stream",
            };
            self.forget(reason, at, scribe);
        }
        // Servers that offer no stream, or no end of a session, say so in this way.
        let is_unknown = self.status() == Some(405);
        let is_end = self.about.method == Method::DELETE;
        let is_told = is_refused && !is_unknown || is_end && !is_refused;
        if is_post && !self.has_spoken || !is_post && is_told {
            self.write_plain(broken.as_ref(), took, scribe);
        }
    }
}

impl Exchange {
    /// What is wrong with the end, if something is.
    fn broken(&self, end: &End, missed: u64) -> Option<Broken> {
        let Some(answer) = &self.answer else {
            return Some(Broken::error("the client went away before an answer"));
        };
        let status = Some(answer.status.as_u16());
        let error = |reason: String| {
            Some(Broken {
                status,
                ..Broken::error(reason)
            })
        };
        if let Some(failed) = &answer.failed {
            return error(failed.clone());
        }
        match end {
            End::Cut(reason) => error(format!("the answer broke off: {reason}")),
            End::ClientGone => error("the client went away before the end".to_owned()),
            End::Complete if answer.status.as_u16() >= 400 => Some(Broken {
                result: Outcome::Failure,
                reason: format!("HTTP status {}", answer.status.as_u16()),
                status,
            }),
            End::Complete if missed > 0 => error(format!(
                "{missed} bytes passed before they could be looked at"
            )),
            End::Complete => None,
        }
    }
}

impl Response {
    fn of(headers: &HeaderMap) -> Self {
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().trim_start().to_ascii_lowercase();
        if kind.starts_with("text/event-stream") {
            Self::Events(Box::default())
        } else if kind.starts_with("application/json") {
            Self::Json(Box::default())
        } else {
            Self::Nothing
        }
    }

    fn push(&mut self, bytes: &[u8], with: &Redaction<'_>, each: &mut impl FnMut(Seen)) {
        match self {
            Self::Nothing => {}
            Self::Json(reader) => reader.push(bytes, with, each),
            Self::Events(events) => {
                let Events {
                    pieces,
                    reader,
                    start,
                    endpoint,
                } = events.as_mut();
                pieces.push(bytes, |part| match part {
                    SsePart::Data(data) => {
                        let room = MAX_ENDPOINT_BYTES.saturating_sub(start.len());
                        start.extend(data.iter().take(room));
                        reader.push(data, with, each);
                    }
                    SsePart::End(name) => {
                        reader.end(each);
                        if name == b"endpoint" {
                            *endpoint = String::from_utf8(start.clone()).ok();
                        }
                        start.clear();
                    }
                });
            }
        }
    }

    /// Of a stream whose events have ids.
    fn last_id(&self) -> Option<&[u8]> {
        match self {
            Self::Events(events) => events.pieces.last_id(),
            Self::Nothing | Self::Json(_) => None,
        }
    }

    fn end(&mut self, each: &mut impl FnMut(Seen)) {
        if let Self::Json(reader) = self {
            reader.end(each);
        }
    }
}

pub(super) fn lock(dialogue: &Shared) -> MutexGuard<'_, super::dialogue::Dialogue> {
    dialogue.lock().unwrap_or_else(PoisonError::into_inner)
}
