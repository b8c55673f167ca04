//! The state that lets a log grow: its size and the right edge of its tree.

use thiserror::Error;

use crate::hash::{Hash, node_hash};

/// The largest size that a [`Frontier`] is restored at; far above any real log, and low
/// enough that appending can never overflow.
pub const MAX_SIZE: u64 = 1 << 62;

/// An append-only tree reduced to what is needed to append and to compute the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the full subtrees that make up the tree, left to right: one for each set
    /// bit of `size`, largest first.
    edge: Vec<Hash>,
}

/// A size and an edge that do not belong together.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FrontierError {
    /// The edge must have one hash for each set bit of the size.
    #[error("a tree of size {size} has {expected} edge hashes, found {actual}")]
    Edge {
        /// Number of leaves.
        size: u64,
        /// Number of hashes that a tree of that size has.
        expected: usize,
        /// Number of hashes given.
        actual: usize,
    },
    /// Above [`MAX_SIZE`].
    #[error("size {size} is above the largest supported, {MAX_SIZE}")]
    Size {
        /// Number of leaves.
        size: u64,
    },
}

impl Frontier {
    /// The empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: 0,
            edge: Vec::new(),
        }
    }

    /// Restores the state of a tree of `size` leaves from its right edge, in the order of
    /// [`Frontier::edge`]. [`right_edge`](crate::right_edge) reads one from tiles.
    ///
    /// # Errors
    /// If the number of hashes does not fit the size, or the size is above [`MAX_SIZE`].
    pub fn restore(size: u64, edge: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > MAX_SIZE {
            return Err(FrontierError::Size { size });
        }
        let (expected, actual) = (size.count_ones() as usize, edge.len());
        if actual != expected {
            return Err(FrontierError::Edge {
                size,
                expected,
                actual,
            });
        }
        Ok(Self { size, edge })
    }

    /// Appends one leaf hash, in amortised one node hash.
    ///
    /// `completed(level, hash)` is called, lowest level first, for every full tile that the
    /// leaf completes: `hash` is the next hash of `level` (1 or more), to be appended to what is
    /// stored of that level. The leaf hash itself is the next hash of level 0.
    pub fn append(&mut self, leaf_hash: Hash, mut completed: impl FnMut(u8, Hash)) {
        let mut hash = leaf_hash;
        let mut level = 0;
        for height in 1..=self.size.trailing_ones() {
            if let Some(left) = self.edge.pop() {
                hash = node_hash(&left, &hash);
            }
            if height % 8 == 0 {
                level += 1;
                completed(level, hash);
            }
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the full subtrees that make up the tree, left to right (largest first).
    #[must_use]
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// Root of the tree (RFC 6962, section 2.1).
    #[must_use]
    pub fn root(&self) -> Hash {
        join_edge(&self.edge)
    }
}

/// Root over full subtrees of falling size.
pub(crate) fn join_edge(edge: &[Hash]) -> Hash {
    let joined = edge
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node_hash(&left, &right));
    joined.unwrap_or(Hash::EMPTY_ROOT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_hash;

    #[test]
    fn restore_continues_where_the_edge_was_taken() {
        let mut whole = Frontier::new();
        for i in 0..700_u64 {
            let mut restored = Frontier::restore(whole.size(), whole.edge().to_vec()).unwrap();
            let leaf = leaf_hash(&i.to_be_bytes());
            whole.append(leaf, |_, _| {});
            restored.append(leaf, |_, _| {});
            assert_eq!(restored, whole);
        }
    }

    #[test]
    fn restore_refuses_an_edge_that_does_not_fit() {
        let error = Frontier::restore(5, vec![Hash::EMPTY_ROOT]).unwrap_err();
        assert_eq!(
            error,
            FrontierError::Edge {
                size: 5,
                expected: 2,
                actual: 1
            }
        );
        assert!(Frontier::restore(u64::MAX, vec![Hash::EMPTY_ROOT; 64]).is_err());
    }

    #[test]
    fn a_tile_is_complete_at_every_256th_leaf() {
        let mut frontier = Frontier::new();
        let mut seen = Vec::new();
        for i in 1..=65_536_u64 {
            frontier.append(leaf_hash(&[]), |level, hash| seen.push((i, level, hash)));
        }
        assert_eq!(seen.len(), 257);
        assert_eq!((seen[0].0, seen[0].1), (256, 1));
        assert_eq!((seen[255].0, seen[255].1), (65_536, 1));
        assert_eq!((seen[256].0, seen[256].1), (65_536, 2));
        assert_eq!(seen[256].2, frontier.root());
    }
}
