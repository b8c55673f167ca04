//! Key files of a trail.
//!
//! `log.key`: the origin, a line feed, the 32-byte Ed25519 seed in hex, a line feed. `dedup.key`: 32 bytes and
//! their CRC-32C (little-endian) in hex.
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
        env.fs.create_dir_all(&dir.join("epochs"))?;
        let seed = random(env)?;
        let path = log_key_path(dir);
        let log = SigningKey::from_seed(origin, &seed).map_err(|_| LedgerError::Malformed {
            path: path.clone(),
            what: "the server's name cannot be part of an origin",
        })?;
        let dedup = random(env)?;
        let checked = hex(&dedup) + &hex(&crc32c::crc32c(&dedup).to_le_bytes());
        env.fs
            .write_atomic(&dir.join("dedup.key"), checked.as_bytes(), Some(0o600))?;
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
            .and_then(|(origin, seed)| {
                let seed = unhex(seed.strip_suffix('\n')?)?;
                SigningKey::from_seed(origin, &seed).ok()
            })
            .ok_or(LedgerError::Malformed {
                path,
                what: "not an origin and the seed of a signing key",
            })?;
        let path = dir.join("log.vkey");
        if self::text(env, &path)? != format!("{}\n", log.verifier()) {
            return Err(LedgerError::Malformed {
                path,
                what: "not the verifier key of log.key",
            });
        }
        let path = dir.join("dedup.key");
        let dedup = read_dedup(&self::text(env, &path)?).ok_or(LedgerError::Malformed {
            path,
            what: "not 32 bytes with their checksum in hex",
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

fn read_dedup(text: &str) -> Option<[u8; 32]> {
    let (key, checksum) = text.split_at_checked(64)?;
    let key: [u8; 32] = unhex(key)?;
    (unhex(checksum)? == crc32c::crc32c(&key).to_le_bytes()).then_some(key)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Lower case only, so that one key has one text.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (hex(&out) == text).then_some(out)
}
