//! Prompts and answers of the providers' interfaces, as a conversation.

use event::json::{Kind, Value};
use maud::{Markup, html};

use super::{is_empty, member};
use crate::web::text::{self, Hostile, bdi};

/// Messages of one panel: the newest of a long conversation.
const MOST_MESSAGES: usize = 40;

/// Who said it, and what.
struct Message {
    role: String,
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    /// A tool that is called, and with what.
    Call(String, String),
    /// Something else, by its kind.
    Other(String),
}

/// What a model was asked; `None` if the shape is not known.
pub(super) fn prompt(input: Value<'_>) -> Option<Markup> {
    let mut messages = Vec::new();
    for name in [
        "system",
        "instructions",
        "system_instruction",
        "systemInstruction",
    ] {
        messages.extend(member(input, name).and_then(|value| message("system", value)));
    }
    for name in ["messages", "input", "contents"] {
        let Some(value) = member(input, name) else {
            continue;
        };
        if value.kind() == Kind::String {
            messages.extend(message("user", value));
        }
        messages.extend(
            value
                .elements()
                .filter_map(|element| message(&role(element, "user"), element)),
        );
    }
    draw(&messages)
}

/// What it answered.
pub(super) fn answer(output: Value<'_>) -> Option<Markup> {
    let mut messages = Vec::new();
    // OpenAI chat completions.
    for choice in member(output, "choices")
        .into_iter()
        .flat_map(Value::elements)
    {
        messages.extend(member(choice, "message").and_then(|value| message("assistant", value)));
    }
    // OpenAI responses.
    for item in member(output, "output")
        .into_iter()
        .flat_map(Value::elements)
    {
        messages.extend(message("assistant", item));
    }
    // Anthropic messages.
    if member(output, "content").is_some_and(|content| content.kind() == Kind::Array) {
        messages.extend(message("assistant", output));
    }
    // Gemini.
    for candidate in member(output, "candidates")
        .into_iter()
        .flat_map(Value::elements)
    {
        messages.extend(member(candidate, "content").and_then(|value| message("assistant", value)));
    }
    // Bedrock converse.
    let bedrock = member(output, "output").and_then(|output| member(output, "message"));
    messages.extend(bedrock.and_then(|value| message("assistant", value)));
    draw(&messages)
}

fn role(message: Value<'_>, usual: &str) -> String {
    let role = member(message, "role").and_then(Value::text);
    role.map_or_else(|| usual.to_owned(), |role| role.decode().into_owned())
}

/// A message of whatever shape; `None` if nothing is in it.
fn message(role: &str, value: Value<'_>) -> Option<Message> {
    let mut parts = Vec::new();
    collect(value, &mut parts, 0);
    (!parts.is_empty()).then(|| Message {
        role: role.to_owned(),
        parts,
    })
}

/// The parts of a message: texts and calls, wherever the provider puts them.
fn collect(value: Value<'_>, parts: &mut Vec<Part>, depth: usize) {
    if depth > 6 || parts.len() > 200 {
        return;
    }
    match value.kind() {
        Kind::String => {
            let text = value
                .text()
                .map(event::json::Text::decode)
                .unwrap_or_default();
            parts.push(Part::Text(text.into_owned()));
        }
        Kind::Array => value
            .elements()
            .for_each(|element| collect(element, parts, depth + 1)),
        Kind::Object => object(value, parts, depth),
        Kind::Null | Kind::Bool | Kind::Number => {}
    }
}

fn object(value: Value<'_>, parts: &mut Vec<Part>, depth: usize) {
    let text = |name| {
        member(value, name)
            .and_then(Value::text)
            .map(|text| text.decode().into_owned())
    };
    if let Some(text) = text("text") {
        return parts.push(Part::Text(text));
    }
    for name in ["content", "parts"] {
        if let Some(inner) = member(value, name) {
            collect(inner, parts, depth + 1);
        }
    }
    for call in member(value, "tool_calls")
        .into_iter()
        .flat_map(Value::elements)
    {
        let function = member(call, "function").unwrap_or(call);
        parts.extend(called(function));
    }
    let kind = text("type").unwrap_or_default();
    match kind.as_str() {
        "tool_use" | "function_call" => parts.extend(called(value)),
        "message" | "text" | "output_text" | "input_text" | "" => {}
        _ if member(value, "content").is_some() => {}
        _ => parts.push(Part::Other(kind)),
    }
    if let Some(call) = member(value, "functionCall").or_else(|| member(value, "toolUse")) {
        parts.extend(called(call));
    }
}

