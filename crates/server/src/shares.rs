//! Links to the proof of one event, for pages of others and for people without a key.
//!
//! A link is unguessable, ends at its time, when it is revoked, and with the key that made it. Pages of others may only
//! use one if their origin is on the trail's list. Kept in `DIR/shares.json`; losing it loses no event.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use event::{Micros, Seq, SystemEvent, TrailId};
use journal::{Fs, FsError};
use ledger::{Entropy, Env, Ledger};
use serde::{Deserialize, Serialize};

use crate::{
    audit, kept,
    keys::{Key, KeyHash, NewSecret},
};

/// Links of a node that have not ended: each change rewrites the file.
const MAX_SHARES: usize = 10_000;
/// Origins of a trail.
const MAX_ORIGINS: usize = 100;
/// Longest origin, bytes: a host name has at most 253.
const MAX_ORIGIN_BYTES: usize = 300;

/// A link to one proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Share {
    /// Public id.
    pub(crate) id: String,
    trail: String,
    project: Option<String>,
    /// Public id of the key that made it.
    pub(crate) by: String,
    pub(crate) event_seq: u64,
    /// Whether the content is shown.
    pub(crate) contents: bool,
    pub(crate) created_at: u64,
    pub(crate) expires_at: u64,
    /// SHA-256 of the token, hex.
    sha256: String,
}

/// The links of a node.
pub(crate) struct Shares {
    fs: Arc<dyn Fs>,
    entropy: Arc<dyn Entropy>,
    path: PathBuf,
    state: Mutex<State>,
    /// Reads that are not recorded yet, by link.
    reads: Mutex<BTreeMap<(TrailId, String), (u64, u64)>>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    shares: Vec<Share>,
    /// By trail.
    origins: BTreeMap<String, BTreeSet<String>>,
}

/// What a link is made with.
pub(crate) struct NewShare {
    pub(crate) event_seq: Seq,
    pub(crate) contents: bool,
    pub(crate) expires_at: Micros,
}

/// Why a link or an origin was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SharesError {
    /// The file cannot be replaced.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The system has no randomness for a token.
    #[error("no randomness for a token")]
    Entropy(#[from] std::io::Error),
    /// There is no room for one more.
    #[error("a node has at most {MAX_SHARES} links; revoke one first")]
    TooMany,
    /// Not an origin, or too many of them.
    #[error("at most {MAX_ORIGINS} origins, each like https://example.org")]
    Origin,
}

impl Shares {
    pub(crate) fn load(env: &Env, path: PathBuf) -> Self {
        let state = kept::load(env.fs.as_ref(), &path).unwrap_or_else(|error| {
            tracing::warn!(%error, "links to proofs and origins of pages are lost");
            None
        });
        Self {
            fs: Arc::clone(&env.fs),
            entropy: Arc::clone(&env.entropy),
            path,
            state: Mutex::new(state.unwrap_or_default()),
            reads: Mutex::default(),
        }
    }

    /// A new link's public id and token, not yet a link.
    pub(crate) fn generate(&self) -> Result<NewSecret, SharesError> {
        Ok(NewSecret::link(self.entropy.as_ref())?)
    }

    /// Makes a link. Blocks.
    pub(crate) fn add(
        &self,
        by: &Key,
        new: &NewShare,
        secret: &NewSecret,
        now: Micros,
    ) -> Result<Share, SharesError> {
        let share = Share {
            id: secret.id.clone(),
            trail: by.trail.to_string(),
            project: by.project.clone(),
            by: by.id.clone(),
            event_seq: new.event_seq.0,
            contents: new.contents,
            created_at: now.0,
            expires_at: new.expires_at.0,
            sha256: KeyHash::of(&secret.text).to_hex(),
        };
        self.change(|state| {
            state.shares.retain(|known| now.0 < known.expires_at);
            if state.shares.len() >= MAX_SHARES {
                return Err(SharesError::TooMany);
            }
            state.shares.push(share.clone());
            Ok(())
        })?;
        Ok(share)
    }

    /// The link with this token, unless its time is over.
    pub(crate) fn find(&self, token: &str, now: Micros) -> Option<Share> {
        let hash = KeyHash::of(token);
        let state = self.lock();
        let mut shares = state.shares.iter();
        let share = shares.find(|share| {
            let known = KeyHash::from_hex(&share.sha256);
            known.is_some_and(|known| known.matches(&hash))
        });
        share.filter(|share| now.0 < share.expires_at).cloned()
    }

