//! Section `tree`: roots and proofs.

use indelible_tlog::{
    Frontier, Hash, HashError, consistency_proof, inclusion_proof, leaf_hash, right_edge,
    tree_root, verify_consistency, verify_inclusion,
};

use crate::stored::{NUMBERED, SMALL, Stored};
use crate::vectors::{Consistency, Hex, Inclusion, Root, VECTORS};

#[test]
fn leaf_hashes() {
    let small = &VECTORS.tree.small;
    assert_eq!((small.leaves.len(), small.leaf_hashes.len()), (8, 8));
    for (leaf, hash) in small.leaves.iter().zip(&small.leaf_hashes) {
        assert_eq!(leaf_hash(&leaf.0), hash.hash());
    }
    let numbered = &VECTORS.tree.numbered.leaf_hashes;
    assert_eq!(numbered.len(), 5);
    for leaf in numbered {
        assert_eq!(leaf_hash(&leaf.index.to_be_bytes()), leaf.leaf_hash.hash());
    }
}

#[test]
fn roots() {
    assert_eq!(VECTORS.tree.small.roots.len(), 9);
    assert_eq!(VECTORS.tree.numbered.roots.len(), 12);
    check_roots(&SMALL, &VECTORS.tree.small.roots);
    check_roots(&NUMBERED, &VECTORS.tree.numbered.roots);
}

fn check_roots(stored: &Stored, roots: &[Root]) {
    for Root { size, root } in roots {
        let root = root.hash();
        assert_eq!(
            stored.roots[usize::try_from(*size).unwrap()],
            root,
            "appended, size {size}"
        );
        assert_eq!(
            tree_root(*size, |tile| stored.read(tile)).unwrap(),
            root,
            "tiles, size {size}"
        );
        let edge = right_edge(*size, |tile| stored.read(tile)).unwrap();
        assert_eq!(
            Frontier::restore(*size, edge).unwrap().root(),
            root,
            "restored, size {size}"
        );
    }
}

#[test]
fn inclusion() {
    assert_eq!(VECTORS.tree.inclusion.len(), 25);
    for case in &VECTORS.tree.inclusion {
        let stored = Stored::by_name(&case.tree);
        let made = inclusion_proof(case.index, case.size, |tile| stored.read(tile)).unwrap();
        assert_eq!(
            made,
            hashes(&case.proof).unwrap(),
            "{} of {}",
            case.index,
            case.size
        );
        assert!(includes(case), "{} of {}", case.index, case.size);
    }
}

#[test]
fn inclusion_reject() {
    assert_eq!(VECTORS.tree.inclusion_reject.len(), 37);
    for case in &VECTORS.tree.inclusion_reject {
        assert!(!includes(case), "{}", case.why);
    }
}

fn includes(case: &Inclusion) -> bool {
    let (Ok(leaf), Ok(root), Ok(proof)) = (
        case.leaf_hash.try_hash(),
        case.root.try_hash(),
        hashes(&case.proof),
    ) else {
        return false;
    };
    verify_inclusion(&leaf, case.index, case.size, &root, &proof).is_ok()
}

#[test]
fn consistency() {
    assert_eq!(VECTORS.tree.consistency.len(), 47);
    for case in &VECTORS.tree.consistency {
        let stored = Stored::by_name(&case.tree);
        let made = consistency_proof(case.from, case.to, |tile| stored.read(tile)).unwrap();
        assert_eq!(
            made,
            hashes(&case.proof).unwrap(),
            "{} to {}",
            case.from,
            case.to
        );
        assert!(consistent(case), "{} to {}", case.from, case.to);
    }
}

#[test]
fn consistency_reject() {
    assert_eq!(VECTORS.tree.consistency_reject.len(), 21);
    for case in &VECTORS.tree.consistency_reject {
        assert!(!consistent(case), "{}", case.why);
    }
}

fn consistent(case: &Consistency) -> bool {
    let (Ok(from_root), Ok(to_root), Ok(proof)) = (
        case.from_root.try_hash(),
        case.to_root.try_hash(),
        hashes(&case.proof),
    ) else {
        return false;
    };
    verify_consistency(case.from, case.to, &from_root, &to_root, &proof).is_ok()
}

fn hashes(proof: &[Hex]) -> Result<Vec<Hash>, HashError> {
    proof.iter().map(Hex::try_hash).collect()
}
