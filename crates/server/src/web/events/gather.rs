//! What the page of events shows, from one snapshot.

use event::{
    RecordView, Seq,
    filter::{Filter, TextField},
};
use query::{Dimension, Interval, Order, Query, SeriesQuery, Snapshot, TimeRange};

use super::{
    drawer::Detail,
    facets::{self, Facet},
};
use crate::{
    problem::Problem,
    web::{
        calls, clock::Clock, narrow, pair::pair, said::Said, selected::Selected, span::Span,
        stacked::Stacked, visit::Visit,
    },
};

/// Rows of a page.
pub(in super::super) const ROWS: usize = 50;

/// What is asked.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) selected: Selected,
    after: Option<Seq>,
    before: Option<Seq>,
    event: Option<u64>,
    clock: Clock,
}

/// What is found.
pub(super) struct Found {
    pub(super) total: u64,
    pub(super) listed: Listed,
    pub(super) bars: Stacked,
    pub(super) interval: Interval,
    /// First instant and the one after the last of a time that holds every event; none if the bars hold fewer.
    pub(super) whole: Option<(i64, i64)>,
    pub(super) facets: Vec<Facet>,
    pub(super) detail: Option<Detail>,
    pub(super) widen: Widen,
    pub(super) size: u64,
}

/// A page of rows, newest first.
pub(in super::super) struct Listed {
    pub(in super::super) rows: Vec<Row>,
    /// Position after which older rows follow.
    pub(in super::super) older: Option<u64>,
    /// Position before which newer rows come.
    pub(in super::super) newer: Option<u64>,
    /// Events below this are covered by a signed checkpoint.
    pub(in super::super) covered: u64,
}

/// One row.
pub(in super::super) struct Row {
    pub(in super::super) seq: u64,
    pub(in super::super) time_us: i64,
    pub(in super::super) said: Said,
}

/// Why nothing is there, and what would bring something.
pub(super) enum Widen {
    /// The trail has nothing to show.
    Nothing,
    /// Only this page is empty.
    Page,
    /// Without one term there would be something.
    Term {
        term: String,
        without: String,
        count: u64,
    },
    /// At other times there is something.
    Time {
        count: u64,
    },
    Several,
}

impl Asked {
    pub(super) fn of(visit: &Visit, selected: &Selected) -> Self {
        Self {
            selected: selected.clone(),
            after: visit.address.number("after").map(Seq),
            before: visit.address.number("before").map(Seq),
            event: visit.address.number("event"),
            clock: visit.clock.clone(),
        }
    }

    pub(super) fn answer(&self, visit: &Visit, newest: Snapshot) -> Result<Found, Problem> {
        let selected = &self.selected;
        let view = selected.view(newest)?;
        let filter = selected.allowed();
        let range = selected.range();
        let covered = visit
            .caller
            .trail
            .checkpoint()
            .map_or(0, |newest| newest.size);
        let places = (self.after, self.before);
        let (above, (facets, listed)) = pair(
            || Ok((view.count(&filter, range)?, self.bars(visit, &view)?)),
            || {
                let facets = facets::find(visit, selected, &view)?;
                Ok((facets, list(selected, &view, places, ROWS, covered)?))
            },
        )?;
        let (total, (span, bars)) = above;
        Ok(Found {
            facets,
            detail: self.detail(visit, &view)?,
            widen: if listed.rows.is_empty() {
                self.widen(&view, total)?
            } else {
                Widen::Nothing
            },
            size: view.size(),
            total,
            listed,
            bars,
            whole: span.is_whole.then_some(span.shown),
            interval: span.interval,
        })
    }

    /// The open event.
    pub(super) fn detail(&self, visit: &Visit, view: &Snapshot) -> Result<Option<Detail>, Problem> {
        let event = self
            .event
            .map(|seq| Detail::read(visit, &self.selected, view, Seq(seq)));
        Ok(event.transpose()?.flatten())
    }

    fn bars(&self, visit: &Visit, view: &Snapshot) -> Result<(Span, Stacked), Problem> {
        let selected = &self.selected;
        let span = Span::of(selected, view, &self.clock, None)?;
        let series = view.series(&SeriesQuery {
            filter: selected.allowed(),
            range: TimeRange {
                from: Some(span.shown.0),
                to: Some(span.shown.1),
            },
            interval: span.interval,
            zone: self.clock.zone(),
            by: vec![Dimension::Text(TextField::Result)],
        })?;
        let stacked = Stacked::of(
            &visit.address.without(&["after", "before", "event", "tab"]),
            &visit.clock,
            TextField::Result,
            &series.buckets,
            span.shown.1,
            &[],
        );
        Ok((span, stacked))
    }

