use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    mcp::message::{Form, Id},
    redact::Redactor,
};

/// Made once: its rules take a while.
static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(None, &[], &[0; 32]).unwrap());

fn read(bytes: &[u8], step: usize) -> Vec<Seen> {
    let with = REDACTOR.with(&[]);
    let (mut reader, mut seen) = (Reader::default(), Vec::new());
    for piece in bytes.chunks(step) {
        reader.push(piece, &with, &mut |one| seen.push(one));
    }
    reader.end(&mut |one| seen.push(one));
    seen
}

fn messages(text: &str) -> Vec<Message> {
    let seen = read(text.as_bytes(), text.len());
    for step in [1, 2, 3, 7, 64] {
        assert_eq!(read(text.as_bytes(), step), seen, "step {step}");
    }
    let messages = seen.into_iter().map(|seen| match seen {
        Seen::Message(message) => *message,
        Seen::Unreadable(start) => panic!("{:?}", String::from_utf8_lossy(&start)),
    });
    messages.collect()
}

fn number(id: &str) -> Id {
    Id::Number(id.to_owned())
}

fn value(message: &mut Message, slot: Slot) -> Json {
    serde_json::from_str(&message.take(slot).unwrap().json).unwrap()
}

#[test]
fn a_request_is_read_in_whatever_order_its_members_come() {
    let orders = [
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"add","arguments":{"a":[1,{"b":"}"}]},"_meta":{"progressToken":"p"}}}"#,
        r#" { "params" : {"_meta":{"progressToken":"p"},"arguments":{"a":[1,{"b":"}"}]},"name":"add"}, "method":"tools\/call","id":7.0 } "#,
        r#"{"\u0070arams":{"n\u0061me":"add","arguments":{"a":[1,{"b":"}"}]},"_meta":{"progressToken":"p"}},"id":7,"\u006dethod":"tools/call"}"#,
    ];
    for text in orders {
        let mut message = messages(text).remove(0);
        let form = Form::Request(number("7"), "tools/call".to_owned());
        assert_eq!(message.form(), Some(form), "{text}");
        assert_eq!(message.text(Slot::Name).as_deref(), Some("add"));
        assert_eq!(
            message.id(Slot::AskedProgress),
            Some(Id::Text("p".to_owned()))
        );
        let arguments = value(&mut message, Slot::Arguments);
        assert_eq!(arguments, json!({"a": [1, {"b": "}"}]}));
    }
}

#[test]
fn names_count_only_where_they_mean_something() {
    let text = r#"{"method":"x/y","id":"a","params":{"id":1,"params":{"name":"no"},"deep":[{"method":"no"}],"name":"yes"}}"#;
    let mut message = messages(text).remove(0);
    let form = Form::Request(Id::Text("a".to_owned()), "x/y".to_owned());
    assert_eq!(message.form(), Some(form));
    assert_eq!(message.text(Slot::Name).as_deref(), Some("yes"));
    assert_eq!(
        value(&mut message, Slot::Params)["deep"],
        json!([{"method": "no"}])
    );
}

#[test]
fn the_last_of_two_members_counts() {
    let text = r#"{"id":1,"method":"ping","method":"tools/call","params":{"arguments":1},"params":{"name":"rm","arguments":{"x":2}}}"#;
    let mut message = messages(text).remove(0);
    assert_eq!(message.text(Slot::Method).as_deref(), Some("tools/call"));
    assert_eq!(value(&mut message, Slot::Arguments), json!({"x": 2}));
}

#[test]
fn answers_errors_and_notifications_are_told_apart() {
    let text = concat!(
        r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"isError":false}]}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":"2","error":{"code":-32601,"message":"no\u0020such"}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\r\n",
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":3}"#,
        "\n",
    );
    let messages = messages(text);
    let forms: Vec<_> = messages.iter().map(Message::form).collect();
    let expected = [
        Some(Form::Answer(number("1"))),
        Some(Form::Answer(Id::Text("2".to_owned()))),
        Some(Form::Notification("notifications/initialized".to_owned())),
        Some(Form::Stray),
        None,
    ];
    assert_eq!(forms, expected);
    assert!(messages[0].is_true(Slot::IsError));
    assert_eq!(messages[1].number(Slot::ErrorCode), Some(-32601));
    assert_eq!(
        messages[1].text(Slot::ErrorMessage).as_deref(),
        Some("no such")
    );
}