    /// The links of a trail that a key with this project may know of and that have not ended, newest first.
    pub(crate) fn list(&self, trail: &TrailId, project: Option<&str>, now: Micros) -> Vec<Share> {
        let state = self.lock();
        let shares = state.shares.iter().rev();
        let seen = shares.filter(|share| share.is_visible(trail, project));
        seen.filter(|share| now.0 < share.expires_at)
            .cloned()
            .collect()
    }

    /// Ends a link for good. Blocks. `None` if there is no such link that this key may know of.
    pub(crate) fn revoke(
        &self,
        trail: &TrailId,
        project: Option<&str>,
        id: &str,
    ) -> Result<Option<Share>, SharesError> {
        self.change(|state| {
            let place = state
                .shares
                .iter()
                .position(|share| share.id == id && share.is_visible(trail, project));
            Ok(place.map(|place| state.shares.remove(place)))
        })
    }

    /// Origins whose pages may use links of a trail, sorted.
    pub(crate) fn origins(&self, trail: &TrailId) -> Vec<String> {
        let state = self.lock();
        let origins = state.origins.get(trail.as_str()).into_iter().flatten();
        origins.cloned().collect()
    }

    /// Replaces the origins of a trail. Blocks.
    pub(crate) fn set_origins(
        &self,
        trail: &TrailId,
        origins: BTreeSet<String>,
    ) -> Result<(), SharesError> {
        self.change(|state| {
            state.origins.insert(trail.to_string(), origins);
            Ok(())
        })
    }

    /// Notes that a link was read.
    pub(crate) fn note(&self, trail: &TrailId, share: &Share) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (trail.clone(), share.id.clone());
        reads.entry(place).or_insert((share.event_seq, 0)).1 += 1;
    }

    /// Records what was noted. What a stopped log refuses is lost, which the server's own log says.
    pub(crate) fn flush(&self, ledger: &Ledger) {
        let reads = std::mem::take(&mut *self.reads.lock().unwrap_or_else(PoisonError::into_inner));
        for ((trail, id), (seq, count)) in reads {
            let Some(log) = ledger.trail(&trail) else {
                continue;
            };
            let meta = format!("{{\"event_seq\":{seq},\"reads\":{count}}}");
            let event = SystemEvent {
                actor_type: "user",
                actor_id: &id,
                resource: Some(("share", &id)),
                meta: Some(&meta),
                ..SystemEvent::new("share.read")
            };
            if let Err(error) = audit::record(&log, &event) {
                tracing::error!(%error, count, "reads by a link could not be recorded");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a change to a copy, makes the copy durable, and only then lets it count.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, SharesError>,
    ) -> Result<T, SharesError> {
        let mut current = self.lock();
        let mut changed = current.clone();
        let result = change(&mut changed)?;
        kept::save(self.fs.as_ref(), &self.path, &changed)?;
        *current = changed;
        Ok(result)
    }
}

impl Share {
    /// The trail that it is of.
    pub(crate) fn trail(&self) -> &str {
        &self.trail
    }

    fn is_visible(&self, trail: &TrailId, project: Option<&str>) -> bool {
        let in_project = project.is_none() || self.project.as_deref() == project;
        self.trail == trail.as_str() && in_project
    }
}

/// Origins as a trail may have them.
pub(crate) fn check_origins(origins: Vec<String>) -> Result<BTreeSet<String>, SharesError> {
    let origins: BTreeSet<String> = origins.into_iter().collect();
    if origins.len() > MAX_ORIGINS || !origins.iter().all(|origin| is_origin(origin)) {
        return Err(SharesError::Origin);
    }
    Ok(origins)
}

/// Whether a text is a web origin as browsers send it: scheme, host and maybe a port, nothing behind.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let fits = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
    };
    text.len() <= MAX_ORIGIN_BYTES
        && host.is_some_and(|host| !host.is_empty() && host.bytes().all(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_send_them() {
        for good in [
            "https://example.org",
            "http://127.0.0.1:8080",
            "https://[::1]:8443",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "example.org",
            "https://",
            "https://example.org/",
            "https://EXAMPLE.org",
            "ftp://example.org",
            "https://a b",
            "https://a,b",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
