//! What went in and what came out, member by member, in a form that fits its source.

mod conversation;

use event::{
    RecordView,
    json::{Kind, Value},
};
use maud::{Markup, html};

use super::{
    ansi, json, number,
    text::{Hostile, LONG, bdi},
};

/// Everything of a content. `base` is the address below which each member can be downloaded.
pub(super) fn panels(record: &RecordView<'_>, content: &[u8], base: &str) -> Markup {
    // Stored content is UTF-8 and an object; anything else has no members.
    let content = Value::new(std::str::from_utf8(content).unwrap_or(""));
    let is_model = record.source == "llm";
    html! {
        @for (name, value) in content.members() {
            @let name = name.decode();
            @let rest = format!("{base}/{}", super::address::segment(&name));
            section.panel {
                header.between {
                    h3 { (title(&name)) }
                    a.small href=(rest) download { (number::bytes(value.as_str().len() as u64)) }
                }
                @if let Some(beginning) = beginning(value) {
                    p.small.warn { "Cut when it was recorded. This is how its JSON began:" }
                    pre.code tabindex="0" { bdi { (Hostile(&beginning, LONG)) } }
                } @else { @match name.as_ref() {
                    "input" if is_model => (with_json(conversation::prompt(value), value, &rest)),
                    "output" if is_model => (with_json(conversation::answer(value), value, &rest)),
                    "argv" => (command(value)),
                    "stdout" | "stderr" | "stdin" => (stream(value, &rest)),
                    "recording" => (recording(value, &rest)),
                    _ => (json::panel(value, &rest)),
                } }
            }
        }
    }
}

/// How a value began that was too long to be kept.
fn beginning(value: Value<'_>) -> Option<String> {
    let mut members = value.members();
    let (name, beginning) = members.next()?;
    let is_cut = name.raw() == "truncated" && members.next().is_none();
    let beginning = beginning.text().filter(|_| is_cut)?;
    Some(beginning.decode().into_owned())
}

/// A reading for people where there is one, and always what it was made of.
fn with_json(reading: Option<Markup>, value: Value<'_>, rest: &str) -> Markup {
    match reading {
        Some(reading) => html! {
            (reading)
            details { summary.soft.small { "As JSON" } (json::panel(value, rest)) }
        },
        None => json::panel(value, rest),
    }
}

fn title(name: &str) -> Markup {
    let known = match name {
        "input" => "Input",
        "output" => "Output",
        "argv" => "Command",
        "cwd" => "Directory",
        "env" => "Environment",
        "stdin" => "Standard input",
        "stdout" => "Standard output",
        "stderr" => "Standard error",
        "streams" => "Whole streams",
        "headers" => "Headers",
        "recording" => "Recording",
        _ => return html! { code { (bdi(name)) } },
    };
    html! { (known) }
}

/// Arguments as one would type them.
fn command(value: Value<'_>) -> Markup {
    html! { pre.code tabindex="0" { bdi { (Hostile(&command_line(value), LONG)) } } }
}

/// Arguments in one line, quoted where a shell would need it.
pub(super) fn command_line(argv: Value<'_>) -> String {
    let mut words = Vec::new();
    for word in argv.elements().take(1_000) {
        let word = match word.text() {
            Some(text) => text.decode().into_owned(),
            None => word.as_str().to_owned(),
        };
        let is_plain = !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_alphanumeric() || "_-./:=@%+,".contains(c));
        words.push(if is_plain {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        });
    }
    words.join(" ")
}

/// A stream: whole, or its two ends, or bytes that are no text.
pub(super) fn stream(value: Value<'_>, rest: &str) -> Markup {
    if let Some(text) = value.text() {
        let text = text.decode();
        return if text.is_empty() {
            html! { p.dim.small { "empty" } }
        } else {
            ansi::panel(&text, rest)
        };
    }
    let ends = |wanted: &str| {
        let mut members = value.members();
        let found = members.find(|(name, _)| name.raw() == wanted);
        found
            .and_then(|(_, value)| value.text())
            .map(event::json::Text::decode)
    };
    match (ends("first"), ends("last")) {
        (Some(first), Some(last)) => html! {
            (ansi::panel(&first, rest))
            p.dim.small { "The middle was not kept; its hash was." }
            (ansi::panel(&last, rest))
        },
        _ => json::panel(value, rest),
    }
}

/// A terminal session: it is played on the page of the job.
fn recording(value: Value<'_>, rest: &str) -> Markup {
    let lines = value.text().map_or(0, |text| text.decode().lines().count());
    html! {
        p.soft { "A terminal session of " (number::count_of(lines.saturating_sub(1) as u64, "output", "outputs")) ". "
            a href=(rest) download { "Download the asciicast" } ", or play it in Replay." }
    }
}

/// A member of an object.
pub(super) fn member<'a>(object: Value<'a>, wanted: &str) -> Option<Value<'a>> {
    // Of doubled names the last counts, as in filters.
    let members = object.members().filter(|(name, _)| name.decode() == wanted);
    members.last().map(|(_, value)| value)
}

/// Whether a value is an object or an array without anything in it.
pub(super) fn is_empty(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Object => value.members().next().is_none(),
        Kind::Array => value.elements().next().is_none(),
        Kind::Null => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_typed_again() {
        let argv = Value::new(r#"["rm","-rf","a b","it's","","--x=1",{"base64":"/w=="}]"#);
        assert_eq!(
            command_line(argv),
            r#"rm -rf 'a b' 'it'\''s' '' --x=1 '{"base64":"/w=="}'"#
        );
    }

    #[test]
    fn what_was_cut_is_told_from_what_a_producer_says() {
        let beginning = |json| beginning(Value::new(json));
        assert_eq!(
            beginning(r#"{"truncated":"\"ab"}"#).as_deref(),
            Some("\"ab")
        );
        for whole in [
            r#"{"truncated":1}"#,
            r#"{"truncated":"a","b":1}"#,
            "[]",
            r#""a""#,
            "{}",
        ] {
            assert_eq!(beginning(whole), None, "{whole}");
        }
    }

    #[test]
    fn the_last_of_doubled_members_counts() {
        let object = Value::new(r#"{"a":1,"\u0061":2,"b":3}"#);
        assert_eq!(member(object, "a").map(Value::as_str), Some("2"));
        assert_eq!(member(object, "c"), None);
    }
}
