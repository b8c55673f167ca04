use crate::json::{JsonError, JsonErrorKind};

/// Why one event is refused; the others of its request are not touched by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Reject {
    /// One of [`code`], stable, for programs.
    pub code: &'static str,
    /// One sentence for people. It may quote the event: never log it.
    pub detail: String,
    /// The member concerned, as a path such as `actor.id`.
    pub member: Option<String>,
}

impl Reject {
    pub(crate) fn new(code: &'static str, member: &str, detail: String) -> Self {
        Self {
            code,
            detail,
            member: Some(shown(member)),
        }
    }

    pub(crate) fn of_event(code: &'static str, detail: String) -> Self {
        Self {
            code,
            detail,
            member: None,
        }
    }
}

impl From<JsonError> for Reject {
    fn from(error: JsonError) -> Self {
        let code = match error.kind {
            JsonErrorKind::Depth => code::TOO_DEEP,
            _ => code::INVALID_JSON,
        };
        Self::of_event(code, error.to_string())
    }
}

/// A member's name as an answer quotes it: cut, because a producer may send one of megabytes.
pub(crate) fn shown(name: &str) -> String {
    const MAX_CHARS: usize = 64;
    match name.char_indices().nth(MAX_CHARS) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
    }
}

/// The values of [`Reject::code`].
pub mod code {
    /// Not JSON by RFC 8259, or not UTF-8.
    pub const INVALID_JSON: &str = "invalid_json";
    /// More than 128 open arrays and objects.
    pub const TOO_DEEP: &str = "too_deep";
    /// Valid JSON, but not an object.
    pub const NOT_AN_OBJECT: &str = "not_an_object";
    /// A required member is not there.
    pub const MISSING_MEMBER: &str = "missing_member";
    /// A name given twice where that has no meaning.
    pub const DUPLICATE_MEMBER: &str = "duplicate_member";
    /// A member that the named object does not have.
    pub const UNKNOWN_MEMBER: &str = "unknown_member";
    /// A member that only the server writes.
    pub const SERVER_ASSIGNED: &str = "server_assigned";
    /// A value of another JSON type than the member has.
    pub const WRONG_TYPE: &str = "wrong_type";
    /// A value of the right type that the member does not allow.
    pub const INVALID_VALUE: &str = "invalid_value";
    /// An integer outside the range of its member.
    pub const OUT_OF_RANGE: &str = "out_of_range";
    /// An `id` outside the syntax.
    pub const INVALID_ID: &str = "invalid_id";
    /// A `time` that is not RFC 3339.
    pub const INVALID_TIME: &str = "invalid_time";
    /// A project other than the one that the key is limited to.
    pub const PROJECT_FORBIDDEN: &str = "project_forbidden";
    /// The record would be larger than the limit.
    pub const RECORD_TOO_LARGE: &str = "record_too_large";
    /// The content is larger than the limit even with every value cut.
    pub const CONTENT_TOO_LARGE: &str = "content_too_large";
    /// A request with more events than the limit.
    pub const TOO_MANY_EVENTS: &str = "too_many_events";
}
