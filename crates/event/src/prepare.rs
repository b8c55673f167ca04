use std::net::IpAddr;

use crate::{DedupKey, Micros, Reject, Seq};

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
    /// May state `actor.auth`, and the number of `redactions` in the content.
    pub gateway: bool,
    /// The server itself: may use source `system` and state `actor.auth`; nothing is added about
    /// a connection.
    pub system: bool,
}

/// A valid event whose record lacks only what is known at commit.
#[derive(Clone, Debug)]
pub struct Prepared {}

impl ActorAuth {
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
        [Self::Key, Self::Mtls, Self::Peer, Self::Claimed]
            .into_iter()
            .find(|auth| auth.as_str() == name)
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
    _event: &[u8],
    _by: &Submitter<'_>,
    _dedup: &DedupKey,
    _limits: &Limits,
) -> Result<Prepared, Reject> {
    todo!()
}

impl Prepared {
    /// The producer's id, escapes decoded; `None` asks for one from the server.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        todo!()
    }

    /// Keyed hash over the event's compact bytes as sent, by which a repeat of its id is told from
    /// another event; `None` without an id.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 16]> {
        todo!()
    }

    /// The content's exact bytes.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        todo!()
    }

    /// Length that the record will have at most.
    #[must_use]
    pub fn record_len_hint(&self) -> usize {
        todo!()
    }

    /// Appends the record's exact bytes.
    ///
    /// `id` must be what [`id`](Self::id) gave, or a fresh one without `"` and `\` where it gave
    /// `None`. `salt_c` is used if the content was cut.
    pub fn write_record(
        &self,
        _out: &mut Vec<u8>,
        _id: &str,
        _seq: Seq,
        _at: Micros,
        _salt_c: &[u8; 16],
    ) {
        todo!()
    }
}
