//! The Merkle tree on disk: for each level one run of 32-byte hashes, 65,536 to a file.
//!
//! Level 0 holds the leaf hashes, level L the roots of full subtrees of 256^L leaves, as in C2SP
//! tlog-tiles: tile N of a level is hashes 256 N .. 256 N + 256 of its run. A file for each tile would
//! cost one fsync for every 256 events; here a checkpoint costs one for each level that grew.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use journal::{Fs, FsFile};
use tlog::{Frontier, Hash, TILE_WIDTH, Tile};

use crate::error::LedgerError;

/// Hashes in a file.
const FILE_HASHES: u64 = 65_536;
const HASH_BYTES: u64 = 32;
/// 256^8 leaves: more than a u64 of events can fill.
pub(crate) const LEVELS: u8 = 8;
/// Open files kept for reading.
const OPEN_FILES: usize = 512;

/// Full subtrees of a level in a tree of `size` leaves.
pub(crate) fn level_len(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

fn file_of(dir: &Path, level: u8, index: u64) -> PathBuf {
    dir.join(level.to_string())
        .join(format!("{:06}", index / FILE_HASHES))
}

/// Reads hashes; shared by proofs, tiles and the integrator.
pub(crate) struct TreeReader {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    files: Mutex<BTreeMap<(u8, u64), Arc<dyn FsFile>>>,
}

impl TreeReader {
    pub(crate) fn new(fs: Arc<dyn Fs>, dir: PathBuf) -> Self {
        Self {
            fs,
            dir,
            files: Mutex::new(BTreeMap::new()),
        }
    }

    /// Hash `index` of a level.
    pub(crate) fn hash(&self, level: u8, index: u64) -> Result<Hash, LedgerError> {
        let mut bytes = [0; 32];
        self.read(level, index, &mut bytes)?;
        Ok(Hash(bytes))
    }

    /// The bytes of a tile.
    pub(crate) fn tile(&self, tile: Tile) -> Result<Vec<u8>, LedgerError> {
        let mut bytes = vec![0; tile.len_bytes()];
        self.read(
            tile.level,
            tile.n.saturating_mul(u64::from(TILE_WIDTH)),
            &mut bytes,
        )?;
        Ok(bytes)
    }

    /// Up to `count` hashes of a level from `index` on; fewer at the end of a file.
    pub(crate) fn run(&self, level: u8, index: u64, count: u64) -> Result<Vec<Hash>, LedgerError> {
        let count = count.min(FILE_HASHES - index % FILE_HASHES);
        let mut bytes = vec![0; usize::try_from(count * HASH_BYTES).unwrap_or(usize::MAX)];
        self.read(level, index, &mut bytes)?;
        Ok(bytes.as_chunks().0.iter().copied().map(Hash).collect())
    }

    /// The file that holds a hash.
    pub(crate) fn path(&self, level: u8, index: u64) -> PathBuf {
        file_of(&self.dir, level, index)
    }

    /// Root of a full tile, from its stored hashes.
    pub(crate) fn tile_root(&self, level: u8, n: u64) -> Result<Hash, LedgerError> {
        let width = TILE_WIDTH;
        let bytes = self.tile(Tile { level, n, width })?;
        let mut frontier = Frontier::new();
        for hash in bytes.as_chunks::<32>().0 {
            frontier.append(Hash(*hash), |_, _| {});
        }
        Ok(frontier.root())
    }

    /// Root of the first `size` leaves, from the stored hashes.
    pub(crate) fn root(&self, size: u64) -> Result<Hash, LedgerError> {
        Ok(tlog::tree_root(size, |tile| self.tile(tile))?)
    }

    fn read(&self, level: u8, index: u64, out: &mut [u8]) -> Result<(), LedgerError> {
        let number = index / FILE_HASHES;
        let file = self.open(level, number)?;
        let offset = (index % FILE_HASHES) * HASH_BYTES;
        let end = offset + out.len() as u64;
        let path = || file_of(&self.dir, level, index);
        if file.len()? < end {
            return Err(LedgerError::TreeShort {
                path: path(),
                index,
            });
        }
        Ok(file.read_exact_at(offset, out)?)
    }

    fn open(&self, level: u8, number: u64) -> Result<Arc<dyn FsFile>, LedgerError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(&(level, number)) {
            return Ok(Arc::clone(file));
        }
        if files.len() >= OPEN_FILES {
            files.clear();
        }
        let path = file_of(&self.dir, level, number * FILE_HASHES);
        let file: Arc<dyn FsFile> = Arc::from(self.fs.open_read(&path)?);
        files.insert((level, number), Arc::clone(&file));
        Ok(file)
    }
}

