//! Glyphs of the page's own sprite.

use maud::{Markup, html};

use super::assets;

/// A glyph beside a word that says the same.
pub(super) fn glyph(name: &str) -> Markup {
    sized(name, "g")
}

/// The same with 14 px, for lists.
pub(super) fn small(name: &str) -> Markup {
    sized(name, "g g14")
}

/// A glyph with classes of its own.
pub(super) fn sized(name: &str, class: &str) -> Markup {
    html! {
        svg class=(class) aria-hidden="true" { use href={ (assets::url("glyphs.svg")) "#" (name) } {} }
    }
}

/// A source's glyph in its colour, with its name for those who cannot see it.
pub(super) fn source(name: &str) -> Markup {
    let known = SOURCES.iter().find(|known| **known == name);
    let (glyph, class) = match known {
        Some(known) => (*known, colour(known)),
        None => ("app", "other"),
    };
    let name = super::text::label(name);
    html! {
        span class={ "src c-" (class) } title=(name) { (small(glyph)) span.sr { (name) } }
    }
}

/// Sources in the order in which charts stack them.
pub(super) const SOURCES: [&str; 11] = [
    "llm",
    "mcp",
    "shell",
    "kubernetes",
    "forward-proxy",
    "aws",
    "sandbox",
    "hook",
    "otlp",
    "app",
    "system",
];

/// The colour of a source; the four that are not surfaces share one.
pub(super) fn colour(source: &str) -> &'static str {
    match SOURCES.iter().find(|known| **known == source) {
        Some(known) if !matches!(*known, "hook" | "otlp" | "app" | "system") => known,
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_a_glyph() {
        let sprite = include_str!("../../assets/glyphs.svg");
        for source in SOURCES {
            assert!(sprite.contains(&format!("id=\"{source}\"")), "{source}");
        }
    }
}
