//! Who is signed in with a browser.
//!
//! A session stands for a key of the node and is worth nothing without it. It is kept as the hash of its token in
//! `DIR/sessions.json`, so that a restart signs nobody out and the file lets nobody in.

mod file;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event::{Micros, TrailId};
use journal::{Fs, FsError};
use ledger::{Clock, Entropy, Env};

use crate::keys::{Key, KeyHash};

const MINUTE_US: u64 = 60_000_000;
const HOUR_US: u64 = 60 * MINUTE_US;
/// A session that nobody used for so long has ended: a working day and a lunch.
const IDLE_US: u64 = 12 * HOUR_US;
/// No session lasts longer, however much it is used.
const LIFE_US: u64 = 7 * 24 * HOUR_US;
/// How much later than it was a use is remembered; each costs a write of the file at the next flush.
const GRAIN_US: u64 = 5 * MINUTE_US;
/// Sessions of a node; the one that was unused for longest makes room.
const MAX_SESSIONS: usize = 2_000;
/// Sessions of one key, likewise.
const MAX_SESSIONS_OF_KEY: usize = 50;
/// Links that were given out and not used; the oldest makes room.
const MAX_LINKS: usize = 500;
const TOKEN_BYTES: usize = 32;

/// The sessions of a node.
pub(crate) struct Sessions {
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    held: Held,
    /// Whether the file is behind.
    is_dirty: bool,
}

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    sessions: Vec<Session>,
    links: Vec<Link>,
}

/// Somebody who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    token: KeyHash,
    of: KeyName,
    created_at: Micros,
    used_at: Micros,
}

/// A link that signs in once.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    token: KeyHash,
    of: KeyName,
    expires_at: Micros,
}

/// A key that is stood for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyName {
    pub(crate) trail: TrailId,
    pub(crate) id: String,
}

/// Why nobody could be signed in or out.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// The file cannot be replaced.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The system has no randomness for a token.
    #[error("no randomness for a token")]
    Entropy(#[from] std::io::Error),
}

impl Session {
    fn is_good(&self, now: Micros) -> bool {
        let within = |since: Micros, us: u64| now.0 < since.0.saturating_add(us);
        within(self.used_at, IDLE_US) && within(self.created_at, LIFE_US)
    }
}

impl Sessions {
    /// Reads the file. One that is damaged signs everybody out, which is an inconvenience and no danger.
    pub(crate) fn load(env: &Env, path: PathBuf) -> Self {
        let held = file::load(env.fs.as_ref(), &path).unwrap_or_else(|error| {
            tracing::warn!(%error, "sessions are lost, everybody signs in again");
            Held::default()
        });
        Self {
            fs: Arc::clone(&env.fs),
            clock: Arc::clone(&env.clock),
            entropy: Arc::clone(&env.entropy),
            path,
            state: Mutex::new(State {
                held,
                is_dirty: false,
            }),
        }
    }

    /// Signs in with a key and gives the session's token. Blocks.
    pub(crate) fn begin(&self, key: &Key) -> Result<String, SessionsError> {
        let of = KeyName {
            trail: key.trail.clone(),
            id: key.id.clone(),
        };
        let token = self.token()?;
        self.change(|held, now| held.begin(&token, of, now))?;
        Ok(token)
    }

    /// Makes a link that signs in once, for so long, and gives its token. Blocks.
    pub(crate) fn link(&self, key: &Key, life_us: u64) -> Result<String, SessionsError> {
        let of = KeyName {
            trail: key.trail.clone(),
            id: key.id.clone(),
        };
        let token = self.token()?;
        self.change(|held, now| {
            if held.links.len() >= MAX_LINKS {
                held.links.remove(0);
            }
            held.links.push(Link {
                token: KeyHash::of(&token),
                of,
                expires_at: Micros(now.0.saturating_add(life_us)),
            });
        })?;
        Ok(token)
    }

