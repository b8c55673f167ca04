//! `DIR/sessions.json`.

use std::path::Path;

use event::{Micros, TrailId};
use journal::{Fs, FsError};
use serde::{Deserialize, Serialize};

use super::{Held, KeyName, Link, Session};
use crate::{
    kept::{self, KeptError},
    keys::KeyHash,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sessions: Vec<Entry>,
    links: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Of the token's text, hexadecimal.
    sha256: String,
    trail: String,
    key: String,
    /// A session's start and last use, a link's end; microseconds since 1970.
    times: Vec<u64>,
}

/// Reads the file; nothing before it is written for the first time.
pub(super) fn load(fs: &dyn Fs, path: &Path) -> Result<Held, KeptError> {
    let Some(file) = kept::load::<File>(fs, path)? else {
        return Ok(Held::default());
    };
    let entry = |entry: Entry| {
        let token = KeyHash::from_hex(&entry.sha256)?;
        let trail = TrailId::new(entry.trail).ok()?;
        let of = KeyName {
            trail,
            id: entry.key,
        };
        Some((token, of, entry.times))
    };
    let session = |(token, of, times): (KeyHash, KeyName, Vec<u64>)| match times[..] {
        [created_at, used_at] => Some(Session {
            token,
            of,
            created_at: Micros(created_at),
            used_at: Micros(used_at),
        }),
        _ => None,
    };
    let link = |(token, of, times): (KeyHash, KeyName, Vec<u64>)| match times[..] {
        [expires_at] => Some(Link {
            token,
            of,
            expires_at: Micros(expires_at),
        }),
        _ => None,
    };
    let sessions = file.sessions.into_iter();
    let sessions: Option<_> = sessions.map(|read| entry(read).and_then(session)).collect();
    let links = file.links.into_iter();
    let links: Option<_> = links.map(|read| entry(read).and_then(link)).collect();
    match (sessions, links) {
        (Some(sessions), Some(links)) => Ok(Held { sessions, links }),
        _ => Err(kept::malformed(
            path,
            "an entry that was not written by this program".to_owned(),
        )),
    }
}

/// Replaces the file, durably.
pub(super) fn save(fs: &dyn Fs, path: &Path, held: &Held) -> Result<(), FsError> {
    let entry = |token: &KeyHash, of: &KeyName, times: &[Micros]| Entry {
        sha256: token.to_hex(),
        trail: of.trail.to_string(),
        key: of.id.clone(),
        times: times.iter().map(|time| time.0).collect(),
    };
    let session = |session: &Session| {
        entry(
            &session.token,
            &session.of,
            &[session.created_at, session.used_at],
        )
    };
    let file = File {
        sessions: held.sessions.iter().map(session).collect(),
        links: held
            .links
            .iter()
            .map(|link| entry(&link.token, &link.of, &[link.expires_at]))
            .collect(),
    };
    kept::save(fs, path, &file)
}
