//! Epoch secrets, from which the salts of the commitments come (docs/format.md, Commitments).
//!
//! One file for each secret, named by the first sequence number it serves, so that closing an epoch
//! early (erasure) only adds a file. A secret is durable before the first salt is made from it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use event::{EpochSecret, Salter, Salts, Seq};

use crate::{env::Env, error::LedgerError};

/// Events that share a secret.
pub(crate) const EPOCH_EVENTS: u64 = 65_536;
/// Magic, secret, CRC-32C of both.
const FILE_BYTES: usize = 8 + 32 + 4;
const MAGIC: &[u8; 8] = b"INDEPOC1";

/// The secrets of one trail.
pub(crate) struct Epochs {
    env: Env,
    dir: PathBuf,
    /// First sequence number of each secret; the salter once it was needed.
    salters: Mutex<BTreeMap<u64, Option<Arc<Salter>>>>,
}

impl Epochs {
    pub(crate) fn open(env: Env, dir: PathBuf) -> Result<Self, LedgerError> {
        let mut salters = BTreeMap::new();
        for name in env.fs.list(&dir)? {
            // Anything else is a temporary file of an interrupted creation, never used.
            if name.len() == 20
                && let Ok(first) = name.parse::<u64>()
            {
                salters.insert(first, None);
            }
        }
        Ok(Self {
            env,
            dir,
            salters: Mutex::new(salters),
        })
    }

    /// The salter for an event that is about to be recorded; makes the secret if its epoch has none.
    pub(crate) fn writer(&self, seq: Seq) -> Result<Arc<Salter>, LedgerError> {
        let start = seq.0 - seq.0 % EPOCH_EVENTS;
        if self
            .newest_at_or_before(seq)
            .is_none_or(|first| first < start)
        {
            self.create(start)?;
        }
        self.reader(seq)
    }

    /// Salts of a recorded event.
    pub(crate) fn salts(&self, seq: Seq) -> Result<Salts, LedgerError> {
        Ok(self.reader(seq)?.salts(seq))
    }

    fn newest_at_or_before(&self, seq: Seq) -> Option<u64> {
        let salters = self.salters.lock().unwrap_or_else(PoisonError::into_inner);
        salters.range(..=seq.0).next_back().map(|(first, _)| *first)
    }

    fn reader(&self, seq: Seq) -> Result<Arc<Salter>, LedgerError> {
        let mut salters = self.salters.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((first, salter)) = salters.range_mut(..=seq.0).next_back() else {
            return Err(LedgerError::Malformed {
                path: self.dir.clone(),
                what: "the secret of the first epoch is missing",
            });
        };
        if *first < seq.0 - seq.0 % EPOCH_EVENTS {
            return Err(LedgerError::Malformed {
                path: self.path(seq.0 - seq.0 % EPOCH_EVENTS),
                what: "the epoch secret is missing",
            });
        }
        if let Some(salter) = salter {
            return Ok(Arc::clone(salter));
        }
        let loaded = Arc::new(self.load(*first)?);
        *salter = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    fn path(&self, first: u64) -> PathBuf {
        self.dir.join(format!("{first:020}"))
    }

    fn load(&self, first: u64) -> Result<Salter, LedgerError> {
        let path = self.path(first);
        let bytes = self.env.fs.read(&path)?;
        let malformed = |what| LedgerError::Malformed {
            path: path.clone(),
            what,
        };
        let (Some((MAGIC, rest)), FILE_BYTES) = (bytes.split_first_chunk(), bytes.len()) else {
            return Err(malformed("not an epoch secret"));
        };
        let (Some((secret, crc)), Some((body, _))) = (
            rest.split_first_chunk::<32>(),
            bytes.split_last_chunk::<4>(),
        ) else {
            return Err(malformed("not an epoch secret"));
        };
        if crc32c::crc32c(body).to_le_bytes() != crc {
            return Err(malformed("the checksum of the epoch secret is wrong"));
        }
        Ok(EpochSecret(*secret).salter())
    }

    fn create(&self, first: u64) -> Result<(), LedgerError> {
        let mut secret = [0; 32];
        self.env
            .entropy
            .fill(&mut secret)
            .map_err(LedgerError::Entropy)?;
        let mut bytes = Vec::with_capacity(FILE_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&secret);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        self.env
            .fs
            .write_atomic(&self.path(first), &bytes, Some(0o600))?;
        let salter = Arc::new(EpochSecret(secret).salter());
        self.salters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(first, Some(salter));
        Ok(())
    }
}
