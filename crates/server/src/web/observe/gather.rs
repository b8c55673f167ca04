//! Everything that Observe shows, from one snapshot.

use event::filter::{Filter, TextField};
use query::{
    Aggregate, AggregateQuery, Dimension, Facet, Figure, Figures, GroupRow, Interval, Order, Query,
    Series, SeriesQuery, Snapshot, TimeRange, Value,
};

use super::attention::{self, Item};
use crate::{
    numbers::{Known, Numbers},
    problem::Problem,
    web::{clock::Clock, number::add, pair::pair, selected::Selected, span::Span},
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

/// What happens over time, and its sums.
struct Course {
    span: Span,
    series: Series,
    approvals_series: Series,
    total: Sums,
    before: Option<Sums>,
}

/// What it is made of.
struct Parts {
    is_new: bool,
    facets: Vec<Facet>,
    cost: Aggregate,
    approvals: u64,
    denied: u64,
    attention: Vec<Item>,
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
        let (course, parts) = pair(|| self.course(&view), || self.parts(&view, &numbers))?;
        let days = course.span.days.into_iter().rev().take(STRIP_DAYS.into());
        Ok(Overview {
            is_new: parts.is_new,
            total: course.total,
            before: course.before,
            approvals: parts.approvals,
            denied: parts.denied,
            series: course.series,
            approvals_series: course.approvals_series,
            interval: course.span.interval,
            shown: course.span.shown,
            days: days.rev().collect(),
            facets: parts.facets,
            cost: parts.cost,
            attention: parts.attention,
            numbers,
        })
    }

    fn course(&self, view: &Snapshot) -> Result<Course, Problem> {
        let filter = self.selected.allowed();
        let span = Span::of(&self.selected, view, &self.clock, self.interval)?;
        let series = |filter: &Filter, by: Vec<Dimension>| {
            view.series(&SeriesQuery {
                filter: filter.clone(),
                range: TimeRange {
                    from: Some(span.shown.0),
                    to: Some(span.shown.1),
                },
                interval: span.interval,
                zone: self.clock.zone(),
                by,
            })
        };
        let stacked = series(&filter, vec![Dimension::Text(self.by.field())])?;
        // The bars are the same events, unless they do not reach as far.
        let total = if self.by == By::Result && span.is_whole {
            Sums::of(stacked.buckets.iter().flat_map(|bucket| &bucket.rows))
        } else {
            sums(view, &filter, self.selected.range())?
        };
        let before = self.selected.period.before(self.clock.now_us());
        let before = before.map(|range| sums(view, &filter, range)).transpose()?;
        let approvals_series = series(&self.selected.and("has:approval"), Vec::new())?;
        Ok(Course {
            series: stacked,
            approvals_series,
            total,
            before,
            span,
        })
    }

    fn parts(&self, view: &Snapshot, numbers: &Known) -> Result<Parts, Problem> {
        let filter = self.selected.allowed();
        let range = self.selected.range();
        let decisions = view.aggregate(&AggregateQuery {
            filter: self.selected.and("has:approval"),
            range,
            by: vec![Dimension::Text(TextField::Decision)],
            sort: Figure::Count,
            top: 100,
        })?;
        let counts = decisions.rows.iter();
        Ok(Parts {
            is_new: self.is_new(view)?,
            facets: view.facets(&filter, range, &FACETS.map(Dimension::Text), ROWS)?,
            cost: view.aggregate(&AggregateQuery {
                filter,
                range,
                by: vec![Dimension::Text(TextField::Actor)],
                sort: Figure::CostNanousd,
                top: ROWS,
            })?,
            approvals: counts.map(|row| row.figures.count).sum(),
            denied: count_of(&decisions.rows, "denied"),
            attention: attention::find(&self.selected, view, numbers, self.clock.now_us())?,
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
    Ok(Sums::of(&found.rows))
}

impl Sums {
    /// Of groups by result.
    fn of<'a>(rows: impl IntoIterator<Item = &'a GroupRow>) -> Self {
        let mut sums = Self::default();
        for row in rows {
            add(&mut sums.all, &row.figures);
            match text(row) {
                Some("failure") => sums.failed += row.figures.count,
                Some("error") => sums.broken += row.figures.count,
                _ => {}
            }
        }
        sums
    }
}

fn count_of(rows: &[GroupRow], value: &str) -> u64 {
    let found = rows.iter().find(|row| text(row) == Some(value));
    found.map_or(0, |row| row.figures.count)
}

fn text(row: &GroupRow) -> Option<&str> {
    match row.values.first() {
        Some(Some(Value::Text(text))) => Some(text),
        _ => None,
    }
}
