//! Jobs and agents at a glance.

use std::cmp::Reverse;

use event::{
    Seq,
    filter::{Filter, TextField},
};

use crate::{
    AggregateError, Dimension, Figures, Snapshot, TimeRange, Value,
    aggregate::top,
    group::{Grouping, Groups, Measure, group},
};

/// Which summaries are listed.
#[derive(Clone, Debug)]
pub struct SummaryQuery {
    /// Over which events.
    pub filter: Filter,
    /// When they happened.
    pub range: TimeRange,
    /// Most rows.
    pub limit: usize,
    /// Only those whose last event is older: [`Summaries::next`] of the rows before.
    pub before: Option<Seq>,
}

/// Summaries, the one with the newest event first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summaries {
    /// At most as many as were asked for.
    pub rows: Vec<Summary>,
    /// Last event of the last row if there are more after it.
    pub next: Option<Seq>,
    /// How many there are, those before these rows too.
    pub total: usize,
}

/// The matching events of one job or agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The job, or the agent's id.
    pub id: String,
    /// Oldest event.
    pub first: Seq,
    /// Newest event.
    pub last: Seq,
    /// Earliest time of an event, microseconds since 1970.
    pub first_time_us: i64,
    /// Latest time of an event, microseconds since 1970.
    pub last_time_us: i64,
    /// Over all events.
    pub figures: Figures,
    /// Events with an approval.
    pub approvals: u64,
    /// Events whose approval was denied.
    pub denied: u64,
}

/// All figures, then approvals and denials.
const MEASURES: [Measure; Measure::FIGURES.len() + 2] = {
    let mut all = [Measure::Approvals; Measure::FIGURES.len() + 2];
    let (figures, _) = all.split_at_mut(Measure::FIGURES.len());
    figures.copy_from_slice(&Measure::FIGURES);
    if let Some(last) = all.last_mut() {
        *last = Measure::Denied;
    }
    all
};

impl Snapshot {
    /// The jobs of the matching events.
    ///
    /// # Errors
    /// [`AggregateError`] if there are too many, or if events cannot be read. So for the methods below.
    pub fn jobs(&self, query: &SummaryQuery) -> Result<Summaries, AggregateError> {
        self.summaries(TextField::Job, query)
    }

    /// One job; `None` if no matching event is of it.
    ///
    /// # Errors
    /// As [`Self::jobs`].
    pub fn job(
        &self,
        filter: Filter,
        range: TimeRange,
        id: &str,
    ) -> Result<Option<Summary>, AggregateError> {
        self.summary(TextField::Job, filter, range, id)
    }

    /// The actors of type `agent` of the matching events.
    ///
    /// # Errors
    /// As [`Self::jobs`].
    pub fn agents(&self, query: &SummaryQuery) -> Result<Summaries, AggregateError> {
        let query = SummaryQuery {
            filter: agents(query.filter.clone()),
            ..query.clone()
        };
        self.summaries(TextField::Actor, &query)
    }

    /// One actor of type `agent`; `None` if no matching event is of it.
    ///
    /// # Errors
    /// As [`Self::jobs`].
    pub fn agent(
        &self,
        filter: Filter,
        range: TimeRange,
        id: &str,
    ) -> Result<Option<Summary>, AggregateError> {
        self.summary(TextField::Actor, agents(filter), range, id)
    }

    fn summary(
        &self,
        field: TextField,
        filter: Filter,
        range: TimeRange,
        id: &str,
    ) -> Result<Option<Summary>, AggregateError> {
        let query = SummaryQuery {
            filter: filter.and_equal(field, id),
            range,
            limit: 1,
            before: None,
        };
        Ok(self.summaries(field, &query)?.rows.pop())
    }

    fn summaries(
        &self,
        field: TextField,
        query: &SummaryQuery,
    ) -> Result<Summaries, AggregateError> {
        let grouping = Grouping {
            by: &[Dimension::Text(field)],
            buckets: None,
            measures: &MEASURES,
            spans: true,
        };
        let found = group(self, &query.filter, query.range, &[grouping])?;
        let Some(groups) = found.first() else {
            return Ok(Summaries {
                rows: Vec::new(),
                next: None,
                total: 0,
            });
        };
        let last = |group: usize| groups.span(group).map_or(0, |span| span.seqs[1]);
        let mut all: Vec<usize> = (0..groups.len())
            .filter(|group| groups.value(*group, 0).is_some())
            .collect();
        let total = all.len();
        all.retain(|group| query.before.is_none_or(|before| last(*group) < before.0));
        let has_more = all.len() > query.limit;
        let newest = |one: &usize, other: &usize| Reverse(last(*one)).cmp(&Reverse(last(*other)));
        let rows = top(all, query.limit, newest).into_iter();
        let rows: Vec<Summary> = rows.filter_map(|group| summary(groups, group)).collect();
        Ok(Summaries {
            next: rows.last().filter(|_| has_more).map(|row| row.last),
            rows,
            total,
        })
    }
}

fn agents(filter: Filter) -> Filter {
    filter.and_equal(TextField::ActorType, "agent")
}

fn summary(groups: &Groups, group: usize) -> Option<Summary> {
    let Some(Value::Text(id)) = groups.value(group, 0) else {
        return None;
    };
    let span = groups.span(group)?;
    let count = |measure: usize| {
        let sum = groups.sum(group, Measure::FIGURES.len() + measure);
        u64::try_from(sum).unwrap_or(u64::MAX)
    };
    Some(Summary {
        id: id.as_ref().to_owned(),
        first: Seq(span.seqs[0]),
        last: Seq(span.seqs[1]),
        first_time_us: span.time[0],
        last_time_us: span.time[1],
        figures: groups.figures(group),
        approvals: count(0),
        denied: count(1),
    })
}
