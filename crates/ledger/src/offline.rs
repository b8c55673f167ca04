//! The ledger's files as they lie on disk, for verification without running it: no lock, nothing is changed.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use event::{Salts, Seq, TrailId};
use journal::{DroppedTail, Journal};
use tlog::{Frontier, Hash, VerifierKey};

use crate::{
    checkpoints::{self, SignedCheckpoint},
    chunk::{Chunk, HotEvent},
    env::Env,
    epochs::Epochs,
    error::LedgerError,
    frame::Frame,
    keys::{TrailKeys, log_key_path},
    recovery::{leaves, unwrap_visit, wal_dir},
    tree::{LEVELS, TreeReader, level_len},
};

/// Leaf hashes read at a time.
const RUN: u64 = 4_096;

/// One trail's files.
pub struct OfflineTrail {
    env: Env,
    id: TrailId,
    dir: PathBuf,
    vkey: VerifierKey,
    /// Everything that was signed and is kept, smallest first.
    signed: Vec<SignedCheckpoint>,
    tree: TreeReader,
    epochs: Epochs,
}

/// The trails of a data directory, by name.
///
/// # Errors
/// If a key, a checkpoint or a secret cannot be read or is not in its format.
pub fn trails(env: &Env, dir: &Path) -> Result<Vec<OfflineTrail>, LedgerError> {
    let dir = dir.join("trails");
    let mut trails = Vec::new();
    for name in env.fs.list(&dir)? {
        let path = dir.join(&name);
        let Ok(id) = TrailId::new(name) else {
            return Err(malformed(path, "not the name of a trail"));
        };
        if env.fs.exists(&path.join("log.key"))? || env.fs.exists(&path.join("checkpoint"))? {
            trails.push(OfflineTrail::open(env, id, path)?);
        }
    }
    Ok(trails)
}

