use std::borrow::Cow;
use std::net::IpAddr;

use crate::json::{self, MemberEnds, Text, Value};
use crate::{DedupKey, Reject};

mod check;
mod content;
mod encode;
mod gather;
mod prepared;
mod rules;

pub use content::cut;
pub use prepared::Prepared;

/// How an actor's identity was established.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorAuth {
    /// By a key of its own.
    Key,
    /// By a client certificate.
    Mtls,
    /// By the operating system's word for the peer of a local socket.
    Peer,
    /// The submitter says so.
    Claimed,
}

/// Sizes above which an event is refused or cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest record; a longer one is refused. With `seq` counted at its longest, 20 digits.
    pub record_bytes: usize,
    /// Longest content; values of a longer one are cut.
    pub content_bytes: usize,
}

/// Who submits an event, and what that allows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Submitter<'a> {
    /// Public id of the API key, for `via.key`.
    pub key: Option<&'a str>,
    /// Address of the connection, for `via.ip` and a missing `actor.ip`.
    pub ip: Option<IpAddr>,
    /// The project that the key is limited to.
    pub project: Option<&'a str>,
    /// May state `actor.auth`, the number of `redactions` in the content, and how many bytes of it it
    /// cut (`truncated_bytes`).
    pub gateway: bool,
    /// The server itself: may use source `system` and state `actor.auth`; nothing is added about
    /// a connection.
    pub system: bool,
}

impl ActorAuth {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Key, Self::Mtls, Self::Peer, Self::Claimed];

    /// The value of `actor.auth`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Mtls => "mtls",
            Self::Peer => "peer",
            Self::Claimed => "claimed",
        }
    }

    /// The way of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|auth| auth.as_str() == name)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 60_000,
            content_bytes: 1 << 20,
        }
    }
}

/// Checks one event and makes its record, as far as it is known before commit.
///
/// `event` is one JSON object as sent; white space is removed, nothing else is changed.
///
/// # Errors
///
/// [`Reject`] with one of the codes in [`code`](crate::code).
pub fn prepare(
    event: &[u8],
    by: &Submitter<'_>,
    dedup: &DedupKey,
    limits: &Limits,
) -> Result<Prepared, Reject> {
    let mut compact = String::with_capacity(event.len());
    let scanner = json::scan(event, &mut compact)?;
    prepare_compact(&compact, scanner.members(), by, dedup, limits)
}

/// As [`prepare`], for text that is known to be compact JSON, with its members if it is an object.
pub(crate) fn prepare_compact(
    event: &str,
    members: &[MemberEnds],
    by: &Submitter<'_>,
    dedup: &DedupKey,
    limits: &Limits,
) -> Result<Prepared, Reject> {
    let gathered = gather::gather(event, members, by, limits)?;
    // Room for what the server adds, so that the buffer does not grow.
    let mut bytes = Vec::with_capacity(event.len() + 256);
    let content = content::write_content(&gathered, limits.content_bytes, &mut bytes)?;
    let content_end = bytes.len();
    let id = gathered.get(rules::ID).and_then(Value::text);
    bytes.extend_from_slice(id.map_or("", Text::raw).as_bytes());
    let id_end = bytes.len();
    let time = gathered.get(rules::TIME).and_then(Value::text);
    bytes.extend_from_slice(time.map_or("", Text::raw).as_bytes());
    let time_end = bytes.len();
    encode::write_tail(&gathered, by, content.as_ref(), &mut bytes)?;
    let whole = content
        .and_then(|content| content.cut)
        .map(|cut| cut.whole.into_boxed_slice());
    if whole.is_some() {
        bytes.shrink_to_fit();
    }
    let prepared = Prepared {
        bytes,
        content_end,
        id_end,
        time_end,
        escaped_id: id.map(Text::decode).and_then(owned),
        digest: id.map(|_| dedup.digest(event.as_bytes())),
        whole,
    };
    if prepared.record_len_hint() > limits.record_bytes {
        return Err(gather::record_too_large(prepared.record_len_hint(), limits));
    }
    Ok(prepared)
}

fn owned(text: Cow<'_, str>) -> Option<Box<str>> {
    match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text.into()),
    }
}
