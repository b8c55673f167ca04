//! One call of a provider's API, and the events that it makes. Pure: it sees bytes and writes drafts.

mod answer;
mod tool_calls;
mod verdict;

use std::{sync::Arc, time::Duration};

use event::Micros;
use hyper::{HeaderMap, Method, StatusCode};

use super::{
    config::Provider,
    prices::{Priced, Prices},
    route::{Api, Dialect},
    socket::Upgraded,
    usage::{self, Counts},
};
use crate::{
    draft::{Draft, Meta, Phase, Source, Usage},
    http::{Answer, Coding, End, Observer},
    identity::Scope,
    payload::Payload,
    recorder::Scribe,
    redact::Secret,
};
use answer::{Read, Reader};
use verdict::{Ending, verdict};

/// Members of a request that are looked at.
const REQUEST_MEMBERS: &[&str] = &[
    "model",
    "stream",
    "previous_response_id",
    "type",
    "stream_id",
];
/// Longest type of a message that is an action, bytes.
const MAX_KIND_BYTES: usize = 64;
/// Headers in which providers name an answer, and whose own they are: gateways on the way add others.
const REQUEST_IDS: [(Dialect, &str); 4] = [
    (Dialect::OpenAi, "x-request-id"),
    (Dialect::Anthropic, "request-id"),
    (Dialect::Bedrock, "x-amzn-requestid"),
    (Dialect::Gemini, "x-goog-request-id"),
];

/// What is known of a call when it begins.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) scope: Arc<Scope>,
    pub(super) provider: Arc<Provider>,
    pub(super) prices: Arc<Prices>,
    /// The client's own key, if that goes out.
    pub(super) secrets: Vec<Secret>,
    /// The key that goes out.
    pub(super) key: Option<String>,
    pub(super) api: Api,
    pub(super) method: Method,
    /// Without the query, which may hold a key.
    pub(super) path: String,
    /// The model, if the path has it.
    pub(super) model: Option<String>,
    /// Joins intent and outcome.
    pub(super) call: Arc<str>,
    pub(super) started_at: Micros,
    /// The call that opened the `WebSocket` which carries this one.
    pub(super) connection: Option<Arc<str>>,
    /// What passes if this call opens a `WebSocket`.
    pub(super) upgraded: Option<Arc<Upgraded>>,
}

/// A call on its way.
pub(super) struct Exchange {
    about: About,
    request: Option<Payload>,
    request_coding: Coding,
    /// The model asked for, once the request is there.
    model: Option<String>,
    answer: Option<Answer>,
    response_coding: Coding,
    reader: Reader,
    /// Of events that were too long to be read.
    unread_bytes: u64,
}

impl Exchange {
    /// `headers` are those of the request.
    pub(super) fn new(about: About, headers: &HeaderMap) -> Self {
        Self {
            model: about.model.clone(),
            about,
            request: Some(Payload::new(REQUEST_MEMBERS)),
            request_coding: Coding::of(headers),
            answer: None,
            response_coding: Coding::Identity,
            reader: Reader::Nothing,
            unread_bytes: 0,
        }
    }

    /// The text of a member of the request, as far as it has come.
    pub(super) fn asked(&self, name: &str) -> Option<String> {
        self.request.as_ref()?.picked_text(name)
    }

    /// Takes an event of an answer that comes over a `WebSocket`, see [`Reader::event`]. `status` is the one it names.
    pub(super) fn event(
        &mut self,
        kind: &str,
        status: Option<StatusCode>,
        data: &[u8],
        took: Duration,
    ) {
        let answer = self.answer_of_events(took);
        answer.status = status.unwrap_or(answer.status);
        self.reader.event(kind, data);
    }

    /// An event of so many bytes came that was too long to be read as a whole.
    pub(super) fn unread(&mut self, bytes: u64, took: Duration) {
        self.answer_of_events(took);
        self.reader.unread();
        self.unread_bytes += bytes;
    }

    fn answer_of_events(&mut self, took: Duration) -> &mut Answer {
        let (api, reader) = (self.about.api, &mut self.reader);
        self.answer.get_or_insert_with(|| {
            *reader = Reader::of_events(api);
            Answer {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                failed: None,
                took,
            }
        })
    }

