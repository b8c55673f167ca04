//! What was checked, and what was found.

use std::fmt::Write;

use serde::Serialize;

use super::package::PackageReport;
use crate::screen::{Paint, shown_lines};

/// Lines of damage that are printed; the rest is counted.
const SHOWN: usize = 50;

/// The answer to "was anything changed?".
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Directory or URL.
    pub(crate) target: String,
    pub(crate) trails: Vec<TrailReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) package: Option<PackageReport>,
    /// What is wrong, each with its place.
    pub(crate) damage: Vec<String>,
    /// What was not or could not be checked, and other things to know.
    pub(crate) notes: Vec<String>,
    pub(crate) elapsed_ms: u64,
}

/// What was checked of one trail.
#[derive(Debug, Default, Serialize)]
pub(crate) struct TrailReport {
    pub(crate) name: String,
    /// The key that signed, `name+id+key` form.
    pub(crate) key: String,
    /// Whether that key was given beforehand.
    pub(crate) is_pinned: bool,
    /// Signed size.
    pub(crate) size: u64,
    pub(crate) root: String,
    /// Records whose bytes were hashed and found in the tree.
    pub(crate) records: u64,
    /// Contents whose bytes were hashed with them.
    pub(crate) contents: u64,
    pub(crate) erased: u64,
    pub(crate) leaves: u64,
    /// Signed checkpoints whose root was recomputed.
    pub(crate) checkpoints: u64,
    /// Tiles compared, over HTTP.
    pub(crate) tiles: u64,
    /// Segments whose every block and column was checked, in a directory.
    pub(crate) segments: u64,
    /// Recorded events that no checkpoint covers yet.
    pub(crate) unsigned: u64,
}

impl Report {
    pub(crate) fn is_good(&self) -> bool {
        self.damage.is_empty()
    }

    pub(crate) fn to_json(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.insert("ok".to_owned(), self.is_good().into());
        }
        value.to_string()
    }

    pub(crate) fn to_text(&self, paint: Paint) -> String {
        let mut out = String::new();
        for trail in &self.trails {
            trail.write(&mut out, paint);
        }
        if let Some(package) = &self.package {
            package.write(&mut out, paint);
        }
        for note in &self.notes {
            let _ = writeln!(out, "{} {}", paint.warn("note"), shown_lines(note));
        }
        for damage in self.damage.iter().take(SHOWN) {
            let _ = writeln!(out, "{} {}", paint.bad("DAMAGED"), shown_lines(damage));
        }
        if let Some(more @ 1..) = self.damage.len().checked_sub(SHOWN) {
            let _ = writeln!(out, "{} {more} more", paint.bad("DAMAGED"));
        }
        let _ = match self.damage.len() {
            0 => writeln!(
                out,
                "{} {}: nothing was changed ({} ms)",
                paint.good("verified"),
                self.target,
                self.elapsed_ms
            ),
            count => writeln!(
                out,
                "{} {}: {count} {} found ({} ms)",
                paint.bad("NOT VERIFIED"),
                self.target,
                if count == 1 { "fault" } else { "faults" },
                self.elapsed_ms
            ),
        };
        out
    }
}

impl TrailReport {
    fn write(&self, out: &mut String, paint: Paint) {
        let _ = writeln!(out, "{} {}", paint.bold("trail"), paint.bold(&self.name));
        let mut line = |name: &str, text: String| {
            let _ = writeln!(out, "  {} {text}", paint.dim(&format!("{name:<10}")));
        };
        let kept = if self.checkpoints > 1 {
            format!(", {} signed checkpoints", number(self.checkpoints))
        } else {
            String::new()
        };
        line(
            "signed",
            format!("{} events{kept}, root {}", number(self.size), self.root),
        );
        line(
            "tree",
            format!(
                "{} leaves, every level hashed again{}",
                number(self.leaves),
                match self.tiles {
                    0 => String::new(),
                    tiles => format!(", {} tiles", number(tiles)),
                }
            ),
        );
        let erased = if self.erased > 0 {
            format!(", {} erased", number(self.erased))
        } else {
            String::new()
        };
        line(
            "records",
            format!(
                "{} records and {} contents hashed and found in the tree{erased}",
                number(self.records),
                number(self.contents)
            ),
        );
        if self.segments > 0 {
            line(
                "segments",
                format!(
                    "{} segments, every block against its checksum, every column against the records",
                    number(self.segments)
                ),
            );
        }
        if self.unsigned > 0 {
            line(
                "new",
                format!(
                    "{} events are recorded and wait for their checkpoint",
                    number(self.unsigned)
                ),
            );
        }
        line("key", key(paint, self.is_pinned, &self.key));
    }
}

/// The key that signed, and whether that says who did.
pub(super) fn key(paint: Paint, is_pinned: bool, key: &str) -> String {
    let pin = if is_pinned {
        paint.good("key pinned by you")
    } else {
        paint.warn("key not pinned")
    };
    format!("{pin}: {key}")
}

/// A number with its thousands apart.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An error with all its causes.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let more = source.to_string();
        // A transparent variant says the same as its source.
        if !text.contains(&more) {
            let _ = write!(text, ": {more}");
        }
        cause = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn the_verdict_is_the_last_line_and_damage_is_named() {
        let mut report = Report {
            target: "d".to_owned(),
            trails: vec![TrailReport::default()],
            ..Report::default()
        };
        assert!(report.is_good());
        let text = report.to_text(Paint::none());
        assert!(
            text.contains("key not pinned")
                && text.ends_with("verified d: nothing was changed (0 ms)\n")
        );
        report.damage.push("file x, offset 7\x1b[2J".to_owned());
        let text = report.to_text(Paint::none());
        assert!(
            text.contains("DAMAGED file x, offset 7\\u{1b}[2J\nNOT VERIFIED d: 1 fault found"),
            "{text}"
        );
        assert!(report.to_json().contains("\"ok\":false"));
    }
}
