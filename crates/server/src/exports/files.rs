//! Where exports lie: `DIR/exports/<id>.json` says what became of one, `<id>.<ending>` is its file, `<id>.tmp` what it
//! is made of.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use journal::{Fs, FsError};
use ledger::Env;

use super::Export;
use crate::kept;

/// Room that an export leaves on the disk: the log needs it, and it stops for good without.
const RESERVE_BYTES: u64 = 1 << 30;

/// The directory of the exports.
pub(super) struct Files {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
}

impl Files {
    pub(super) fn new(env: &Env, data: &Path) -> Self {
        Self {
            fs: Arc::clone(&env.fs),
            dir: data.join(kept::EXPORTS),
        }
    }

    /// What is known of earlier exports. A file that was changed is none.
    pub(super) fn load(&self) -> Vec<Export> {
        let read = |path: &Path| match kept::load::<Export>(self.fs.as_ref(), path) {
            Ok(export) => export,
            Err(error) => {
                tracing::warn!(%error, "what became of an export is not known");
                None
            }
        };
        let states = self.entries().into_iter();
        let states = states.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        states.filter_map(|path| read(&path)).collect()
    }

    /// Removes what no finished export needs.
    pub(super) fn sweep(&self, is_finished: impl Fn(&str) -> bool) {
        for path in self.entries() {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let ending = path.extension().and_then(|ending| ending.to_str());
            let is_kept = match ending {
                Some("json") => true,
                Some("tmp") => false,
                _ => stem.is_some_and(&is_finished),
            };
            if !is_kept {
                remove(&path);
            }
        }
    }

    /// Notes a new export, durably.
    pub(super) fn create(&self, export: &Export) -> Result<(), FsError> {
        self.fs.create_dir_all(&self.dir)?;
        kept::save(self.fs.as_ref(), &self.state(export), export)
    }

    /// Notes what became of an export.
    pub(super) fn save(&self, export: &Export) {
        if let Err(error) = kept::save(self.fs.as_ref(), &self.state(export), export) {
            tracing::error!(%error, export = export.id, "what became of an export is not noted");
        }
    }

    pub(super) fn remove(&self, export: &Export) {
        for path in [self.file(export), self.work(export), self.state(export)] {
            remove(&path);
        }
    }

    /// Removes what an export was made of.
    pub(super) fn clear(&self, export: &Export) {
        remove(&self.work(export));
    }

    /// The finished file.
    pub(super) fn file(&self, export: &Export) -> PathBuf {
        let ending = export.format.ending();
        self.dir.join(format!("{}.{ending}", export.id))
    }

    /// A directory of an export's own while it is made.
    pub(super) fn work(&self, export: &Export) -> PathBuf {
        self.dir.join(format!("{}.tmp", export.id))
    }

    /// Makes the file that was written in [`Self::work`] the finished one, durably.
    pub(super) fn keep(&self, export: &Export, written: &Path) -> Result<(), FsError> {
        self.fs.rename(written, &self.file(export))?;
        self.fs.sync_dir(&self.dir)
    }

    /// Whether the disk has room for more than the log may need.
    pub(super) fn has_room(&self) -> bool {
        let disk = rustix::fs::statvfs(&self.dir);
        // A system that does not tell has no say.
        disk.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= RESERVE_BYTES)
    }

    fn state(&self, export: &Export) -> PathBuf {
        self.dir.join(format!("{}.json", export.id))
    }

    fn entries(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }
}

/// Removes a file or a directory; what cannot be removed now is tried again at the next start.
fn remove(path: &Path) {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "an export's file cannot be removed");
        }
        _ => {}
    }
}
