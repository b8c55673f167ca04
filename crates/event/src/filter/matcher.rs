use crate::{
    RecordView,
    json::{Kind, MAX_DEPTH, Value},
};

use super::{Expr, Field, FreeText, NumberField, Part, Path, PathRoot, PathTest, Term, TextField};

/// Members of a record that free text does not look at: the server's own, without meaning to a
/// reader.
pub(super) const NOT_SEARCHED: [&str; 4] = ["v", "seq", "content", "via"];

/// Whether all match; those that the record alone decides go first.
pub(super) fn all(parts: &[Expr], record: &RecordView<'_>, content: Option<&[u8]>) -> bool {
    let (mut later, mut first) = (false, true);
    for part in parts {
        if part.needs_content() {
            later = true;
        } else {
            first = first && part.matches(record, content);
        }
    }
    first
        && (!later
            || parts
                .iter()
                .filter(|part| part.needs_content())
                .all(|part| part.matches(record, content)))
}

impl Expr {
    /// Whether an event matches, as [`Filter::matches`](super::Filter::matches).
    #[must_use]
    pub fn matches(&self, record: &RecordView<'_>, content: Option<&[u8]>) -> bool {
        match self {
            Self::And(parts) => all(parts, record, content),
            Self::Or(parts) => parts.iter().any(|part| part.matches(record, content)),
            Self::Not(inner) => !inner.matches(record, content),
            Self::Term(term) => term.matches(record, content),
        }
    }
}

impl Expr {
    /// As [`Filter::may_match`](super::Filter::may_match).
    pub(super) fn may_match(&self, record: &[u8], content: Option<&[u8]>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.may_match(record, content)),
            Self::Or(parts) => parts.iter().any(|part| part.may_match(record, content)),
            Self::Term(Term::FreeText(text)) => {
                text.may_match(record) || content.is_some_and(|content| text.may_match(content))
            }
            Self::Not(_) | Self::Term(_) => true,
        }
    }
}

impl Term {
    /// Whether an event matches, as [`Filter::matches`](super::Filter::matches).
    #[must_use]
    pub fn matches(&self, record: &RecordView<'_>, content: Option<&[u8]>) -> bool {
        match self {
            Self::Text(field, pattern) => {
                text_of(record, *field).is_some_and(|value| pattern.matches(value))
            }
            Self::Number(field, range) => {
                number_of(record, *field).is_some_and(|value| range.contains(value))
            }
            Self::Present(Field::Text(field)) => text_of(record, *field).is_some(),
            Self::Present(Field::Number(field)) => number_of(record, *field).is_some(),
            Self::Path(path, test) => path_matches(path, test, record, content),
            Self::Has(part) => has(*part, record, content),
            Self::FreeText(text) => free_text_matches(text, record, content),
        }
    }
}

fn text_of<'r>(record: &'r RecordView<'_>, field: TextField) -> Option<&'r str> {
    let initiator = record.initiator.as_ref();
    let resource = record.resource.as_ref();
    let approval = record.approval.as_ref();
    let usage = record.usage.as_ref();
    let producer = record.producer.as_ref();
    match field {
        TextField::Actor => Some(&record.actor.id),
        TextField::ActorType => Some(&record.actor.kind),
        TextField::ActorName => record.actor.name.as_deref(),
        TextField::Role => record.actor.role.as_deref(),
        TextField::Ip => record.actor.ip.as_deref(),
        TextField::Auth => record.actor.auth.map(crate::ActorAuth::as_str),
        TextField::Initiator => initiator?.id.as_deref(),
        TextField::InitiatorType => initiator?.kind.as_deref(),
        TextField::InitiatorName => initiator?.name.as_deref(),
        TextField::Source => Some(&record.source),
        TextField::Action => Some(&record.action),
        TextField::Resource => resource?.id.as_deref(),
        TextField::ResourceType => resource?.kind.as_deref(),
        TextField::ResourceName => resource?.name.as_deref(),
        TextField::Result => record.result.as_deref(),
        TextField::Project => record.project.as_deref(),
        TextField::Job => record.job.as_deref(),
        TextField::Trace => record.trace.as_deref(),
        TextField::Span => record.span.as_deref(),
        TextField::Parent => record.parent.as_deref(),
        TextField::Model => usage?.model.as_deref(),
        TextField::Provider => usage?.provider.as_deref(),
        TextField::Approver => approval?.approver.as_deref(),
        TextField::Rule => approval?.rule.as_deref(),
        TextField::Decision => approval?.decision.as_deref(),
        TextField::Producer => producer?.id.as_deref(),
        TextField::Phase => producer?.phase.as_deref(),
        TextField::Call => producer?.call.as_deref(),
        TextField::Id => Some(&record.id),
        TextField::Description => record.description.as_deref(),
    }
}

