//! Exports: files that are made in the background and kept for a while below `DIR/exports`.
//!
//! One is made at a time, so that reading and packing leave room for the rest. What is asked for is fixed when it is asked:
//! a size of the log, instants instead of ages. A start finds what was under way and says that it was interrupted.

mod events;
mod files;
mod gaps;
mod make;
mod worker;

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use event::{Micros, TrailId};
use export::{Asked, Counts};
use ledger::{Entropy, Env};
use serde::{Deserialize, Serialize};

use crate::{
    config::ExportsConfig,
    keys::{Key, hex},
};
use files::Files;
pub(crate) use worker::Worker;

/// Exports that wait or are made.
const MAX_WAITING: usize = 16;
/// Exports of a node, whatever became of them.
const MAX_KEPT: usize = 1_000;
/// Bytes of randomness in an id.
const ID_BYTES: usize = 8;
const DAY_US: u64 = 86_400_000_000;

/// The exports of a node.
pub(crate) struct Exports {
    files: Files,
    keep_us: u64,
    limit_bytes: u64,
    state: Mutex<State>,
    /// Told when one is asked for, and when the server stops.
    called: Condvar,
    is_stopping: AtomicBool,
}

#[derive(Default)]
struct State {
    all: BTreeMap<String, Export>,
    /// Oldest first.
    waiting: VecDeque<String>,
    progress: Option<Progress>,
}

/// How far the export that is made has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    done: u64,
    total: u64,
}

/// What an export is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// The evidence package.
    #[default]
    Evidence,
    Jsonl,
    Csv,
}

/// What became of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Queued,
    Running,
    Done,
    Failed,
}

/// One export.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Export {
    pub(crate) id: String,
    trail: String,
    /// The only project whose events are in it.
    project: Option<String>,
    /// Public id and name of the key that asked.
    pub(crate) by: String,
    pub(crate) by_name: String,
    pub(crate) format: Format,
    pub(crate) contents: bool,
    pub(crate) purpose: String,
    /// What was asked for; the project is part of the filter.
    pub(crate) query: Asked,
    /// The range of `query`, microseconds since 1970.
    range_us: [Option<i64>; 2],
    pub(crate) status: Status,
    /// Why it failed.
    pub(crate) error: Option<String>,
    pub(crate) created_at: u64,
    pub(crate) finished_at: Option<u64>,
    pub(crate) total: u64,
    pub(crate) counts: Counts,
    pub(crate) bytes: u64,
    /// SHA-256 of the manifest, or of the whole file in another format; hex.
    pub(crate) sha256: Option<String>,
    /// Position of the log's record of it.
    pub(crate) event_seq: Option<u64>,
}

/// What is asked for.
pub(crate) struct NewExport {
    pub(crate) format: Format,
    pub(crate) contents: bool,
    pub(crate) purpose: String,
    pub(crate) query: Asked,
    pub(crate) range_us: [Option<i64>; 2],
}

/// An export as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) export: Export,
    /// Events that were looked at, and all that match.
    pub(crate) progress: [u64; 2],
    /// When the file is removed, if there is one; microseconds since 1970.
    pub(crate) expires_at: Option<u64>,
}

