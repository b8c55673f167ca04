//! Key files of a trail.
//!
//! `log.key`: the origin, a line feed, the 32-byte Ed25519 seed in hex, a line feed. `dedup.key`: 32 bytes in hex.
//! `log.vkey`: the verifier key as C2SP signed-note has it.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use event::DedupKey;
use tlog::SigningKey;

use crate::{env::Env, error::LedgerError};

/// The log's signing key and the key of its event digests.
pub(crate) struct TrailKeys {
    pub(crate) log: SigningKey,
    pub(crate) dedup: DedupKey,
}

impl TrailKeys {
    /// Makes new keys under `dir`: `dedup.key`, `log.vkey` and, last, `log.key`, by which a trail exists.
    pub(crate) fn create(env: &Env, dir: &Path, origin: &str) -> Result<Self, LedgerError> {
        let seed = random(env)?;
        let path = log_key_path(dir);
        let log = SigningKey::from_seed(origin, &seed).map_err(|_| LedgerError::Malformed {
            path: path.clone(),
            what: "the server's name cannot be part of an origin",
        })?;
        let dedup = random(env)?;
        env.fs
            .write_atomic(&dir.join("dedup.key"), hex(&dedup).as_bytes(), Some(0o600))?;
        env.fs.write_atomic(
            &dir.join("log.vkey"),
            format!("{}\n", log.verifier()).as_bytes(),
            Some(0o644),
        )?;
        let text = format!("{origin}\n{}\n", hex(&seed));
        env.fs.write_atomic(&path, text.as_bytes(), Some(0o600))?;
        Ok(Self {
            log,
            dedup: DedupKey::new(&dedup),
        })
    }

    pub(crate) fn load(env: &Env, dir: &Path) -> Result<Self, LedgerError> {
        let path = log_key_path(dir);
        let text = text(env, &path)?;
        let log = text
            .split_once('\n')
            .and_then(|(origin, seed)| SigningKey::from_seed(origin, &unhex(seed)?).ok())
            .ok_or(LedgerError::Malformed {
                path,
                what: "not an origin and the seed of a signing key",
            })?;
        let path = dir.join("dedup.key");
        let dedup = unhex(&self::text(env, &path)?).ok_or(LedgerError::Malformed {
            path,
            what: "not 32 bytes in hex",
        })?;
        Ok(Self {
            log,
            dedup: DedupKey::new(&dedup),
        })
    }
}

pub(crate) fn log_key_path(dir: &Path) -> PathBuf {
    dir.join("log.key")
}

fn random(env: &Env) -> Result<[u8; 32], LedgerError> {
    let mut bytes = [0; 32];
    env.entropy.fill(&mut bytes).map_err(LedgerError::Entropy)?;
    Ok(bytes)
}

fn text(env: &Env, path: &Path) -> Result<String, LedgerError> {
    String::from_utf8(env.fs.read(path)?).map_err(|_| LedgerError::Malformed {
        path: path.to_owned(),
        what: "not text",
    })
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    let text = text.trim_end().as_bytes();
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}
