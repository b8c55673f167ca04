//! An evidence package, without a server.

use std::{fmt::Write, fs::File, path::Path, sync::Arc, time::Instant};

use anyhow::{Context, Result};
use export::{
    Asked, Gap, Manifest,
    verify::{Checks, ExportRecord, verify as verify_package},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tlog::VerifierKey;

use super::report::{Report, key, number};
use crate::screen::{Paint, shown};

/// Gaps that are printed; the others are counted.
const SHOWN_GAPS: usize = 10;
/// Records after which the bar moves.
const STEP: u64 = 4_096;

/// What was checked of a package.
#[derive(Debug, Serialize)]
pub(crate) struct PackageReport {
    /// The key that signed, `name+id+key` form.
    key: Option<String>,
    /// Whether that key was given beforehand.
    is_pinned: bool,
    /// Signed size; none if the signature is not good.
    size: Option<u64>,
    root: Option<String>,
    /// What the package says of itself.
    query: Option<Asked>,
    exporter: Option<String>,
    purpose: Option<String>,
    /// The log's own record of the export.
    export: Option<ExportRecord>,
    /// Files whose SHA-256 is the manifest's.
    files: u64,
    /// Records whose bytes were hashed and found in the tree.
    records: u64,
    /// Contents whose bytes were hashed with them.
    contents: u64,
    /// Contents that nobody asked for.
    withheld: u64,
    erased: u64,
    gaps: Vec<Gap>,
}

/// Checks a package.
///
/// # Errors
/// If the file cannot be opened; everything else is damage.
pub(super) fn verify(path: &Path, pinned: Option<&VerifierKey>) -> Result<Report> {
    let begin = Instant::now();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let bar = progress();
    let mut moved = |records: u64| {
        if records.is_multiple_of(STEP) {
            bar.set_position(records);
        }
    };
    let found = verify_package(Arc::new(file), pinned, &mut moved);
    bar.finish_and_clear();
    let mut report = Report {
        target: path.display().to_string(),
        damage: found.faults.iter().map(ToString::to_string).collect(),
        ..Report::default()
    };
    if found.is_cut {
        let note = "so much is wrong that the rest was not looked at";
        report.notes.push(note.to_owned());
    }
    if found.checks.unjudged > 0 {
        report.notes.push(format!(
            "whether {} records were asked for depends on contents that are not here",
            number(found.checks.unjudged)
        ));
    }
    let key = found.key.as_ref().map(ToString::to_string);
    let size = found.checkpoint.as_ref().map(|signed| signed.size);
    let root = found
        .checkpoint
        .as_ref()
        .map(|signed| signed.root.to_string());
    report.package = Some(PackageReport {
        key,
        size,
        root,
        export: found.export,
        ..PackageReport::new(found.manifest, found.checks, found.is_pinned)
    });
    report.elapsed_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{human_pos} records, {per_sec}");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

impl PackageReport {
    fn new(manifest: Option<Manifest>, checks: Checks, is_pinned: bool) -> Self {
        let (query, exporter, purpose, gaps) = match manifest {
            Some(manifest) => (
                Some(manifest.query),
                Some(manifest.exporter),
                Some(manifest.purpose),
                manifest.gaps,
            ),
            None => (None, None, None, Vec::new()),
        };
        Self {
            key: None,
            is_pinned,
            size: None,
            root: None,
            query,
            exporter,
            purpose,
            export: None,
            files: checks.files,
            records: checks.records,
            contents: checks.contents,
            withheld: checks.withheld,
            erased: checks.erased,
            gaps,
        }
    }

    pub(super) fn write(&self, out: &mut String, paint: Paint) {
        // Writing into a string cannot fail.
        let mut line = |name: &str, text: String| {
            let _ = writeln!(out, "  {} {text}", paint.dim(&format!("{name:<10}")));
        };
        if let Some(query) = &self.query {
            line("asked", question(query));
        }
        if let Some(export) = &self.export {
            let by = shown(&export.actor);
            let purpose = self
                .purpose
                .as_deref()
                .filter(|purpose| !purpose.is_empty());
            let purpose = purpose.map_or(String::new(), |text| format!(", for: {}", shown(text)));
            line(
                "made",
                format!("{} by key {by}{purpose}", export.recorded_at),
            );
        }
        if let (Some(size), Some(root)) = (self.size, &self.root) {
            line("signed", format!("{} events, root {root}", number(size)));
        }
        let bound = self.export.as_ref().map_or(String::new(), |export| {
            format!(
                ", the manifest against event {} of the log",
                number(export.seq)
            )
        });
        line(
            "files",
            format!("{} files against the manifest{bound}", number(self.files)),
        );
        let erased = match self.erased {
            0 => String::new(),
            erased => format!(", {} erased", number(erased)),
        };
        line(
            "records",
            format!(
                "{} records and {} contents hashed, each found in the tree{erased}",
                number(self.records),
                number(self.contents)
            ),
        );
        if self.withheld > 0 {
            let text = format!("{} are not in the package", number(self.withheld));
            line("contents", text);
        }
        self.write_gaps(out, paint);
        if let Some(text) = &self.key {
            let text = key(paint, self.is_pinned, &shown(text));
            let _ = writeln!(out, "  {} {text}", paint.dim(&format!("{:<10}", "key")));
        }
    }

    fn write_gaps(&self, out: &mut String, paint: Paint) {
        for gap in self.gaps.iter().take(SHOWN_GAPS) {
            let text = match gap {
                Gap::Missing {
                    producer, from, to, ..
                } => format!(
                    "{} of {} never arrived: {from} to {to}",
                    number(gap.count()),
                    shown(producer)
                ),
                Gap::Scattered { producer, .. } => {
                    format!("{} numbers its events with holes", shown(producer))
                }
                Gap::More { more_events } => {
                    format!(
                        "{} events of more producers were not looked at",
                        number(*more_events)
                    )
                }
            };
            let _ = writeln!(
                out,
                "  {} {}",
                paint.dim(&format!("{:<10}", "gap")),
                paint.warn(&text)
            );
        }
        if let Some(more @ 1..) = self.gaps.len().checked_sub(SHOWN_GAPS) {
            let _ = writeln!(out, "  {:<10} {more} more gaps", "");
        }
    }
}

/// What was asked for, in words.
fn question(query: &Asked) -> String {
    let filter = match query.q.as_str() {
        "" => "everything".into(),
        q => shown(q),
    };
    let end = |word: &str, end: &Option<String>| {
        let end = end.as_deref();
        end.map_or(String::new(), |end| format!(" {word} {}", shown(end)))
    };
    format!(
        "{filter}{}{}, in a log of {} events",
        end("from", &query.from),
        end("to", &query.to),
        number(query.at)
    )
}
