//! What the page of agents shows, from one snapshot.

use std::collections::BTreeMap;

use event::filter::TextField;
use query::{
    Aggregate, AggregateQuery, Bucket, Dimension, Figure, Figures, GroupRow, Interval, SeriesQuery,
    Snapshot, SummaryQuery, TimeRange, Value,
};

use crate::{
    problem::Problem,
    web::{clock::Clock, narrow, number::add, pair::pair, selected::Selected, span::Span},
};

/// Agents that are listed, dearest first.
const ROWS: usize = 100;
/// Agents whose figures are added up here rather than by one more walk.
const SUMMED: usize = 10_000;
/// Pairs of agent and job that are counted; beyond that the number of jobs is left out.
const MOST_JOBS: usize = 100_000;
/// Events whose jobs are counted: telling many jobs apart takes longer than everything else here.
const MOST_JOB_EVENTS: u64 = 250_000;
/// Lines of the cards below.
const LINES: usize = 8;

/// What is asked.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) selected: Selected,
    pub(super) clock: Clock,
    pub(super) id: Option<String>,
    pub(super) by_tokens: bool,
}

/// What is found.
pub(super) struct Found {
    pub(super) agents: Vec<Agent>,
    /// How many there are with those that are not listed.
    pub(super) groups: usize,
    pub(super) total: Figures,
    pub(super) total_before: Option<i128>,
    pub(super) one: Option<One>,
}

/// A line of the list.
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) figures: Figures,
    pub(super) jobs: Option<u64>,
    pub(super) heard_us: Option<i64>,
    /// Events for each bucket of the time.
    pub(super) course: Vec<u128>,
    pub(super) cost_before: Option<i128>,
}

/// One agent in depth.
pub(super) struct One {
    pub(super) buckets: Vec<Bucket>,
    pub(super) interval: Interval,
    pub(super) shown: (i64, i64),
    pub(super) models: Vec<GroupRow>,
    pub(super) tools: Aggregate,
    pub(super) failures: Aggregate,
    pub(super) jobs: Aggregate,
    pub(super) by_tokens: bool,
}

impl Asked {
    pub(super) fn answer(&self, view: &Snapshot) -> Result<Found, Problem> {
        let agents = self.selected.and("actor.type:agent");
        let range = self.selected.range();
        let by_cost = |range, by: &[TextField], top| {
            view.aggregate(&AggregateQuery {
                filter: agents.clone(),
                range,
                by: by.iter().map(|field| Dimension::Text(*field)).collect(),
                sort: Figure::CostNanousd,
                top,
            })
        };
        let before = self.selected.period.before(self.clock.now_us());
        let span = Span::of(&self.selected, view, &self.clock, None)?;
        let counts_jobs = view.count(&agents, range)? <= MOST_JOB_EVENTS;
        let pairs = [TextField::Actor, TextField::Job];
        let ((jobs, one), others) = pair(
            || {
                let jobs = counts_jobs.then(|| by_cost(range, &pairs, MOST_JOBS));
                let one = self.id.as_deref().map(|id| self.one(view, id, &span));
                Ok((jobs.transpose()?, one.transpose()?))
            },
            || {
                let before = before.map(|range| by_cost(range, &[TextField::Actor], SUMMED));
                Ok((
                    by_cost(range, &[TextField::Actor], SUMMED)?,
                    before.transpose()?,
                    self.heard(view, range)?,
                    self.course(view, &span)?,
                ))
            },
        )?;
        let (found, before, heard, course) = others;
        let total = if found.groups <= SUMMED {
            sum(&found)
        } else {
            sum(&by_cost(range, &[], 1)?)
        };
        let jobs = jobs.filter(|jobs| jobs.groups <= MOST_JOBS);
        let jobs = jobs.map(|jobs| jobs_of(&jobs.rows));
        let agents = found.rows.iter().take(ROWS).filter_map(|row| {
            let id = text(row, 0)?;
            let earlier = before.as_ref().map(|before| {
                let mut rows = before.rows.iter();
                rows.find(|row| text(row, 0) == Some(id))
                    .map_or(0, |row| row.figures.cost_nanousd)
            });
            Some(Agent {
                id: id.to_owned(),
                figures: row.figures,
                jobs: jobs.as_ref().map(|jobs| jobs.get(id).copied().unwrap_or(0)),
                heard_us: heard.get(id).copied(),
                course: course.get(id).cloned().unwrap_or_default(),
                cost_before: earlier,
            })
        });
        Ok(Found {
            agents: agents.collect(),
            groups: found.groups,
            total,
            total_before: before.map(|before| sum(&before).cost_nanousd),
            one,
        })
    }

