//! Everything that Observe shows, from one snapshot.

use event::filter::{Filter, TextField};
use query::{
    Aggregate, AggregateQuery, Dimension, Facet, Figure, Figures, Interval, Order, Query, Series,
    SeriesQuery, Snapshot, TimeRange, Value,
};

use super::attention::{self, Item};
use crate::{
    numbers::{Known, Numbers},
    problem::Problem,
    web::{clock::Clock, selected::Selected, span::Span},
};

/// Rows of a breakdown.
pub(super) const ROWS: usize = 8;
/// Days of the strip below the chart.
pub(super) const STRIP_DAYS: u8 = 30;

/// How the chart's bars are stacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Result,
    Source,
    Actor,
}

/// What is asked.
pub(super) struct Asked {
    pub(super) selected: Selected,
    pub(super) by: By,
    pub(super) interval: Option<Interval>,
    pub(super) clock: Clock,
}

/// What is shown.
pub(super) struct Overview {
    /// Whether nobody but the server recorded anything yet.
    pub(super) is_new: bool,
    pub(super) total: Sums,
    pub(super) before: Option<Sums>,
    pub(super) approvals: u64,
    pub(super) denied: u64,
    pub(super) series: Series,
    pub(super) approvals_series: Series,
    pub(super) interval: Interval,
    /// First instant of the chart and the one after its last.
    pub(super) shown: (i64, i64),
    /// Events for each of the last days.
    pub(super) days: Vec<(i64, u64)>,
    pub(super) facets: Vec<Facet>,
    pub(super) cost: Aggregate,
    pub(super) numbers: Known,
    pub(super) attention: Vec<Item>,
}

/// Figures of all events, and how many of them went wrong in which way.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) all: Figures,
    pub(super) failed: u64,
    pub(super) broken: u64,
}

impl By {
    pub(super) const ALL: [(&'static str, Self); 3] = [
        ("result", Self::Result),
        ("source", Self::Source),
        ("actor", Self::Actor),
    ];

    pub(super) fn field(self) -> TextField {
        match self {
            Self::Result => TextField::Result,
            Self::Source => TextField::Source,
            Self::Actor => TextField::ActorType,
        }
    }
}

/// Members of the breakdowns.
pub(super) const FACETS: [TextField; 4] = [
    TextField::Source,
    TextField::Action,
    TextField::ResourceType,
    TextField::ActorType,
];

impl Asked {
    pub(super) fn answer(&self, newest: Snapshot, numbers: &Numbers) -> Result<Overview, Problem> {
        let numbers = numbers.look(&newest)?;
        let view = self.selected.view(newest)?;
        let filter = self.selected.allowed();
        let range = self.selected.range();
        let is_new = self.is_new(&view)?;
        let span = Span::of(&self.selected, &view, &self.clock, self.interval)?;
        let (shown, interval) = (span.shown, span.interval);
        let series = |filter: Filter, by: Vec<Dimension>| {
            let query = SeriesQuery {
                filter,
                range: TimeRange {
                    from: Some(shown.0),
                    to: Some(shown.1),
                },
                interval,
                zone: self.clock.zone(),
                by,
            };
            view.series(&query)
        };
        let approved = self.selected.and("has:approval");
        let decisions = [Dimension::Text(TextField::Decision)];
        let approval_count = view.count(&approved, range)?;
        let denied = view.facets(&approved, range, &decisions, 10)?;
        let denied = denied.first().and_then(|facet| count_of(facet, "denied"));
        let before = self.selected.period.before(self.clock.now_us());
        let before = before
            .map(|range| sums(&view, &filter, range))
            .transpose()?;
        Ok(Overview {
            is_new,
            total: sums(&view, &filter, range)?,
            before,
            approvals: approval_count,
            denied: denied.unwrap_or(0),
            series: series(filter.clone(), vec![Dimension::Text(self.by.field())])?,
            approvals_series: series(approved, Vec::new())?,
            interval,
            shown,
            facets: view.facets(&filter, range, &FACETS.map(Dimension::Text), ROWS)?,
            cost: view.aggregate(&AggregateQuery {
                filter: filter.clone(),
                range,
                by: vec![Dimension::Text(TextField::Actor)],
                sort: Figure::CostNanousd,
                top: ROWS,
            })?,
            attention: attention::find(&self.selected, &view, &numbers, self.clock.now_us())?,
            days: span
                .days
                .into_iter()
                .rev()
                .take(STRIP_DAYS.into())
                .rev()
                .collect(),
            numbers,
        })
    }

    /// Whether there is no event but the server's own. Stops at the first one.
    fn is_new(&self, view: &Snapshot) -> Result<bool, Problem> {
        let foreign = event::filter::parse("-source:system")?;
        let page = view.page(
            &Query {
                filter: self.selected.within(foreign),
                range: TimeRange::ALL,
                order: Order::Newest,
                limit: 1,
            },
            None,
        )?;
        Ok(page.rows.is_empty())
    }
}

pub(super) fn sums(view: &Snapshot, filter: &Filter, range: TimeRange) -> Result<Sums, Problem> {
    let found = view.aggregate(&AggregateQuery {
        filter: filter.clone(),
        range,
        by: vec![Dimension::Text(TextField::Result)],
        sort: Figure::Count,
        top: 100,
    })?;
    let mut sums = Sums::default();
    for row in &found.rows {
        add(&mut sums.all, &row.figures);
        match row.values.first() {
            Some(Some(Value::Text(result))) if result.as_ref() == "failure" => {
                sums.failed = row.figures.count;
            }
            Some(Some(Value::Text(result))) if result.as_ref() == "error" => {
                sums.broken = row.figures.count;
            }
            _ => {}
        }
    }
    Ok(sums)
}

/// Adds up figures.
fn add(sum: &mut Figures, more: &Figures) {
    sum.count += more.count;
    sum.failures += more.failures;
    sum.unpriced += more.unpriced;
    sum.input_tokens += more.input_tokens;
    sum.output_tokens += more.output_tokens;
    sum.cache_read_tokens += more.cache_read_tokens;
    sum.cache_write_tokens += more.cache_write_tokens;
    sum.reasoning_tokens += more.reasoning_tokens;
    sum.cost_nanousd += more.cost_nanousd;
    sum.duration_us += more.duration_us;
}

fn count_of(facet: &Facet, value: &str) -> Option<u64> {
    let mut values = facet.values.iter();
    let found =
        values.find(|(known, _)| matches!(known, Value::Text(known) if known.as_ref() == value));
    found.map(|(_, count)| *count)
}
