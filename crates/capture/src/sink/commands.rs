//! The key of redactions for short processes, which cannot ask for it every time.

use std::path::Path;

use journal::FsError;
use sha2::{Digest, Sha256};

use super::{Address, Remote};
use crate::{
    env::Env,
    keys::{REDACTION_KEY_FILE, kept_key, save_key},
    payload::hex,
};

/// Bytes of a digest that tell servers and keys apart.
const NAME_BYTES: usize = 8;

/// The trail's key, which is kept in a directory once the server has told it; a key of this machine's own before that, and
/// where ours may not know the trail's.
///
/// # Errors
/// [`FsError`] if the directory cannot be used.
pub fn commands_redaction_key(
    env: &Env,
    dir: &Path,
    server: Option<(&Remote, &Address)>,
) -> Result<[u8; 32], FsError> {
    let own = dir.join(REDACTION_KEY_FILE);
    let Some((remote, address)) = server else {
        return kept_key(env, &own);
    };
    let digest = Sha256::digest(format!("{}\n{}", address.url, address.key));
    let name = hex(digest.get(..NAME_BYTES).unwrap_or(&digest));
    let path = dir.join(format!("redaction-{name}.key"));
    if env.fs.exists(&path)? {
        return kept_key(env, &path);
    }
    let key = match remote.redaction_key() {
        Ok(Some(key)) => key,
        // It will not be told later either.
        Ok(None) => kept_key(env, &own)?,
        Err(_) => return kept_key(env, &own),
    };
    save_key(env, &path, &key)?;
    Ok(key)
}
