//! The key for the hashes of redactions, kept between runs.

use std::{io::ErrorKind, path::Path, time::Duration};

use journal::FsError;

use crate::{env::Env, payload::hex};

/// Beside what waits for a server.
pub const REDACTION_KEY_FILE: &str = "redaction.key";
/// Only the owner reads it.
const KEY_MODE: u32 = 0o600;
/// How often a process looks again at a key that another one is writing, which takes microseconds.
const KEY_LOOKS: u32 = 100;
const KEY_PAUSE: Duration = Duration::from_millis(1);

/// The key of an earlier run, or a new one until the server tells the trail's.
///
/// # Errors
/// [`FsError`] if there is none and it cannot be kept.
pub fn kept_key(env: &Env, path: &Path) -> Result<[u8; 32], FsError> {
    if env.fs.exists(path)?
        && let Some(key) = parse_key(&env.fs.read(path)?)
    {
        return Ok(key);
    }
    let key = random_key(env, path)?;
    save_key(env, path, &key)?;
    Ok(key)
}

fn random_key(env: &Env, path: &Path) -> Result<[u8; 32], FsError> {
    let mut key = [0; 32];
    (env.random)(&mut key).map_err(|source| FsError::io("make a key for", path, source))?;
    Ok(key)
}

/// The same where many processes may begin at once: one of them makes the key, and all have the same.
///
/// # Errors
/// [`FsError`] if there is none and it cannot be kept.
pub fn shared_key(env: &Env, path: &Path) -> Result<[u8; 32], FsError> {
    for _ in 0..KEY_LOOKS {
        match env.fs.read(path) {
            Ok(text) => {
                if let Some(key) = parse_key(&text) {
                    return Ok(key);
                }
                // Somebody is just writing it.
                std::thread::sleep(KEY_PAUSE);
            }
            Err(error) if error.is_not_found() => {
                if let Some(key) = make_key(env, path)? {
                    return Ok(key);
                }
            }
            Err(error) => return Err(error),
        }
    }
    // Whoever began it has been killed at it.
    env.fs.remove(path)?;
    kept_key(env, path)
}

/// `None` if another process was quicker.
fn make_key(env: &Env, path: &Path) -> Result<Option<[u8; 32]>, FsError> {
    let mut file = match env.fs.create_new_with_mode(path, Some(KEY_MODE)) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
        file => file?,
    };
    let key = random_key(env, path)?;
    file.append(text_of(&key).as_bytes())?;
    Ok(Some(key))
}

/// Keeps the key that a server has told.
///
/// # Errors
/// [`FsError`].
pub fn save_key(env: &Env, path: &Path, key: &[u8; 32]) -> Result<(), FsError> {
    env.fs
        .write_atomic(path, text_of(key).as_bytes(), Some(KEY_MODE))
}

fn text_of(key: &[u8; 32]) -> String {
    format!("{}\n", hex(key))
}

fn parse_key(text: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let mut key = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_begin_at_once_have_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let key = || shared_key(&Env::system(), &path).unwrap();
        let keys = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(key)).collect();
            all.into_iter()
                .map(|one| one.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert!(keys.iter().all(|other| *other == keys[0]));
        assert_eq!(kept_key(&Env::system(), &path).unwrap(), keys[0]);
    }

    #[test]
    fn a_key_that_was_never_finished_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "0123").unwrap();
        let key = shared_key(&Env::system(), &path).unwrap();
        assert_eq!(shared_key(&Env::system(), &path).unwrap(), key);
    }
}
