//! Spans, and what log records have in common with them.

use std::sync::Arc;

use event::Micros;

use super::{
    About, agents,
    attributes::Attributes,
    genai,
    request::Origin,
    value::{Room, attributes, write_pairs},
    wire::{Field, Node, WireError, field},
};
use crate::{
    draft::{Draft, Meta, Outcome, Source},
    identity::Actor,
    payload::Value,
};

const TRACE_ID: Field = field(1, "traceId", "trace_id");
const SPAN_ID: Field = field(2, "spanId", "span_id");
const PARENT: Field = field(4, "parentSpanId", "parent_span_id");
const NAME: Field = field(5, "name", "name");
const KIND: Field = field(6, "kind", "kind");
const START: Field = field(7, "startTimeUnixNano", "start_time_unix_nano");
const END: Field = field(8, "endTimeUnixNano", "end_time_unix_nano");
const ATTRIBUTES: Field = field(9, "attributes", "attributes");
const DROPPED: Field = field(10, "droppedAttributesCount", "dropped_attributes_count");
const EVENTS: Field = field(11, "events", "events");
const LINKS: Field = field(13, "links", "links");
const STATUS: Field = field(15, "status", "status");
const STATUS_MESSAGE: Field = field(2, "message", "message");
const STATUS_CODE: Field = field(3, "code", "code");
const EVENT_TIME: Field = field(1, "timeUnixNano", "time_unix_nano");
const EVENT_NAME: Field = field(2, "name", "name");
const EVENT_ATTRIBUTES: Field = field(3, "attributes", "attributes");
const LINK_TRACE: Field = field(1, "traceId", "trace_id");
const LINK_SPAN: Field = field(2, "spanId", "span_id");

/// `STATUS_CODE_ERROR`
const ERROR: u64 = 2;
/// Names of `SpanKind`.
const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
/// Attributes that belong to a person.
const PEOPLE: &[&str] = &["user.email", "enduser.id", "user.id", "user.account_id"];

/// The event of a span, and whether the span says when it was.
pub(super) fn event(
    node: Node<'_>,
    origin: &Origin<'_>,
    about: &About<'_>,
) -> Result<(Draft, bool), WireError> {
    let mut room = Room::for_a_record();
    let mut left = Attributes::new(attributes(node, ATTRIBUTES, &mut room)?);
    let (start, end) = (node.number(START)?, node.number(END)?);
    let time = if start > 0 {
        Micros(start / 1_000)
    } else {
        about.now
    };
    let name = node.text(NAME)?;
    let name = if name.is_empty() { "span".into() } else { name };
    let mut draft = begin(name.clone().into_owned(), time, origin, &mut left, about);
    draft
        .meta
        .push(("event", Meta::Text(name.clone().into_owned())));
    draft.duration_us = (start > 0 && end >= start).then(|| (end - start) / 1_000);
    if let Some(kind) = usize::try_from(node.number(KIND)?)
        .ok()
        .and_then(|kind| KINDS.get(kind))
        .filter(|kind| **kind != "unspecified")
    {
        draft.meta.push(("kind", Meta::Text((*kind).to_owned())));
    }
    if !agents::fill_span(&mut draft, &name, &mut left) {
        genai::fill(&mut draft, &mut left, about);
    }
    status(&mut draft, node, &left)?;
    let mut list = Vec::new();
    node.each(EVENTS, &mut |event| span_event(event, &mut room, &mut list))?;
    list_content(&mut draft, "events", &list, about);
    let mut list = Vec::new();
    node.each(LINKS, &mut |link| {
        let ids = [link.id(LINK_TRACE)?, link.id(LINK_SPAN)?];
        let [trace, span] = ids.map(Option::unwrap_or_default);
        list.push(format!("{{\"trace\":\"{trace}\",\"span\":\"{span}\"}}"));
        Ok(())
    })?;
    list_content(&mut draft, "links", &list, about);
    let dropped = node.number(DROPPED)?;
    if dropped > 0 {
        draft
            .meta
            .push(("dropped_attributes", Meta::Number(dropped)));
    }
    let (trace, span) = (node.id(TRACE_ID)?, node.id(SPAN_ID)?);
    place(&mut draft, trace, node.id(PARENT)?, span);
    finish(&mut draft, &left, origin, about);
    Ok((draft, start > 0))
}

