//! One request through the proxy, and the events that it makes. Pure: it sees bytes and writes drafts.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use event::Micros;
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value as Json};

use super::{
    dial::{Barrier, DialError},
    hello::Hello,
    pump::Progress,
    refusal::Refusal,
    summary::Summary,
    target::Target,
    tunnel::deny,
};
use crate::{
    draft::{Draft, Meta, Outcome, Phase, Source},
    http::{Answer, End, Observer},
    identity::Scope,
    recorder::Scribe,
    redact::Secret,
};

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// With an absolute URL.
    Plain,
    /// Inside of TLS that was opened, or of a tunnel without TLS.
    Intercept,
}

/// What is known of a request when it begins.
#[derive(Debug)]
pub(super) struct About {
    pub(super) scope: Arc<Scope>,
    pub(super) target: Target,
    pub(super) way: Way,
    pub(super) secrets: Vec<Secret>,
    pub(super) method: Method,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// The host that the request names, if it is not the one that was connected to.
    pub(super) other_host: Option<String>,
    pub(super) hello: Option<Hello>,
    pub(super) address: Option<IpAddr>,
    /// Joins intent and outcome.
    pub(super) call: Arc<str>,
    pub(super) started_at: Micros,
    /// What passes after an upgrade.
    pub(super) upgraded: Arc<Progress>,
    /// Set if it turns out that the host must not be reached.
    pub(super) barrier: Arc<OnceLock<Barrier>>,
}

/// A request on its way.
pub(super) struct Exchange {
    about: About,
    request: Option<Summary>,
    sent: u64,
    answer: Option<Answer>,
    response: Option<Summary>,
}

impl About {
    /// The event of this request, so far.
    pub(super) fn draft(&self) -> Draft {
        let action = format!("{} {}", self.method, self.target.host);
        let mut draft = Draft::new(
            Source::ForwardProxy,
            Arc::clone(&self.scope),
            self.started_at,
            action,
        );
        draft.resource = Some(("host", self.target.host.clone()));
        let mode = match self.way {
            Way::Plain => "plain",
            Way::Intercept => "intercept",
        };
        let meta = &mut draft.meta;
        meta.push(("path", Meta::Text(self.path.clone())));
        meta.push(("port", Meta::Number(self.target.port.into())));
        meta.push(("scheme", Meta::Text(self.scheme.to_owned())));
        meta.push(("mode", Meta::Text(mode.to_owned())));
        let text = |value: &Option<String>| value.clone().map(Meta::Text);
        let hello = self.hello.clone().unwrap_or_default();
        meta.extend(text(&self.other_host).map(|host| ("requested_host", host)));
        meta.extend(text(&hello.sni).map(|sni| ("sni", sni)));
        if !hello.alpn.is_empty() {
            meta.push(("alpn", Meta::Text(hello.alpn.join(","))));
        }
        meta.extend(
            self.address
                .map(|address| ("address", Meta::Text(address.to_canonical().to_string()))),
        );
        meta.extend(text(&self.scope.claimed_agent).map(|claimed| ("claimed_agent", claimed)));
        draft
    }

    /// A request that is refused, as one event.
    pub(super) fn refused(&self, refusal: &Refusal) -> Draft {
        let mut draft = self.draft();
        deny(&mut draft, refusal);
        draft
    }

    fn url(&self) -> String {
        let query = self
            .query
            .as_ref()
            .map_or(String::new(), |query| format!("?{query}"));
        let default = if self.scheme == "https" { 443 } else { 80 };
        let mut authority = self.target.authority();
        if self.target.port == default {
            let end = authority.rfind(':').unwrap_or(authority.len());
            authority.truncate(end);
        }
        format!("{}://{authority}{}{query}", self.scheme, self.path)
    }
}

impl Exchange {
    /// `headers` are those of the request.
    pub(super) fn new(about: About, headers: &HeaderMap) -> Self {
        let mut head = Map::new();
        head.insert("method".to_owned(), about.method.as_str().into());
        head.insert("url".to_owned(), about.url().into());
        Self {
            request: Some(Summary::new(head, headers)),
            about,
            sent: 0,
            answer: None,
            response: None,
        }
    }

    fn draft(&self, phase: Phase) -> Draft {
        let mut draft = self.about.draft();
        draft.phase = Some((phase, Arc::clone(&self.about.call)));
        draft
    }
}

impl Observer for Exchange {
    const SOURCE: Source = Source::ForwardProxy;

    fn request(&mut self, bytes: &[u8], scribe: &mut Scribe<'_>) {
        self.sent += bytes.len() as u64;
        if let Some(request) = &mut self.request {
            request.push(bytes, &scribe.redactor().with(&self.about.secrets));
        }
    }

