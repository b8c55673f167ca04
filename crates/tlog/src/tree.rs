//! Roots and proofs computed from stored tiles.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use thiserror::Error;

use crate::frontier::join_edge;
use crate::hash::{HASH_BYTES, Hash, node_hash};
use crate::proof::{Range, consistency_ranges, inclusion_ranges, subtrees};
use crate::tile::{TILE_WIDTH, Tile, hashes_in_level};

/// Why a root or proof could not be computed; `E` is the tile reader's own error.
#[derive(Debug, Error)]
pub enum ReadError<E> {
    /// The reader failed.
    #[error("cannot read {tile}")]
    Read {
        /// What was to be read.
        tile: Tile,
        /// Why it could not be.
        source: E,
    },
    /// The reader gave another number of bytes than the tile has.
    #[error("{tile} has {expected} bytes, found {actual}")]
    Length {
        /// What was read.
        tile: Tile,
        /// Bytes that it has.
        expected: usize,
        /// Bytes found.
        actual: usize,
    },
    /// There is no such leaf in the tree.
    #[error("no leaf {index} in a tree of size {size}")]
    Index {
        /// Leaf asked for, from 0.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// Not 0 < from <= to.
    #[error("no consistency proof from size {from} to size {to}")]
    Sizes {
        /// Leaves of the older tree.
        from: u64,
        /// Leaves of the newer tree.
        to: u64,
    },
}

/// Root of the tree of `size` leaves, computed from its rightmost tiles.
///
/// # Errors
/// If a tile cannot be read or has the wrong length.
pub fn tree_root<E>(
    size: u64,
    read: impl FnMut(Tile) -> Result<Vec<u8>, E>,
) -> Result<Hash, ReadError<E>> {
    Ok(join_edge(&right_edge(size, read)?))
}

/// Right edge of the tree of `size` leaves, for [`Frontier::restore`](crate::Frontier::restore).
///
/// `read` is asked at most once for each tile, always with the width that the tile has in a tree
/// of `size` leaves, and answers with exactly `32 * width` bytes.
///
/// # Errors
/// If a tile cannot be read or has the wrong length.
pub fn right_edge<E>(
    size: u64,
    read: impl FnMut(Tile) -> Result<Vec<u8>, E>,
) -> Result<Vec<Hash>, ReadError<E>> {
    let mut tree = TileTree::new(size, read);
    let edge = subtrees(Range {
        start: 0,
        end: size,
    });
    edge.map(|(height, index)| tree.subtree(height, index))
        .collect()
}

/// Inclusion proof of leaf `index` in the tree of `size` leaves, leaf's sibling first
/// (RFC 6962, section 2.1.1). `read` as in [`right_edge`].
///
/// # Errors
/// If there is no such leaf, or a tile cannot be read or has the wrong length.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    read: impl FnMut(Tile) -> Result<Vec<u8>, E>,
) -> Result<Vec<Hash>, ReadError<E>> {
    let ranges = inclusion_ranges(index, size).ok_or(ReadError::Index { index, size })?;
    TileTree::new(size, read).hashes(&ranges)
}

/// Consistency proof between the trees of `from` and of `to` leaves, 0 < from <= to
/// (RFC 6962, section 2.1.2); empty for equal sizes. `read` as in [`right_edge`], with tiles of
/// the tree of `to` leaves.
///
/// # Errors
/// If the sizes are out of order, or a tile cannot be read or has the wrong length.
pub fn consistency_proof<E>(
    from: u64,
    to: u64,
    read: impl FnMut(Tile) -> Result<Vec<u8>, E>,
) -> Result<Vec<Hash>, ReadError<E>> {
    let ranges = consistency_ranges(from, to).ok_or(ReadError::Sizes { from, to })?;
    TileTree::new(to, read).hashes(&ranges)
}

/// Makes inclusion proofs of many leaves of one tree. What one proof has in common with the one before is neither
/// read nor hashed again, so that leaves in rising order cost a few hashes each.
pub struct Prover<R> {
    tree: TileTree<R>,
    /// The last proof.
    last: Vec<(Range, Hash)>,
}