    /// Uses a link up and gives a session's token; `None` if it is none, was used, or is too old. Blocks.
    pub(crate) fn redeem(&self, link: &str) -> Result<Option<String>, SessionsError> {
        let hash = KeyHash::of(link);
        if !self
            .lock()
            .held
            .links
            .iter()
            .any(|link| link.token.matches(&hash))
        {
            return Ok(None);
        }
        let token = self.token()?;
        // One write for both: a crash cannot leave a link that was used and still works.
        let is_signed_in = self.change(|held, now| {
            let at = held.links.iter().position(|link| link.token.matches(&hash));
            let link = at.map(|at| held.links.remove(at));
            let link = link.filter(|link| now < link.expires_at);
            link.map(|link| held.begin(&token, link.of, now)).is_some()
        })?;
        Ok(is_signed_in.then_some(token))
    }

    /// The key that a token stands for; notes that it was used.
    pub(crate) fn find(&self, token: &str) -> Option<KeyName> {
        let now = self.clock.now();
        let hash = KeyHash::of(token);
        let mut state = self.lock();
        let mut sessions = state.held.sessions.iter_mut();
        let session = sessions.find(|session| session.token.matches(&hash))?;
        if !session.is_good(now) {
            return None;
        }
        let of = session.of.clone();
        if now.0 >= session.used_at.0.saturating_add(GRAIN_US) {
            session.used_at = now;
            state.is_dirty = true;
        }
        Some(of)
    }

    /// Signs out. Blocks.
    pub(crate) fn end(&self, token: &str) -> Result<(), SessionsError> {
        let hash = KeyHash::of(token);
        self.change(|held, _| {
            let others = |session: &Session| !session.token.matches(&hash);
            held.sessions.retain(others);
        })
    }

    /// Writes when sessions were used. Blocks.
    pub(crate) fn flush(&self) {
        if !self.lock().is_dirty {
            return;
        }
        if let Err(error) = self.change(|_, _| ()) {
            tracing::warn!(%error, "the use of sessions could not be written");
        }
    }

