use event::json::{Kind, Value, compact, compact_prefix};
use event::{Limits, RecordView, Seq};
use proptest::prelude::*;

use super::shape::{Shape, shape, string};
use super::{ANYONE, prepare, write};

fn compacted(input: &str) -> Option<String> {
    let mut out = String::new();
    compact(input.as_bytes(), &mut out).ok().map(|()| out)
}

/// Rebuilds a value through the cursor.
fn rebuilt(value: Value<'_>) -> String {
    match value.kind() {
        Kind::Array => {
            let elements: Vec<_> = value.elements().map(rebuilt).collect();
            format!("[{}]", elements.join(","))
        }
        Kind::Object => {
            let member = |(name, value): (event::json::Text<'_>, _)| {
                format!("\"{}\":{}", name.raw(), rebuilt(value))
            };
            let members: Vec<_> = value.members().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        _ => value.as_str().to_owned(),
    }
}

proptest! {
    #[test]
    fn compaction_removes_white_space_and_nothing_else(
        shape in shape(),
        spaces in prop::collection::vec("[ \t\r\n]{0,3}", 1..20),
    ) {
        let mut spaces = spaces.iter().cycle();
        let mut space = |out: &mut String| out.push_str(spaces.next().map_or("", |space| space));
        let mut input = String::new();
        space(&mut input);
        shape.write(&mut input, &mut space);
        space(&mut input);
        let expected = shape.compact();
        prop_assert_eq!(compacted(&input), Some(expected.clone()));
        let cut = (0..=input.len()).rev().find(|at| input.is_char_boundary(*at) && at % 7 < 3);
        prop_assert!(expected.starts_with(&compact_prefix(&input[..cut.unwrap_or(0)])));
        prop_assert_eq!(compact_prefix(&input), expected.clone());
        prop_assert_eq!(compacted(&expected), Some(expected));
    }

    #[test]
    fn the_cursor_sees_every_token(shape in shape()) {
        let text = shape.compact();
        prop_assert_eq!(rebuilt(Value::new(&text)), text);
    }

    #[test]
    fn bytes_are_accepted_as_serde_json_accepts_them(
        shape in shape(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![prop::sample::select(&b"{}[],:\"\\0-.eEtu \n"[..]), any::<u8>()],
    ) {
        let mut input = shape.compact().into_bytes();
        let at = at.index(input.len());
        input[at] = byte;
        let reference = serde_json::from_slice::<&serde_json::value::RawValue>(&input).is_ok()
            && serde_json::from_slice::<serde::de::IgnoredAny>(&input).is_ok();
        let mut out = String::new();
        prop_assert_eq!(compact(&input, &mut out).is_ok(), reference);
    }

    #[test]
    fn strings_decode_as_serde_json_decodes_them(string in string()) {
        // It refuses lone surrogates, which are kept here.
        if let Ok(decoded) = serde_json::from_str::<String>(&string) {
            prop_assert_eq!(&*Value::new(&string).text().unwrap().decode(), decoded);
        }
    }

    #[test]
    fn a_written_record_is_json_and_reads_back(
        action in string().prop_filter("not empty", |text| text.len() > 2),
        name in string(),
        meta in prop::collection::vec((string(), shape()), 0..5),
        input in shape(),
        status in any::<i64>(),
        seq in any::<u64>(),
    ) {
        let meta = Shape::Object(meta).compact();
        let input = input.compact();
        let event = format!(
            r#"{{"action":{action},"actor":{{"name":{name},"id":"a"}},"meta":{meta},"input":{input},"status":{status}}}"#
        );
        let prepared = prepare(&event, &ANYONE, &Limits::default()).unwrap();
        let content = format!(r#"{{"input":{input}}}"#);
        prop_assert_eq!(prepared.content().unwrap(), content.as_bytes());
        let mut record = Vec::new();
        prepared.write_record(&mut record, "given", Seq(seq), super::NOW, &[0; 16]);
        prop_assert!(record.len() <= prepared.record_len_hint() + "given".len());
        let text = std::str::from_utf8(&record).unwrap();
        prop_assert_eq!(compacted(text), Some(text.to_owned()));
        let view = RecordView::parse(&record).unwrap();
        prop_assert_eq!(view.seq, Seq(seq));
        prop_assert_eq!(view.recorded_at, super::NOW);
        prop_assert_eq!(view.action, Value::new(&action).text().unwrap().decode());
        prop_assert_eq!(view.actor.name, Some(Value::new(&name).text().unwrap().decode()));
        prop_assert_eq!(view.meta.unwrap().as_str(), meta);
        prop_assert_eq!(view.status, Some(status));
    }

    #[test]
    fn cut_content_fits_and_is_json(input in shape(), output in shape(), limit in 60usize..400) {
        let event = format!(
            r#"{{"action":"x","actor":{{"id":"a"}},"input":{},"output":{}}}"#,
            input.compact(),
            output.compact()
        );
        let limits = Limits { content_bytes: limit, ..Limits::default() };
        let prepared = prepare(&event, &ANYONE, &limits).unwrap();
        let content = std::str::from_utf8(prepared.content().unwrap()).unwrap();
        prop_assert!(content.len() <= limit);
        prop_assert_eq!(compacted(content), Some(content.to_owned()));
        prop_assert!(RecordView::parse(write(&prepared).as_bytes()).is_ok());
    }

    #[test]
    fn no_input_panics(event in prop::collection::vec(any::<u8>(), 0..200)) {
        let key = event::DedupKey::new(&[0; 32]);
        // Random bytes are no event; what counts is that this returns.
        prop_assert!(event::prepare(&event, &ANYONE, &key, &Limits::default()).is_err());
        prop_assert!(RecordView::parse(&event).is_err());
    }
}
