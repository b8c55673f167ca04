//! The one place that touches the object store and the local file system.

use std::{
    fs::File,
    future::Future,
    io,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use bytes::Bytes;
use object_store::{
    MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    local::LocalFileSystem, path::Path as ObjectPath,
};

use crate::{error::StoreError, source::Source};

/// Bytes sent to the object store at once while a segment is written. S3 takes no smaller part than 5 MiB.
const PART_BYTES: usize = 8 << 20;

/// Objects below one root, named by paths with `/`. Writing goes through the object store; segments
/// are read through file handles, which stay valid after the file was removed.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    root: PathBuf,
}

impl Objects {
    /// The directory itself, every write synced before it is acknowledged.
    pub(crate) fn local(root: &Path) -> Result<Self, StoreError> {
        let store = LocalFileSystem::new_with_prefix(root)
            .map_err(|source| StoreError::Store {
                path: root.to_path_buf(),
                source,
            })?
            .with_fsync(true);
        Ok(Self::with_store(root, Arc::new(store)))
    }

    /// Another object store over the same directory.
    pub(crate) fn with_store(root: &Path, store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            root: root.to_path_buf(),
        }
    }

    /// Where an object lies on the local disk.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Creates an object; fails with [`StoreError::Conflict`] if it exists.
    pub(crate) fn create(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = PutOptions::from(PutMode::Create);
        let object = ObjectPath::from(name);
        match wait(self.store.put_opts(&object, PutPayload::from(bytes), put)) {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => Err(StoreError::Conflict {
                path: self.path(name),
            }),
            Err(source) => Err(self.failed(name, source)),
        }
    }

    /// Writes an object, replacing what was there.
    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        wait(
            self.store
                .put(&ObjectPath::from(name), PutPayload::from(bytes)),
        )
        .map(|_| ())
        .map_err(|source| self.failed(name, source))
    }

    /// Begins an object that is written piece by piece and appears when it is finished.
    pub(crate) fn upload(&self, name: &str) -> Result<Upload, StoreError> {
        let inner = wait(self.store.put_multipart(&ObjectPath::from(name)))
            .map_err(|source| self.failed(name, source))?;
        Ok(Upload {
            inner,
            part: Vec::with_capacity(PART_BYTES),
            path: self.path(name),
        })
    }

    /// Reads a whole object.
    pub(crate) fn get(&self, name: &str) -> Result<Bytes, StoreError> {
        let answer = wait(async { self.store.get(&ObjectPath::from(name)).await?.bytes().await });
        answer.map_err(|source| match source {
            object_store::Error::NotFound { .. } => StoreError::Missing {
                path: self.path(name),
            },
            source => self.failed(name, source),
        })
    }

    /// Removes an object; one that is not there is no error.
    pub(crate) fn delete(&self, name: &str) -> Result<(), StoreError> {
        match wait(self.store.delete(&ObjectPath::from(name))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.failed(name, source)),
        }
    }

    /// File names directly below a folder, sorted; none if the folder is not there.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let listed = wait(
            self.store
                .list_with_delimiter(Some(&ObjectPath::from(folder))),
        )
        .map_err(|source| self.failed(folder, source))?;
        let mut names: Vec<String> = listed
            .objects
            .iter()
            .filter_map(|object| object.location.filename().map(str::to_owned))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Names of the folders directly below a folder, sorted.
    pub(crate) fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        if !self.path(folder).exists() {
            return Ok(Vec::new());
        }
        let listed = wait(
            self.store
                .list_with_delimiter(Some(&ObjectPath::from(folder))),
        )
        .map_err(|source| self.failed(folder, source))?;
        let mut names: Vec<String> = listed
            .common_prefixes
            .iter()
            .filter_map(|prefix| prefix.filename().map(str::to_owned))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Opens a file for reading.
    pub(crate) fn open(&self, name: &str) -> Result<File, StoreError> {
        let path = self.path(name);
        File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::Missing { path },
            _ => StoreError::Io { path, source },
        })
    }

    /// Opens a file that checks itself.
    pub(crate) fn source(&self, name: &str) -> Result<Source, StoreError> {
        Source::disk(self.open(name)?, &self.path(name))
    }

    /// Makes a file that is already there, and its name, durable.
    ///
    /// What a process finds after a crash may be in memory only; nothing may be deleted on its word
    /// before this.
    pub(crate) fn sync(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.root).to_path_buf();
        for path in [path, folder] {
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(|source| StoreError::Io { path, source })?;
        }
        Ok(())
    }

    /// Removes what an interrupted write left beside its object: names with `#`, which the object
    /// store neither lists nor removes.
    pub(crate) fn remove_staged(&self, folder: &str) -> Result<(), StoreError> {
        let path = self.path(folder);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(StoreError::Io { path, source }),
        };
        for entry in entries {
            let entry = entry.map_err(|source| StoreError::Io {
                path: path.clone(),
                source,
            })?;
            if entry.file_name().to_string_lossy().contains('#') {
                let path = entry.path();
                std::fs::remove_file(&path).map_err(|source| StoreError::Io { path, source })?;
            }
        }
        Ok(())
    }

    fn failed(&self, name: &str, source: object_store::Error) -> StoreError {
        StoreError::Store {
            path: self.path(name),
            source,
        }
    }
}

/// An object being written; dropped unfinished, it never appears.
pub(crate) struct Upload {
    inner: Box<dyn MultipartUpload>,
    part: Vec<u8>,
    path: PathBuf,
}

impl Upload {
    /// Sends the rest and makes the object durable and visible.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        let done = self
            .send()
            .map_err(|source| StoreError::Io {
                path: self.path.clone(),
                source,
            })
            .and_then(|()| {
                wait(self.inner.complete()).map_err(|source| StoreError::Store {
                    path: self.path.clone(),
                    source,
                })
            });
        match done {
            Ok(_) => Ok(()),
            Err(error) => {
                self.abort();
                Err(error)
            }
        }
    }

    /// Gives the object up.
    pub(crate) fn abort(mut self) {
        if let Err(error) = wait(self.inner.abort()) {
            tracing::debug!(path = %self.path.display(), %error, "an unfinished upload was left behind");
        }
    }

    fn send(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES));
        wait(self.inner.put_part(PutPayload::from(part))).map_err(io::Error::other)
    }
}

impl io::Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a future on this thread. Outside a runtime the local store works in place; inside one it
/// uses the runtime's blocking threads while this thread waits.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}