/// How the span ended. One that says nothing has ended well, by the rules of OpenTelemetry.
fn status(draft: &mut Draft, node: Node<'_>, left: &Attributes) -> Result<(), WireError> {
    let status = node.child(STATUS)?;
    let code = status.map_or(Ok(0), |status| status.number(STATUS_CODE))?;
    let message = status.map_or(Ok("".into()), |status| status.text(STATUS_MESSAGE))?;
    let http = left
        .text("http.response.status_code")
        .or_else(|| left.text("http.status_code"));
    draft.status = draft.status.or_else(|| http?.parse().ok());
    let error = left.text("error.type");
    if draft.result.is_none() {
        let is_refused = draft
            .status
            .is_some_and(|status| (400..600).contains(&status))
            || error.as_deref() == Some("tool_error");
        draft.result = Some(match (code, &error) {
            (ERROR, _) | (_, Some(_)) if is_refused => Outcome::Failure,
            (ERROR, _) | (_, Some(_)) => Outcome::Error,
            _ => Outcome::Success,
        });
    }
    if !message.is_empty() {
        draft
            .meta
            .push(("reason", Meta::Text(message.into_owned())));
    }
    Ok(())
}

fn span_event(event: Node<'_>, room: &mut Room, list: &mut Vec<String>) -> Result<(), WireError> {
    let mut out = b"{\"name\":".to_vec();
    event::json::write_string(&mut out, &event.text(EVENT_NAME)?);
    let time = Micros(event.number(EVENT_TIME)? / 1_000);
    out.extend_from_slice(format!(",\"time\":\"{time}\",\"attributes\":").as_bytes());
    write_pairs(&attributes(event, EVENT_ATTRIBUTES, room)?, &mut out);
    out.push(b'}');
    list.push(String::from_utf8(out).unwrap_or_default());
    Ok(())
}

/// An event with what is the same for all that a program tells.
pub(super) fn begin(
    action: String,
    time: Micros,
    origin: &Origin<'_>,
    left: &mut Attributes,
    about: &About<'_>,
) -> Draft {
    let mut scope = about.scope.clone();
    let resource = &origin.resource;
    if !about.is_named {
        let agent = resource
            .text("indelible.agent")
            .or_else(|| left.text("gen_ai.agent.name"))
            .or_else(|| {
                left.text("agent.name")
                    .filter(|_| left.has_prefix("openinference."))
            })
            .or_else(|| origin.service().map(agents::known_as));
        scope.actor = Actor::claimed(agent.unwrap_or_else(|| "unknown".to_owned()));
    }
    let ours = |name: &str| resource.text(name).or_else(|| left.text(name));
    scope.project = scope.project.or_else(|| ours("indelible.project"));
    scope.job = scope.job.or_else(|| ours("indelible.job"));
    let session = left.take_text(&[
        "session.id",
        "gen_ai.conversation.id",
        "conversation.id",
        "langfuse.session.id",
    ]);
    let other = session.clone().filter(|_| scope.job.is_some());
    scope.job = scope.job.or(session);
    let mut draft = Draft::new(Source::Otlp, Arc::new(scope), time, action);
    draft
        .meta
        .extend(other.map(|session| ("session", Meta::Text(session))));
    draft.asked_by = left
        .take_text(PEOPLE)
        .or_else(|| PEOPLE.iter().find_map(|name| resource.text(name)));
    let service = origin.service();
    draft
        .meta
        .extend(service.map(|service| ("service", Meta::Text(service))));
    draft
}

/// Where it is in a trace.
pub(super) fn place(
    draft: &mut Draft,
    trace: Option<String>,
    parent: Option<String>,
    span: Option<String>,
) {
    let mut scope = (*draft.scope).clone();
    scope.trace = trace.or(scope.trace);
    scope.parent = parent.or(scope.parent);
    draft.scope = Arc::new(scope);
    draft.span = draft.span.take().or(span);
}

/// What has no place of its own.
pub(super) fn finish(draft: &mut Draft, left: &Attributes, origin: &Origin<'_>, about: &About<'_>) {
    if let Some(rest) = left.rest() {
        content(draft, "attributes", &rest, about);
    }
    if let Some(resource) = origin.resource.rest() {
        content(draft, "resource", &resource, about);
    }
    let scope = &origin.scope;
    if scope.name.is_empty() && scope.attributes.is_empty() {
        return;
    }
    let mut out = b"{\"name\":".to_vec();
    event::json::write_string(&mut out, &scope.name);
    if !scope.version.is_empty() {
        out.extend_from_slice(b",\"version\":");
        event::json::write_string(&mut out, &scope.version);
    }
    if let Some(attributes) = scope.attributes.rest() {
        out.extend_from_slice(b",\"attributes\":");
        out.extend_from_slice(attributes.as_bytes());
    }
    out.push(b'}');
    content(draft, "scope", &String::from_utf8_lossy(&out), about);
}

/// Adds a member of the content.
pub(super) fn content(draft: &mut Draft, name: &'static str, json: &str, about: &About<'_>) {
    draft
        .content
        .push((name, Value::of_json(json, &about.with)));
}

fn list_content(draft: &mut Draft, name: &'static str, list: &[String], about: &About<'_>) {
    if !list.is_empty() {
        content(draft, name, &format!("[{}]", list.join(",")), about);
    }
}
