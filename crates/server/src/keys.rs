//! API keys: who may do what in which trail.

mod file;
mod role;
mod scope;
mod secret;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use event::{Micros, TrailId};
use journal::Fs;
use ledger::{Clock, Entropy, Env};

use file::Contents;
pub use file::KeysError;
pub(crate) use role::Role;
pub(crate) use scope::{Scope, Scopes};
pub(crate) use secret::NewSecret;
pub(crate) use secret::{KeyHash, hex};

/// Keys of a node, revoked ones included: each change rewrites the file.
const MAX_KEYS: usize = 10_000;

/// One key. Its text is known to nobody but its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Public id, as in `via.key` of records.
    pub(crate) id: String,
    pub(crate) trail: TrailId,
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    /// A person's key has one; its scopes are those of the role when it was made.
    pub(crate) role: Option<Role>,
    /// The only project that the key sees and writes.
    pub(crate) project: Option<String>,
    pub(crate) created_at: Micros,
    pub(crate) expires_at: Option<Micros>,
    pub(crate) revoked_at: Option<Micros>,
    hash: KeyHash,
}

/// What a key is made with.
#[derive(Clone, Debug)]
pub(crate) struct KeySpec {
    pub(crate) trail: TrailId,
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    pub(crate) role: Option<Role>,
    pub(crate) project: Option<String>,
    pub(crate) expires_at: Option<Micros>,
}

/// The keys of a node, in memory and in `DIR/keys.json`.
pub(crate) struct Keys {
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    path: PathBuf,
    current: RwLock<Arc<Known>>,
    /// Held while the file is replaced.
    changing: Mutex<()>,
}

#[derive(Default)]
struct Known {
    contents: Contents,
    /// Index into `contents.keys`.
    by_locator: HashMap<[u8; 16], usize>,
}

/// What the key files of a data directory are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFiles {
    /// `keys.json` is as it was written, and `admin.key`, if it is there, holds one of its keys.
    Good,
    /// There is no `keys.json`.
    Absent,
    /// `keys.json` is as it was written; `admin.key` holds something else than one of its keys.
    ForeignAdminKey,
}

/// Checks `keys.json` of a data directory, and whether the key in `admin.key` is one of them.
///
/// # Errors
/// If `keys.json` is not as it was written, or one of them cannot be read.
pub fn check_key_files(env: &Env, dir: &Path) -> Result<KeyFiles, KeysError> {
    match Keys::load(env, dir.join("keys.json"))? {
        Some(keys) if keys.knows_file(&dir.join("admin.key"))? => Ok(KeyFiles::Good),
        Some(_) => Ok(KeyFiles::ForeignAdminKey),
        None => Ok(KeyFiles::Absent),
    }
}

impl Key {
    fn is_good(&self, now: Micros) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

impl Keys {
    /// Reads `keys.json` of a data directory; `None` if it was never written.
    pub(crate) fn load(env: &Env, path: PathBuf) -> Result<Option<Self>, KeysError> {
        let contents = file::load(env.fs.as_ref(), &path)?;
        Ok(contents.map(|contents| Self::with(env, path, contents)))
    }

    /// No keys yet; the file comes with the first change.
    pub(crate) fn empty(env: &Env, path: PathBuf) -> Self {
        Self::with(env, path, Contents::default())
    }

    fn with(env: &Env, path: PathBuf, contents: Contents) -> Self {
        Self {
            fs: Arc::clone(&env.fs),
            clock: Arc::clone(&env.clock),
            entropy: Arc::clone(&env.entropy),
            path,
            current: RwLock::new(Arc::new(Known::new(contents))),
            changing: Mutex::default(),
        }
    }

    /// The key with this text, unless it is expired or revoked.
    pub(crate) fn authenticate(&self, text: &str) -> Option<Arc<Key>> {
        let key = self.find(&KeyHash::of(text))?;
        key.is_good(self.clock.now()).then_some(key)
    }

    /// Whether a key that was good still is.
    pub(crate) fn is_still_good(&self, key: &Key) -> bool {
        let key = self.find(&key.hash);
        key.is_some_and(|key| key.is_good(self.clock.now()))
    }

    /// Whether a key with this text was ever made, good or not.
    pub(crate) fn knows(&self, text: &str) -> bool {
        self.find(&KeyHash::of(text)).is_some()
    }

