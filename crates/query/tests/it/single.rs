//! One event, by position and by id.

use event::{Seq, filter::Filter};
use indelible_query::{Order, QueryError, TimeRange};

use crate::{naive::everything, node::Node};

fn event(id: &str) -> String {
    format!(r#"{{"id":"{id}","actor":{{"id":"a"}},"action":"x","output":"{id}"}}"#)
}

#[test]
fn events_are_found_on_both_sides_of_the_boundary() {
    let node = Node::new();
    let ids = ["a1", "\\u0061\\u0032", "a3", "a4", "a\\u0035", "a6"];
    node.record(&ids.map(event));
    let all = everything(&node);
    for sealed in [0, 3, 4, 7] {
        node.seal(sealed);
        let view = node.engine.snapshot().unwrap();
        for expected in &all {
            let found = view.get(expected.seq).unwrap();
            assert_eq!(found.as_ref(), Some(expected), "sealed to {sealed}");
        }
        assert_eq!(view.get(Seq(7)).unwrap(), None);
        for (id, seq) in ["a1", "a2", "a3", "a4", "a5", "a6"].into_iter().zip(1..) {
            assert_eq!(view.find(id).unwrap(), Some(Seq(seq)), "sealed to {sealed}");
            let before = view.at(seq).unwrap();
            assert_eq!(before.find(id).unwrap(), None, "sealed to {sealed}");
            assert_eq!(before.get(Seq(seq)).unwrap(), None);
        }
        for other in ["a", "a7", "", "\\u0061\\u0032"] {
            assert_eq!(view.find(other).unwrap(), None, "{other}");
        }
    }
}

#[test]
fn a_hole_is_an_error() {
    let node = Node::new();
    node.record(&["a1", "a2", "a3"].map(event));
    node.wait_integrated(4);
    // Tells the ledger that all is in segments, which is not true.
    node.trail.mark_sealed(4);
    let view = node.engine.snapshot().unwrap();
    assert_eq!(view.size(), 4);
    let missing = |error: QueryError| matches!(error, QueryError::Missing { .. });
    assert!(missing(view.get(Seq(2)).unwrap_err()));
    let filter = event::filter::parse("action:x").unwrap();
    assert!(missing(view.count(&filter, TimeRange::ALL).unwrap_err()));
    let all = Filter::all();
    let mut events = view
        .events(&all, TimeRange::ALL, 0..4, Order::Newest)
        .unwrap();
    assert!(events.next().unwrap().is_err() && events.next().is_none());
}
