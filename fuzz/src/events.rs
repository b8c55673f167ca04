//! Targets for JSON, events and records.

use event::json::{Kind, Value, compact as compact_json};
use event::{DedupKey, Limits, Micros, RecordView, Seq, Submitter, prepare as prepare_event};

/// JSON: what is accepted loses white space outside of strings and nothing else, once; and the cursor
/// finds every token of it.
pub fn compact(data: &[u8]) {
    let mut compacted = String::new();
    let accepted = compact_json(data, &mut compacted).is_ok();
    // The cursor may meet anything; it must come to an end.
    let seen = rebuilt(Value::new(std::str::from_utf8(data).unwrap_or_default()));
    if !accepted {
        return;
    }
    assert_eq!(compacted.as_bytes(), without_white_space(data));
    assert_eq!(rebuilt(Value::new(&compacted)), compacted);
    if compacted.as_bytes() == data {
        assert_eq!(seen, compacted);
    }
    let mut again = String::new();
    assert_eq!(compact_json(compacted.as_bytes(), &mut again), Ok(()));
    assert_eq!(again, compacted);
}

/// Events: what is accepted makes a record that is compact JSON, reads back, and fits the limits.
pub fn prepare(data: &[u8]) {
    let limits = Limits {
        record_bytes: 2_000,
        content_bytes: 100,
    };
    let by = Submitter {
        key: Some("ik_1"),
        ip: Some([10, 0, 0, 1].into()),
        gateway: data.len().is_multiple_of(2),
        ..Submitter::default()
    };
    let Ok(prepared) = prepare_event(data, &by, &DedupKey::new(&[0; 32]), &limits) else {
        return;
    };
    let mut record = Vec::new();
    prepared.write_record(&mut record, "given", Seq(u64::MAX), Micros(0), &[0; 16]);
    assert!(record.len() <= limits.record_bytes);
    assert_compact(&record);
    let view = RecordView::parse(&record).expect("a written record reads back");
    assert_eq!(view.seq, Seq(u64::MAX));
    assert_eq!(view.id, prepared.id().unwrap_or("given"));
    assert_eq!(view.content.is_some(), prepared.content().is_some());
    if let Some(content) = prepared.content() {
        assert!(content.len() <= limits.content_bytes);
        assert_compact(content);
    }
}

/// Records: any bytes are read or refused, and free objects stay inside them.
pub fn record_view(data: &[u8]) {
    if let Ok(view) = RecordView::parse(data) {
        assert!(!view.id.is_empty());
        if let Some(meta) = view.meta {
            let _ = rebuilt(meta);
        }
    }
}

fn assert_compact(json: &[u8]) {
    let mut again = String::new();
    assert_eq!(compact_json(json, &mut again), Ok(()));
    assert_eq!(again.as_bytes(), json);
}

/// The value written again from what the cursor shows of it, without recursion below the depth that
/// compaction allows.
fn rebuilt(value: Value<'_>) -> String {
    rebuilt_to(value, event::json::MAX_DEPTH)
}

fn rebuilt_to(value: Value<'_>, depth: usize) -> String {
    match value.kind() {
        _ if depth == 0 => value.as_str().to_owned(),
        Kind::Array => {
            let elements = value
                .elements()
                .map(|element| rebuilt_to(element, depth - 1));
            format!("[{}]", elements.collect::<Vec<_>>().join(","))
        }
        Kind::Object => {
            let members = value.members().map(|(name, value)| {
                let _ = name.decode();
                format!("\"{}\":{}", name.raw(), rebuilt_to(value, depth - 1))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Kind::String => {
            let _ = value.text().map(|text| text.decode());
            value.as_str().to_owned()
        }
        Kind::Null | Kind::Bool | Kind::Number => value.as_str().to_owned(),
    }
}

fn without_white_space(json: &[u8]) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    let mut kept = Vec::new();
    for &byte in json {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = byte == b'"';
        }
        kept.push(byte);
    }
    kept
}