fn called(call: Value<'_>) -> Option<Part> {
    let name = member(call, "name")
        .and_then(Value::text)?
        .decode()
        .into_owned();
    let arguments = ["arguments", "input", "args"]
        .into_iter()
        .find_map(|name| member(call, name));
    let arguments = arguments.filter(|arguments| !is_empty(*arguments));
    let arguments = arguments.map(|value| match value.text() {
        Some(text) => text.decode().into_owned(),
        None => value.as_str().to_owned(),
    });
    Some(Part::Call(name, arguments.unwrap_or_default()))
}

fn draw(messages: &[Message]) -> Option<Markup> {
    if messages.is_empty() {
        return None;
    }
    let left_out = messages.len().saturating_sub(MOST_MESSAGES);
    Some(html! {
        @if left_out > 0 { p.dim.small { (left_out) " earlier messages are in the JSON below." } }
        dl.talk {
            @for message in messages.iter().skip(left_out) {
                dt.dim { (bdi(&message.role)) }
                dd {
                    @for part in &message.parts {
                        @match part {
                            Part::Text(content) => p.said-text { bdi { (Hostile(content, text::LONG)) } },
                            Part::Call(name, arguments) => p { "calls " code { (bdi(name)) } " " code.soft { (super::super::text::bdi_cut(arguments, 400)) } },
                            Part::Other(kind) => p.dim { "(" (bdi(kind)) ")" },
                        }
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_are_read_in_every_providers_form() {
        for (input, words) in [
            (
                r#"{"messages":[{"role":"system","content":"be good"},{"role":"user","content":[{"type":"text","text":"hello"}]}]}"#,
                ["be good", "hello"],
            ),
            (
                r#"{"instructions":"be good","input":"hello"}"#,
                ["be good", "hello"],
            ),
            (
                r#"{"system":[{"type":"text","text":"be good"}],"messages":[{"role":"user","content":"hello"}]}"#,
                ["be good", "hello"],
            ),
            (
                r#"{"systemInstruction":{"parts":[{"text":"be good"}]},"contents":[{"role":"user","parts":[{"text":"hello"}]}]}"#,
                ["be good", "hello"],
            ),
        ] {
            let html = prompt(Value::new(input)).unwrap().into_string();
            assert!(words.iter().all(|word| html.contains(word)), "{html}");
        }
    }

    #[test]
    fn answers_and_calls_too() {
        for (output, word) in [
            (
                r#"{"choices":[{"message":{"role":"assistant","content":"done"}}]}"#,
                "done",
            ),
            (
                r#"{"output":[{"type":"message","content":[{"type":"output_text","text":"done"}]}]}"#,
                "done",
            ),
            (
                r#"{"role":"assistant","content":[{"type":"tool_use","name":"rm","input":{"path":"/"}}]}"#,
                "rm",
            ),
            (
                r#"{"choices":[{"message":{"tool_calls":[{"function":{"name":"rm","arguments":"{\"path\":1}"}}]}}]}"#,
                "rm",
            ),
            (
                r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"rm","args":{}}}]}}]}"#,
                "rm",
            ),
            (
                r#"{"output":{"message":{"role":"assistant","content":[{"text":"done"}]}}}"#,
                "done",
            ),
        ] {
            let html = answer(Value::new(output)).unwrap().into_string();
            assert!(html.contains(word), "{output}: {html}");
        }
        assert!(answer(Value::new(r#"{"error":1}"#)).is_none());
        assert!(answer(Value::new("7")).is_none());
    }
}
