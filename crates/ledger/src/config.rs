//! Settings of the ledger.

use std::path::PathBuf;

/// Where a ledger lives and how much it may hold.
#[derive(Debug, Clone)]
pub struct Config {
    /// Data directory of the node.
    pub dir: PathBuf,
    /// First part of every origin, `<server name>/<trail>`: no white space, `+` or `/`. Only used for
    /// trails created from now on; a trail keeps the origin that it was created with.
    pub server_name: String,
    /// Unsealed and queued bytes above which `submit` waits, then refuses.
    pub hot_limit_bytes: usize,
    /// A checkpoint is signed at most this long after an append, milliseconds.
    pub checkpoint_interval_ms: u64,
    /// Size at which a write-ahead log file is followed by the next, bytes.
    pub wal_file_bytes: u64,
}

impl Config {
    /// Defaults: `indelible.local`, 160 MiB hot, 500 ms, 64 MiB files.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            server_name: "indelible.local".to_owned(),
            hot_limit_bytes: 160 << 20,
            checkpoint_interval_ms: 500,
            wal_file_bytes: 64 << 20,
        }
    }
}
