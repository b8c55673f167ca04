//! Output of a terminal as text: colours become classes, everything else that a terminal would obey is left out.

use maud::{Markup, PreEscaped, html};

use super::{number, text};

/// Characters of one panel.
const MOST: usize = 24_000;

/// How text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    colour: Option<&'static str>,
    is_bold: bool,
    is_dim: bool,
}

/// What a terminal showed, as a panel.
pub(super) fn panel(output: &str, rest: &str) -> Markup {
    let (shown, cut) = text::split(output, MOST);
    html! {
        pre.terminal tabindex="0" { bdi { (PreEscaped(to_html(shown))) } }
        @if !cut.is_empty() {
            p.small.dim { "Not all of it is shown. " a href=(rest) download { "Download all " (number::bytes(output.len() as u64)) } }
        }
    }
}

/// Hostile text with colours as HTML.
fn to_html(output: &str) -> String {
    let mut html = String::with_capacity(output.len() + output.len() / 8);
    let mut look = Look::default();
    let mut rest = output;
    while let Some(at) = rest.find('\u{1b}') {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        write(&mut html, look, plain);
        let (sequence, after) = sequence(from);
        if let Some(codes) = sequence
            .strip_prefix("\u{1b}[")
            .and_then(|codes| codes.strip_suffix('m'))
        {
            look = look.after(codes);
        }
        rest = after;
    }
    write(&mut html, look, rest);
    html
}

/// An escape sequence (ECMA-48, section 5.4; OSC to its terminator) and what follows it.
fn sequence(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let end = match bytes.get(1) {
        Some(b'[') => bytes
            .iter()
            .skip(2)
            .position(|byte| (0x40..=0x7e).contains(byte))
            .map(|at| at + 3),
        Some(b']') => bytes
            .iter()
            .skip(2)
            .position(|byte| matches!(byte, 0x07 | 0x1b))
            .map(|at| at + 3),
        Some(byte) if byte.is_ascii() => Some(2),
        _ => Some(1),
    };
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, ""))
}

impl Look {
    fn after(mut self, codes: &str) -> Self {
        for code in codes.split([';', ':']) {
            match code {
                "" | "0" => self = Self::default(),
                "1" => self.is_bold = true,
                "2" => self.is_dim = true,
                "22" => (self.is_bold, self.is_dim) = (false, false),
                "39" => self.colour = None,
                "31" | "91" => self.colour = Some("t-bad"),
                "32" | "92" => self.colour = Some("t-good"),
                "33" | "93" => self.colour = Some("t-warn"),
                "34" | "36" | "94" | "96" => self.colour = Some("t-path"),
                "30" | "90" | "37" => self.colour = Some("t-dim"),
                "35" | "95" | "97" => self.colour = Some("t-text"),
                // 256 and true colours would have to be checked for contrast; they keep the text's own.
                "38" | "48" => break,
                _ => {}
            }
        }
        self
    }

    fn classes(self) -> Vec<&'static str> {
        let bold = self.is_bold.then_some("strong");
        let dim = self.is_dim.then_some("t-dim");
        self.colour.into_iter().chain(bold).chain(dim).collect()
    }
}

fn write(html: &mut String, look: Look, text: &str) {
    if text.is_empty() {
        return;
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let classes = look.classes();
    if classes.is_empty() {
        return text::escape(html, &text);
    }
    html.push_str("<span class=\"");
    html.push_str(&classes.join(" "));
    html.push_str("\">");
    text::escape(html, &text);
    html.push_str("</span>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_other_sequences_go() {
        assert_eq!(
            to_html("\u{1b}[32;1mok\u{1b}[0m \u{1b}[2Kx\u{1b}]0;<title>\u{7}y\r\nz"),
            "<span class=\"t-good strong\">ok</span> xy\nz"
        );
        assert_eq!(to_html("\u{1b}[38;5;9mred"), "red");
    }

    #[test]
    fn broken_sequences_and_markup_do_no_harm() {
        for text in [
            "\u{1b}",
            "\u{1b}[",
            "\u{1b}[31",
            "\u{1b}]x",
            "\u{1b}é<b>",
            "<script>\u{1b}[31m<i>",
        ] {
            let html = to_html(text);
            assert!(
                !html.contains("<b>") && !html.contains("<script") && !html.contains("<i>"),
                "{html}"
            );
        }
    }
}
