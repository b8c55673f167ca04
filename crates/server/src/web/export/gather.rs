//! What was answered, and what it gives.

use std::sync::Arc;

use event::filter::{self, Filter, TextField};
use hyper::Uri;
use query::{Dimension, Order, Query, SeriesQuery, Snapshot, TimeRange, Value};

use crate::{
    exports,
    numbers::{Gap, Numbers},
    problem::Problem,
    web::{clock::Clock, narrow, selected::Selected, span::Span},
};

/// Characters of a purpose; more is cut.
pub(super) const MOST_PURPOSE: usize = 500;

/// Kinds of actions, as a person names them, with their sources.
pub(super) const KINDS: [(&str, &str, &[&str]); 8] = [
    ("shell", "Commands run", &["shell"]),
    ("mcp", "Tool calls", &["mcp"]),
    ("kubernetes", "Cluster changes and reads", &["kubernetes"]),
    (
        "forward-proxy",
        "Requests to other hosts",
        &["forward-proxy"],
    ),
    ("aws", "Cloud calls", &["aws"]),
    ("sandbox", "Containers and files", &["sandbox"]),
    (
        "app",
        "Approvals, sign-ins and others",
        &["app", "hook", "otlp", "system"],
    ),
    ("llm", "Model calls", &["llm"]),
];
/// Newest events whose length tells about that of all.
const SAMPLE: usize = 200;

/// In which form it is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Evidence,
    JsonLines,
    Csv,
}

impl Format {
    pub(super) const ALL: [(Self, &'static str, &'static str, &'static str); 3] = [
        (
            Self::Evidence,
            "evidence",
            "Evidence package",
            "For reviewers. Raw records, proofs, gaps, and a page that verifies them",
        ),
        (
            Self::JsonLines,
            "jsonl",
            "JSON Lines",
            "The raw records, one a line, for other tools",
        ),
        (
            Self::Csv,
            "csv",
            "CSV",
            "For a spreadsheet. A copy to read, not evidence",
        ),
    ];

    /// The same for whoever makes it.
    pub(super) fn made(self) -> exports::Format {
        match self {
            Self::Evidence => exports::Format::Evidence,
            Self::JsonLines => exports::Format::Jsonl,
            Self::Csv => exports::Format::Csv,
        }
    }

    pub(super) fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(format, ..)| *format == self)
            .map_or("", |(_, word, ..)| word)
    }
}

/// The answers of the form.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    /// Which of [`KINDS`].
    pub(super) kinds: Vec<&'static str>,
    pub(super) with_contents: bool,
    pub(super) format: Format,
    pub(super) purpose: String,
}

/// What is asked.
pub(super) struct Asked {
    pub(super) selected: Selected,
    pub(super) answers: Answers,
    pub(super) clock: Clock,
    pub(super) numbers: Arc<Numbers>,
}

/// What the answers give.
pub(super) struct Found {
    pub(super) count: u64,
    /// Events of each of [`KINDS`] in the period.
    pub(super) of_kind: Vec<u64>,
    pub(super) size: u64,
    pub(super) covered: u64,
    pub(super) shown: (i64, i64),
    pub(super) days: Vec<(i64, u64)>,
    /// Producer, gap.
    pub(super) gaps: Vec<(String, Gap)>,
    pub(super) erased: u64,
    pub(super) about_bytes: u64,
    /// The whole filter, for the file and the command.
    pub(super) filter: String,
}

impl Answers {
    pub(super) fn read(uri: &Uri, sees_content: bool) -> Self {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(uri.query().unwrap_or("").as_bytes())
                .into_owned()
                .collect();
        let all = |wanted: &str| {
            let wanted = wanted.to_owned();
            pairs
                .iter()
                .filter(move |(name, _)| *name == wanted)
                .map(|(_, value)| value.as_str())
        };
        // Boxes that are not ticked are not sent, so that the form says that it was one.
        let is_answered = all("answered").next().is_some();
        let chosen = |word: &str| all("kind").any(|kind| kind == word);
        let kinds = KINDS.iter().map(|(word, ..)| *word);
        let format = Format::ALL
            .iter()
            .find(|(_, word, ..)| all("format").next() == Some(word));
        Self {
            kinds: kinds
                .filter(|word| {
                    if is_answered {
                        chosen(word)
                    } else {
                        *word != "llm"
                    }
                })
                .collect(),
            with_contents: sees_content && all("contents").next() == Some("1"),
            format: format.map_or(Format::Evidence, |(format, ..)| *format),
            purpose: all("purpose")
                .next()
                .unwrap_or("")
                .chars()
                .take(MOST_PURPOSE)
                .collect(),
        }
    }