    fn token(&self) -> Result<String, SessionsError> {
        let mut bytes = [0; TOKEN_BYTES];
        self.entropy.fill(&mut bytes)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Applies a change to a copy, makes the copy durable, and only then lets it count.
    fn change<T>(&self, change: impl FnOnce(&mut Held, Micros) -> T) -> Result<T, SessionsError> {
        let now = self.clock.now();
        let mut state = self.lock();
        let mut held = state.held.clone();
        held.forget(now);
        let result = change(&mut held, now);
        file::save(self.fs.as_ref(), &self.path, &held)?;
        *state = State {
            held,
            is_dirty: false,
        };
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn begin(&mut self, token: &str, of: KeyName, now: Micros) {
        let same = |session: &Session| session.of == of;
        if self.sessions.iter().filter(|session| same(session)).count() >= MAX_SESSIONS_OF_KEY {
            self.drop_oldest(same);
        }
        if self.sessions.len() >= MAX_SESSIONS {
            self.drop_oldest(|_| true);
        }
        self.sessions.push(Session {
            token: KeyHash::of(token),
            of,
            created_at: now,
            used_at: now,
        });
    }

    fn drop_oldest(&mut self, of: impl Fn(&Session) -> bool) {
        let sessions = self.sessions.iter().enumerate();
        let oldest = sessions
            .filter(|(_, session)| of(session))
            .min_by_key(|(_, session)| session.used_at);
        if let Some((at, _)) = oldest {
            self.sessions.remove(at);
        }
    }

    /// Lets go of what has ended.
    fn forget(&mut self, now: Micros) {
        self.sessions.retain(|session| session.is_good(now));
        self.links.retain(|link| now < link.expires_at);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use journal::RealFs;

    use super::*;
    use crate::keys::{KeySpec, Keys, Scopes};

    #[derive(Default)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Micros {
            Micros(self.0.load(Ordering::Relaxed))
        }
    }

    struct Desk {
        dir: tempfile::TempDir,
        env: Env,
        hand: Arc<Hand>,
        key: Arc<Key>,
    }

    impl Desk {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let hand = Arc::new(Hand::default());
            let env = Env {
                clock: Arc::clone(&hand) as _,
                ..Env::system(Arc::new(RealFs))
            };
            let keys = Keys::empty(&env, dir.path().join("keys.json"));
            let spec = KeySpec {
                trail: TrailId::new("default").unwrap(),
                name: "a".to_owned(),
                scopes: Scopes::TRAIL_ADMIN,
                role: None,
                project: None,
                expires_at: None,
            };
            let key = keys.add(spec, &keys.generate().unwrap()).unwrap();
            Self {
                dir,
                env,
                hand,
                key,
            }
        }

        fn sessions(&self) -> Sessions {
            Sessions::load(&self.env, self.dir.path().join("sessions.json"))
        }

        fn pass(&self, us: u64) {
            self.hand.0.fetch_add(us, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_session_survives_a_restart_and_ends_when_it_is_signed_out() {
        let desk = Desk::new();
        let token = desk.sessions().begin(&desk.key).unwrap();
        let sessions = desk.sessions();
        assert_eq!(sessions.find(&token).unwrap().id, desk.key.id);
        let text = std::fs::read_to_string(desk.dir.path().join("sessions.json")).unwrap();
        assert!(!text.contains(&token), "{text}");
        sessions.end(&token).unwrap();
        assert_eq!(sessions.find(&token), None);
        assert_eq!(desk.sessions().find(&token), None);
    }

    #[test]
    fn a_session_that_is_used_lasts_until_its_life_is_over_and_one_that_is_not_ends_before() {
        let desk = Desk::new();
        let sessions = desk.sessions();
        let (used, unused) = (
            sessions.begin(&desk.key).unwrap(),
            sessions.begin(&desk.key).unwrap(),
        );
        for _ in 0..2 * LIFE_US / IDLE_US - 1 {
            assert!(sessions.find(&used).is_some());
            desk.pass(IDLE_US / 2);
        }
        assert_eq!(sessions.find(&unused), None);
        assert!(sessions.find(&used).is_some());
        desk.pass(IDLE_US / 2);
        assert_eq!(sessions.find(&used), None);
    }

    #[test]
    fn a_link_signs_in_once_and_not_after_its_time() {
        let desk = Desk::new();
        let sessions = desk.sessions();
        let link = sessions.link(&desk.key, MINUTE_US).unwrap();
        let late = sessions.link(&desk.key, MINUTE_US).unwrap();
        assert_eq!(sessions.find(&link), None);
        let token = desk.sessions().redeem(&link).unwrap().unwrap();
        assert!(desk.sessions().find(&token).is_some());
        assert_eq!(desk.sessions().redeem(&link).unwrap(), None);
        desk.pass(MINUTE_US);
        assert_eq!(desk.sessions().redeem(&late).unwrap(), None);
        assert_eq!(sessions.redeem("").unwrap(), None);
    }

    #[test]
    fn a_key_has_a_bounded_number_of_sessions_and_the_oldest_makes_room() {
        let desk = Desk::new();
        let sessions = desk.sessions();
        let first = sessions.begin(&desk.key).unwrap();
        for _ in 1..MAX_SESSIONS_OF_KEY {
            desk.pass(1);
            sessions.begin(&desk.key).unwrap();
        }
        assert!(sessions.find(&first).is_some());
        sessions.begin(&desk.key).unwrap();
        assert_eq!(sessions.find(&first), None);
        assert_eq!(sessions.lock().held.sessions.len(), MAX_SESSIONS_OF_KEY);
    }

    #[test]
    fn a_damaged_file_signs_everybody_out() {
        let desk = Desk::new();
        let token = desk.sessions().begin(&desk.key).unwrap();
        std::fs::write(desk.dir.path().join("sessions.json"), b"{").unwrap();
        let sessions = desk.sessions();
        assert_eq!(sessions.find(&token), None);
        assert!(sessions.begin(&desk.key).is_ok());
    }
}