/// Why an export was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportsError {
    /// Too many wait already.
    #[error("{MAX_WAITING} exports wait already")]
    Busy,
    /// The files of earlier exports take all the room that there is for them.
    #[error("earlier exports take {used} of {limit} bytes; remove one first")]
    Full {
        /// Bytes of finished exports.
        used: u64,
        /// Bytes that all may have.
        limit: u64,
    },
    /// The system has no randomness for an id.
    #[error("no randomness for an id")]
    Entropy(#[from] std::io::Error),
    /// The directory cannot be written.
    #[error(transparent)]
    Fs(#[from] journal::FsError),
}

impl Format {
    /// Ending of the file's name.
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Self::Evidence => "zip",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// The word in requests.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }
}

impl Exports {
    /// Reads what is known of earlier exports. What was under way has failed; files of nobody are removed.
    pub(crate) fn open(env: &Env, data: &std::path::Path, config: &ExportsConfig) -> Self {
        let files = Files::new(env, data);
        let now = env.clock.now();
        let mut state = State::default();
        for mut export in files.load() {
            if matches!(export.status, Status::Queued | Status::Running) {
                export.fail(now, "the server was stopped before it was finished");
                files.save(&export);
            }
            state.all.insert(export.id.clone(), export);
        }
        let finished = |id: &str| {
            let export = state.all.get(id);
            export.is_some_and(|export| export.status == Status::Done)
        };
        files.sweep(finished);
        Self {
            files,
            keep_us: config.keep_days.saturating_mul(DAY_US),
            limit_bytes: config.limit_gib << 30,
            state: Mutex::new(state),
            called: Condvar::new(),
            is_stopping: AtomicBool::new(false),
        }
    }

    /// Takes an export into the queue. Blocks.
    pub(crate) fn ask(
        &self,
        key: &Key,
        new: NewExport,
        now: Micros,
        entropy: &dyn Entropy,
    ) -> Result<Shown, ExportsError> {
        let mut id = [0; ID_BYTES];
        entropy.fill(&mut id)?;
        let export = Export {
            id: format!("ex_{}", hex(&id)),
            trail: key.trail.to_string(),
            project: key.project.clone(),
            by: key.id.clone(),
            by_name: key.name.clone(),
            format: new.format,
            contents: new.contents,
            purpose: new.purpose,
            query: new.query,
            range_us: new.range_us,
            status: Status::Queued,
            error: None,
            created_at: now.0,
            finished_at: None,
            total: 0,
            counts: Counts::default(),
            bytes: 0,
            sha256: None,
            event_seq: None,
        };
        self.retire(now);
        let mut state = self.lock();
        let under_way = state.all.values().filter(|export| !export.is_over());
        if under_way.count() >= MAX_WAITING {
            return Err(ExportsError::Busy);
        }
        let used = state.used();
        if used >= self.limit_bytes {
            let limit = self.limit_bytes;
            return Err(ExportsError::Full { used, limit });
        }
        self.files.create(&export)?;
        state.waiting.push_back(export.id.clone());
        let shown = self.show(&state, &export);
        state.all.insert(export.id.clone(), export);
        self.called.notify_all();
        Ok(shown)
    }

    /// The exports of a trail that a key with this project may know of, newest first.
    pub(crate) fn list(&self, trail: &TrailId, project: Option<&str>) -> Vec<Shown> {
        let state = self.lock();
        let all = state.all.values();
        let visible = all.filter(|export| export.is_visible(trail, project));
        let mut shown: Vec<_> = visible.map(|export| self.show(&state, export)).collect();
        shown.sort_by(|a, b| {
            let key = |shown: &Shown| (shown.export.created_at, shown.export.id.clone());
            key(b).cmp(&key(a))
        });
        shown
    }

    /// One export, if a key of this trail and project may know of it.
    pub(crate) fn find(&self, trail: &TrailId, project: Option<&str>, id: &str) -> Option<Shown> {
        let state = self.lock();
        let export = state.all.get(id)?;
        export
            .is_visible(trail, project)
            .then(|| self.show(&state, export))
    }

    /// Opens the file of a finished export.
    pub(crate) fn open_file(&self, export: &Export) -> std::io::Result<File> {
        File::open(self.files.file(export))
    }

    /// Ends and forgets an export. Blocks.
    pub(crate) fn remove(&self, id: &str) {
        let mut state = self.lock();
        state.waiting.retain(|waiting| waiting != id);
        if let Some(export) = state.all.remove(id) {
            self.files.remove(&export);
        }
    }

    /// Forgets what is kept for long enough. Blocks.
    pub(crate) fn retire(&self, now: Micros) {
        let mut state = self.lock();
        let mut old: Vec<String> = Vec::new();
        let mut over: Vec<&Export> = state
            .all
            .values()
            .filter(|export| export.is_over())
            .collect();
        over.sort_by_key(|export| export.finished_at);
        let beyond = state.all.len().saturating_sub(MAX_KEPT);
        for (index, export) in over.iter().enumerate() {
            let is_old = self.expires_at(export).is_some_and(|at| at <= now.0);
            if is_old || index < beyond {
                old.push(export.id.clone());
            }
        }
        for id in old {
            if let Some(export) = state.all.remove(&id) {
                self.files.remove(&export);
            }
        }
    }

    /// Has the worker end with what it does, and marks what was not finished.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        let _state = self.lock();
        self.called.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    fn expires_at(&self, export: &Export) -> Option<u64> {
        Some(export.finished_at?.saturating_add(self.keep_us))
    }

    fn show(&self, state: &State, export: &Export) -> Shown {
        let progress = state.progress.as_ref();
        let progress = progress.filter(|_| export.status == Status::Running);
        Shown {
            progress: match progress {
                Some(progress) => [progress.done, progress.total],
                None => [export.counts.records, export.total],
            },
            expires_at: self.expires_at(export),
            export: export.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Export {
    fn is_over(&self) -> bool {
        matches!(self.status, Status::Done | Status::Failed)
    }

    fn is_visible(&self, trail: &TrailId, project: Option<&str>) -> bool {
        let in_project = project.is_none() || self.project.as_deref() == project;
        self.trail == trail.as_str() && in_project
    }

    fn fail(&mut self, now: Micros, why: &str) {
        self.status = Status::Failed;
        self.error = Some(why.to_owned());
        self.finished_at = Some(now.0);
    }
}