    /// The one term without which most would be there, or the time.
    fn widen(&self, view: &Snapshot, total: u64) -> Result<Widen, Problem> {
        if total > 0 {
            return Ok(Widen::Page);
        }
        let selected = &self.selected;
        let range = selected.range();
        let terms = narrow::terms(&selected.filter);
        let mut best: Option<(u64, &String, String)> = None;
        // More terms than a person writes are not looked at one by one.
        for (index, term) in terms.iter().enumerate().take(12) {
            let rest = terms.iter().enumerate();
            let rest = rest.filter(|(other, _)| *other != index);
            let rest: Vec<_> = rest.map(|(_, term)| term.as_str()).collect();
            let without = rest.join(" ");
            let filter = selected.within(event::filter::parse(&without)?);
            let count = view.count(&filter, range)?;
            if count > 0 && best.as_ref().is_none_or(|(most, ..)| count > *most) {
                best = Some((count, term, without));
            }
        }
        if let Some((count, term, without)) = best {
            return Ok(Widen::Term {
                term: term.clone(),
                without,
                count,
            });
        }
        if !range.is_all() {
            let count = view.count(&selected.allowed(), TimeRange::ALL)?;
            if count > 0 {
                return Ok(Widen::Time { count });
            }
        }
        Ok(if terms.is_empty() && range.is_all() {
            Widen::Nothing
        } else {
            Widen::Several
        })
    }
}

/// A page of rows: after a position, before one, or the newest.
pub(in super::super) fn list(
    selected: &Selected,
    view: &Snapshot,
    place: (Option<Seq>, Option<Seq>),
    limit: usize,
    covered: u64,
) -> Result<Listed, Problem> {
    let (after, before) = place;
    let query = |order| Query {
        filter: selected.allowed(),
        range: selected.range(),
        order,
        limit,
    };
    let (mut rows, has_older, has_newer) = if let Some(before) = before {
        let page = view.page(&query(Order::Oldest), Some(before))?;
        let mut rows = page.rows;
        rows.reverse();
        (rows, true, page.next.is_some())
    } else {
        let page = view.page(&query(Order::Newest), after)?;
        (page.rows, page.next.is_some(), after.is_some())
    };
    // A page that begins with the newest row is a whole one.
    if before.is_some() && !has_newer && rows.len() < limit {
        let page = view.page(&query(Order::Newest), None)?;
        return Ok(Listed {
            older: page.next.map(|last| last.0),
            newer: None,
            rows: read(selected, view, &page.rows)?,
            covered,
        });
    }
    rows.truncate(limit);
    Ok(Listed {
        older: rows.last().filter(|_| has_older).map(|row| row.seq.0),
        newer: rows.first().filter(|_| has_newer).map(|row| row.seq.0),
        rows: read(selected, view, &rows)?,
        covered,
    })
}

/// Rows as they are shown; which begun actions have no end is looked up for all of them at once.
pub(in super::super) fn read(
    selected: &Selected,
    view: &Snapshot,
    rows: &[query::Row],
) -> Result<Vec<Row>, Problem> {
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let record = RecordView::parse(&row.record).map_err(|error| Problem::internal(&error))?;
        records.push(record);
    }
    let ended = calls::ended(selected, view, records.iter().filter_map(begun))?;
    let is_open = |record: &RecordView<'_>| begun(record).is_some_and(|call| !ended.contains(call));
    let row = |record: &RecordView<'_>| Row {
        seq: record.seq.0,
        time_us: record.time_us,
        said: Said::of(record, is_open(record)),
    };
    Ok(records.iter().map(row).collect())
}

/// The call that a record begins.
fn begun<'a>(record: &'a RecordView<'_>) -> Option<&'a str> {
    let producer = record.producer.as_ref()?;
    let is_intent = producer.phase.as_deref() == Some("intent");
    producer.call.as_deref().filter(|_| is_intent)
}

/// The neighbours of an event in the list: the newer and the older one.
pub(super) fn neighbours(
    selected: &Selected,
    view: &Snapshot,
    seq: Seq,
) -> Result<(Option<u64>, Option<u64>), Problem> {
    let one = |order| Query {
        filter: selected.allowed(),
        range: selected.range(),
        order,
        limit: 1,
    };
    let at = |order| -> Result<Option<u64>, Problem> {
        let page = view.page(&one(order), Some(seq))?;
        Ok(page.rows.first().map(|row| row.seq.0))
    };
    Ok((at(Order::Oldest)?, at(Order::Newest)?))
}

/// Rows around an event in the whole trail, newest first.
pub(super) fn around(
    selected: &Selected,
    view: &Snapshot,
    seq: Seq,
    each: usize,
) -> Result<Vec<Row>, Problem> {
    let query = |order| Query {
        filter: selected.within(Filter::all()),
        range: TimeRange::ALL,
        order,
        limit: each,
    };
    let mut rows = view.page(&query(Order::Oldest), Some(seq))?.rows;
    rows.reverse();
    rows.extend(view.row(seq)?);
    rows.extend(view.page(&query(Order::Newest), Some(seq))?.rows);
    read(selected, view, &rows)
}
