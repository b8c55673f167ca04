use std::borrow::Cow;

mod read;

use crate::{ActorAuth, Micros, Seq, json::Value};

/// A stored record, read: strings decoded, integers as numbers, free objects as their exact text.
///
/// Borrows the record; a string is copied only if it has escapes. Members as in `format.md` §1;
/// absent ones are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the record's members, described in format.md §1"
)]
pub struct RecordView<'a> {
    /// The record's exact text.
    pub exact: Value<'a>,
    pub id: Cow<'a, str>,
    pub seq: Seq,
    pub recorded_at: Micros,
    /// The producer's text.
    pub time: Cow<'a, str>,
    /// The instant of `time`, microseconds since 1970.
    pub time_us: i64,
    pub duration_us: Option<i64>,
    pub project: Option<Cow<'a, str>>,
    pub job: Option<Cow<'a, str>>,
    pub trace: Option<Cow<'a, str>>,
    pub span: Option<Cow<'a, str>>,
    pub parent: Option<Cow<'a, str>>,
    pub actor: Actor<'a>,
    pub initiator: Option<Initiator<'a>>,
    pub source: Cow<'a, str>,
    pub action: Cow<'a, str>,
    pub resource: Option<Resource<'a>>,
    pub result: Option<Cow<'a, str>>,
    pub status: Option<i64>,
    pub approval: Option<Approval<'a>>,
    pub usage: Option<Usage<'a>>,
    pub producer: Option<Producer<'a>>,
    pub via: Option<Via<'a>>,
    pub description: Option<Cow<'a, str>>,
    /// The object's exact text.
    pub meta: Option<Value<'a>>,
    pub content: Option<ContentInfo<'a>>,
}

/// Member `actor`: who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the object's members, described in format.md §1"
)]
pub struct Actor<'a> {
    /// Member `type`.
    pub kind: Cow<'a, str>,
    pub id: Cow<'a, str>,
    pub name: Option<Cow<'a, str>>,
    pub role: Option<Cow<'a, str>>,
    pub ip: Option<Cow<'a, str>>,
    pub auth: Option<ActorAuth>,
}

/// Member `initiator`: who asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the object's members, described in format.md §1"
)]
pub struct Initiator<'a> {
    /// Member `type`.
    pub kind: Option<Cow<'a, str>>,
    pub id: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
}

/// Member `resource`: what it was done to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the object's members, described in format.md §1"
)]
pub struct Resource<'a> {
    /// Member `type`.
    pub kind: Option<Cow<'a, str>>,
    pub id: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
}

/// Member `approval`: who allowed it, by which rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the object's members, described in format.md §1"
)]
pub struct Approval<'a> {
    pub decision: Option<Cow<'a, str>>,
    pub approver: Option<Cow<'a, str>>,
    pub rule: Option<Cow<'a, str>>,
    pub reason: Option<Cow<'a, str>>,
    pub waited_us: Option<i64>,
}

/// Member `usage`: the model's consumption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the object's members, described in format.md §1"
)]
pub struct Usage<'a> {
    pub provider: Option<Cow<'a, str>>,
    pub model: Option<Cow<'a, str>>,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub cache_read_tokens: Option<i64>,
    pub cache_write_tokens: Option<i64>,
    pub reasoning_tokens: Option<i64>,
    /// Billionths of a US dollar; absent is not priced.
    pub cost_nanousd: Option<i64>,
    pub prices: Option<Cow<'a, str>>,
}

/// Member `producer`: the producer's own numbering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the object's members, described in format.md §1"
)]
pub struct Producer<'a> {
    pub id: Option<Cow<'a, str>>,
    pub seq: Option<i64>,
    pub phase: Option<Cow<'a, str>>,
    pub call: Option<Cow<'a, str>>,
}

/// Member `via`: how it came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the object's members, described in format.md §1"
)]
pub struct Via<'a> {
    pub key: Option<Cow<'a, str>>,
    pub ip: Option<Cow<'a, str>>,
}

/// Member `content`: what is known of the content without reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the object's members, described in format.md §1"
)]
pub struct ContentInfo<'a> {
    pub bytes: i64,
    /// Member `type`.
    pub kind: Cow<'a, str>,
    pub redactions: Option<i64>,
    pub truncated_bytes: Option<i64>,
    pub whole: Option<Cow<'a, str>>,
}

/// Bytes that are not a record of version 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not UTF-8, or not an object.
    #[error("a record is one JSON object in UTF-8")]
    NotAnObject,
    /// Another version.
    #[error("record version {actual} is unknown, expected 1")]
    Version {
        /// The version's text.
        actual: String,
    },
    /// A member that every record has is not there.
    #[error("the record has no {member}")]
    Missing {
        /// Path of the member.
        member: &'static str,
    },
    /// A member has a value that a record cannot have.
    #[error("the record's {member} is not {expected}")]
    Invalid {
        /// Path of the member.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}
