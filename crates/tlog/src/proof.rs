//! The shape of RFC 6962 proofs, and their verification.

use thiserror::Error;

use crate::hash::{Hash, node_hash};

/// Leaves `start..end`; its hash is that of a subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// Why a proof proves nothing.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum VerifyError {
    /// There is no such leaf in the tree.
    #[error("no leaf {index} in a tree of size {size}")]
    Index {
        /// Leaf claimed, from 0.
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
    /// Too few or too many hashes.
    #[error("the proof has {expected} hashes, found {actual}")]
    Length {
        /// Hashes that the proof must have.
        expected: usize,
        /// Hashes found.
        actual: usize,
    },
    /// The proof leads to another root.
    #[error("the proof leads to root {computed}, not to {expected}")]
    Root {
        /// Root of the tree of that size.
        expected: Hash,
        /// Root that the proof leads to.
        computed: Hash,
    },
}

/// Verifies that the leaf with `leaf_hash` is leaf `index` of the tree of `size` leaves with
/// `root`. `proof` has the leaf's sibling first (RFC 6962, section 2.1.1).
///
/// # Errors
/// If the proof does not have exactly the hashes that it needs, or leads to another root.
pub fn verify_inclusion(
    leaf_hash: &Hash,
    index: u64,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), VerifyError> {
    let ranges = inclusion_ranges(index, size).ok_or(VerifyError::Index { index, size })?;
    check_length(ranges.len(), proof.len())?;
    let computed = ranges
        .iter()
        .zip(proof)
        .fold(*leaf_hash, |node, (range, sibling)| {
            if range.start > index {
                node_hash(&node, sibling)
            } else {
                node_hash(sibling, &node)
            }
        });
    check_root(root, computed)
}

/// Verifies that the tree of `from` leaves with `from_root` is a prefix of the tree of `to`
/// leaves with `to_root`, 0 < from <= to (RFC 6962, section 2.1.2).
///
/// # Errors
/// If the proof does not have exactly the hashes that it needs, or leads to another root.
pub fn verify_consistency(
    from: u64,
    to: u64,
    from_root: &Hash,
    to_root: &Hash,
    proof: &[Hash],
) -> Result<(), VerifyError> {
    let ranges = consistency_ranges(from, to).ok_or(VerifyError::Sizes { from, to })?;
    check_length(ranges.len(), proof.len())?;
    // The first hash is the old tree's last full subtree, left out if that is the whole old tree.
    let mut steps = ranges.iter().zip(proof).peekable();
    let shared = steps
        .next_if(|(range, _)| range.end == from)
        .map_or(*from_root, |(_, hash)| *hash);
    let (old, new) = steps.fold((shared, shared), |(old, new), (range, hash)| {
        if range.start >= from {
            (old, node_hash(&new, hash))
        } else {
            (node_hash(hash, &old), node_hash(hash, &new))
        }
    });
    check_root(from_root, old)?;
    check_root(to_root, new)
}

/// Ranges of the hashes of an inclusion proof, leaf's sibling first; none if there is no such leaf.
pub(crate) fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range>> {
    if index >= size {
        return None;
    }
    let mut siblings = Vec::new();
    let mut tree = Range {
        start: 0,
        end: size,
    };
    while tree.end - tree.start > 1 {
        let (left, right) = tree.split();
        let (down, sibling) = if index < left.end {
            (left, right)
        } else {
            (right, left)
        };
        siblings.push(sibling);
        tree = down;
    }
    siblings.reverse();
    Some(siblings)
}

/// Ranges of the hashes of a consistency proof in order; none unless 0 < from <= to.
pub(crate) fn consistency_ranges(from: u64, to: u64) -> Option<Vec<Range>> {
    if from == 0 || from > to {
        return None;
    }
    let mut ranges = Vec::new();
    let mut tree = Range { start: 0, end: to };
    while tree.end != from {
        let (left, right) = tree.split();
        let (down, sibling) = if from <= left.end {
            (left, right)
        } else {
            (right, left)
        };
        ranges.push(sibling);
        tree = down;
    }
    if tree.start > 0 {
        ranges.push(tree);
    }
    ranges.reverse();
    Some(ranges)
}

/// The full subtrees that make up a range of a tree, left to right, as (height, index):
/// leaves `index << height .. (index + 1) << height`.
pub(crate) fn subtrees(range: Range) -> impl Iterator<Item = (u8, u64)> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let fits = (range.end - start).checked_ilog2()?;
        let height = fits.min(start.trailing_zeros());
        let index = start >> height;
        start += 1 << height;
        Some((u8::try_from(height).ok()?, index))
    })
}

impl Range {
    /// Left and right child of a subtree of two leaves or more: the left one has the largest power
    /// of two of leaves that leaves any for the right one.
    fn split(self) -> (Self, Self) {
        let middle = self.start + (1 << (self.end - self.start - 1).ilog2());
        (
            Self {
                start: self.start,
                end: middle,
            },
            Self {
                start: middle,
                end: self.end,
            },
        )
    }
}

fn check_length(expected: usize, actual: usize) -> Result<(), VerifyError> {
    if expected == actual {
        Ok(())
    } else {
        Err(VerifyError::Length { expected, actual })
    }
}

fn check_root(expected: &Hash, computed: Hash) -> Result<(), VerifyError> {
    if *expected == computed {
        Ok(())
    } else {
        Err(VerifyError::Root {
            expected: *expected,
            computed,
        })
    }
}