    /// Whether a file holds the text of a key, good or not. One that is not there holds nothing wrong.
    pub(crate) fn knows_file(&self, path: &Path) -> Result<bool, KeysError> {
        if !self.fs.exists(path)? {
            return Ok(true);
        }
        let text = self.fs.read(path)?;
        let text = std::str::from_utf8(&text).ok();
        let text = text.and_then(|text| text.strip_suffix('\n'));
        Ok(text.is_some_and(|text| self.knows(text)))
    }

    fn find(&self, hash: &KeyHash) -> Option<Arc<Key>> {
        let known = self.known();
        let index = *known.by_locator.get(&hash.locator())?;
        let key = known.contents.keys.get(index)?;
        key.hash.matches(hash).then(|| Arc::clone(key))
    }

    /// The key with this public id, unless it is expired or revoked.
    pub(crate) fn good(&self, trail: &TrailId, id: &str) -> Option<Arc<Key>> {
        let known = self.known();
        let mut keys = known.contents.keys.iter();
        let key = keys.find(|key| key.trail == *trail && key.id == id)?;
        key.is_good(self.clock.now()).then(|| Arc::clone(key))
    }

    /// The keys of a trail, oldest first.
    pub(crate) fn list(&self, trail: &TrailId) -> Vec<Arc<Key>> {
        let known = self.known();
        let keys = known.contents.keys.iter();
        keys.filter(|key| key.trail == *trail).cloned().collect()
    }

    /// A new key's id and text, not yet a key.
    pub(crate) fn generate(&self) -> Result<NewSecret, KeysError> {
        Ok(NewSecret::generate(self.entropy.as_ref())?)
    }

    /// A given key text under a new id, not yet a key.
    pub(crate) fn preset(&self, text: &str) -> Result<NewSecret, KeysError> {
        Ok(NewSecret::preset(self.entropy.as_ref(), text)?)
    }

    /// Makes a key. Blocks.
    pub(crate) fn add(&self, spec: KeySpec, secret: &NewSecret) -> Result<Arc<Key>, KeysError> {
        let key = Arc::new(Key {
            id: secret.id.clone(),
            trail: spec.trail,
            name: spec.name,
            scopes: spec.scopes,
            role: spec.role,
            project: spec.project,
            created_at: self.clock.now(),
            expires_at: spec.expires_at,
            revoked_at: None,
            hash: KeyHash::of(&secret.text),
        });
        self.change(|contents| {
            if contents.keys.len() >= MAX_KEYS {
                return Err(KeysError::TooMany { max: MAX_KEYS });
            }
            contents.keys.push(Arc::clone(&key));
            Ok(())
        })?;
        Ok(key)
    }

    /// Ends a key of a trail for good. Blocks. `None` if the trail has no such key.
    pub(crate) fn revoke(&self, trail: &TrailId, id: &str) -> Result<Option<Arc<Key>>, KeysError> {
        let now = self.clock.now();
        self.change(|contents| {
            let mut keys = contents.keys.iter_mut();
            let key = keys.find(|key| key.trail == *trail && key.id == id);
            Ok(key.map(|key| {
                Arc::make_mut(key).revoked_at.get_or_insert(now);
                Arc::clone(key)
            }))
        })
    }

    /// Opens the log of a trail to everybody. Blocks.
    pub(crate) fn publish(&self, trail: &TrailId) -> Result<(), KeysError> {
        self.change(|contents| {
            contents.public.insert(trail.clone());
            Ok(())
        })
    }

    /// Whether the log of a trail is open to everybody.
    pub(crate) fn is_public(&self, trail: &TrailId) -> bool {
        self.known().contents.public.contains(trail)
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Applies a change to a copy, makes the copy durable, and only then lets it count.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Contents) -> Result<T, KeysError>,
    ) -> Result<T, KeysError> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut contents = self.known().contents.clone();
        let result = change(&mut contents)?;
        file::save(self.fs.as_ref(), &self.path, &contents)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Known::new(contents));
        Ok(result)
    }
}

impl Known {
    fn new(contents: Contents) -> Self {
        let keys = contents.keys.iter().enumerate();
        let by_locator = keys
            .map(|(index, key)| (key.hash.locator(), index))
            .collect();
        Self {
            contents,
            by_locator,
        }
    }
}
