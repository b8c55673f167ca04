//! The files of a shared spool.
//!
//! ```text
//! waiting/<microseconds>-<8 hex>.event   an event and a line feed; without the line feed it was cut by a crash
//! waiting.kib                            as many bytes long as KiB wait: appended to without a lock
//! lost-full-<source>                     as many bytes long as events of a surface could not be kept
//! lost-refused-<source>                  as many as the server did not take
//! lost-…-<microseconds>-<8 hex>          the same, while it is being told
//! deliver.lock                           held while events are delivered
//! watch.lock                             held by a process that delivers what comes, for as long as it looks
//! ```

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use journal::{Fs, FsError, FsFile, FsLock};

use super::{BATCH_BYTES, Waiting};
use crate::{draft::Source, recorder::Cause, spool::BATCH_EVENTS};

const EVENT_SUFFIX: &str = ".event";
const TEMP_SUFFIX: &str = ".tmp";
/// What agents did is nobody else's to read.
const FILE_MODE: u32 = 0o600;

/// The directory and what lies in it.
#[derive(Debug)]
pub(super) struct Files {
    fs: Arc<dyn Fs>,
    root: PathBuf,
}

impl Files {
    pub(super) fn new(fs: Arc<dyn Fs>, root: &Path) -> Self {
        Self {
            fs,
            root: root.to_owned(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn waiting_dir(&self) -> PathBuf {
        self.root.join("waiting")
    }

    fn fill_path(&self) -> PathBuf {
        self.root.join("waiting.kib")
    }

    /// About how many bytes wait.
    pub(super) fn bytes(&self) -> Result<u64, FsError> {
        Ok(self.length(&self.fill_path())? << 10)
    }

    pub(super) fn keep(&self, name: &str, event: &[u8], is_durable: bool) -> Result<(), FsError> {
        let dir = self.waiting_dir();
        self.make(&dir)?;
        let temp = dir.join(format!("{name}{TEMP_SUFFIX}"));
        let path = dir.join(format!("{name}{EVENT_SUFFIX}"));
        let written = self.write(&temp, event, is_durable);
        let kept = written.and_then(|()| self.fs.rename(&temp, &path));
        if let Err(error) = kept {
            // Half an event helps nobody, and the disk may be full.
            let _ = self.fs.remove(&temp);
            return Err(error);
        }
        if is_durable {
            self.fs.sync_dir(&dir)?;
        }
        // The event is kept. A wrong estimate of the whole is not worth its loss.
        let _ = self.grow(&self.fill_path(), kib(event.len() as u64 + 1));
        Ok(())
    }

    fn write(&self, temp: &Path, event: &[u8], is_durable: bool) -> Result<(), FsError> {
        let mut file = self.fs.create_new_with_mode(temp, Some(FILE_MODE))?;
        file.append_vectored(&[event, b"\n"])?;
        if is_durable {
            file.sync_data()?;
        }
        Ok(())
    }

    /// Events that wait, oldest first.
    pub(super) fn names(&self) -> Result<Vec<String>, FsError> {
        let dir = self.waiting_dir();
        if !self.fs.exists(&dir)? {
            return Ok(Vec::new());
        }
        let mut names = self.fs.list(&dir)?;
        names.retain(|name| name.ends_with(EVENT_SUFFIX));
        Ok(names)
    }

    /// What the first of some names stand for, and how many names that were.
    pub(super) fn batch(&self, names: &[String]) -> Result<(Waiting, usize), FsError> {
        let dir = self.waiting_dir();
        let mut waiting = Waiting::default();
        let mut taken = 0;
        for name in names {
            let is_full = waiting.bytes >= BATCH_BYTES as u64 || taken == BATCH_EVENTS;
            if is_full {
                break;
            }
            taken += 1;
            let mut event = match self.fs.read(&dir.join(name)) {
                Ok(event) => event,
                // Another process has delivered it.
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error),
            };
            waiting.bytes += event.len() as u64;
            waiting.names.push(name.clone());
            if event.pop() == Some(b'\n') {
                waiting.events.push(event);
            } else {
                tracing::error!(name, "an event was cut by a crash, and is lost");
            }
        }
        Ok((waiting, taken))
    }

    pub(super) fn forget(&self, waiting: &Waiting) -> Result<(), FsError> {
        let dir = self.waiting_dir();
        for name in &waiting.names {
            match self.fs.remove(&dir.join(name)) {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        self.shrink(kib(waiting.bytes))
    }

    pub(super) fn count_lost(&self, source: Source) -> Result<(), FsError> {
        self.make(&self.root)?;
        self.grow(&self.root.join(lost_name(Cause::SpoolFull, source)), 1)
    }

    pub(super) fn count_refused(&self, source: Source) -> Result<(), FsError> {
        self.grow(&self.root.join(lost_name(Cause::Rejected, source)), 1)
    }

    /// Counts that wait to be told, each under a name that stays until it is: so it is told once. Names are made of
    /// `fresh`.
    pub(super) fn lost(&self, fresh: &str) -> Result<Vec<Lost>, FsError> {
        let mut found = Vec::new();
        for name in self.fs.list(&self.root)? {
            let mut counted = [Cause::SpoolFull, Cause::Rejected]
                .into_iter()
                .flat_map(|cause| Source::ALL.map(|source| (cause, source)));
            let is_it = |(cause, source): &(Cause, Source)| {
                let rest = name.strip_prefix(&lost_name(*cause, *source));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            };
            let Some((cause, source)) = counted.find(is_it) else {
                continue;
            };
            let mut name = name.clone();
            if name == lost_name(cause, source) {
                let claimed = format!("{name}-{fresh}");
                self.fs
                    .rename(&self.root.join(&name), &self.root.join(&claimed))?;
                name = claimed;
            }
            let count = self.length(&self.root.join(&name))?;
            found.push(Lost {
                cause,
                source,
                count,
                name,
            });
        }
        Ok(found)
    }

    pub(super) fn told(&self, lost: &Lost) -> Result<(), FsError> {
        self.fs.remove(&self.root.join(&lost.name))
    }

    /// The right to deliver; `None` if another process has it.
    pub(super) fn turn(&self) -> Result<Option<Box<dyn FsLock>>, FsError> {
        self.lock("deliver.lock")
    }

    /// The right to look after the spool; `None` if another process has it.
    pub(super) fn watch(&self) -> Result<Option<Box<dyn FsLock>>, FsError> {
        self.lock("watch.lock")
    }

    fn lock(&self, name: &str) -> Result<Option<Box<dyn FsLock>>, FsError> {
        match self.fs.lock_exclusive(&self.root.join(name)) {
            Ok(lock) => Ok(Some(lock)),
            Err(FsError::Locked { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn exists(&self) -> Result<bool, FsError> {
        self.fs.exists(&self.root)
    }

    fn make(&self, dir: &Path) -> Result<(), FsError> {
        if self.fs.exists(dir)? {
            return Ok(());
        }
        self.fs.create_dir_all(dir)?;
        restrict(&self.root);
        Ok(())
    }

    fn grow(&self, path: &Path, by: u64) -> Result<(), FsError> {
        let zeros = vec![0; usize::try_from(by).unwrap_or_default()];
        self.open(path)?.append(&zeros)
    }

    fn open(&self, path: &Path) -> Result<Box<dyn FsFile>, FsError> {
        match self.fs.create_new_with_mode(path, Some(FILE_MODE)) {
            // Made by another process, perhaps at this moment: its bytes and ours are to stand behind each other.
            Ok(_) => self.fs.open_append(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.fs.open_append(path),
            Err(error) => Err(error),
        }
    }

    /// What is put at the same moment may be left out of the estimate.
    fn shrink(&self, by: u64) -> Result<(), FsError> {
        let path = self.fill_path();
        let left = self.length(&path)?.saturating_sub(by);
        if self.fs.exists(&path)? {
            self.fs.open_append(&path)?.set_len(left)?;
        }
        Ok(())
    }

    /// Nothing waits: an estimate that has gone wrong ends here.
    pub(super) fn forget_estimate(&self) -> Result<(), FsError> {
        self.shrink(u64::MAX)
    }

    fn length(&self, path: &Path) -> Result<u64, FsError> {
        match self.fs.len(path) {
            Err(error) if error.is_not_found() => Ok(0),
            length => length,
        }
    }
}

/// Events of a surface that could not be kept.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) cause: Cause,
    pub(super) source: Source,
    pub(super) count: u64,
    /// Of the file.
    name: String,
}

impl Lost {
    /// The same for as long as it is not told.
    pub(super) fn id(&self) -> &str {
        &self.name
    }

    /// When it was found.
    pub(super) fn at_us(&self) -> u64 {
        let mut parts = self.name.rsplit('-').skip(1);
        parts
            .next()
            .and_then(|micros| micros.parse().ok())
            .unwrap_or_default()
    }
}

fn lost_name(cause: Cause, source: Source) -> String {
    let why = if cause == Cause::Rejected {
        "refused"
    } else {
        "full"
    };
    format!("lost-{why}-{}", source.as_str())
}

fn kib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 10)
}

fn restrict(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let only_owner = std::fs::Permissions::from_mode(0o700);
    // A simulated disk has no such directory.
    let _ = std::fs::set_permissions(dir, only_owner);
}