impl<E, R: FnMut(Tile) -> Result<Vec<u8>, E>> Prover<R> {
    /// Tiles kept in memory, at most 8 KiB each: those of one leaf's proof, and of its neighbour's.
    const TILES: usize = 64;

    /// Proofs in the tree of `size` leaves. `read` as in [`right_edge`], but may be asked again.
    pub fn new(size: u64, read: R) -> Self {
        Self {
            tree: TileTree::new(size, read),
            last: Vec::new(),
        }
    }

    /// The same as [`inclusion_proof`].
    ///
    /// # Errors
    /// As [`inclusion_proof`].
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, ReadError<E>> {
        let size = self.tree.size;
        let ranges = inclusion_ranges(index, size).ok_or(ReadError::Index { index, size })?;
        if self.tree.seen.len() > Self::TILES {
            self.tree.seen.clear();
        }
        let mut proof = Vec::with_capacity(ranges.len());
        for range in ranges {
            let known = self.last.iter().find(|(known, _)| *known == range);
            let hash = match known {
                Some((_, hash)) => *hash,
                None => self.tree.range(range)?,
            };
            proof.push((range, hash));
        }
        self.last = proof;
        Ok(self.last.iter().map(|(_, hash)| *hash).collect())
    }
}

/// A tree seen through its tiles. A proof needs few of them (a handful of each of at most eight
/// levels), some several times.
struct TileTree<R> {
    size: u64,
    read: R,
    /// Tiles read, by level and index.
    seen: BTreeMap<(u8, u64), Vec<u8>>,
}

impl<E, R: FnMut(Tile) -> Result<Vec<u8>, E>> TileTree<R> {
    fn new(size: u64, read: R) -> Self {
        Self {
            size,
            read,
            seen: BTreeMap::new(),
        }
    }

    fn hashes(&mut self, ranges: &[Range]) -> Result<Vec<Hash>, ReadError<E>> {
        ranges.iter().map(|range| self.range(*range)).collect()
    }

    fn range(&mut self, range: Range) -> Result<Hash, ReadError<E>> {
        let parts: Result<Vec<_>, _> = subtrees(range)
            .map(|(height, index)| self.subtree(height, index))
            .collect();
        Ok(join_edge(&parts?))
    }

    /// Root of the full subtree over leaves `index << height .. (index + 1) << height`.
    fn subtree(&mut self, height: u8, index: u64) -> Result<Hash, ReadError<E>> {
        // Rows below a tile's own hashes are not stored: a subtree of row r is 2^r hashes of the
        // level, which never straddle two tiles as r < 8.
        let (level, row) = (height / 8, height % 8);
        let first = index << row;
        let n = first / u64::from(TILE_WIDTH);
        let offset = usize::try_from(first % u64::from(TILE_WIDTH)).unwrap_or(0);
        let bytes = self.tile(level, n)?;
        let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
        let mut nodes: Vec<Hash> = hashes
            .iter()
            .skip(offset)
            .take(1 << row)
            .copied()
            .map(Hash)
            .collect();
        while nodes.len() > 1 {
            let (pairs, _) = nodes.as_chunks::<2>();
            nodes = pairs
                .iter()
                .map(|[left, right]| node_hash(left, right))
                .collect();
        }
        Ok(nodes.first().copied().unwrap_or(Hash::EMPTY_ROOT))
    }

    fn tile(&mut self, level: u8, n: u64) -> Result<&[u8], ReadError<E>> {
        match self.seen.entry((level, n)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let full = u64::from(TILE_WIDTH);
                let width = hashes_in_level(self.size, level)
                    .saturating_sub(n * full)
                    .min(full);
                let tile = Tile {
                    level,
                    n,
                    width: u16::try_from(width).unwrap_or(TILE_WIDTH),
                };
                let bytes = (self.read)(tile).map_err(|source| ReadError::Read { tile, source })?;
                let (expected, actual) = (tile.len_bytes(), bytes.len());
                if actual != expected {
                    return Err(ReadError::Length {
                        tile,
                        expected,
                        actual,
                    });
                }
                Ok(unknown.insert(bytes))
            }
        }
    }
}
