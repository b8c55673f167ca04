//! Proofs from tiles against the recursive definitions of RFC 6962.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::LazyLock;

use indelible_tlog::{
    Hash, Prover, ReadError, Tile, VerifyError, consistency_proof, inclusion_proof, node_hash,
    tree_root, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

use crate::stored::Stored;

const SIZE: usize = 1_300;

static STORED: LazyLock<Stored> = LazyLock::new(|| Stored::numbered(SIZE as u64));

/// MTH of RFC 6962, section 2.1.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = halves(leaves);
            node_hash(&mth(left), &mth(right))
        }
    }
}

/// PATH of RFC 6962, section 2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = halves(leaves);
    let (mut path, sibling) = if index < left.len() {
        (path(index, left), mth(right))
    } else {
        (path(index - left.len(), right), mth(left))
    };
    path.push(sibling);
    path
}

/// SUBPROOF of RFC 6962, section 2.1.2.
fn subproof(from: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if from == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let (left, right) = halves(leaves);
    let (mut proof, sibling) = if from <= left.len() {
        (subproof(from, left, whole), mth(right))
    } else {
        (subproof(from - left.len(), right, false), mth(left))
    };
    proof.push(sibling);
    proof
}

fn halves(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    leaves.split_at(leaves.len().next_power_of_two() / 2)
}

/// Reads tiles as they are in a tree of `size` leaves, and holds the reader's contract: nothing
/// twice, nothing that does not exist, partial tiles in the width of that size.
fn reader(size: u64) -> impl FnMut(Tile) -> Result<Vec<u8>, Infallible> {
    let mut seen = BTreeSet::new();
    move |tile| {
        assert!(seen.insert((tile.level, tile.n)), "{tile} was read twice");
        assert!(
            tile.exists_in(size),
            "{tile} is not in a tree of size {size}"
        );
        assert!((1..=256).contains(&tile.width), "{tile} is no tile");
        let wider = Tile {
            width: tile.width + 1,
            ..tile
        };
        assert!(
            tile.width == 256 || !wider.exists_in(size),
            "{tile} is wider at size {size}"
        );
        STORED.read(tile)
    }
}

fn a_leaf_of_a_tree() -> impl Strategy<Value = (usize, usize)> {
    (1..=SIZE).prop_flat_map(|size| (0..size, Just(size)))
}

/// What an adversary may do to a proof.
fn damage(proof: &mut Vec<Hash>, at: usize, how: u8) {
    let at = at % proof.len();
    match how {
        0 => proof[at].0[at % 32] ^= 1,
        1 => drop(proof.remove(at)),
        2 => proof.insert(at, proof[at]),
        _ => proof.push(Hash([0; 32])),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn root(size in 0..=SIZE) {
        let expected = mth(&STORED.levels[0][..size]);
        prop_assert_eq!(STORED.roots[size], expected);
        prop_assert_eq!(tree_root(size as u64, reader(size as u64)).unwrap(), expected);
    }

    #[test]
    fn inclusion((index, size) in a_leaf_of_a_tree(), at in any::<usize>(), how in 0..4_u8) {
        let leaf = STORED.levels[0][index];
        let root = STORED.roots[size];
        let (index, size) = (index as u64, size as u64);
        let mut proof = inclusion_proof(index, size, reader(size)).unwrap();
        let leaves = &STORED.levels[0][..usize::try_from(size).unwrap()];
        prop_assert_eq!(&proof, &path(usize::try_from(index).unwrap(), leaves));
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &root, &proof), Ok(()));
        prop_assert!(verify_inclusion(&leaf, index ^ 1, size, &root, &proof).is_err());
        if !proof.is_empty() {
            damage(&mut proof, at, how);
            prop_assert!(verify_inclusion(&leaf, index, size, &root, &proof).is_err());
        }
    }

    /// In any order: what a proof has in common with another one is still its own.
    #[test]
    fn many_inclusions(size in 1..=SIZE, start in any::<usize>(), step in 1..400_usize) {
        let mut prover = Prover::new(size as u64, |tile| STORED.read(tile));
        for nth in 0..16 {
            let index = (start % size + nth * step) % size;
            let expected = inclusion_proof(index as u64, size as u64, reader(size as u64));
            prop_assert_eq!(prover.inclusion(index as u64).unwrap(), expected.unwrap());
        }
        prop_assert!(prover.inclusion(size as u64).is_err());
    }

    #[test]
    fn consistency((from, to) in a_leaf_of_a_tree(), at in any::<usize>(), how in 0..4_u8) {
        let from = from + 1;
        let (from_root, to_root) = (STORED.roots[from], STORED.roots[to]);
        let expected = subproof(from, &STORED.levels[0][..to], true);
        let (from, to) = (from as u64, to as u64);
        let mut proof = consistency_proof(from, to, reader(to)).unwrap();
        prop_assert_eq!(&proof, &expected);
        prop_assert_eq!(verify_consistency(from, to, &from_root, &to_root, &proof), Ok(()));
        if !proof.is_empty() {
            damage(&mut proof, at, how);
            prop_assert!(verify_consistency(from, to, &from_root, &to_root, &proof).is_err());
        }
    }
}

#[test]
fn what_cannot_be_proven_is_refused_before_any_read() {
    let never = |_| -> Result<Vec<u8>, Infallible> { panic!("a tile was read") };
    assert!(matches!(
        inclusion_proof(7, 7, never),
        Err(ReadError::Index { index: 7, size: 7 })
    ));
    assert!(matches!(
        inclusion_proof(0, 0, never),
        Err(ReadError::Index { index: 0, size: 0 })
    ));
    assert!(matches!(
        consistency_proof(0, 7, never),
        Err(ReadError::Sizes { from: 0, to: 7 })
    ));
    assert!(matches!(
        consistency_proof(8, 7, never),
        Err(ReadError::Sizes { from: 8, to: 7 })
    ));
    assert_eq!(consistency_proof(7, 7, never).unwrap(), []);
    assert_eq!(tree_root(0, never).unwrap(), Hash::EMPTY_ROOT);
    let root = Hash([1; 32]);
    let error = verify_consistency(0, 7, &Hash::EMPTY_ROOT, &root, &[]).unwrap_err();
    assert_eq!(error, VerifyError::Sizes { from: 0, to: 7 });
}

#[test]
fn a_tile_of_another_length_is_refused() {
    let short = |tile: Tile| -> Result<Vec<u8>, Infallible> { Ok(vec![0; tile.len_bytes() - 1]) };
    let error = tree_root(7, short).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Length {
                expected: 224,
                actual: 223,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_failed_read_keeps_its_cause_and_place() {
    let fail = |_| Err::<Vec<u8>, _>(std::io::Error::other("disk"));
    let error = inclusion_proof(0, 300, fail).unwrap_err();
    assert_eq!(error.to_string(), "cannot read tile/0/000");
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "disk"
    );
}

/// The largest sizes do not overflow: all tiles of such a tree are readable.
#[test]
fn proofs_at_the_largest_size() {
    let zeroes = |tile: Tile| -> Result<Vec<u8>, Infallible> { Ok(vec![0; tile.len_bytes()]) };
    assert_eq!(
        inclusion_proof(u64::MAX - 1, u64::MAX, zeroes)
            .unwrap()
            .len(),
        63
    );
    assert_eq!(inclusion_proof(0, u64::MAX, zeroes).unwrap().len(), 64);
    assert!(consistency_proof(u64::MAX - 1, u64::MAX, zeroes).is_ok());
    assert!(tree_root(u64::MAX, zeroes).is_ok());
}
