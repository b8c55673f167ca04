//! A running node without its HTTP face.

use std::path::Path;

use crate::config::{Config, ConfigError};

/// The trail that every node has.
pub const DEFAULT_TRAIL: &str = "default";

/// Ledger, segments, sealer and keys of one data directory.
pub struct Node {}

/// Why a node does not start, or a trail cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A setting is outside its range.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Node {
    /// Opens the data directory, recovers, and starts the threads. Blocks: not for async code.
    ///
    /// The first start creates the trail [`DEFAULT_TRAIL`] and its admin key, and writes `admin.key`
    /// (mode 0600) and `log.vkey` into the data directory. `admin_key` presets the admin key; one that is
    /// not known yet is added at any start.
    ///
    /// # Errors
    /// If a setting is wrong, another process has the directory, or anything in it is damaged.
    pub fn open(_config: Config, _admin_key: Option<&str>) -> Result<Self, NodeError> {
        todo!()
    }

    /// The admin key, if this start made it: shown once.
    #[must_use]
    pub fn new_admin_key(&self) -> Option<&str> {
        todo!()
    }

    /// Verifier key of a trail in the form `name+id+key`.
    #[must_use]
    pub fn verifier_key(&self, _trail: &str) -> Option<String> {
        todo!()
    }

    /// Data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        todo!()
    }

    /// Records what is still to be recorded, seals, signs, and stops. Blocks.
    pub fn close(&self) {
        todo!()
    }
}
