//! `DIR/keys.json`: keys and what is public, with a checksum: one changed digit could lift a limit.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use event::{Micros, TrailId};
use journal::{Fs, FsError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Key, Role, Scopes,
    secret::{KeyHash, hex},
};

/// Without people.
const VERSION: u32 = 1;
/// Keys may have a role.
const VERSION_WITH_ROLES: u32 = 2;
/// Only the owner reads it: hashes are not secrets, but nobody else's business.
const MODE: u32 = 0o600;

/// Why the keys are not available.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or replaced.
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
    /// The system has no randomness for a new key.
    #[error("no randomness for a new key")]
    Entropy(#[from] std::io::Error),
    /// The file holds as many keys as it may.
    #[error("a node has at most {max} keys")]
    TooMany {
        /// The bound.
        max: usize,
    },
}

/// Who may do what on a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    pub(super) keys: Vec<Arc<Key>>,
    pub(super) public: BTreeSet<TrailId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    v: u32,
    public_trails: Vec<String>,
    keys: Vec<Entry>,
    /// SHA-256 of the file's bytes with this member empty, in hexadecimal.
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    trail: String,
    name: String,
    scopes: Scopes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    project: Option<String>,
    created_at: u64,
    expires_at: Option<u64>,
    revoked_at: Option<u64>,
    sha256: String,
}

/// Reads the file; `None` before the first start has written it.
pub(super) fn load(fs: &dyn Fs, path: &Path) -> Result<Option<Contents>, KeysError> {
    if !fs.exists(path)? {
        return Ok(None);
    }
    let malformed = |detail: String| KeysError::Malformed {
        path: path.to_owned(),
        detail,
    };
    let bytes = fs.read(path)?;
    let file: File =
        serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    if ![VERSION, VERSION_WITH_ROLES].contains(&file.v) {
        return Err(malformed(format!(
            "expected version {VERSION} or {VERSION_WITH_ROLES}, found {}",
            file.v
        )));
    }
    let trail = |name: String| TrailId::new(name).map_err(|error| malformed(error.to_string()));
    let keys = file.keys.into_iter().map(|entry| {
        Ok(Arc::new(Key {
            trail: trail(entry.trail)?,
            hash: KeyHash::from_hex(&entry.sha256)
                .ok_or_else(|| malformed(format!("key {} has no SHA-256", entry.id)))?,
            id: entry.id,
            name: entry.name,
            scopes: entry.scopes,
            role: entry.role,
            project: entry.project,
            created_at: Micros(entry.created_at),
            expires_at: entry.expires_at.map(Micros),
            revoked_at: entry.revoked_at.map(Micros),
        }))
    });
    let contents = Contents {
        keys: keys.collect::<Result<_, KeysError>>()?,
        public: file
            .public_trails
            .into_iter()
            .map(trail)
            .collect::<Result<_, _>>()?,
    };
    if encode(path, &contents)? != bytes {
        return Err(malformed("the checksum does not match".to_owned()));
    }
    Ok(Some(contents))
}

/// Replaces the file, durably.
pub(super) fn save(fs: &dyn Fs, path: &Path, contents: &Contents) -> Result<(), KeysError> {
    Ok(fs.write_atomic(path, &encode(path, contents)?, Some(MODE))?)
}

/// The bytes of the file: equal contents have equal bytes.
fn encode(path: &Path, contents: &Contents) -> Result<Vec<u8>, KeysError> {
    let entry = |key: &Arc<Key>| Entry {
        id: key.id.clone(),
        trail: key.trail.as_str().to_owned(),
        name: key.name.clone(),
        scopes: key.scopes,
        role: key.role,
        project: key.project.clone(),
        created_at: key.created_at.0,
        expires_at: key.expires_at.map(|at| at.0),
        revoked_at: key.revoked_at.map(|at| at.0),
        sha256: key.hash.to_hex(),
    };
    let has_roles = contents.keys.iter().any(|key| key.role.is_some());
    let mut file = File {
        v: if has_roles {
            VERSION_WITH_ROLES
        } else {
            VERSION
        },
        public_trails: contents.public.iter().map(ToString::to_string).collect(),
        keys: contents.keys.iter().map(entry).collect(),
        sha256: String::new(),
    };
    file.sha256 = hex(&Sha256::digest(json(path, &file)?));
    json(path, &file)
}

fn json(path: &Path, file: &File) -> Result<Vec<u8>, KeysError> {
    let mut bytes = serde_json::to_vec_pretty(file).map_err(|error| KeysError::Malformed {
        path: path.to_owned(),
        detail: error.to_string(),
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use journal::RealFs;

    use super::*;

    #[test]
    fn a_changed_or_cut_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        let key = Key {
            id: "0123456789abcdef".to_owned(),
            trail: TrailId::new("default".to_owned()).unwrap(),
            name: "ci".to_owned(),
            scopes: Scopes::NODE_ADMIN,
            role: Some(Role::Auditor),
            project: Some("p1".to_owned()),
            created_at: Micros(1),
            expires_at: Some(Micros(2_000)),
            revoked_at: None,
            hash: KeyHash::of("ik_x"),
        };
        let contents = Contents {
            keys: vec![Arc::new(key)],
            public: BTreeSet::from([TrailId::new("open".to_owned()).unwrap()]),
        };
        save(&RealFs, &path, &contents).unwrap();
        let good = std::fs::read(&path).unwrap();
        let read = load(&RealFs, &path).unwrap().unwrap();
        assert_eq!(
            (read.keys, read.public),
            (contents.keys.clone(), contents.public)
        );
        let refused = |bytes: &[u8], what: String| {
            std::fs::write(&path, bytes).unwrap();
            let error = load(&RealFs, &path).unwrap_err();
            assert!(error.to_string().contains("keys.json"), "{what}: {error}");
        };
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            refused(&bad, format!("bit {} of byte {at}", at % 8));
            refused(&good[..at], format!("cut to {at}"));
        }
    }
}