    /// Records a message that is no call, but said while `running` was, if anything was: a part of that call.
    pub(super) fn said(mut self, kind: &str, running: Option<&Self>, scribe: &mut Scribe<'_>) {
        let Some(request) = self.request.take() else {
            return;
        };
        let model = running.and_then(|running| running.model.clone());
        self.model = request.picked_text("model").or(model);
        let mut draft = self.draft(Phase::Checkpoint);
        draft.action = action_of(kind);
        draft.phase = running.map(|running| (Phase::Checkpoint, Arc::clone(&running.about.call)));
        let input = request.finish(&scribe.redactor().with(&self.about.secrets));
        draft.content.extend(input.map(|input| ("input", input)));
        scribe.write(&draft, &self.about.secrets);
    }

    fn draft(&self, phase: Phase) -> Draft {
        let about = &self.about;
        let action = about.api.action();
        let action = action.map_or_else(
            || format!("{} {}", about.method, about.path),
            ToOwned::to_owned,
        );
        let mut draft = Draft::new(
            Source::Llm,
            Arc::clone(&about.scope),
            about.started_at,
            action,
        );
        draft.resource = Some(match &self.model {
            Some(model) => ("model", model.clone()),
            None => ("endpoint", about.path.clone()),
        });
        draft.phase = Some((phase, Arc::clone(&about.call)));
        draft
            .meta
            .push(("provider", Meta::Text(about.provider.name.clone())));
        draft.meta.push(("path", Meta::Text(about.path.clone())));
        if let Some(connection) = &about.connection {
            let connection = connection.as_ref().to_owned();
            draft.meta.push(("connection", Meta::Text(connection)));
        }
        if let Some(claimed) = &about.scope.claimed_agent {
            draft
                .meta
                .push(("claimed_agent", Meta::Text(claimed.clone())));
        }
        draft
    }

    fn usage(
        &self,
        counts: Option<Counts>,
        model: Option<String>,
        tier: Option<&str>,
    ) -> Option<Usage> {
        let counts = counts?;
        let about = &self.about;
        let mut taken = counts.clone();
        if about.api.embeds(model.as_deref().or(self.model.as_deref())) {
            taken.output = taken.output.or(Some(0));
        }
        let price_of = |model: &Option<String>| {
            let priced = Priced {
                provider: &about.provider.name,
                url: &about.provider.url,
                model: model.as_deref()?,
                tier,
                at: about.started_at,
            };
            about.prices.price(&priced, &taken)
        };
        let price = price_of(&model).or_else(|| price_of(&self.model));
        let (cost_nanousd, table) = price.map(|price| (price.nanousd, price.table)).unzip();
        Some(Usage {
            provider: Some(about.provider.name.clone()),
            model: model.or_else(|| self.model.clone()),
            input_tokens: counts.input,
            output_tokens: counts.output,
            cache_read_tokens: counts.cache_read,
            cache_write_tokens: counts.cache_write,
            reasoning_tokens: counts.reasoning,
            cost_nanousd,
            prices: table,
        })
    }
}

/// Member `action` of a message over a `WebSocket`, by its type: `response.steer` is `responses.steer`.
fn action_of(kind: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    match kind.strip_prefix("response.") {
        _ if kind.len() > MAX_KIND_BYTES || !kind.bytes().all(is_plain) => {
            "responses.message".to_owned()
        }
        Some(verb) => format!("responses.{verb}"),
        None => kind.to_owned(),
    }
}

/// The provider's own name for an answer, by which its client's records name it too.
fn request_id(headers: &HeaderMap, dialect: Dialect) -> Option<&str> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let own = REQUEST_IDS.iter().filter(|(whose, _)| *whose == dialect);
    own.chain(&REQUEST_IDS).find_map(|(_, name)| text(name))
}

impl Observer for Exchange {
    const SOURCE: Source = Source::Llm;

    fn request(&mut self, bytes: &[u8], scribe: &mut Scribe<'_>) {
        let with = scribe.redactor().with(&self.about.secrets);
        if let Some(request) = &mut self.request {
            self.request_coding
                .push(bytes, |bytes| request.push(&with, bytes));
        }
    }

