//! Files of a data directory that no event depends on, each with a checksum.
//!
//! One that was changed is not used: a share that names another event would show it.

use std::path::{Path, PathBuf};

use export::manifest::hex;
use journal::{Fs, FsError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// Links to proofs.
pub(crate) const SHARES: &str = "shares.json";
const VERSION: u32 = 1;
/// Only the owner reads them: who handed out what is nobody else's business.
const MODE: u32 = 0o600;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
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

fn malformed(path: &Path, detail: String) -> KeptError {
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
        let path = dir.path().join("pair.json");
        let kept = Pair {
            second: 2,
            first: vec!["a view".to_owned()],
        };
        assert!(load::<Pair>(&RealFs, &path).unwrap().is_none());
        save(&RealFs, &path, &kept).unwrap();
        assert_eq!(load(&RealFs, &path).unwrap(), Some(kept));
        let good = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = load::<Pair>(&RealFs, &path).unwrap_err();
            assert!(error.to_string().contains("pair.json"), "{error}");
        };
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            refused(&bad);
            refused(&good[..at]);
        }
    }
}
