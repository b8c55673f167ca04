//! Log records.

use event::{Micros, instant_micros};

use super::{
    About, agents,
    attributes::Attributes,
    genai,
    request::Origin,
    value::{Any, Room, attributes},
    wire::{Field, Node, WireError, field},
};
use crate::draft::{Draft, Meta, Outcome};

const TIME: Field = field(1, "timeUnixNano", "time_unix_nano");
const SEVERITY: Field = field(2, "severityNumber", "severity_number");
const SEVERITY_TEXT: Field = field(3, "severityText", "severity_text");
const BODY: Field = field(5, "body", "body");
const ATTRIBUTES: Field = field(6, "attributes", "attributes");
const DROPPED: Field = field(7, "droppedAttributesCount", "dropped_attributes_count");
const TRACE_ID: Field = field(9, "traceId", "trace_id");
const SPAN_ID: Field = field(10, "spanId", "span_id");
const OBSERVED: Field = field(11, "observedTimeUnixNano", "observed_time_unix_nano");
const EVENT_NAME: Field = field(12, "eventName", "event_name");

/// `ERROR` and above.
const ERROR: u64 = 17;

/// The event of a log record, and whether the record says when it was.
pub(super) fn event(
    node: Node<'_>,
    origin: &Origin<'_>,
    about: &About<'_>,
) -> Result<(Draft, bool), WireError> {
    let mut room = Room::for_a_record();
    let mut left = Attributes::new(attributes(node, ATTRIBUTES, &mut room)?);
    let body = match node.child(BODY)? {
        Some(body) => Any::read(body, &mut room)?,
        None => Any::Empty,
    };
    let told = left.take_text(&["event.timestamp"]);
    let time = [node.number(TIME)?, node.number(OBSERVED)?];
    let time = time.into_iter().find(|time| *time > 0);
    let time = time.map(|time| Micros(time / 1_000)).or_else(|| {
        let micros = instant_micros(&told?).ok()?;
        u64::try_from(micros).ok().map(Micros)
    });
    let name = name(&node, &body, &mut left)?;
    let mut draft = super::span::begin(
        name.clone().unwrap_or_else(|| "log".to_owned()),
        time.unwrap_or(about.now),
        origin,
        &mut left,
        about,
    );
    if let Some(name) = &name {
        draft.meta.push(("event", Meta::Text(name.clone())));
    }
    let is_agents = name
        .as_deref()
        .is_some_and(|name| agents::fill(&mut draft, name, &mut left, origin, about));
    if !is_agents {
        genai::fill(&mut draft, &mut left, about);
    }
    let severity = node.number(SEVERITY)?;
    let word = node.text(SEVERITY_TEXT)?;
    if !word.is_empty() {
        draft.meta.push(("severity", Meta::Text(word.into_owned())));
    }
    if draft.result.is_none() && severity >= ERROR {
        draft.result = Some(Outcome::Error);
    }
    let is_name = body.plain().is_some() && body.plain() == name;
    if !is_name && body != Any::Empty {
        super::span::content(&mut draft, "body", &body.meant(), about);
    }
    let dropped = node.number(DROPPED)?;
    if dropped > 0 {
        draft
            .meta
            .push(("dropped_attributes", Meta::Number(dropped)));
    }
    let (trace, span) = (node.id(TRACE_ID)?, node.id(SPAN_ID)?);
    super::span::place(&mut draft, trace, None, span);
    super::span::finish(&mut draft, &left, origin, about);
    Ok((draft, time.is_some()))
}

/// What the record is called: by its own field, by the attribute that was there before it, or by a body that is nothing but
/// a name.
fn name(node: &Node<'_>, body: &Any, left: &mut Attributes) -> Result<Option<String>, WireError> {
    let own = node.text(EVENT_NAME)?;
    if !own.is_empty() {
        return Ok(Some(own.into_owned()));
    }
    let attribute = left.take_text(&["event.name"]);
    let Any::Text(body) = body else {
        return Ok(attribute);
    };
    // Claude Code: the attribute is `user_prompt`, the body `claude_code.user_prompt`.
    let is_fuller = attribute.as_deref().is_some_and(|name| {
        body.strip_suffix(name)
            .is_some_and(|first| first.ends_with('.'))
    });
    let is_name = attribute.is_none()
        && body.len() <= 100
        && body.contains('.')
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    Ok(if is_fuller || is_name {
        Some(body.clone())
    } else {
        attribute
    })
}