#[test]
fn batches_lines_and_messages_of_several_lines_are_taken_apart() {
    let one = |id: u8| format!("{{\"id\":{id},\n \"method\":\"m\"}}");
    let text = format!(
        "[{},{}]\n{}{}\n\n{}",
        one(1),
        one(2),
        one(3),
        one(4),
        one(5)
    );
    let ids: Vec<_> = messages(&text)
        .iter()
        .map(|message| message.id(Slot::Id))
        .collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5"].map(|id| Some(number(id))));
}

#[test]
fn what_is_no_message_costs_no_other_one() {
    let good = r#"{"id":1,"method":"m"}"#;
    for bad in [
        "starting up",
        "[INFO] ready {",
        "{",
        "{\"id\":1,\"method\":\"cut",
        "{\"a\" 1}",
        "[1,2]]",
        "}",
        "{]",
        "\"text\"",
        "{\"a\":01x$}",
        "\u{feff}\u{1f600}",
    ] {
        let text = format!("{good}\n{bad}\n{good}\n");
        for step in [1, 3, 1000] {
            let seen = read(text.as_bytes(), step);
            let is_message = |seen: &&Seen| matches!(seen, Seen::Message(_));
            assert_eq!(seen.iter().filter(is_message).count(), 2, "{bad}: {seen:?}");
            assert_eq!(seen.len(), 3, "{bad}: {seen:?}");
        }
    }
}

#[test]
fn a_message_of_any_size_is_read_in_little_memory() {
    let mut reader = Reader::default();
    let with = REDACTOR.with(&[]);
    let mut seen = Vec::new();
    let mut push = |bytes: &[u8]| reader.push(bytes, &with, &mut |one| seen.push(one));
    push(br#"{"id":1,"result":{"content":[{"text":""#);
    let piece = vec![b'x'; 1 << 20];
    (0..20).for_each(|_| push(&piece));
    push(br#""}],"isError":true}}"#);
    let Some(Seen::Message(message)) = seen.pop() else {
        panic!("no message");
    };
    assert!(message.is_true(Slot::IsError));
    let (_, value) = &message.values[0];
    assert!(value.json.len() <= crate::payload::MAX_VALUE_BYTES);
    assert!(value.whole.as_ref().unwrap().bytes > 20 << 20);
}

#[test]
fn depth_is_only_counted() {
    let deep = 100_000;
    let text = format!(
        "{{\"id\":1,\"method\":\"m\",\"params\":{{\"a\":{}1{},\"name\":\"n\"}}}}\n{{\"id\":2,\"method\":\"m\"}}",
        "[{\"x\":".repeat(deep),
        "}]".repeat(deep),
    );
    for step in [4_099, text.len()] {
        let seen = read(text.as_bytes(), step);
        let [Seen::Message(first), Seen::Message(_)] = seen.as_slice() else {
            panic!("{} messages", seen.len());
        };
        assert_eq!(first.text(Slot::Name).as_deref(), Some("n"));
    }
}

#[test]
fn after_a_loss_the_next_line_is_read() {
    let with = REDACTOR.with(&[]);
    let (mut reader, mut seen) = (Reader::default(), Vec::new());
    reader.push(b"{\"id\":1,\"meth", &with, &mut |one| seen.push(one));
    reader.lose();
    let rest = b"arams\":{}}\n{\"id\":2,\"method\":\"m\"}\n";
    reader.push(rest, &with, &mut |one| seen.push(one));
    assert_eq!(seen.len(), 1, "{seen:?}");
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        words in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\n", " ", "1", "true", "-", "x", "\"id\"", "\"method\"", "\"params\"",
            "\"name\":", "\"result\":", "\"tools\":", "{\"id\":1,\"method\":\"m\"}", "\"\\u0069d\":", "\"arguments\":{", "é", "\"_meta\":{",
        ]), 0..60),
        step in 1_usize..9,
    ) {
        let bytes = words.concat().into_bytes();
        prop_assert_eq!(read(&bytes, step), read(&bytes, 4096));
    }
}
