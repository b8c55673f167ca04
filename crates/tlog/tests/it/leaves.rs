//! Section `leaves`: the hashes and the bundle of real leaves.

use indelible_tlog::{Frontier, TilePath, decode_entries, leaf_hash};

use crate::stored::Stored;
use crate::vectors::VECTORS;

#[test]
fn leaf_hashes_and_roots() {
    let leaves = &VECTORS.leaves;
    assert_eq!((leaves.records.len(), leaves.roots.len()), (3, 3));
    let mut frontier = Frontier::new();
    for record in &leaves.records {
        let hash = leaf_hash(&record.leaf.0);
        assert_eq!(hash, record.leaf_hash.hash());
        frontier.append(hash, |_, _| {});
        assert_eq!(
            frontier.root(),
            leaves.roots[&frontier.size().to_string()].hash()
        );
    }
}

#[test]
fn entry_bundle() {
    let case = &VECTORS.leaves.entry_bundle;
    let leaves = || {
        VECTORS
            .leaves
            .records
            .iter()
            .map(|record| record.leaf.0.clone())
    };
    let path: TilePath = case.path.parse().unwrap();
    assert_eq!(path, TilePath::Entries { n: 0, width: 3 });
    assert_eq!(Stored::new(leaves()).bytes(path), case.bytes.0);
    assert_eq!(
        decode_entries(&case.bytes.0, 3).unwrap(),
        leaves().collect::<Vec<_>>()
    );
}
