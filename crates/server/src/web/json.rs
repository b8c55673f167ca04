//! JSON of an event as people read it: indented, coloured, cut. The bytes themselves are on the page of raw bytes.

use std::fmt::Write as _;

use event::json::{Kind, Value};
use maud::{Markup, PreEscaped, html};

use super::{number, text};

/// Characters of one value that are shown.
const MOST_OF_TEXT: usize = 2_000;
/// Characters of a whole panel.
const MOST_OF_ALL: usize = 24_000;
/// Values deeper inside are shown as they are written.
const MOST_DEPTH: usize = 24;

/// Writes a value within bounds.
struct Printer {
    html: String,
    left: usize,
    is_cut: bool,
}

/// A value in a panel; what is cut says how to get the rest.
pub(super) fn panel(value: Value<'_>, rest: &str) -> Markup {
    let mut printer = Printer {
        html: String::new(),
        left: MOST_OF_ALL,
        is_cut: false,
    };
    printer.value(value, 0);
    html! {
        pre.code tabindex="0" dir="ltr" { (PreEscaped(printer.html)) }
        @if printer.is_cut { (more(value.as_str().len(), rest)) }
    }
}

/// A text in a panel, cut in the same way.
pub(super) fn text_panel(content: &str, class: &str, rest: &str) -> Markup {
    let (shown, cut) = text::split(content, MOST_OF_ALL);
    let mut html = String::new();
    marked(&mut html, shown);
    html! {
        pre class={ "code " (class) } tabindex="0" { bdi { (PreEscaped(html)) } }
        @if !cut.is_empty() { (more(content.len(), rest)) }
    }
}

fn more(bytes: usize, rest: &str) -> Markup {
    html! {
        p.small.dim { "Not all of it is shown. " a href=(rest) download { "Download all " (number::bytes(bytes as u64)) } }
    }
}

impl Printer {
    fn value(&mut self, value: Value<'_>, depth: usize) {
        match value.kind() {
            Kind::Object if depth < MOST_DEPTH => self.members(value, depth),
            Kind::Array if depth < MOST_DEPTH => self.elements(value, depth),
            Kind::String => {
                let text = value
                    .text()
                    .map(event::json::Text::decode)
                    .unwrap_or_default();
                self.string(&text);
            }
            Kind::Object | Kind::Array => self.plain(value.as_str()),
            Kind::Number | Kind::Bool | Kind::Null => {
                self.html.push_str("<span class=\"lit\">");
                self.plain(value.as_str());
                self.html.push_str("</span>");
            }
        }
    }

    fn members(&mut self, value: Value<'_>, depth: usize) {
        let mut members = value.members().peekable();
        if members.peek().is_none() {
            return self.plain("{}");
        }
        self.plain("{");
        while let Some((name, member)) = members.next() {
            if self.left == 0 {
                self.is_cut = true;
                break;
            }
            self.line(depth + 1);
            self.html.push_str("<span class=\"key\">");
            self.plain("\"");
            self.bounded(&name.decode(), 200);
            self.plain("\"");
            self.html.push_str("</span>");
            self.plain(": ");
            self.value(member, depth + 1);
            if members.peek().is_some() {
                self.plain(",");
            }
        }
        self.line(depth);
        self.plain("}");
    }

    fn elements(&mut self, value: Value<'_>, depth: usize) {
        let mut elements = value.elements().peekable();
        if elements.peek().is_none() {
            return self.plain("[]");
        }
        self.plain("[");
        while let Some(element) = elements.next() {
            if self.left == 0 {
                self.is_cut = true;
                break;
            }
            self.line(depth + 1);
            self.value(element, depth + 1);
            if elements.peek().is_some() {
                self.plain(",");
            }
        }
        self.line(depth);
        self.plain("]");
    }

    fn line(&mut self, depth: usize) {
        self.html.push('\n');
        for _ in 0..depth {
            self.html.push_str("  ");
        }
    }

    fn string(&mut self, text: &str) {
        self.html.push_str("<span class=\"str\">\"");
        self.bounded(text, MOST_OF_TEXT);
        self.html.push_str("\"</span>");
    }

    fn bounded(&mut self, text: &str, most: usize) {
        let (shown, rest) = text::split(text, most.min(self.left));
        self.left = self.left.saturating_sub(shown.len());
        self.html.push_str("<bdi>");
        marked(&mut self.html, shown);
        self.html.push_str("</bdi>");
        if !rest.is_empty() {
            self.is_cut = true;
            // Writing into a string cannot fail.
            let _ = write!(
                self.html,
                "<span class=\"more-bytes\">… {} more</span>",
                number::bytes(rest.len() as u64)
            );
        }
    }

    fn plain(&mut self, text: &str) {
        let (shown, rest) = text::split(text, MOST_OF_TEXT.min(self.left.max(2)));
        self.left = self.left.saturating_sub(shown.len());
        self.is_cut |= !rest.is_empty();
        text::escape(&mut self.html, shown);
    }
}

/// Text with its redactions marked: `[REDACTED:rule:hash]`.
fn marked(html: &mut String, text: &str) {
    const OPEN: &str = "[REDACTED:";
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let end = from
            .find(']')
            .filter(|end| *end < 200)
            .map_or(0, |end| end + 1);
        let (mark, after) = from.split_at_checked(end).unwrap_or((from, ""));
        text::escape(html, before);
        if mark.is_empty() {
            text::escape(html, from);
            return;
        }
        html.push_str("<span class=\"redacted\">");
        text::escape(html, mark);
        html.push_str("</span>");
        rest = after;
    }
    text::escape(html, rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(json: &str) -> String {
        panel(Value::new(json), "/x").into_string()
    }

    #[test]
    fn what_stands_in_json_never_becomes_markup() {
        let html = drawn(r#"{"</pre><script>":["<img onerror=x>","\u202e",1.50,null,{}]}"#);
        assert!(
            !html.contains("<script") && !html.contains("<img"),
            "{html}"
        );
        assert!(html.contains("U+202E") && html.contains("1.50"), "{html}");
    }

    #[test]
    fn long_values_are_cut_and_lead_to_the_whole() {
        let html = drawn(&format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000_000)));
        assert!(html.len() < 10_000, "{}", html.len());
        assert!(
            html.contains("href=\"/x\"") && html.contains("more</span>"),
            "{html}"
        );
        let many = format!("[{}]", vec!["\"value\""; 100_000].join(","));
        assert!(drawn(&many).len() < 2_000_000);
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(drawn(&deep).contains("[[[["));
    }

    #[test]
    fn redactions_are_marked() {
        let html = drawn(r#"{"v":"x [REDACTED:token:a91c03d7] y [REDACTED:open"}"#);
        assert!(
            html.contains("<span class=\"redacted\">[REDACTED:token:a91c03d7]</span>"),
            "{html}"
        );
        assert!(html.contains("y [REDACTED:open"), "{html}");
    }
}
