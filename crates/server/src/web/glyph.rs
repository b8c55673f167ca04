//! Glyphs, drawn in the page: one that stands in a file of its own costs a request and a tree for each place that shows it.

use std::{collections::HashMap, sync::LazyLock};

use maud::{Markup, PreEscaped, html};

/// The file of all glyphs, which scripts refer to.
const SPRITE: &str = include_str!("../../assets/glyphs.svg");

/// What is drawn for each name.
static GLYPHS: LazyLock<HashMap<&str, Drawn>> =
    LazyLock::new(|| SPRITE.lines().filter_map(Drawn::read).collect());

/// A glyph's grid and its shapes.
#[derive(Clone, Copy, Default)]
struct Drawn {
    grid: &'static str,
    shapes: &'static str,
}

impl Drawn {
    /// The sprite has one symbol a line.
    fn read(line: &'static str) -> Option<(&'static str, Self)> {
        let rest = line.strip_prefix("<symbol id=\"")?;
        let (name, rest) = rest.split_once("\" viewBox=\"")?;
        let (grid, rest) = rest.split_once("\">")?;
        let shapes = rest.strip_suffix("</symbol>")?;
        Some((name, Self { grid, shapes }))
    }

    fn of(name: &str) -> Self {
        GLYPHS.get(name).copied().unwrap_or_default()
    }
}

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
    let Drawn { grid, shapes } = Drawn::of(name);
    html! { svg class=(class) viewBox=(grid) aria-hidden="true" { (PreEscaped(shapes)) } }
}

/// A source's glyph in its colour, with its name for those who cannot see it.
pub(super) fn source(name: &str) -> Markup {
    let known = SOURCES.iter().find(|known| **known == name);
    let (glyph, class) = match known {
        Some(known) => (*known, colour(known)),
        None => ("app", "other"),
    };
    let name = super::text::label(name);
    let Drawn { grid, shapes } = Drawn::of(glyph);
    html! {
        svg class={ "g g14 c-" (class) } viewBox=(grid) role="img" { title { (name) } (PreEscaped(shapes)) }
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
        for source in SOURCES {
            assert!(GLYPHS.contains_key(source), "{source}");
        }
    }

    #[test]
    fn every_symbol_of_the_sprite_is_read() {
        assert_eq!(GLYPHS.len(), SPRITE.matches("<symbol").count());
        let tick = small("tick").into_string();
        assert!(tick.contains("viewBox=\"0 0 16 16\""), "{tick}");
        assert!(tick.contains("<path d="), "{tick}");
    }
}