fn number_of(record: &RecordView<'_>, field: NumberField) -> Option<i128> {
    let usage = record.usage.as_ref();
    let number = match field {
        NumberField::Seq => return Some(i128::from(record.seq.0)),
        NumberField::Status => record.status,
        NumberField::Duration => record.duration_us,
        NumberField::Cost => usage?.cost_nanousd,
        NumberField::Tokens => {
            let (input, output) = (usage?.input_tokens, usage?.output_tokens);
            input.or(output)?;
            return Some(i128::from(input.unwrap_or(0)) + i128::from(output.unwrap_or(0)));
        }
        NumberField::InputTokens => usage?.input_tokens,
        NumberField::OutputTokens => usage?.output_tokens,
        NumberField::CacheReadTokens => usage?.cache_read_tokens,
        NumberField::CacheWriteTokens => usage?.cache_write_tokens,
        NumberField::ReasoningTokens => usage?.reasoning_tokens,
        NumberField::Waited => record.approval.as_ref()?.waited_us,
    };
    number.map(i128::from)
}

fn has(part: Part, record: &RecordView<'_>, content: Option<&[u8]>) -> bool {
    match part {
        Part::Content => record.content.is_some(),
        Part::Input => content_root(PathRoot::Input, content).is_some(),
        Part::Output => content_root(PathRoot::Output, content).is_some(),
        Part::Usage => record.usage.is_some(),
        Part::Approval => record.approval.is_some(),
    }
}

fn content_root(root: PathRoot, content: Option<&[u8]>) -> Option<Value<'_>> {
    last_member(as_value(content?)?, root.name())
}

fn as_value(json: &[u8]) -> Option<Value<'_>> {
    std::str::from_utf8(json).ok().map(Value::new)
}

/// The value of a name, of doubled names the last.
fn last_member<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    let named = object.members().filter(|(key, _)| {
        if key.raw().contains('\\') {
            key.decode() == name
        } else {
            key.raw() == name
        }
    });
    named.last().map(|(_, value)| value)
}

fn path_matches(
    path: &Path,
    test: &PathTest,
    record: &RecordView<'_>,
    content: Option<&[u8]>,
) -> bool {
    let root = match path.root() {
        PathRoot::Meta => record.meta,
        root => content_root(root, content),
    };
    root.is_some_and(|root| any_at(root, path.members(), test, 0))
}

/// Whether something at the path below `value` passes; an array stands for its elements.
fn any_at(value: Value<'_>, members: &[String], test: &PathTest, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    if let (Kind::Array, false) = (
        value.kind(),
        members.is_empty() && *test == PathTest::Present,
    ) {
        let mut elements = value.elements();
        return elements.any(|element| any_at(element, members, test, depth + 1));
    }
    match members.split_first() {
        Some((name, below)) => {
            last_member(value, name).is_some_and(|member| any_at(member, below, test, depth + 1))
        }
        None => passes(value, test),
    }
}

fn passes(value: Value<'_>, test: &PathTest) -> bool {
    match test {
        PathTest::Present => true,
        PathTest::Number(range) => value
            .number()
            .is_some_and(|number| range.contains_json(number)),
        PathTest::Text(pattern) => match value.text() {
            Some(string) => pattern.matches(&string.decode()),
            None => value.kind() != Kind::Object && pattern.matches(value.as_str()),
        },
    }
}

fn free_text_matches(text: &FreeText, record: &RecordView<'_>, content: Option<&[u8]>) -> bool {
    let mut buffer = String::new();
    let exact = record.exact;
    let in_record = text.may_match(exact.as_str().as_bytes())
        && exact.members().any(|(name, value)| {
            !NOT_SEARCHED.contains(&name.raw()) && any_value(value, text, &mut buffer, 0)
        });
    in_record
        || content.is_some_and(|json| {
            text.may_match(json)
                && as_value(json).is_some_and(|value| any_value(value, text, &mut buffer, 0))
        })
}

/// Whether a string or number in `value` has the text.
fn any_value(value: Value<'_>, text: &FreeText, buffer: &mut String, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match value.kind() {
        Kind::String => value
            .text()
            .is_some_and(|string| text.matches(&string.decode(), buffer)),
        Kind::Number => text.matches(value.as_str(), buffer),
        Kind::Array => value
            .elements()
            .any(|element| any_value(element, text, buffer, depth + 1)),
        Kind::Object => value
            .members()
            .any(|(_, member)| any_value(member, text, buffer, depth + 1)),
        Kind::Null | Kind::Bool => false,
    }
}