    fn request_end(&mut self, end: End, scribe: &mut Scribe<'_>) {
        let Some(request) = self.request.take() else {
            return;
        };
        if self.model.is_none() {
            self.model = request.picked_text("model");
        }
        let streams = self.about.api.streams() || request.picked("stream") == Some(b"true");
        let mut draft = self.draft(Phase::Intent);
        if let Some(key) = &self.about.key {
            let fingerprint = scribe.redactor().fingerprint(key.as_bytes());
            draft
                .meta
                .push(("key_fingerprint", Meta::Text(fingerprint)));
        }
        if let Some(previous) = request.picked_text("previous_response_id") {
            let previous = ("previous_response_id", Meta::Text(previous));
            draft.meta.push(previous);
        }
        if streams {
            draft.meta.push(("stream", Meta::Flag(true)));
        }
        if end != End::Complete {
            draft.meta.push(("request_cut", Meta::Flag(true)));
        }
        let input = request.finish(&scribe.redactor().with(&self.about.secrets));
        draft.content.extend(input.map(|input| ("input", input)));
        scribe.write(&draft, &self.about.secrets);
    }

    fn answer(&mut self, answer: Answer, _: &mut Scribe<'_>) {
        self.response_coding = Coding::of(&answer.headers);
        self.reader = Reader::new(self.about.api, answer.status, &answer.headers);
        self.answer = Some(answer);
    }

    fn response(&mut self, bytes: &[u8], scribe: &mut Scribe<'_>) {
        let with = scribe.redactor().with(&self.about.secrets);
        let reader = &mut self.reader;
        self.response_coding
            .push(bytes, |bytes| reader.push(bytes, &with));
    }

    fn response_end(&mut self, end: End, took: Duration, missed: u64, scribe: &mut Scribe<'_>) {
        if self.request.is_some() {
            // The answer came before the request had ended, and nobody will tell of its end any more.
            self.request_end(End::Cut(String::new()), scribe);
        }
        let with = scribe.redactor().with(&self.about.secrets);
        let read =
            std::mem::replace(&mut self.reader, Reader::Nothing).finish(self.about.api, &with);
        let Read {
            output,
            counts,
            model,
            tier,
            is_complete,
            error,
            is_cut,
            response_id,
        } = read;
        let answer = self.answer.take();
        let status = answer.as_ref().map(|answer| answer.status.as_u16());
        let failed = answer.as_ref().and_then(|answer| answer.failed.clone());
        let of_headers = || match (&answer, self.about.api) {
            (Some(answer), Api::Invoke { .. }) => usage::invoked(&answer.headers),
            _ => None,
        };
        let counts = counts.or_else(of_headers);
        let (result, reason) = verdict(Ending {
            status,
            failed,
            end,
            is_complete,
            error,
        });
        let mut draft = self.draft(Phase::Outcome);
        draft.duration_us = u64::try_from(took.as_micros()).ok();
        draft.result = Some(result);
        draft.status = status.map(i64::from);
        draft.usage = self.usage(counts, model, tier.as_deref());
        let asked = output
            .as_ref()
            .and_then(|output| tool_calls::names(&output.json));
        draft
            .content
            .extend(output.map(|output| ("output", output)));
        let meta = &mut draft.meta;
        meta.extend(asked.map(|names| ("tool_calls", Meta::Json(names))));
        if let Some(answer) = &answer {
            let answered_us = u64::try_from(answer.took.as_micros()).unwrap_or(u64::MAX);
            meta.push(("answered_us", Meta::Number(answered_us)));
            let dialect = Dialect::of(self.about.api, &self.about.provider.name);
            let id = request_id(&answer.headers, dialect);
            meta.extend(id.map(|id| ("request_id", Meta::Text(id.to_owned()))));
        }
        meta.extend(response_id.map(|id| ("response_id", Meta::Text(id))));
        let is_upgraded = status == Some(StatusCode::SWITCHING_PROTOCOLS.as_u16());
        if let Some(upgraded) = self.about.upgraded.as_ref().filter(|_| is_upgraded) {
            meta.extend(upgraded.meta());
        }
        meta.extend(reason.map(|reason| ("reason", Meta::Text(reason))));
        if self.response_coding.is_unknown() {
            meta.push(("output_unreadable", Meta::Flag(true)));
        }
        if is_cut {
            meta.push(("output_cut", Meta::Flag(true)));
        }
        if self.unread_bytes > 0 {
            meta.push(("unread_bytes", Meta::Number(self.unread_bytes)));
        }
        if missed > 0 {
            meta.push(("missed_bytes", Meta::Number(missed)));
        }
        scribe.write(&draft, &self.about.secrets);
    }
}
