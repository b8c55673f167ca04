//! An answer's body, in whichever form it comes.

use hyper::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde_json::Value as Json;

use crate::{
    llm::{
        assembly::{Assembled, Assembly},
        route::Api,
        usage::{self, Counts},
    },
    payload::{Payload, Value},
    redact::Redaction,
    stream::{ArrayElements, AwsEvents, SseEvents},
};

/// Members of an answer that are looked at.
const MEMBERS: &[&str] = &[
    "model",
    "usage",
    "usageMetadata",
    "inputTextTokenCount",
    "modelVersion",
    "service_tier",
    "status",
    "error",
    "id",
];

/// Reads an answer as it comes.
pub(super) enum Reader {
    /// There is none.
    Nothing,
    /// One value.
    Whole(Box<Payload>),
    Sse(Box<SseEvents>, Box<Assembly>),
    Array(Box<ArrayElements>, Box<Assembly>),
    Aws(Box<AwsEvents>, Box<Assembly>),
    /// Whole events of a `WebSocket`.
    Events(Box<Events>),
}

/// An answer over a `WebSocket`, so far.
pub(super) struct Events {
    assembly: Assembly,
    /// The event that told of an error.
    error: Option<Vec<u8>>,
    /// Whether an event was too long to be read.
    is_cut: bool,
}

/// What an answer came to.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) output: Option<Value>,
    pub(super) counts: Option<Counts>,
    pub(super) model: Option<String>,
    pub(super) tier: Option<String>,
    /// For a stream whether its last event came.
    pub(super) is_complete: Option<bool>,
    pub(super) error: Option<String>,
    pub(super) is_cut: bool,
    /// The name by which a later call goes on from this one.
    pub(super) response_id: Option<String>,
}

impl Reader {
    pub(super) fn new(api: Api, status: StatusCode, headers: &HeaderMap) -> Self {
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let kind = kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let assembly = Assembly::new(api)
            .filter(|_| status.is_success())
            .map(Box::new);
        match (kind.as_str(), api, assembly) {
            ("text/event-stream", _, Some(assembly)) => Self::Sse(Box::default(), assembly),
            ("application/vnd.amazon.eventstream", _, Some(assembly)) => {
                Self::Aws(Box::default(), assembly)
            }
            (_, Api::Generate { streams: true }, Some(assembly)) => {
                Self::Array(Box::default(), assembly)
            }
            _ => Self::Whole(Box::new(Payload::new(MEMBERS))),
        }
    }

    /// For events that come whole, see [`Self::event`].
    pub(super) fn of_events(api: Api) -> Self {
        Assembly::new(api).map_or(Self::Nothing, |assembly| {
            Self::Events(Box::new(Events {
                assembly,
                error: None,
                is_cut: false,
            }))
        })
    }

    /// Takes a whole event, or what was read of one.
    pub(super) fn event(&mut self, kind: &str, data: &[u8]) {
        let Self::Events(events) = self else {
            return;
        };
        events.assembly.event("", data);
        if kind == "error" {
            events.error = Some(data.to_vec());
        }
    }

    /// An event was too long to be read.
    pub(super) fn unread(&mut self) {
        if let Self::Events(events) = self {
            events.is_cut = true;
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], with: &Redaction<'_>) {
        match self {
            Self::Nothing | Self::Events(_) => {}
            Self::Whole(payload) => payload.push(with, bytes),
            Self::Sse(events, assembly) => events.push(bytes, |name, data| {
                assembly.event(std::str::from_utf8(name).unwrap_or_default(), data);
            }),
            Self::Array(elements, assembly) => {
                elements.push(bytes, |element| assembly.event("", element));
            }
            Self::Aws(events, assembly) => events.push(bytes, |message| {
                match inner_event(message.payload).filter(|_| message.kind == "chunk") {
                    Some(event) => assembly.event("", &event),
                    None if message.is_exception => {
                        assembly.exception(message.kind, message.payload);
                    }
                    None => assembly.event(message.kind, message.payload),
                }
            }),
        }
    }

    pub(super) fn finish(self, api: Api, with: &Redaction<'_>) -> Read {
        match self {
            Self::Nothing => Read::default(),
            Self::Whole(payload) => whole(*payload, api, with),
            Self::Sse(_, assembly) | Self::Array(_, assembly) => streamed(assembly.finish(), with),
            Self::Aws(events, assembly) => {
                let mut read = streamed(assembly.finish(), with);
                if events.is_broken() {
                    read.error
                        .get_or_insert_with(|| "the event stream is damaged".to_owned());
                }
                read
            }
            Self::Events(events) => {
                let mut read = streamed(events.assembly.finish(), with);
                read.is_cut |= events.is_cut;
                let error = events.error.unwrap_or_default();
                let error = std::str::from_utf8(&error)
                    .ok()
                    .filter(|text| !text.is_empty());
                let told = || error.map(|error| Value::of_json(error, with));
                read.output = read.output.or_else(told);
                read
            }
        }
    }
}

fn whole(payload: Payload, api: Api, with: &Redaction<'_>) -> Read {
    let json = |name: &str| -> Option<Json> { serde_json::from_slice(payload.picked(name)?).ok() };
    let usage = json("usage");
    let counts = match api {
        Api::Chat => usage.as_ref().and_then(usage::chat),
        Api::Responses => usage.as_ref().and_then(usage::responses),
        Api::Messages => usage.as_ref().and_then(usage::messages),
        Api::Converse { .. } => usage.as_ref().and_then(usage::converse),
        Api::Invoke { .. } => match &usage {
            // Amazon's own models are invoked with the bodies of converse.
            Some(usage) => usage::messages(usage).or_else(|| usage::converse(usage)),
            None => json("inputTextTokenCount").and_then(|count| usage::titan(&count)),
        },
        Api::Embeddings => usage.as_ref().and_then(usage::embeddings),
        Api::Generate { .. } | Api::EmbedContent => {
            json("usageMetadata").as_ref().and_then(usage::generate)
        }
        Api::Other => None,
    };
    let has_failed =
        api == Api::Responses && payload.picked_text("status").as_deref() == Some("failed");
    Read {
        counts,
        model: payload
            .picked_text("model")
            .or_else(|| payload.picked_text("modelVersion")),
        tier: payload.picked_text("service_tier"),
        is_complete: None,
        error: has_failed.then(|| "the response failed".to_owned()),
        is_cut: false,
        response_id: payload.picked_text("id").filter(|_| api == Api::Responses),
        output: payload.finish(with),
    }
}

fn streamed(assembled: Assembled, with: &Redaction<'_>) -> Read {
    let response = assembled
        .output
        .as_ref()
        .filter(|output| output.get("object").and_then(Json::as_str) == Some("response"));
    Read {
        response_id: response.and_then(|response| Some(response.get("id")?.as_str()?.to_owned())),
        output: assembled
            .output
            .map(|output| Value::of_json(&output.to_string(), with)),
        counts: assembled.counts,
        model: assembled.model,
        tier: assembled.tier,
        is_complete: Some(assembled.is_complete),
        error: assembled.error,
        is_cut: assembled.is_cut,
    }
}

/// The event inside of a `chunk` of Bedrock's invoke: `{"bytes":"<base64>"}`.
fn inner_event(payload: &[u8]) -> Option<Vec<u8>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let chunk: Json = serde_json::from_slice(payload).ok()?;
    STANDARD.decode(chunk.get("bytes")?.as_str()?).ok()
}
