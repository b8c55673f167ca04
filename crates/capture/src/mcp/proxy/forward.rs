//! A request on its way to the server, and the answer on its way back.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Method, Request, Response,
    body::Incoming,
    header::{ACCEPT_ENCODING, CONTENT_TYPE, EXPECT, HOST},
};

use super::{
    Call, Surface,
    answer::{answer_to, answer_with},
};
use crate::{
    config::Mode,
    http::{
        Body, Chained, End, Held, RequestTap, ResponseTap, Tapped, discard, full,
        remove_hop_by_hop, restrict_accepted,
    },
    mcp::{
        exchange::{Exchange, SESSION},
        message::Message,
        reader::{Reader, Seen},
        refusal::Refusal,
        sessions::{Name, Shared},
        stream::{Rename, Stream},
        target::{self, Target},
    },
};

/// Longest request that is held because its intent has to be durable first, bytes.
const STRICT_BYTES: usize = 32 << 20;

impl Surface {
    pub(super) async fn forward(
        &self,
        mut call: Call,
        body: Incoming,
        seen: RequestTap<Exchange>,
        mut answered: ResponseTap<Exchange>,
    ) -> Response<Body> {
        let refused = |refusal: &Refusal, answered: ResponseTap<Exchange>| {
            answered.failed(refusal.status(), refusal.message());
            answer_with(refusal)
        };
        let body = if self.mode == Mode::Strict && call.parts.method == Method::POST {
            match self.held(body, seen).await {
                Ok(body) => body,
                Err((refusal @ Refusal::NotRecorded(_), messages)) => {
                    // What cannot be recorded has no outcome either.
                    answered.forget();
                    return answer_to(&messages, &refusal);
                }
                Err((refusal, messages)) => {
                    answered.failed(refusal.status(), refusal.message());
                    return answer_to(&messages, &refusal);
                }
            }
        } else {
            match self
                .begun(Tapped::new(body, seen), &call.parts.method)
                .await
            {
                Some(body) => body,
                None => return refused(&Refusal::Incomplete, answered),
            }
        };
        let Some(upstream) = self.servers.get(call.server).map(|server| &server.upstream) else {
            return refused(&self.unknown_server(), answered);
        };
        let Some(uri) = call.target.uri(upstream) else {
            return refused(&Refusal::Incomplete, answered);
        };
        call.parts.uri = uri;
        let headers = &mut call.parts.headers;
        remove_hop_by_hop(headers);
        headers.remove(HOST);
        headers.remove(EXPECT);
        restrict_accepted(headers, false);
        if call.parts.method == Method::GET {
            // The first event of a stream may have to be changed.
            headers.remove(ACCEPT_ENCODING);
        }
        call.parts.extensions.clear();
        let method = call.parts.method.clone();
        let path = call.target.path(upstream);
        let request = Request::from_parts(call.parts, body);
        let answer = match self.core.upstream.send(request).await {
            Ok(answer) => answer,
            Err(error) => return refused(&Refusal::Unreachable(error.to_string()), answered),
        };
        answered.answer(answer.status(), answer.headers().clone());
        if let Some(id) = new_session(&answer) {
            self.join(call.server, id, Arc::clone(&call.dialogue));
        }
        let (mut parts, body) = answer.into_parts();
        remove_hop_by_hop(&mut parts.headers);
        parts.extensions.clear();
        if !is_stream(&parts.headers) {
            return Response::from_parts(parts, Tapped::new(body, answered).boxed_unsync());
        }
        answered.at_once();
        let body = Tapped::new(body, answered);
        if method != Method::GET {
            return Response::from_parts(parts, body.boxed_unsync());
        }
        let rename = self.rename(&call.target, call.server, path, call.dialogue);
        let mut stop = self.stop.clone();
        let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
        Response::from_parts(parts, Stream::new(body, rename, stopped).boxed_unsync())
    }

    /// Leads the client of the oldest protocol to the endpoint by way of us.
    fn rename(&self, target: &Target, server: usize, path: String, dialogue: Shared) -> Rename {
        let upstream = self
            .servers
            .get(server)
            .map(|server| Arc::clone(&server.upstream));
        let (sessions, prefix) = (Arc::clone(&self.sessions), target.prefix.clone());
        Box::new(move |named| {
            let endpoint = target::endpoint(named, upstream.as_ref()?, &path)?;
            // One that is given up for it ends with the gateway.
            let key = (server, Name::Endpoint(endpoint.clone()));
            drop(sessions.add(key, Arc::clone(&dialogue)));
            Some(format!("{prefix}{endpoint}"))
        })
    }

    /// A body whose first part is here, mostly all of it: what was asked is known even if nobody can be asked. `None` if the
    /// client went away.
    async fn begun(
        &self,
        mut body: Tapped<Incoming, RequestTap<Exchange>>,
        method: &Method,
    ) -> Option<Body> {
        let mut held = Held::default();
        if *method == Method::POST
            && let Some(first) = body.frame().await
            && let Ok(data) = first.ok()?.into_data()
        {
            held.add(data, &self.held);
        }
        Some(Chained::new(held, body).boxed_unsync())
    }

    /// A request that is here as a whole, and recorded durably, before it is passed on; else what its messages are.
    async fn held(
        &self,
        mut body: Incoming,
        mut seen: RequestTap<Exchange>,
    ) -> Result<Body, (Refusal, Vec<Message>)> {
        let mut held = Held::default();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                seen.end(End::ClientGone);
                return Err((Refusal::Incomplete, Vec::new()));
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            seen.bytes(&data);
            if !held.add(data, &self.held) || held.bytes > STRICT_BYTES {
                seen.end(End::Cut("it is not passed on".to_owned()));
                let messages = self.heads(&held.joined());
                discard(body).await;
                let max_bytes = STRICT_BYTES;
                return Err((Refusal::TooLong { max_bytes }, messages));
            }
        }
        let recorded = seen.end_durably().await;
        let whole = held.joined();
        match recorded {
            Ok(()) => Ok(full(whole)),
            Err(error) => {
                let refusal = Refusal::NotRecorded(error.0.to_string());
                Err((refusal, self.heads(&whole)))
            }
        }
    }

    fn heads(&self, body: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        let with = self.core.recorder.redactor().with(&[]);
        Reader::heads_only().push(body, &with, &mut |seen| {
            if let Seen::Message(message) = seen {
                messages.push(*message);
            }
        });
        messages
    }
}

fn new_session(answer: &Response<Incoming>) -> Option<String> {
    let id = answer.headers().get(SESSION)?.to_str().ok()?;
    answer.status().is_success().then(|| id.to_owned())
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
}
