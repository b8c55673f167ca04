//! The names of the calls that a model asks for: hooks and telemetry have them too, and so the calls are found again.

use event::json::{Kind, Value};

/// Most names that a record has.
const MOST_NAMES: usize = 64;
/// Longest name; providers give about 30 characters.
const MAX_NAME_BYTES: usize = 128;
/// Deepest object that is looked into.
const MAX_DEPTH: usize = 8;

/// JSON of the names in an answer, wherever its API has them; `None` if there are none.
pub(super) fn names(answer: &str) -> Option<String> {
    let mut names = Vec::new();
    collect(Value::new(answer), MAX_DEPTH, &mut names);
    if names.is_empty() {
        return None;
    }
    // Nothing in them needs an escape.
    Some(format!("[\"{}\"]", names.join("\",\"")))
}

fn collect(value: Value<'_>, depth: usize, names: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value.kind() {
        Kind::Array => value
            .elements()
            .for_each(|element| collect(element, depth, names)),
        Kind::Object => {
            if let Some(name) = name(value) {
                names.push(name);
                return;
            }
            value
                .members()
                .for_each(|(_, member)| collect(member, depth, names));
        }
        _ => {}
    }
    names.truncate(MOST_NAMES);
}

/// The name, if an object is a call: `tool_use` of messages, a tool call of chat completions, `function_call` of responses, and
/// `toolUse` of Bedrock.
fn name(object: Value<'_>) -> Option<String> {
    let (mut kind, mut id, mut call_id) = (None, None, None);
    for (name, value) in object.members() {
        match name.decode().as_ref() {
            "type" => kind = value.text(),
            "id" => id = value.text(),
            "call_id" | "toolUseId" => call_id = value.text(),
            _ => {}
        }
    }
    let kind = kind.map(|kind| kind.decode().into_owned());
    let name = match kind.as_deref() {
        Some("tool_use" | "server_tool_use" | "function") => id,
        Some("function_call" | "custom_tool_call" | "local_shell_call") => call_id.or(id),
        None => call_id,
        _ => None,
    }?;
    let name = name.decode();
    let is_plain = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'));
    is_plain.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_api_has_them_somewhere() {
        for (answer, expected) in [
            (
                r#"{"content":[{"type":"text","text":"x"},{"type":"tool_use","id":"toolu_1","name":"Bash","input":{"id":"no","type":"function"}}]}"#,
                Some(r#"["toolu_1"]"#),
            ),
            (
                r#"{"id":"chatcmpl-1","choices":[{"message":{"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f"}},{"id":"call_2","type":"function"}]}}]}"#,
                Some(r#"["call_1","call_2"]"#),
            ),
            (
                r#"{"id":"resp_1","type":"response","output":[{"type":"function_call","id":"fc_1","call_id":"call_3"}]}"#,
                Some(r#"["call_3"]"#),
            ),
            (
                r#"{"output":{"message":{"content":[{"toolUse":{"toolUseId":"tooluse_4","name":"n"}}]}}}"#,
                Some(r#"["tooluse_4"]"#),
            ),
            (r#"{"id":"x","content":[]}"#, None),
            (r#"{"type":"tool_use","id":"a\"b"}"#, None),
            ("[", None),
        ] {
            assert_eq!(names(answer).as_deref(), expected, "{answer}");
        }
    }
}
