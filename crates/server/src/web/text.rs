//! Text from inside events. All of it is hostile: it is escaped, isolated from the text around it, cut, and what would
//! hide or reorder characters is shown by its number.

use std::fmt::Write as _;

use maud::{Markup, Render, html};

/// Characters of a value in a list.
pub(super) const SHORT: usize = 200;
/// Characters of a value that stands by itself.
pub(super) const LONG: usize = 4_000;

/// A text of an event in the middle of a page's own text.
pub(super) fn bdi(text: &str) -> Markup {
    html! { bdi { (Hostile(text, SHORT)) } }
}

/// The same with another limit.
pub(super) fn bdi_cut(text: &str, most: usize) -> Markup {
    html! { bdi { (Hostile(text, most)) } }
}

/// Text of an event for an attribute that people read.
pub(super) fn label(text: &str) -> String {
    let (cut, rest) = split(text, SHORT);
    let mut label = String::with_capacity(cut.len() + 3);
    for c in cut.chars() {
        if hides(c) {
            // Writing into a string cannot fail.
            let _ = write!(label, "U+{:04X}", u32::from(c));
        } else {
            label.push(c);
        }
    }
    if !rest.is_empty() {
        label.push('…');
    }
    label
}

/// Text of an event with at most so many characters.
pub(super) struct Hostile<'a>(pub(super) &'a str, pub(super) usize);

impl Render for Hostile<'_> {
    fn render_to(&self, out: &mut String) {
        let (text, rest) = split(self.0, self.1);
        escape(out, text);
        if !rest.is_empty() {
            out.push('…');
        }
    }
}

/// The first characters, and what is left of them.
pub(super) fn split(text: &str, most: usize) -> (&str, &str) {
    // A character has at most four bytes, so that short texts are not walked over.
    if text.len() <= most {
        return (text, "");
    }
    let end = text
        .char_indices()
        .nth(most)
        .map_or(text.len(), |(at, _)| at);
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Appends text as HTML.
pub(super) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if hides(c) => {
                let _ = write!(out, "<span class=\"ctl\">U+{:04X}</span>", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// Whether a character shows nothing itself and changes how others look: controls, directions, joiners without a
/// letter's use, line ends that are none in JSON, tags.
fn hides(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        let html = bdi("<script>alert('x')</script>&\"").into_string();
        assert_eq!(
            html,
            "<bdi>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;</bdi>"
        );
    }

    #[test]
    fn what_would_hide_is_shown() {
        let html = bdi("a\u{202e}gpj.exe\0").into_string();
        assert_eq!(
            html,
            "<bdi>a<span class=\"ctl\">U+202E</span>gpj.exe<span class=\"ctl\">U+0000</span></bdi>"
        );
        assert_eq!(label("a\u{2066}\nb"), "aU+2066\nb");
        // Emoji and scripts that need a joiner keep it.
        assert_eq!(bdi("👩\u{200d}💻").into_string(), "<bdi>👩\u{200d}💻</bdi>");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(Hostile("éééé", 2).render().into_string(), "éé…");
        assert_eq!(Hostile("éé", 2).render().into_string(), "éé");
        assert_eq!(label(&"x".repeat(SHORT + 1)).chars().count(), SHORT + 1);
    }
}
