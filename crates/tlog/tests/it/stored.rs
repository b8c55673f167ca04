//! A tree kept the way a log keeps it: entries, and the hashes of every level.

use std::convert::Infallible;
use std::sync::LazyLock;

use indelible_tlog::{Frontier, Hash, Tile, TilePath, leaf_hash, push_entry};

use crate::vectors::VECTORS;

pub(crate) static SMALL: LazyLock<Stored> =
    LazyLock::new(|| Stored::new(VECTORS.tree.small.leaves.iter().map(|leaf| leaf.0.clone())));

pub(crate) static NUMBERED: LazyLock<Stored> = LazyLock::new(|| Stored::numbered(70_000));

pub(crate) struct Stored {
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) levels: Vec<Vec<Hash>>,
    /// Root at every size, from 0.
    pub(crate) roots: Vec<Hash>,
}

impl Stored {
    pub(crate) fn new(entries: impl Iterator<Item = Vec<u8>>) -> Self {
        let mut frontier = Frontier::new();
        let mut stored = Self {
            entries: entries.collect(),
            levels: vec![Vec::new()],
            roots: vec![frontier.root()],
        };
        for entry in &stored.entries {
            let hash = leaf_hash(entry);
            stored.levels[0].push(hash);
            frontier.append(hash, |level, hash| {
                let level = usize::from(level);
                stored
                    .levels
                    .resize_with(stored.levels.len().max(level + 1), Vec::new);
                stored.levels[level].push(hash);
            });
            stored.roots.push(frontier.root());
        }
        stored
    }

    pub(crate) fn numbered(size: u64) -> Self {
        Self::new((0..size).map(|i| i.to_be_bytes().to_vec()))
    }

    pub(crate) fn by_name(name: &str) -> &'static Self {
        match name {
            "small" => &SMALL,
            "numbered" => &NUMBERED,
            other => panic!("no tree {other}"),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature of a tile reader")]
    pub(crate) fn read(&self, tile: Tile) -> Result<Vec<u8>, Infallible> {
        let hashes = slice(&self.levels[usize::from(tile.level)], tile.n, tile.width);
        Ok(hashes.iter().flat_map(|hash| hash.0).collect())
    }

    pub(crate) fn bytes(&self, path: TilePath) -> Vec<u8> {
        match path {
            TilePath::Hashes(tile) => self.read(tile).unwrap(),
            TilePath::Entries { n, width } => {
                let mut bundle = Vec::new();
                for entry in slice(&self.entries, n, width) {
                    push_entry(&mut bundle, entry).unwrap();
                }
                bundle
            }
        }
    }
}

fn slice<T>(items: &[T], n: u64, width: u16) -> &[T] {
    let start = usize::try_from(n).unwrap() * 256;
    &items[start..start + usize::from(width)]
}