/// Extends the tree; owned by the integrator.
pub(crate) struct TreeWriter {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    frontier: Frontier,
    /// For each level the file being appended to.
    open: BTreeMap<u8, OpenFile>,
}

struct OpenFile {
    number: u64,
    file: Box<dyn FsFile>,
    dirty: bool,
}

impl TreeWriter {
    /// Opens the tree at a durable size; hashes beyond it are left-overs of a crash and are cut.
    pub(crate) fn open(
        fs: Arc<dyn Fs>,
        dir: PathBuf,
        size: u64,
        reader: &TreeReader,
    ) -> Result<Self, LedgerError> {
        fs.create_dir_all(&dir)?;
        for level in 0..LEVELS {
            cut(
                fs.as_ref(),
                &dir.join(level.to_string()),
                level_len(size, level),
            )?;
        }
        let edge = tlog::right_edge(size, |tile| reader.tile(tile))?;
        Ok(Self {
            fs,
            dir,
            frontier: Frontier::restore(size, edge)?,
            open: BTreeMap::new(),
        })
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Root of everything appended, as computed in memory.
    pub(crate) fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Appends leaf hashes, and to the levels above the roots of the subtrees that they complete. Not durable
    /// before [`Self::sync`].
    pub(crate) fn append(&mut self, leaves: &[Hash]) -> Result<(), LedgerError> {
        let before = self.size();
        let mut rising: BTreeMap<u8, Vec<Hash>> = BTreeMap::new();
        for leaf in leaves {
            self.frontier.append(*leaf, |level, hash| {
                rising.entry(level).or_default().push(hash);
            });
        }
        self.write(0, before, leaves)?;
        for (level, hashes) in rising {
            self.write(level, level_len(before, level), &hashes)?;
        }
        Ok(())
    }

    /// Makes everything appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), LedgerError> {
        for open in self.open.values_mut().filter(|open| open.dirty) {
            open.file.sync_data()?;
            open.dirty = false;
        }
        Ok(())
    }

    fn write(&mut self, level: u8, mut index: u64, mut hashes: &[Hash]) -> Result<(), LedgerError> {
        while !hashes.is_empty() {
            let room = FILE_HASHES - index % FILE_HASHES;
            let take = usize::try_from(room)
                .unwrap_or(usize::MAX)
                .min(hashes.len());
            let (now, later) = hashes.split_at(take);
            let bytes: Vec<u8> = now.iter().flat_map(|hash| hash.0).collect();
            let open = self.file(level, index / FILE_HASHES)?;
            open.file.append(&bytes)?;
            open.dirty = true;
            index += take as u64;
            hashes = later;
        }
        Ok(())
    }

    fn file(&mut self, level: u8, number: u64) -> Result<&mut OpenFile, LedgerError> {
        if self
            .open
            .get(&level)
            .is_none_or(|open| open.number != number)
        {
            if let Some(mut full) = self.open.remove(&level)
                && full.dirty
            {
                full.file.sync_data()?;
            }
            let path = file_of(&self.dir, level, number * FILE_HASHES);
            let file = if self.fs.exists(&path)? {
                self.fs.open_append(&path)?
            } else {
                let level_dir = self.dir.join(level.to_string());
                if !self.fs.exists(&level_dir)? {
                    self.fs.create_dir_all(&level_dir)?;
                    self.fs.sync_dir(&self.dir)?;
                }
                let file = self.fs.create_new(&path)?;
                self.fs.sync_dir(&level_dir)?;
                file
            };
            self.open.insert(
                level,
                OpenFile {
                    number,
                    file,
                    dirty: false,
                },
            );
        }
        self.open.get_mut(&level).ok_or(LedgerError::Malformed {
            path: self.dir.clone(),
            what: "the tree file just opened is gone",
        })
    }
}

/// Cuts the files of a level to `length` hashes.
fn cut(fs: &dyn Fs, level_dir: &Path, length: u64) -> Result<(), LedgerError> {
    if !fs.exists(level_dir)? {
        return Ok(());
    }
    for name in fs.list(level_dir)? {
        let path = level_dir.join(&name);
        let Ok(number) = name.parse::<u64>() else {
            return Err(LedgerError::Malformed {
                path,
                what: "not a tree file",
            });
        };
        let keep = length
            .saturating_sub(number.saturating_mul(FILE_HASHES))
            .min(FILE_HASHES)
            * HASH_BYTES;
        let mut file = fs.open_append(&path)?;
        let found = file.len()?;
        if found < keep {
            return Err(LedgerError::TreeShort {
                path,
                index: number * FILE_HASHES + found / HASH_BYTES,
            });
        }
        if found > keep {
            file.set_len(keep)?;
            file.sync_data()?;
        }
    }
    Ok(())
}
