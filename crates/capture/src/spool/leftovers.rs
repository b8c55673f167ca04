//! What earlier processes could not deliver.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use journal::{Fs, FsError, JournalError};

use super::{SharedSpool, Spool, SpoolError};
use crate::{
    draft::Source,
    redact::RuleFileError,
    sink::{Sink, SinkError},
};

/// Names of the directories of processes that have a spool of their own begin so.
pub const OWN_SPOOL_PREFIX: &str = "run-";

/// Why events of earlier processes still wait.
#[derive(Debug, thiserror::Error)]
pub enum LeftoverError {
    /// They cannot be read.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// They cannot be delivered.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The word of a loss cannot be written.
    #[error(transparent)]
    Rules(#[from] RuleFileError),
    /// The directory cannot be listed.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// Delivers what waits in a directory that processes share, and in the directories below it that belonged to processes that are
/// gone. Those that a process is using are left alone. Answers how many events were delivered. Blocks.
///
/// # Errors
/// The first [`LeftoverError`]; what was not delivered by then waits on.
pub fn deliver_leftovers(
    fs: &Arc<dyn Fs>,
    root: &Path,
    sink: &dyn Sink,
) -> Result<usize, LeftoverError> {
    if !fs.exists(root)? {
        return Ok(0);
    }
    let shared = SharedSpool::new(Arc::clone(fs), root);
    shared.adopt(Source::Shell)?;
    let delivered = shared.deliver(sink)?.unwrap_or(0);
    Ok(delivered + deliver_own_spools(fs, root, sink, None)?)
}

/// Delivers what waits in the spools below a directory that belonged to processes that are gone, until a time if somebody waits
/// for it. Answers how many events were delivered. Blocks.
///
/// # Errors
/// As [`deliver_leftovers`].
pub fn deliver_own_spools(
    fs: &Arc<dyn Fs>,
    root: &Path,
    sink: &dyn Sink,
    until: Option<Instant>,
) -> Result<usize, LeftoverError> {
    let mut delivered = 0;
    let names = fs.list(root)?;
    for name in names
        .iter()
        .filter(|name| name.starts_with(OWN_SPOOL_PREFIX))
    {
        let dir = root.join(name);
        // Without frames it was left before anything happened, or its process is about to lock it.
        let files = fs.list(&dir).unwrap_or_default();
        let is_frames = |file: &String| Path::new(file).extension().is_some_and(|end| end == "wal");
        if !files.iter().any(is_frames) {
            continue;
        }
        if deliver(fs, &dir, sink, until, &mut delivered)? {
            remove(&dir);
        }
    }
    Ok(delivered)
}

/// Says whether nothing waits any more; it does if another process has the spool, or the time is up.
fn deliver(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    sink: &dyn Sink,
    until: Option<Instant>,
    delivered: &mut usize,
) -> Result<bool, LeftoverError> {
    let mut spool = match Spool::open(Arc::clone(fs), dir, u64::MAX, "none") {
        Ok(spool) => spool,
        Err(SpoolError::Journal(JournalError::Fs(FsError::Locked { .. }))) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    while let Some(batch) = spool.batch() {
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok(false);
        }
        let receipts = sink.send(&batch.lines()?)?;
        for rejected in &receipts.rejected {
            tracing::error!(
                code = rejected.code,
                "the server refused an event of an earlier process"
            );
        }
        *delivered += batch.events();
        spool.delivered(&batch)?;
    }
    Ok(true)
}

/// The owner is gone and everything was delivered; what stays is an empty journal, which costs nothing.
fn remove(dir: &PathBuf) {
    if let Err(error) = std::fs::remove_dir_all(dir) {
        tracing::warn!(%error, dir = %dir.display(), "an empty spool could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use journal::RealFs;

    use super::*;
    use crate::sink::Receipts;

    #[derive(Default)]
    struct Lines(Mutex<Vec<u8>>);

    impl Sink for Lines {
        fn send(&self, lines: &[u8]) -> Result<Receipts, SinkError> {
            self.0.lock().unwrap().extend_from_slice(lines);
            Ok(Receipts::default())
        }
    }

    #[test]
    fn everything_goes_but_what_somebody_is_using() {
        let root = tempfile::tempdir().unwrap();
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        SharedSpool::new(Arc::clone(&fs), root.path())
            .put(b"{\"n\":1}")
            .unwrap();
        let own = |name: &str, line: &[u8]| {
            let mut spool =
                Spool::open(Arc::clone(&fs), &root.path().join(name), 1 << 20, "p").unwrap();
            spool.append(line, 1).unwrap();
            spool
        };
        drop(own("run-gone", b"{\"n\":2}\n"));
        let used = own("run-used", b"{\"n\":3}\n");
        let sink = Lines::default();
        assert_eq!(deliver_leftovers(&fs, root.path(), &sink).unwrap(), 2);
        assert_eq!(*sink.0.lock().unwrap(), b"{\"n\":1}\n{\"n\":2}\n");
        assert!(!root.path().join("run-gone").exists() && root.path().join("run-used").exists());
        drop(used);
        assert_eq!(deliver_leftovers(&fs, root.path(), &sink).unwrap(), 1);
        assert_eq!(deliver_leftovers(&fs, root.path(), &sink).unwrap(), 0);
        assert_eq!(
            deliver_leftovers(&fs, &root.path().join("absent"), &sink).unwrap(),
            0
        );
    }
}
