//! Deltas of OpenAI's kind, added up as its client libraries do it.

use serde_json::{Map, Value};

use super::Room;

/// Members that say what something is: a repetition replaces them.
const NAMES: [&str; 5] = ["id", "index", "role", "type", "object"];
/// Elements of a list by index: no model calls more tools at once.
const MAX_INDEX: u64 = 4_096;

/// Adds a delta to what there is: texts are joined, lists by the `index` of their elements.
pub(super) fn add(to: &mut Map<String, Value>, delta: Map<String, Value>, room: &mut Room) {
    for (name, value) in delta {
        match to.get_mut(&name) {
            Some(old) if !old.is_null() && !value.is_null() && !NAMES.contains(&name.as_str()) => {
                add_value(old, value, room);
            }
            Some(_) if value.is_null() => {}
            _ => insert(to, name, value, room),
        }
    }
}

/// A list is put together even if its first elements come in one delta.
fn insert(to: &mut Map<String, Value>, name: String, value: Value, room: &mut Room) {
    if value.is_array() {
        let mut list = Value::Array(Vec::new());
        add_value(&mut list, value, room);
        to.insert(name, list);
    } else if room.take(size(&value)) {
        to.insert(name, value);
    }
}

fn add_value(old: &mut Value, value: Value, room: &mut Room) {
    match (old, value) {
        (Value::String(old), Value::String(text)) => room.append(old, &text),
        (Value::Object(old), Value::Object(delta)) => add(old, delta, room),
        (Value::Array(old), Value::Array(list)) => {
            for element in list {
                add_element(old, element, room);
            }
        }
        (old, value) => *old = value,
    }
}

fn add_element(list: &mut Vec<Value>, element: Value, room: &mut Room) {
    let index_of = |element: &Value| element.get("index").and_then(Value::as_u64);
    let index = index_of(&element);
    let same = index.and_then(|index| list.iter_mut().find(|other| index_of(other) == Some(index)));
    match (same, element) {
        (Some(Value::Object(old)), Value::Object(delta)) => add(old, delta, room),
        (_, element) => {
            let fits =
                index.is_none_or(|index| index <= MAX_INDEX) && room.take(size(&element) + 16);
            if fits {
                list.push(element);
            }
        }
    }
}

/// Bytes of text in a value, roughly.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(|value| size(value) + 8).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}
