//! Roots, leaves and entry bundles.

use event::{Leaf, Seq};
use indelible_query::QueryError;
use tlog::Frontier;

use crate::node::{Node, seal};

const EVENT: &str = r#"{"actor":{"id":"a"},"action":"x","input":{"n":1}}"#;
const WITHOUT_CONTENT: &str = r#"{"actor":{"id":"a"},"action":"x"}"#;

#[test]
fn the_root_of_every_size_is_that_of_its_leaves() {
    for checkpoint_interval_ms in [1, 3_600_000] {
        let node = Node::with_checkpoints_every(checkpoint_interval_ms);
        let mut tree = Frontier::new();
        let mut roots = vec![tree.root()];
        for _ in 0..6 {
            node.record(&[EVENT, WITHOUT_CONTENT, EVENT]);
            let view = node.engine.snapshot().unwrap();
            for size in tree.size()..view.size() {
                tree.append(node.trail.leaf_hash(Seq(size)).unwrap(), |_, _| {});
                roots.push(tree.root());
            }
            let check = |size: u64| {
                let root = view.at(size).unwrap().root().unwrap();
                assert_eq!(root, roots[usize::try_from(size).unwrap()], "{size}");
            };
            (0..=view.size()).for_each(check);
            (0..=view.size()).rev().for_each(check);
        }
    }
}

#[test]
fn a_root_is_found_after_the_leaves_before_it_were_signed_and_sealed() {
    let node = Node::new();
    let mut tree = Frontier::new();
    let mut record = || {
        node.record(&[EVENT; 5]);
        for seq in tree.size()..node.trail.size() {
            tree.append(node.trail.leaf_hash(Seq(seq)).unwrap(), |_, _| {});
        }
        tree.root()
    };
    let root = || node.engine.snapshot().unwrap().root().unwrap();
    assert_eq!(record(), root());
    record();
    node.wait_integrated(11);
    node.seal(11);
    assert_eq!(record(), root());
}

#[test]
fn bundles_hold_the_leaves_of_the_tree() {
    let node = Node::new();
    node.record(&[EVENT; 200]);
    node.record(&[WITHOUT_CONTENT; 100]);
    node.seal(280);
    let signed = node.wait_integrated(301);
    let view = node.engine.snapshot().unwrap();
    assert_eq!(view.root().unwrap(), signed.root);
    for (index, width) in [(0, 256), (0, 1), (0, 37), (1, 45), (1, 1)] {
        let bundle = view.entries(index, width).unwrap().unwrap();
        let entries = tlog::decode_entries(&bundle, width).unwrap();
        for (entry, seq) in entries.into_iter().zip(index * 256..) {
            let hash = node.trail.leaf_hash(Seq(seq)).unwrap();
            assert_eq!(tlog::leaf_hash(entry), hash, "{seq}");
            assert!(Leaf::parse(entry).is_ok());
        }
    }
    for (index, width) in [
        (0, 0),
        (0, 257),
        (1, 46),
        (2, 1),
        (u64::MAX, 1),
        (u64::MAX / 256, 256),
    ] {
        assert_eq!(view.entries(index, width).unwrap(), None, "{index} {width}");
    }
}

#[test]
fn an_event_that_is_not_the_one_in_the_tree_is_damage() {
    let node = Node::new();
    node.record(&[EVENT; 4]);
    let forged = br#"{"v":1,"id":"f","seq":2,"recorded_at":"2026-01-01T00:00:00.000000Z","time":"2026-01-01T00:00:00Z","actor":{"type":"agent","id":"b"},"source":"app","action":"x"}"#;
    seal(&node.trail, &node.segments, 5, |seq| {
        (seq == 2).then_some(&forged[..])
    });
    let view = node.engine.snapshot().unwrap();
    let error = view.entries(0, 5).unwrap_err();
    assert!(matches!(error, QueryError::Leaf { seq: Seq(2) }), "{error}");
    assert!(view.entries(0, 2).unwrap().is_some());
    let event = view.get(Seq(2)).unwrap().unwrap();
    assert!(view.leaf(&event).is_err());
}
