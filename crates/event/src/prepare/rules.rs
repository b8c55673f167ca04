//! The members that an event may have, in the record's order, and what their values may be
//! (`format.md` §1).

use std::borrow::Cow;

use crate::json::Text;

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
    Actor(&'static [Field]),
    Object(&'static [Field]),
    /// Any object; takes up the unknown members.
    Meta,
    Content,
    /// Short for the member of `content` with this name; any value.
    ContentShorthand,
    /// A count about the content, for gateways and the server. For others it is a name like any
    /// other, and goes into `meta`.
    AboutContent,
}

/// Members at the top, in the record's order, then those that only an event has.
pub(super) const EVENT: [Field; 29] = [
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
    field("actor", Rule::Actor(&ACTOR_FIELDS)),
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
    field("redactions", Rule::AboutContent),
    field("truncated_bytes", Rule::AboutContent),
];

pub(super) const ACTOR_FIELDS: [Field; 6] = [
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

/// Places in [`EVENT`] of the members that are looked at by themselves.
pub(super) const ID: usize = place(&EVENT, "id");
pub(super) const TIME: usize = place(&EVENT, "time");
pub(super) const ACTOR: usize = place(&EVENT, "actor");
pub(super) const ACTION: usize = place(&EVENT, "action");
pub(super) const META: usize = place(&EVENT, "meta");
pub(super) const CONTENT: usize = place(&EVENT, "content");
pub(super) const INPUT: usize = place(&EVENT, "input");
pub(super) const OUTPUT: usize = place(&EVENT, "output");
pub(super) const REDACTIONS: usize = place(&EVENT, "redactions");
pub(super) const TRUNCATED_BYTES: usize = place(&EVENT, "truncated_bytes");

/// Places in [`ACTOR_FIELDS`].
pub(super) const ACTOR_TYPE: usize = place(&ACTOR_FIELDS, "type");
pub(super) const ACTOR_ID: usize = place(&ACTOR_FIELDS, "id");
pub(super) const ACTOR_IP: usize = place(&ACTOR_FIELDS, "ip");
pub(super) const ACTOR_AUTH: usize = place(&ACTOR_FIELDS, "auth");

/// Place of a member, told by the compiler.
#[expect(
    clippy::indexing_slicing,
    reason = "runs at compile time, where it is a build error"
)]
const fn place(fields: &[Field], name: &str) -> usize {
    let name = name.as_bytes();
    let mut place = 0;
    loop {
        let other = fields[place].name.as_bytes();
        let mut same = 0;
        while same < name.len() && same < other.len() && name[same] == other[same] {
            same += 1;
        }
        if same == name.len() && same == other.len() {
            return place;
        }
        place += 1;
    }
}

/// Place of a member in a table, by its name as written. `expected` is where it stands if the producer keeps our order.
#[inline]
pub(super) fn find(fields: &[Field], name: Text<'_>, expected: usize) -> Option<usize> {
    find_plain(fields, name.raw(), expected).or_else(|| match name.decode() {
        Cow::Borrowed(_) => None,
        Cow::Owned(name) => find_plain(fields, &name, expected),
    })
}

#[inline]
fn find_plain(fields: &[Field], name: &str, expected: usize) -> Option<usize> {
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
                assert_eq!(find_plain(&EVENT, field.name, expected), Some(place));
            }
            assert_eq!(find_plain(&EVENT, "nothing", expected), None);
        }
    }
}