    /// When each agent was heard of last.
    fn heard(&self, view: &Snapshot, range: TimeRange) -> Result<BTreeMap<String, i64>, Problem> {
        let found = view.agents(&SummaryQuery {
            filter: self.selected.allowed(),
            range,
            limit: 10 * ROWS,
            before: None,
        })?;
        Ok(found
            .rows
            .into_iter()
            .map(|row| (row.id, row.last_time_us))
            .collect())
    }

    /// Events of each agent over the time.
    fn course(&self, view: &Snapshot, span: &Span) -> Result<BTreeMap<String, Vec<u128>>, Problem> {
        let series = view.series(&SeriesQuery {
            filter: self.selected.and("actor.type:agent"),
            range: TimeRange {
                from: Some(span.shown.0),
                to: Some(span.shown.1),
            },
            interval: span.interval,
            zone: self.clock.zone(),
            by: vec![Dimension::Text(TextField::Actor)],
        })?;
        let count = series.buckets.len();
        let mut course: BTreeMap<String, Vec<u128>> = BTreeMap::new();
        for (index, bucket) in series.buckets.iter().enumerate() {
            for row in &bucket.rows {
                let Some(id) = text(row, 0) else { continue };
                let values = course
                    .entry(id.to_owned())
                    .or_insert_with(|| vec![0; count]);
                if let Some(value) = values.get_mut(index) {
                    *value = row.figures.count.into();
                }
            }
        }
        Ok(course)
    }

    /// Whether there ever was such an agent.
    pub(super) fn knows(&self, view: &Snapshot, id: &str) -> Result<bool, Problem> {
        let agent = view.agent(self.selected.allowed(), TimeRange::ALL, id)?;
        Ok(agent.is_some())
    }

    fn one(&self, view: &Snapshot, id: &str, span: &Span) -> Result<One, Problem> {
        let of_agent = narrow::term(TextField::Actor, id);
        let filter = |term: &str| {
            self.selected
                .and(&narrow::and(&of_agent, &format!("actor.type:agent {term}")))
        };
        let range = self.selected.range();
        let by = |term: &str, field, sort| {
            view.aggregate(&AggregateQuery {
                filter: filter(term),
                range,
                by: vec![Dimension::Text(field)],
                sort,
                top: LINES,
            })
        };
        let interval = match span.interval {
            Interval::Minute | Interval::Hour
                if span.shown.1 - span.shown.0 > 2 * 86_400_000_000 =>
            {
                Interval::Day
            }
            other => other,
        };
        let series = view.series(&SeriesQuery {
            filter: filter("has:usage"),
            range: TimeRange {
                from: Some(span.shown.0),
                to: Some(span.shown.1),
            },
            interval,
            zone: self.clock.zone(),
            by: vec![Dimension::Text(TextField::Model)],
        })?;
        let mut models = by("has:usage", TextField::Model, Figure::CostNanousd)?.rows;
        models.retain(|row| text(row, 0).is_some());
        Ok(One {
            buckets: series.buckets,
            interval,
            shown: span.shown,
            models,
            tools: by("resource.type:tool", TextField::Resource, Figure::Count)?,
            failures: by(
                "result:(failure OR error)",
                TextField::Action,
                Figure::Count,
            )?,
            jobs: by("job:*", TextField::Job, Figure::CostNanousd)?,
            by_tokens: self.by_tokens,
        })
    }
}

fn sum(groups: &Aggregate) -> Figures {
    let mut sum = Figures::default();
    for row in &groups.rows {
        add(&mut sum, &row.figures);
    }
    sum
}

fn jobs_of(rows: &[GroupRow]) -> BTreeMap<String, u64> {
    let mut jobs = BTreeMap::new();
    for row in rows.iter().filter(|row| text(row, 1).is_some()) {
        if let Some(agent) = text(row, 0) {
            *jobs.entry(agent.to_owned()).or_default() += 1;
        }
    }
    jobs
}

/// A text value of a row.
pub(super) fn text(row: &GroupRow, at: usize) -> Option<&str> {
    match row.values.get(at) {
        Some(Some(Value::Text(text))) => Some(text),
        _ => None,
    }
}
