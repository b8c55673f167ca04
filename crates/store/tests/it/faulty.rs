//! An object store over a directory that fails at a chosen call.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
    local::LocalFileSystem, path::Path as ObjectPath,
};

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, an error returned.
    Fails,
    /// It is done, an error returned all the same.
    FailsButPersisted,
    /// It is done half, under a name of its own, and the process dies.
    Torn,
    /// It is done, and the process dies.
    CrashAfter,
}

impl Fault {
    pub const ALL: [Self; 4] = [
        Self::Fails,
        Self::FailsButPersisted,
        Self::Torn,
        Self::CrashAfter,
    ];
}

/// Counts mutating calls; after a crash every call fails.
#[derive(Clone, Debug)]
pub struct Faulty {
    inner: LocalFileSystem,
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct Plan {
    at: usize,
    fault: Fault,
    calls: AtomicUsize,
    crashed: AtomicBool,
}

/// What a call is to do.
enum Turn {
    Do,
    DoThenFail,
    Fail,
    Half,
}

impl Faulty {
    pub fn new(dir: &Path, at: usize, fault: Fault) -> Self {
        Self {
            inner: LocalFileSystem::new_with_prefix(dir).unwrap(),
            plan: Arc::new(Plan {
                at,
                fault,
                calls: AtomicUsize::new(0),
                crashed: AtomicBool::new(false),
            }),
        }
    }

    /// Mutating calls so far.
    pub fn calls(&self) -> usize {
        self.plan.calls.load(Ordering::SeqCst)
    }

    pub fn has_crashed(&self) -> bool {
        self.plan.crashed.load(Ordering::SeqCst)
    }
}

impl Plan {
    fn turn(&self) -> Turn {
        if self.crashed.load(Ordering::SeqCst) {
            return Turn::Fail;
        }
        if self.calls.fetch_add(1, Ordering::SeqCst) != self.at {
            return Turn::Do;
        }
        match self.fault {
            Fault::Fails => Turn::Fail,
            Fault::FailsButPersisted => Turn::DoThenFail,
            Fault::Torn => {
                self.crashed.store(true, Ordering::SeqCst);
                Turn::Half
            }
            Fault::CrashAfter => {
                self.crashed.store(true, Ordering::SeqCst);
                Turn::DoThenFail
            }
        }
    }
}

fn injected() -> Error {
    Error::Generic {
        store: "faulty",
        source: "injected".into(),
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        at: &ObjectPath,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        match self.plan.turn() {
            Turn::Do => self.inner.put_opts(at, payload, opts).await,
            Turn::DoThenFail => {
                self.inner.put_opts(at, payload, opts).await?;
                Err(injected())
            }
            Turn::Fail => Err(injected()),
            Turn::Half => {
                // As the local store does it: the bytes go to a name with `#` and are linked when whole.
                let path = self.inner.path_to_filesystem(at)?;
                let staged = format!("{}#1", path.display());
                let bytes: Vec<u8> = payload.iter().flatten().copied().collect();
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).unwrap();
                }
                std::fs::write(staged, &bytes[..bytes.len() / 2]).unwrap();
                Err(injected())
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        at: &ObjectPath,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let turn = self.plan.turn();
        if matches!(turn, Turn::Fail | Turn::Half) {
            return Err(injected());
        }
        let inner = self.inner.put_multipart_opts(at, opts).await?;
        if matches!(turn, Turn::DoThenFail) {
            // The process does not live to abort it.
            std::mem::forget(inner);
            return Err(injected());
        }
        Ok(Box::new(FaultyUpload {
            inner: Some(inner),
            plan: Arc::clone(&self.plan),
        }))
    }

    async fn get_opts(&self, at: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        match self.plan.turn() {
            Turn::Do => self.inner.delete_stream(locations),
            Turn::DoThenFail => {
                let done = self.inner.delete_stream(locations);
                Box::pin(futures_util::StreamExt::map(done, |_| Err(injected())))
            }
            Turn::Fail | Turn::Half => {
                Box::pin(futures_util::StreamExt::map(locations, |_| Err(injected())))
            }
        }
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        options: CopyOptions,
    ) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Option<Box<dyn MultipartUpload>>,
    plan: Arc<Plan>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let turn = self.plan.turn();
        let Some(inner) = &mut self.inner else {
            return Box::pin(async { Err(injected()) });
        };
        match turn {
            Turn::Do => inner.put_part(data),
            Turn::Fail => Box::pin(async { Err(injected()) }),
            Turn::DoThenFail => {
                let done = inner.put_part(data);
                Box::pin(async {
                    done.await?;
                    Err(injected())
                })
            }
            Turn::Half => {
                let bytes: Vec<u8> = data.iter().flatten().copied().collect();
                let done = inner.put_part(PutPayload::from(bytes[..bytes.len() / 2].to_vec()));
                Box::pin(async {
                    done.await?;
                    Err(injected())
                })
            }
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let turn = self.plan.turn();
        let inner = self.inner.as_mut().ok_or_else(injected)?;
        match turn {
            Turn::Do => inner.complete().await,
            Turn::DoThenFail => {
                inner.complete().await?;
                Err(injected())
            }
            Turn::Fail | Turn::Half => Err(injected()),
        }
    }

    async fn abort(&mut self) -> Result<()> {
        let turn = self.plan.turn();
        match (turn, &mut self.inner) {
            (Turn::Do | Turn::DoThenFail, Some(inner)) => inner.abort().await,
            _ => Err(injected()),
        }
    }
}

impl Drop for FaultyUpload {
    /// A dead process tidies nothing up.
    fn drop(&mut self) {
        if self.plan.crashed.load(Ordering::SeqCst) {
            std::mem::forget(self.inner.take());
        }
    }
}