    /// The kinds as a filter; empty if all are chosen.
    pub(super) fn term(&self) -> String {
        let sources = |chosen: bool| {
            let kinds = KINDS
                .iter()
                .filter(move |(word, ..)| self.kinds.contains(word) == chosen);
            kinds
                .flat_map(|(_, _, sources)| sources.iter().copied())
                .collect::<Vec<&str>>()
        };
        let (included, excluded) = (sources(true), sources(false));
        if excluded.is_empty() {
            return String::new();
        }
        if excluded.len() < included.len() {
            // What no source of ours is stays in: nothing is left out in silence.
            return excluded
                .iter()
                .map(|source| format!("-source:{source}"))
                .collect::<Vec<_>>()
                .join(" ");
        }
        match included.as_slice() {
            // Nothing is chosen, and nothing has no source.
            [] => "-source:*".to_owned(),
            [only] => format!("source:{only}"),
            several => format!("source:({})", several.join(" OR ")),
        }
    }
}

impl Asked {
    pub(super) fn answer(&self, newest: Snapshot) -> Result<Found, Problem> {
        let known = self.numbers.look(&newest)?;
        let view = self.selected.view(newest)?;
        let range = self.selected.range();
        let q = narrow::and(&self.selected.q, &self.answers.term());
        let asked = filter::parse(&q)?;
        let filter = self.selected.within(asked.clone());
        let sources = view.facets(
            &self.selected.allowed(),
            range,
            &[Dimension::Text(TextField::Source)],
            100,
        )?;
        let count_of = |source: &str| {
            let values = sources.iter().flat_map(|facet| &facet.values);
            values
                .filter(|(value, _)| *value == Value::from(source))
                .map(|(_, count)| *count)
                .sum::<u64>()
        };
        let span = Span::of(
            &self.selected,
            &view,
            &self.clock,
            Some(query::Interval::Day),
        )?;
        let series = view.series(&SeriesQuery {
            filter: filter.clone(),
            range: TimeRange {
                from: Some(span.shown.0),
                to: Some(span.shown.1),
            },
            interval: span.interval,
            zone: self.clock.zone(),
            by: Vec::new(),
        })?;
        let days = series.buckets.iter().map(|bucket| {
            (
                bucket.start_us,
                bucket.rows.first().map_or(0, |row| row.figures.count),
            )
        });
        let gaps = known
            .producers
            .iter()
            .flat_map(|producer| producer.gaps.iter().map(|gap| (producer.id.clone(), *gap)));
        let count = view.count(&filter, range)?;
        Ok(Found {
            count,
            of_kind: KINDS
                .iter()
                .map(|(_, _, sources)| sources.iter().map(|source| count_of(source)).sum())
                .collect(),
            size: view.size(),
            covered: view.size(),
            shown: span.shown,
            days: days.collect(),
            gaps: gaps
                .filter(|(_, gap)| range.contains(gap.at_us()))
                .collect(),
            erased: view.count(
                &self.selected.within(filter::parse(
                    "source:system action:(record.erased OR content.erased)",
                )?),
                range,
            )?,
            about_bytes: self.about_bytes(&view, &filter, count)?,
            filter: asked.to_string(),
        })
    }

    /// How much it will be, told from the newest events.
    fn about_bytes(&self, view: &Snapshot, filter: &Filter, count: u64) -> Result<u64, Problem> {
        /// Leaf, salts and hashes of a proof as JSON.
        const PROOF_BYTES: u64 = 1_100;
        let page = view.page(
            &Query {
                filter: filter.clone(),
                range: self.selected.range(),
                order: Order::Newest,
                limit: SAMPLE,
            },
            None,
        )?;
        let mut bytes = 0_u64;
        for row in &page.rows {
            bytes += row.record.len() as u64;
            if self.answers.format == Format::Evidence {
                bytes += PROOF_BYTES;
            }
            if self.answers.with_contents {
                let record = event::RecordView::parse(&row.record)
                    .map_err(|error| Problem::internal(&error))?;
                bytes += record
                    .content
                    .map_or(0, |content| content.bytes.unsigned_abs());
            }
        }
        let rows = page.rows.len().max(1) as u64;
        Ok(bytes.saturating_mul(count) / rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Answers {
        Answers::read(&format!("/export?{query}").parse().unwrap(), true)
    }

    #[test]
    fn every_question_is_answered_before_it_is_asked() {
        let answers = read("");
        assert_eq!(
            (
                answers.term().as_str(),
                answers.with_contents,
                answers.format
            ),
            ("-source:llm", false, Format::Evidence)
        );
        filter::parse(&answers.term()).unwrap();
    }

    #[test]
    fn chosen_kinds_become_the_shorter_filter() {
        for (query, term) in [
            ("answered=1", "-source:*"),
            ("answered=1&kind=shell", "source:shell"),
            ("answered=1&kind=shell&kind=mcp", "source:(shell OR mcp)"),
            (
                "answered=1&kind=shell&kind=mcp&kind=kubernetes&kind=forward-proxy&kind=aws&kind=sandbox&kind=app&kind=llm",
                "",
            ),
        ] {
            let found = read(query).term();
            assert_eq!(found, term, "{query}");
            filter::parse(&found).unwrap();
        }
        assert!(!Answers::read(&"/export?contents=1".parse().unwrap(), false).with_contents);
    }
}
