//! The segments of all trails of a node.

mod check;
mod compact;
mod compare;
mod load;
mod projections;
mod seal;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use event::{Micros, RecordView, TrailId};
use ledger::{History, HistoryError, Known, SealedEnd};
use object_store::ObjectStore;

use crate::{
    cache::Cache,
    error::StoreError,
    ids,
    manifest::Manifest,
    objects::Objects,
    segment::{Segment, SegmentFiles},
};

/// Settings of the store.
#[derive(Clone, Debug)]
pub struct Config {
    /// Decoded pages and columns kept in memory, bytes.
    pub cache_bytes: usize,
    /// Level of zstd.
    pub zstd_level: i32,
    /// What terms of an index are hashed with in trails that have no index yet: random, so that nobody who sends
    /// events can choose terms that are the same.
    pub index_seed: u64,
}

impl Default for Config {
    /// 320 MiB of cache, room for the columns of 5 M events; level 1, as small as level 3 in pages of this size and faster.
    fn default() -> Self {
        Self {
            cache_bytes: 320 << 20,
            zstd_level: 1,
            index_seed: 0,
        }
    }
}

/// Who may change the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// The process that holds the directory's lock.
    Owner,
    /// Anybody else.
    Reader,
}

/// The segments of all trails of a node. A trail is read when it is first asked for.
#[derive(Debug)]
pub struct Segments {
    objects: Objects,
    access: Access,
    config: Config,
    cache: Arc<Cache>,
    trails: RwLock<BTreeMap<TrailId, Arc<Trail>>>,
}

/// The sealed events of a trail at one moment. It stays readable while newer ones are made.
#[derive(Debug)]
pub struct Snapshot {
    manifest: Manifest,
    segments: Vec<Arc<Segment>>,
}

#[derive(Debug)]
struct Trail {
    id: TrailId,
    current: RwLock<Arc<Snapshot>>,
    writing: Mutex<Writing>,
}

/// What only the writer of a trail knows.
#[derive(Debug)]
struct Writing {
    /// Number for the next manifest. A number is used for one attempt: after a failure nobody knows
    /// whether the file is there, and the next number outranks it either way.
    next_number: u64,
    /// Counts segment files, so that an attempt never meets the leftovers of another.
    attempts: u64,
    /// Files that no manifest needs once the next one is durable.
    doomed: Vec<String>,
    /// Numbers of the manifests on disk, rising.
    manifests: Vec<u64>,
    /// Somebody else wrote a manifest: nothing more is written.
    stopped: bool,
}

impl Segments {
    /// The store in a data directory, for the process that owns it: a trail must not be asked for before
    /// the process holds the directory's lock.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the directory is not there.
    pub fn open(dir: &Path, config: Config) -> Result<Self, StoreError> {
        Ok(Self::new(Objects::local(dir)?, Access::Owner, config))
    }

    /// The store in a data directory, to be read only: nothing is created, removed or repaired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the directory is not there.
    pub fn open_read_only(dir: &Path, config: Config) -> Result<Self, StoreError> {
        Ok(Self::new(Objects::local(dir)?, Access::Reader, config))
    }

    /// As [`Segments::open`], writing through another object store over the same directory.
    #[must_use]
    pub fn with_store(dir: &Path, store: Arc<dyn ObjectStore>, config: Config) -> Self {
        Self::new(Objects::with_store(dir, store), Access::Owner, config)
    }

    fn new(objects: Objects, access: Access, config: Config) -> Self {
        Self {
            cache: Arc::new(Cache::new(config.cache_bytes)),
            objects,
            access,
            config,
            trails: RwLock::default(),
        }
    }

    /// Names of the trails that have a folder, sorted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the folder cannot be listed.
    pub fn trails(&self) -> Result<Vec<TrailId>, StoreError> {
        let names = self.objects.folders("trails")?;
        Ok(names
            .into_iter()
            .filter_map(|name| TrailId::new(name).ok())
            .collect())
    }

    /// The sealed events of a trail as of now; none for a trail without a manifest.
    ///
    /// Who also reads unsealed events takes those first: what leaves them meanwhile is in here.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] or [`StoreError::NotContiguous`] for the newest manifest;
    /// [`StoreError::Missing`] for a segment that it names.
    pub fn snapshot(&self, trail: &TrailId) -> Result<Arc<Snapshot>, StoreError> {
        Ok(self.trail(trail)?.snapshot())
    }

    fn trail(&self, id: &TrailId) -> Result<Arc<Trail>, StoreError> {
        let known = self.trails.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(trail) = known.get(id) {
            return Ok(Arc::clone(trail));
        }
        drop(known);
        let mut known = self.trails.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(trail) = known.get(id) {
            return Ok(Arc::clone(trail));
        }
        let trail = Arc::new(self.load(id)?);
        known.insert(id.clone(), Arc::clone(&trail));
        Ok(trail)
    }

    fn path(&self, trail: &TrailId) -> PathBuf {
        self.objects.path(&SegmentFiles::folder(trail))
    }
}

impl Snapshot {
    /// Number of sealed events.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.manifest.size()
    }

    /// The manifest that names the segments.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The segments, oldest first, without holes.
    #[must_use]
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// The segment that holds an event.
    #[must_use]
    pub fn segment(&self, seq: u64) -> Option<&Arc<Segment>> {
        let position = self
            .segments
            .partition_point(|segment| segment.range().end <= seq);
        self.segments.get(position)
    }
}

impl Trail {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, snapshot: Arc<Snapshot>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}

impl History for Segments {
    fn sealed(&self, trail: &TrailId) -> Result<SealedEnd, HistoryError> {
        let snapshot = self.snapshot(trail).map_err(history_error)?;
        Ok(SealedEnd {
            size: snapshot.size(),
            recorded_at: Micros(
                snapshot
                    .manifest
                    .segments
                    .last()
                    .map_or(0, |segment| segment.recorded_at[1]),
            ),
        })
    }

    fn find(&self, trail: &TrailId, id: &str) -> Result<Option<Known>, HistoryError> {
        let snapshot = self.snapshot(trail).map_err(history_error)?;
        let hash = ids::hash_id(id);
        for segment in snapshot.segments().iter().rev() {
            let found = segment.find_hashed(id, hash).map_err(history_error)?;
            let Some((seq, record)) = found else {
                continue;
            };
            let record =
                RecordView::parse(&record).map_err(|error| HistoryError(Box::new(error)))?;
            return Ok(Some(Known {
                seq,
                recorded_at: record.recorded_at,
                digest: segment.digest(seq.0).map_err(history_error)?,
            }));
        }
        Ok(None)
    }
}

fn history_error(error: StoreError) -> HistoryError {
    HistoryError(Box::new(error))
}