/// Visits every event in the write-ahead log, oldest first; some may be sealed already. Returns the
/// torn end, if there is one: if no signed checkpoint covers it, it was never acknowledged.
///
/// # Errors
/// The first damaged frame, a frame of a trail that is not among `trails`, or the visitor's own error.
pub fn scan_log(
    env: &Env,
    dir: &Path,
    trails: &[OfflineTrail],
    mut visit: impl FnMut(&OfflineTrail, HotEvent<'_>) -> Result<(), LedgerError>,
) -> Result<Option<DroppedTail>, LedgerError> {
    let wal = wal_dir(dir);
    let mut frame = |number, payload: &[u8]| {
        let frame = Frame::parse(payload).map_err(|source| LedgerError::Frame {
            dir: wal.clone(),
            frame: number,
            source,
        })?;
        let Some(trail) = trails.iter().find(|trail| trail.id == frame.trail) else {
            return Err(LedgerError::TrailGone {
                trail: frame.trail,
                frame: number,
            });
        };
        let mut chunk = Chunk {
            first: frame.first,
            recorded_at: frame.recorded_at,
            bytes: payload.to_vec(),
            leaves: Vec::new(),
            entries: frame.entries,
        };
        chunk.leaves = leaves(&trail.epochs, &chunk)?;
        chunk.iter().try_for_each(|event| visit(trail, event))
    };
    let scanned = Journal::scan(env.fs.as_ref(), &wal, &mut |at, payload| {
        frame(at.frame, payload).map_err(Into::into)
    });
    Ok(scanned.map_err(unwrap_visit)?.dropped)
}

impl OfflineTrail {
    fn open(env: &Env, id: TrailId, dir: PathBuf) -> Result<Self, LedgerError> {
        let path = dir.join("log.vkey");
        let vkey: VerifierKey = String::from_utf8(env.fs.read(&path)?)
            .ok()
            .and_then(|text| text.strip_suffix('\n')?.parse().ok())
            .ok_or_else(|| malformed(path, "not a verifier key"))?;
        Ok(Self {
            env: env.clone(),
            signed: checkpoints::read_signed(env.fs.as_ref(), &dir, &vkey)?,
            tree: TreeReader::new(Arc::clone(&env.fs), dir.join("tree")),
            epochs: Epochs::open(env.clone(), dir.join("epochs"))?,
            id,
            dir,
            vkey,
        })
    }

    /// Name of the trail.
    #[must_use]
    pub fn id(&self) -> &TrailId {
        &self.id
    }

    /// Directory of the trail.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The verifier key found beside the log: not pinned.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.vkey
    }

    /// Checks the secret keys beside the log against their checksums and the verifier key. A copy made for
    /// verification need not have them: then the answer is false.
    ///
    /// # Errors
    /// If one of them is damaged, cannot be read, or is missing beside the other.
    pub fn check_keys(&self) -> Result<bool, LedgerError> {
        let present = self.env.fs.exists(&log_key_path(&self.dir))?
            || self.env.fs.exists(&self.dir.join("dedup.key"))?;
        if present {
            TrailKeys::load(&self.env, &self.dir)?;
        }
        Ok(present)
    }

    /// The newest checkpoint; its signature was checked with the key found beside the log.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&SignedCheckpoint> {
        self.signed.last()
    }

    /// Salts of a recorded event.
    ///
    /// # Errors
    /// If the secret of its epoch is missing or damaged.
    pub fn salts(&self, seq: Seq) -> Result<Salts, LedgerError> {
        self.epochs.salts(seq)
    }

    /// Stored hash of a leaf.
    ///
    /// # Errors
    /// If the tree is shorter or cannot be read.
    pub fn leaf_hash(&self, seq: Seq) -> Result<Hash, LedgerError> {
        self.tree.hash(0, seq.0)
    }

    /// Stored hashes of the leaves from `first` on, at most `count`, fewer at the end of a tree file.
    ///
    /// # Errors
    /// If the tree is shorter or cannot be read.
    pub fn leaf_hashes(&self, first: Seq, count: u64) -> Result<Vec<Hash>, LedgerError> {
        self.tree.run(0, first.0, count)
    }

    /// Hashes the stored tree anew from its leaves: every stored hash of every level, the root of the newest
    /// checkpoint and of all kept ones. Calls `progress` with the number of leaves done, which may stop it.
    ///
    /// # Errors
    /// [`LedgerError::Root`] or [`LedgerError::TreeHash`] where the tree is not what was signed.
    pub fn verify_tree(
        &self,
        mut progress: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<TreeReport, LedgerError> {
        let size = self.checkpoint().map_or(0, |newest| newest.size);
        let mut levels: [Level; LEVELS as usize] = Default::default();
        let mut signed = self.signed.iter().peekable();
        let mut frontier = Frontier::new();
        let mut checkpoints = 0;
        let mut bad = None;
        while frontier.size() < size {
            let leaves = self
                .tree
                .run(0, frontier.size(), RUN.min(size - frontier.size()))?;
            for leaf in leaves {
                frontier.append(leaf, |level, hash| {
                    if let Some(stored) = levels.get_mut(usize::from(level)) {
                        let wrong = stored.differs(&self.tree, level, size, hash);
                        bad = bad.take().or(wrong);
                    }
                });
                if let Some(error) = bad.take() {
                    return Err(error);
                }
                while let Some(kept) = signed.next_if(|kept| kept.size <= frontier.size()) {
                    if kept.size != frontier.size() || kept.root != frontier.root() {
                        return Err(LedgerError::Root {
                            trail: self.id.clone(),
                            size: kept.size,
                        });
                    }
                    checkpoints += 1;
                }
            }
            if progress(frontier.size()).is_break() {
                break;
            }
        }
        Ok(TreeReport {
            leaves: frontier.size(),
            checkpoints,
        })
    }
}

/// What [`OfflineTrail::verify_tree`] checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeReport {
    /// Leaves hashed.
    pub leaves: u64,
    /// Signed checkpoints whose root is that of the stored tree.
    pub checkpoints: u64,
}

/// The stored hashes of one level above the leaves, read a run at a time.
#[derive(Default)]
struct Level {
    next: u64,
    run: std::vec::IntoIter<Hash>,
}

impl Level {
    fn differs(
        &mut self,
        tree: &TreeReader,
        level: u8,
        size: u64,
        hash: Hash,
    ) -> Option<LedgerError> {
        let index = self.next;
        self.next += 1;
        if self.run.len() == 0 {
            match tree.run(level, index, RUN.min(level_len(size, level) - index)) {
                Ok(run) => self.run = run.into_iter(),
                Err(error) => return Some(error),
            }
        }
        (self.run.next() != Some(hash)).then(|| LedgerError::TreeHash {
            path: tree.path(level, index),
            index,
        })
    }
}

fn malformed(path: PathBuf, what: &'static str) -> LedgerError {
    LedgerError::Malformed { path, what }
}
