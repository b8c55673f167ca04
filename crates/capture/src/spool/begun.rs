//! What has begun: a file for each action that a short process records, so that one that is killed leaves its intent
//! behind, and one without a server leaves what it has to tell.
//!
//! ```text
//! i <event>\n     an intent
//! o <event>\n     what belongs to it
//! s <event>\n     an event that stands for everything before it: the action was over at once
//! ```
//!
//! The process holds a lock on its file. A file without one is for whoever delivers; a last line without its end was
//! being written when the process was killed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use journal::{Fs, FsError, FsFile, FsLock};

/// Ends the name of a file of one action.
const SUFFIX: &str = ".begun";
/// Ends it until the file is locked and holds the intent.
const NEW_SUFFIX: &str = ".new";

/// The file of an action of ours.
#[derive(Debug)]
pub struct Begun {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    file: Box<dyn FsFile>,
    _lock: Box<dyn FsLock>,
}

/// The file of an action whose process is gone.
#[derive(Debug)]
pub(super) struct Abandoned {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    _lock: Box<dyn FsLock>,
    /// Events that it has to tell, in order.
    pub(super) events: Vec<Vec<u8>>,
}

impl Begun {
    /// The file of a new action, with its intent, which outlives this process from here on.
    ///
    /// # Errors
    /// [`FsError`]; there is none then.
    pub fn create(
        fs: &Arc<dyn Fs>,
        dir: &Path,
        name: &str,
        intent: &[u8],
    ) -> Result<Self, FsError> {
        let new = dir.join(format!("{name}{NEW_SUFFIX}"));
        let path = dir.join(format!("{name}{SUFFIX}"));
        let lock = fs.lock_exclusive(&new)?;
        let mut file = fs.open_append(&new)?;
        file.append_vectored(&[b"i", intent, b"\n"])?;
        fs.rename(&new, &path)?;
        Ok(Self {
            fs: Arc::clone(fs),
            path,
            file,
            _lock: lock,
        })
    }

    /// Adds an event that belongs to the intent, or stands for it, too.
    ///
    /// # Errors
    /// [`FsError`]; what was there before still is.
    pub fn add(&mut self, event: &[u8], stands_for_all: bool) -> Result<(), FsError> {
        let kind: &[u8] = if stands_for_all { b"s" } else { b"o" };
        self.file.append_vectored(&[kind, event, b"\n"])
    }

    /// Makes it outlive the machine.
    ///
    /// # Errors
    /// [`FsError`] if that is not certain.
    pub fn sync(&mut self) -> Result<(), FsError> {
        self.file.sync_data()?;
        match self.path.parent() {
            Some(dir) => self.fs.sync_dir(dir),
            None => Ok(()),
        }
    }

    /// Everything in it was told elsewhere.
    pub fn remove(self) {
        // If it stays, its events are delivered once more, and known again.
        let _ = self.fs.remove(&self.path);
    }
}

impl Abandoned {
    /// The files in a directory that no process holds, oldest first.
    pub(super) fn all(fs: &Arc<dyn Fs>, dir: &Path) -> Result<Vec<Self>, FsError> {
        let mut found = Vec::new();
        for name in fs.list(dir)? {
            if !name.ends_with(SUFFIX) {
                continue;
            }
            let path = dir.join(name);
            let lock = match fs.lock_exclusive(&path) {
                Ok(lock) => lock,
                Err(FsError::Locked { .. }) => continue,
                Err(error) => return Err(error),
            };
            // Empty, if another process has removed it meanwhile and the lock has made it again.
            let events = told(&fs.read(&path)?);
            found.push(Self {
                fs: Arc::clone(fs),
                path,
                _lock: lock,
                events,
            });
        }
        Ok(found)
    }

    pub(super) fn remove(self) -> Result<(), FsError> {
        self.fs.remove(&self.path)
    }
}

/// The events that the text of a file has to tell.
#[must_use]
pub fn told(text: &[u8]) -> Vec<Vec<u8>> {
    let mut events: Vec<Vec<u8>> = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n").and_then(<[u8]>::split_first) {
            Some((b'i' | b'o', event)) => events.push(event.to_vec()),
            Some((b's', event)) => events = vec![event.to_vec()],
            _ => {}
        }
    }
    events.retain(|event| !event.is_empty());
    events
}

#[cfg(test)]
mod tests {
    use journal::RealFs;
    use proptest::prelude::*;

    use super::*;

    fn place() -> (tempfile::TempDir, Arc<dyn Fs>) {
        (tempfile::tempdir().unwrap(), Arc::new(RealFs))
    }

    fn left(fs: &Arc<dyn Fs>, dir: &Path) -> Vec<Vec<u8>> {
        let all = Abandoned::all(fs, dir).unwrap();
        all.into_iter().flat_map(|one| one.events.clone()).collect()
    }

    #[test]
    fn a_process_that_is_gone_leaves_its_intent() {
        let (dir, fs) = place();
        let begun = Begun::create(&fs, dir.path(), "a", b"{1}").unwrap();
        assert_eq!(left(&fs, dir.path()), Vec::<Vec<u8>>::new(), "it lives");
        drop(begun);
        assert_eq!(left(&fs, dir.path()), [b"{1}"]);
    }

    #[test]
    fn what_ended_at_once_is_one_event_and_what_took_long_is_two() {
        let (dir, fs) = place();
        for (name, stands_for_all) in [("a", true), ("b", false)] {
            let mut begun = Begun::create(&fs, dir.path(), name, b"{1}").unwrap();
            begun.add(b"{2}", stands_for_all).unwrap();
        }
        assert_eq!(left(&fs, dir.path()), [b"{2}", b"{1}", b"{2}"]);
        Begun::create(&fs, dir.path(), "c", b"{3}")
            .unwrap()
            .remove();
        assert_eq!(left(&fs, dir.path()).len(), 3);
    }

    proptest! {
        #[test]
        fn a_file_cut_anywhere_tells_whole_events(cut in 0_usize..40) {
            let text = b"i{\"n\":1}\no{\"n\":2}\ns{\"n\":3}\n";
            let events = told(text.get(..cut).unwrap_or(text));
            let whole: [&[u8]; 3] = [b"{\"n\":1}", b"{\"n\":2}", b"{\"n\":3}"];
            let expected = match cut {
                0..9 => vec![],
                9..18 => vec![whole[0]],
                18..27 => vec![whole[0], whole[1]],
                _ => vec![whole[2]],
            };
            prop_assert_eq!(events, expected);
        }

        #[test]
        fn nothing_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            for event in told(&text) {
                prop_assert!(!event.is_empty() && !event.contains(&b'\n'));
            }
        }
    }
}