    fn request_end(&mut self, end: End, scribe: &mut Scribe<'_>) {
        let Some(request) = self.request.take() else {
            return;
        };
        let mut draft = self.draft(Phase::Intent);
        if end != End::Complete {
            draft.meta.push(("request_cut", Meta::Flag(true)));
        }
        let input = request.finish(&scribe.redactor().with(&self.about.secrets));
        draft.content.push(("input", input));
        scribe.write(&draft, &self.about.secrets);
    }

    fn answer(&mut self, answer: Answer, _: &mut Scribe<'_>) {
        if answer.failed.is_none() {
            let mut head = Map::new();
            head.insert("status".to_owned(), Json::from(answer.status.as_u16()));
            self.response = Some(Summary::new(head, &answer.headers));
        }
        self.answer = Some(answer);
    }

    fn response(&mut self, bytes: &[u8], scribe: &mut Scribe<'_>) {
        if let Some(response) = &mut self.response {
            response.push(bytes, &scribe.redactor().with(&self.about.secrets));
        }
    }

    fn response_end(&mut self, end: End, took: Duration, missed: u64, scribe: &mut Scribe<'_>) {
        if self.request.is_some() {
            // The answer came before the request had ended, and nobody will tell of its end any more.
            self.request_end(End::Cut(String::new()), scribe);
        }
        let (result, reason) = verdict(self.answer.as_ref(), end);
        let mut draft = self.draft(Phase::Outcome);
        draft.duration_us = u64::try_from(took.as_micros()).ok();
        draft.result = Some(result);
        let (answer, response) = (self.answer.take(), self.response.take());
        draft.status = answer
            .as_ref()
            .map(|answer| i64::from(answer.status.as_u16()));
        if let Some(barrier) = self.about.barrier.get() {
            deny(&mut draft, &Refusal::Dial(DialError::Refused(*barrier)));
        }
        let upgraded = &self.about.upgraded;
        let received = response.as_ref().map_or(0, |response| response.bytes);
        let meta = &mut draft.meta;
        let total = |bytes: u64, more: u64| Meta::Number(bytes.saturating_add(more));
        meta.push((
            "bytes_sent",
            total(self.sent, upgraded.sent.load(Ordering::Relaxed)),
        ));
        meta.push((
            "bytes_received",
            total(received, upgraded.received.load(Ordering::Relaxed)),
        ));
        if let Some(answer) = &answer {
            let answered_us = u64::try_from(answer.took.as_micros()).unwrap_or(u64::MAX);
            meta.push(("answered_us", Meta::Number(answered_us)));
            if answer.status == StatusCode::SWITCHING_PROTOCOLS
                || self.about.method == Method::CONNECT
            {
                meta.push(("upgraded", Meta::Flag(true)));
            }
        }
        meta.extend(reason.map(|reason| ("reason", Meta::Text(reason))));
        if missed > 0 {
            meta.push(("missed_bytes", Meta::Number(missed)));
        }
        let with = scribe.redactor().with(&self.about.secrets);
        draft
            .content
            .extend(response.map(|response| ("output", response.finish(&with))));
        scribe.write(&draft, &self.about.secrets);
    }
}

/// Result, and the reason if the exchange broke.
fn verdict(answer: Option<&Answer>, end: End) -> (Outcome, Option<String>) {
    let Some(answer) = answer else {
        return (
            Outcome::Error,
            Some("the client went away before an answer".to_owned()),
        );
    };
    if let Some(failed) = &answer.failed {
        return (Outcome::Error, Some(failed.clone()));
    }
    match end {
        End::Cut(reason) => (
            Outcome::Error,
            Some(format!("the answer broke off: {reason}")),
        ),
        _ if answer.status.as_u16() >= 400 => (Outcome::Failure, None),
        End::ClientGone => (
            Outcome::Error,
            Some("the client went away before the end".to_owned()),
        ),
        End::Complete => (Outcome::Success, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_result() {
        let answer = |status: u16, failed: Option<&str>| Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            failed: failed.map(ToOwned::to_owned),
            took: Duration::ZERO,
        };
        let cut = End::Cut("reset".to_owned());
        for (answer, end, result) in [
            (Some(answer(200, None)), End::Complete, Outcome::Success),
            (Some(answer(101, None)), End::Complete, Outcome::Success),
            (Some(answer(404, None)), End::Complete, Outcome::Failure),
            (Some(answer(404, None)), End::ClientGone, Outcome::Failure),
            (Some(answer(200, None)), End::ClientGone, Outcome::Error),
            (Some(answer(500, None)), cut, Outcome::Error),
            (
                Some(answer(502, Some("down"))),
                End::Complete,
                Outcome::Error,
            ),
            (None, End::ClientGone, Outcome::Error),
        ] {
            let (told, reason) = verdict(answer.as_ref(), end);
            assert_eq!(told, result, "{answer:?}");
            assert_eq!(reason.is_some(), result == Outcome::Error, "{answer:?}");
        }
    }
}
