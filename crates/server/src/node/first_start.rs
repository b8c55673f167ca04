//! What a data directory needs before it is served.

use std::path::Path;

use event::TrailId;
use ledger::{Env, Ledger};

use super::{DEFAULT_TRAIL, NodeError};
use crate::{
    api::keys::LINK_LIFE_US,
    kept,
    keys::{KeySpec, Keys, Scopes},
    sessions::Sessions,
    views::Views,
};

const ADMIN_KEY_MODE: u32 = 0o600;

pub(super) struct Ready {
    pub(super) keys: Keys,
    /// The text of the admin key, if it was made now.
    pub(super) new_admin_key: Option<String>,
    pub(super) sessions: Sessions,
    pub(super) views: Views,
    /// A link that signs in with that key.
    pub(super) new_sign_in_link: Option<String>,
}

/// Makes the default trail, its key file and the admin key where they are not there yet.
pub(super) fn make_ready(
    ledger: &Ledger,
    env: &Env,
    dir: &Path,
    preset: Option<&str>,
) -> Result<Ready, NodeError> {
    let id = TrailId::new(DEFAULT_TRAIL).map_err(|_| NodeError::AdminKey)?;
    let trail = match ledger.trail(&id) {
        Some(trail) => trail,
        None => ledger.create_trail(&id)?,
    };
    let vkey = format!("{}\n", trail.verifier_key());
    let vkey_path = dir.join("log.vkey");
    if !env.fs.exists(&vkey_path)? || env.fs.read(&vkey_path)? != vkey.as_bytes() {
        env.fs
            .write_atomic(&vkey_path, vkey.as_bytes(), Some(0o644))?;
    }
    if let Some(preset) = preset {
        check_preset(preset)?;
    }
    let path = dir.join("keys.json");
    let known = Keys::load(env, path.clone())?;
    let is_first = known.is_none();
    let keys = known.unwrap_or_else(|| Keys::empty(env, path));
    let spec = KeySpec {
        trail: id,
        name: "admin".to_owned(),
        scopes: Scopes::NODE_ADMIN,
        role: None,
        project: None,
        expires_at: None,
    };
    let secret = match preset {
        Some(preset) if keys.knows(preset) => None,
        Some(preset) => Some(keys.preset(preset)?),
        None if is_first => Some(keys.generate()?),
        None => None,
    };
    let sessions = Sessions::load(env, dir.join(kept::SESSIONS));
    let mut new_link = None;
    let admin_key = dir.join("admin.key");
    if let Some(secret) = &secret {
        // The file first: a crash between the two leaves a file that the next start replaces, never a key
        // that nobody has.
        let line = format!("{}\n", secret.text);
        env.fs
            .write_atomic(&admin_key, line.as_bytes(), Some(ADMIN_KEY_MODE))?;
        let key = keys.add(spec, secret)?;
        new_link = Some(sessions.link(&key, LINK_LIFE_US)?);
    }
    if !keys.knows_file(&admin_key)? {
        tracing::warn!(path = %admin_key.display(), "the file holds no key of this node");
    }
    Ok(Ready {
        keys,
        new_admin_key: secret.map(|secret| secret.text),
        sessions,
        views: Views::load(env, dir.join(kept::VIEWS)),
        new_sign_in_link: new_link.map(|link| format!("/sign-in?link={link}")),
    })
}

/// A preset key has to fit a header; a short one can be guessed, which is worth a warning.
fn check_preset(text: &str) -> Result<(), NodeError> {
    const LENGTHS: std::ops::RangeInclusive<usize> = 8..=256;
    const WEAK: usize = 24;
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || !LENGTHS.contains(&text.len()) {
        return Err(NodeError::AdminKey);
    }
    if text.len() < WEAK {
        tracing::warn!("the preset admin key is short and can be guessed");
    }
    Ok(())
}
