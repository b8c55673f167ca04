//! The members that an event may have, in the record's order, and what their values may be
//! (`format.md` §1).

/// One named member.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
}

/// What a member's value may be, and how it comes into the record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Only the server writes it.
    Server,
    /// `via`: only the server writes it, and always.
    Via,
    Id,
    Time,
    Text,
    NonEmptyText,
    OneOf(&'static [&'static str]),
    /// One of these; `system` only for the server itself. Written even if it was not sent.
    Source,
    /// How the actor was identified: only for gateways and the server.
    Auth,
    /// A string that a key may be limited to.
    Project,
    Integer,
    /// An integer that is not negative.
    Count,
    Actor,
    Object(&'static [Field]),
    /// Any object; takes up the unknown members.
    Meta,
    Content,
    /// Short for the member of `content` with this name; any value.
    ContentShorthand,
    /// Number of redactions in the content, for gateways and the server. For others it is a name
    /// like any other, and goes into `meta`.
    Redactions,
}

/// Members at the top, in the record's order, then those that only an event has.
pub(super) const EVENT: [Field; 28] = [
    field("v", Rule::Server),
    field("id", Rule::Id),
    field("seq", Rule::Server),
    field("recorded_at", Rule::Server),
    field("time", Rule::Time),
    field("duration_us", Rule::Count),
    field("project", Rule::Project),
    field("job", Rule::Text),
    field("trace", Rule::Text),
    field("span", Rule::Text),
    field("parent", Rule::Text),
    field("actor", Rule::Actor),
    field("initiator", Rule::Object(&INITIATOR)),
    field("source", Rule::Source),
    field("action", Rule::NonEmptyText),
    field("resource", Rule::Object(&RESOURCE)),
    field("result", Rule::OneOf(&["success", "failure", "error"])),
    field("status", Rule::Integer),
    field("approval", Rule::Object(&APPROVAL)),
    field("usage", Rule::Object(&USAGE)),
    field("producer", Rule::Object(&PRODUCER)),
    field("via", Rule::Via),
    field("description", Rule::Text),
    field("meta", Rule::Meta),
    field("content", Rule::Content),
    field("input", Rule::ContentShorthand),
    field("output", Rule::ContentShorthand),
    field("redactions", Rule::Redactions),
];

pub(super) const ACTOR: [Field; 6] = [
    field("type", Rule::OneOf(&ACTOR_TYPES)),
    field("id", Rule::NonEmptyText),
    field("name", Rule::Text),
    field("role", Rule::Text),
    field("ip", Rule::Text),
    field("auth", Rule::Auth),
];

const ACTOR_TYPES: [&str; 3] = ["user", "agent", "system"];

pub(super) const DEFAULT_ACTOR_TYPE: &str = "agent";

const INITIATOR: [Field; 3] = [
    field("type", Rule::OneOf(&ACTOR_TYPES)),
    field("id", Rule::Text),
    field("name", Rule::Text),
];

const RESOURCE: [Field; 3] = [
    field("type", Rule::Text),
    field("id", Rule::Text),
    field("name", Rule::Text),
];

const APPROVAL: [Field; 5] = [
    field("decision", Rule::OneOf(&["allowed", "denied"])),
    field("approver", Rule::Text),
    field("rule", Rule::Text),
    field("reason", Rule::Text),
    field("waited_us", Rule::Count),
];

const USAGE: [Field; 9] = [
    field("provider", Rule::Text),
    field("model", Rule::Text),
    field("input_tokens", Rule::Count),
    field("output_tokens", Rule::Count),
    field("cache_read_tokens", Rule::Count),
    field("cache_write_tokens", Rule::Count),
    field("reasoning_tokens", Rule::Count),
    field("cost_nanousd", Rule::Count),
    field("prices", Rule::Text),
];

const PRODUCER: [Field; 4] = [
    field("id", Rule::Text),
    field("seq", Rule::Count),
    field("phase", Rule::OneOf(&["intent", "outcome"])),
    field("call", Rule::Text),
];

/// Sources that a producer may state.
pub(super) const SOURCES: [&str; 10] = [
    "app",
    "mcp",
    "kubernetes",
    "shell",
    "forward-proxy",
    "sandbox",
    "aws",
    "llm",
    "hook",
    "otlp",
];

pub(super) const DEFAULT_SOURCE: &str = "app";
pub(super) const SYSTEM_SOURCE: &str = "system";

const fn field(name: &'static str, rule: Rule) -> Field {
    Field { name, rule }
}

/// Place of a member in a table. `expected` is where it stands if the producer keeps our order.
#[inline]
pub(super) fn find(fields: &[Field], name: &str, expected: usize) -> Option<usize> {
    let (before, from) = fields.split_at_checked(expected)?;
    let is_it = |field: &Field| field.name == name;
    let later = from.iter().position(is_it).map(|place| place + expected);
    later.or_else(|| before.iter().position(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_from_any_place() {
        for expected in 0..=EVENT.len() {
            for (place, field) in EVENT.iter().enumerate() {
                assert_eq!(find(&EVENT, field.name, expected), Some(place));
            }
            assert_eq!(find(&EVENT, "nothing", expected), None);
        }
    }
}
