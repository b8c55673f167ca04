//! Conversations that last longer than one exchange.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::dialogue::Dialogue;
use crate::identity::Scope;

/// Sessions that are known at once; the one that was used longest ago is given up for more.
const MAX_SESSIONS: usize = 10_000;

/// Why one that is given up ends.
pub(super) const TOO_MANY: &str = "too many sessions are open, this is the oldest";

/// A conversation; only the recorder's thread looks inside.
pub(super) type Shared = Arc<Mutex<Dialogue>>;

/// Number of a server in the settings, and what it has named.
pub(super) type Key = (usize, Name);

/// What a server names a conversation by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    /// The id of a session.
    Session(String),
    /// Path and query where its requests go, in the oldest protocol.
    Endpoint(String),
    /// The last event of a stream that broke off, outside of a session. Servers may name those of several clients alike: agent
    /// and address tell whose it is.
    Event {
        id: String,
        agent: String,
        ip: Option<IpAddr>,
    },
}

impl Name {
    pub(super) fn event(id: &str, scope: &Scope) -> Self {
        Self::Event {
            id: id.to_owned(),
            agent: scope.actor.id.clone(),
            ip: scope.ip,
        }
    }
}

/// Sessions that are known.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: HashMap<Key, (Shared, u64)>,
    uses: u64,
}

impl Sessions {
    /// The session, if it is known.
    pub(super) fn get(&self, key: &Key) -> Option<Shared> {
        let mut state = self.lock();
        state.uses += 1;
        let now = state.uses;
        let (dialogue, used) = state.known.get_mut(key)?;
        *used = now;
        Some(Arc::clone(dialogue))
    }

    /// Makes a session known; answers one that is given up for it.
    pub(super) fn add(&self, key: Key, dialogue: Shared) -> Option<Shared> {
        let mut state = self.lock();
        state.uses += 1;
        let uses = state.uses;
        state.known.insert(key, (dialogue, uses));
        if state.known.len() <= MAX_SESSIONS {
            return None;
        }
        let oldest = state.known.iter().min_by_key(|(_, (_, used))| *used)?;
        let oldest = oldest.0.clone();
        state.known.remove(&oldest).map(|(dialogue, _)| dialogue)
    }

    pub(super) fn remove(&self, key: &Key) -> Option<Shared> {
        let removed = self.lock().known.remove(key);
        removed.map(|(dialogue, _)| dialogue)
    }

    /// All of them, which are known no longer.
    pub(super) fn drain(&self) -> Vec<Shared> {
        let known = std::mem::take(&mut self.lock().known);
        known.into_values().map(|(dialogue, _)| dialogue).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
