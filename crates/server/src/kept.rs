//! Files of a data directory that no event depends on, each with a checksum.
//!
//! One that was changed is not used: a session that names another key would be somebody else.

use std::path::{Path, PathBuf};

use journal::{Fs, FsError};
use ledger::Env;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::keys::hex;

/// Who is signed in.
pub(crate) const SESSIONS: &str = "sessions.json";
/// Saved views.
pub(crate) const VIEWS: &str = "views.json";
/// Links to proofs, and whose pages may use them.
pub(crate) const SHARES: &str = "shares.json";
/// Directory of the exports: `<id>.json` says what became of one.
pub(crate) const EXPORTS: &str = "exports";
const VERSION: u32 = 1;
/// Only the owner reads them: who works when on what is nobody else's business.
const MODE: u32 = 0o600;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file is not what this version writes.
    #[error("{path}: {detail}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<T> {
    v: u32,
    kept: T,
    /// SHA-256 of the file's bytes with this member empty, in hexadecimal.
    sha256: String,
}

/// Checks the files of a directory that nothing depends on and gives the faults of those that are changed.
#[must_use]
pub fn check_kept_files(env: &Env, dir: &Path) -> Vec<KeptError> {
    let fs = env.fs.as_ref();
    // The directory is made for the first export.
    let exports = dir.join(EXPORTS);
    let states = fs.list(&exports).unwrap_or_default().into_iter();
    let states = states.map(|name| exports.join(name));
    let states = states.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let files = [SESSIONS, VIEWS, SHARES].map(|name| dir.join(name));
    files
        .into_iter()
        .chain(states)
        .filter_map(|path| load::<Box<RawValue>>(fs, &path).err())
        .collect()
}

/// Reads a file; `None` before it is written for the first time.
pub(crate) fn load<T: Serialize + DeserializeOwned>(
    fs: &dyn Fs,
    path: &Path,
) -> Result<Option<T>, KeptError> {
    if !fs.exists(path)? {
        return Ok(None);
    }
    let bytes = fs.read(path)?;
    let file: File<T> =
        serde_json::from_slice(&bytes).map_err(|error| malformed(path, error.to_string()))?;
    if file.v != VERSION {
        return Err(malformed(
            path,
            format!("expected version {VERSION}, found {}", file.v),
        ));
    }
    if encode(&file.kept) != bytes {
        return Err(malformed(path, "the checksum does not match".to_owned()));
    }
    Ok(Some(file.kept))
}

/// Replaces a file, durably.
pub(crate) fn save<T: Serialize>(fs: &dyn Fs, path: &Path, kept: &T) -> Result<(), FsError> {
    fs.write_atomic(path, &encode(kept), Some(MODE))
}

pub(crate) fn malformed(path: &Path, detail: String) -> KeptError {
    KeptError::Malformed {
        path: path.to_owned(),
        detail,
    }
}

/// The bytes of the file: equal contents have equal bytes.
fn encode<T: Serialize>(kept: &T) -> Vec<u8> {
    let json = |sha256| {
        let file = File {
            v: VERSION,
            kept,
            sha256,
        };
        // Numbers and texts: encoding them cannot fail.
        let mut bytes = serde_json::to_vec(&file).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    };
    json(hex(&Sha256::digest(json(String::new()))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use journal::RealFs;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair {
        second: u32,
        first: Vec<String>,
    }

    #[test]
    fn a_changed_or_cut_file_is_not_used_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::system(Arc::new(RealFs));
        std::fs::create_dir(dir.path().join(EXPORTS)).unwrap();
        for name in ["views.json", "exports/ex_1.json"] {
            every_change_is_seen(&env, dir.path(), name);
        }
    }

    fn every_change_is_seen(env: &Env, dir: &Path, name: &str) {
        let path = dir.join(name);
        let kept = Pair {
            second: 2,
            first: vec!["a view".to_owned()],
        };
        assert!(load::<Pair>(&RealFs, &path).unwrap().is_none());
        save(&RealFs, &path, &kept).unwrap();
        assert_eq!(load(&RealFs, &path).unwrap(), Some(kept));
        assert!(check_kept_files(env, dir).is_empty());
        let good = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            assert!(load::<Pair>(&RealFs, &path).is_err());
            let faults = check_kept_files(env, dir);
            assert!(faults[0].to_string().contains(name), "{faults:?}");
        };
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            refused(&bad);
            refused(&good[..at]);
        }
        std::fs::write(&path, &good).unwrap();
    }
}
