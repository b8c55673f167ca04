//! The numbers of producers, sealed and not.

use event::Seq;

use crate::node::Node;

fn event(producer: &str) -> String {
    format!(
        r#"{{"actor":{{"id":"a"}},"action":"x","time":"2026-01-01T00:00:00Z","producer":{producer}}}"#
    )
}

#[test]
fn events_with_a_producer_and_a_number_are_shown_in_order() {
    let node = Node::new();
    node.record(&[
        event(r#"{"id":"p","seq":0}"#),
        event(r#"{"id":"q","seq":7}"#),
        event(r#"{"id":"p"}"#),
        event(r#"{"seq":3}"#),
        event(r#"{"id":"p","seq":1}"#),
    ]);
    for sealed in [0, 3, 6] {
        node.seal(sealed);
        let view = node.engine.snapshot().unwrap();
        let mut found = Vec::new();
        view.numbers(0..view.size(), |n| {
            found.push((n.producer.to_owned(), n.number, n.seq));
        })
        .unwrap();
        let expected = [("p", 0, 1), ("q", 7, 2), ("p", 1, 5)];
        assert_eq!(
            found,
            expected.map(|(p, n, s)| (p.to_owned(), n, s)),
            "sealed to {sealed}"
        );
        let mut times = Vec::new();
        view.numbers(2..3, |n| times.push(n.time_us)).unwrap();
        assert_eq!(times, [1_767_225_600_000_000]);
    }
}

#[test]
fn a_row_is_the_record_of_an_event() {
    let node = Node::new();
    node.record(&[event(r#"{"id":"p","seq":0}"#)]);
    for sealed in [0, 2] {
        node.seal(sealed);
        let view = node.engine.snapshot().unwrap();
        let row = view.row(Seq(1)).unwrap().unwrap();
        assert_eq!(row.record, view.get(Seq(1)).unwrap().unwrap().record);
        assert_eq!(view.row(Seq(2)).unwrap(), None);
    }
}
