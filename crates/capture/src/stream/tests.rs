use proptest::prelude::*;

use super::*;

fn sse(bytes: &[u8], step: usize) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (mut events, mut seen) = (SseEvents::default(), Vec::new());
    for piece in bytes.chunks(step) {
        events.push(piece, |name, data| seen.push((text(name), text(data))));
    }
    seen
}

#[test]
fn events_have_names_and_data_of_several_lines() {
    let stream = "\u{feff}: a comment\n\nevent: one\ndata: a\ndata:b\nid: 7\r\n\r\ndata\n\ndata:  two spaces\r\rretry: 5\n\nevent: none\n\ndata: cut";
    let expected = [("one", "a\nb"), ("", ""), ("", " two spaces")];
    for step in [1, 2, 5, 1000] {
        let seen = sse(stream.as_bytes(), step);
        let seen: Vec<_> = seen
            .iter()
            .map(|(name, data)| (name.as_str(), data.as_str()))
            .collect();
        assert_eq!(seen, expected, "step {step}");
    }
}

#[test]
fn an_event_that_is_too_long_is_left_out_and_the_next_one_is_not() {
    let stream = format!("data: {}\n\ndata: next\n\n", "x".repeat(MAX_EVENT_BYTES));
    assert_eq!(
        sse(stream.as_bytes(), 1 << 20),
        [(String::new(), "next".to_owned())]
    );
    let array = format!(
        "[{{\"a\":\"{}\"}},{{\"b\":1}}]",
        "x".repeat(MAX_EVENT_BYTES)
    );
    let mut seen = Vec::new();
    let mut elements = ArrayElements::default();
    array
        .as_bytes()
        .chunks(1 << 20)
        .for_each(|piece| elements.push(piece, |element| seen.push(element.to_vec())));
    assert_eq!(seen, [b"{\"b\":1}"]);
}

#[test]
fn elements_are_objects_whatever_their_strings_hold() {
    let array = br#"[{"a":"]},{\"","b":[{}]}
,
{"c":{}}]"#;
    for step in [1, 3, 100] {
        let (mut elements, mut seen) = (ArrayElements::default(), Vec::new());
        for piece in array.chunks(step) {
            elements.push(piece, |element| {
                seen.push(String::from_utf8(element.to_vec()).unwrap());
            });
        }
        assert_eq!(seen, [r#"{"a":"]},{\"","b":[{}]}"#, r#"{"c":{}}"#]);
    }
}

/// A message as AWS writes it.
fn aws_message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(u8::try_from(name.len()).unwrap());
        block.extend_from_slice(name.as_bytes());
        block.push(7);
        block.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        block.extend_from_slice(value.as_bytes());
    }
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_be_bytes()
    };
    let length = u32::try_from(16 + block.len() + payload.len()).unwrap();
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(&u32::try_from(block.len()).unwrap().to_be_bytes());
    message.extend_from_slice(&crc(&message));
    message.extend_from_slice(&block);
    message.extend_from_slice(payload);
    message.extend_from_slice(&crc(&message));
    message
}

#[test]
fn aws_messages_are_read_whole_and_damage_ends_them() {
    let event = aws_message(
        &[
            (":message-type", "event"),
            (":event-type", "messageStart"),
            (":content-type", "application/json"),
        ],
        b"{}",
    );
    let exception = aws_message(
        &[
            (":message-type", "exception"),
            (":exception-type", "throttlingException"),
        ],
        b"{\"message\":\"slow\"}",
    );
    let stream = [event.clone(), exception, event].concat();
    for step in [1, 7, 1000] {
        let (mut events, mut seen) = (AwsEvents::default(), Vec::new());
        for piece in stream.chunks(step) {
            events.push(piece, |message| {
                seen.push((
                    message.kind.to_owned(),
                    message.is_exception,
                    message.payload.len(),
                ));
            });
        }
        let (start, slow) = ("messageStart".to_owned(), "throttlingException".to_owned());
        assert_eq!(
            seen,
            [
                (start.clone(), false, 2),
                (slow, true, 18),
                (start, false, 2)
            ]
        );
        assert!(!events.is_broken());
    }
    for at in 0..stream.len() {
        let mut damaged = stream.clone();
        damaged[at] ^= 1;
        let (mut events, mut seen) = (AwsEvents::default(), 0);
        events.push(&damaged, |_| seen += 1);
        assert!(seen < 3, "byte {at}");
    }
}

proptest! {
    #[test]
    fn pieces_do_not_matter(bytes in prop::collection::vec(prop::sample::select(b"data: event\r\n{}[],\"\\x".to_vec()), 0..300), step in 1_usize..20) {
        prop_assert_eq!(sse(&bytes, step), sse(&bytes, 1000));
        let elements = |step| {
            let (mut elements, mut seen) = (ArrayElements::default(), Vec::new());
            for piece in bytes.chunks(step) {
                elements.push(piece, |element| seen.push(element.to_vec()));
            }
            seen
        };
        prop_assert_eq!(elements(step), elements(1000));
    }
}
