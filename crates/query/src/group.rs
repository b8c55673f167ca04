//! Adding up the matching events by groups.
//!
//! What the rollups of segments know is taken from there ([`rolled`]). One walk over the columns of the rest
//! serves any number of [`Grouping`]s: each piece (a row group, or a run of unsealed events) is grouped by the codes of its own dictionaries into small tables ([`piece`]), whose
//! rows are then added to the groups of the whole answer ([`groups`]).
//! Pieces are independent, so several threads work on them.

mod groups;
mod measure;
mod pick;
mod piece;
mod prefix;
mod rolled;
mod slots;
mod sums;

use std::sync::Arc;

use event::filter::Filter;
use store::Segment;

pub(crate) use groups::{Groups, Span};
pub(crate) use measure::Measure;
use prefix::Asked;
pub(crate) use prefix::Prefixes;

use rolled::{Rolled, Shown};

use crate::{
    AggregateError, Dimension, Order, QueryError, Snapshot, TimeRange,
    names::NamesOf,
    scan::{Scan, Work, side_by_side},
    series::Buckets,
};

/// How events are grouped and what is added up.
#[derive(Clone, Copy)]
pub(crate) struct Grouping<'a> {
    /// At most [`Dimension::MOST`].
    pub(crate) by: &'a [Dimension],
    /// They hold every time that can occur.
    pub(crate) buckets: Option<&'a Buckets>,
    /// The first is [`Measure::COUNT`].
    pub(crate) measures: &'a [Measure],
    /// Whether first and last event and time of each group are kept.
    pub(crate) spans: bool,
}

/// Most groups of one answer: with their figures and names about 300 MB.
pub(crate) const MAX_GROUPS: usize = 1 << 20;

/// Groups for each grouping, in no order.
pub(crate) fn group(
    snapshot: &Snapshot,
    filter: &Filter,
    range: TimeRange,
    groupings: &[Grouping<'_>],
) -> Result<Vec<Groups>, AggregateError> {
    let found = group_all(snapshot, filter, range, groupings);
    // With the names of a million groups nothing else is named.
    snapshot.shared().names.trim();
    found
}

/// How many events match a filter on dimensions, which no event has to be read for; `None` for other filters.
pub(crate) fn count(
    snapshot: &Snapshot,
    filter: &Filter,
    range: TimeRange,
) -> Result<Option<u64>, QueryError> {
    if !Shown::new(filter).asks_for_dimensions() {
        return Ok(None);
    }
    let grouping = Grouping {
        by: &[],
        buckets: None,
        measures: &[Measure::COUNT],
        spans: false,
    };
    let found = match group(snapshot, filter, range, &[grouping]) {
        Ok(found) => found,
        Err(AggregateError::Read(error)) => return Err(error),
        // One group is never too many.
        Err(_) => return Ok(None),
    };
    let count = found.first().map_or(0, |groups| groups.sum(0, 0));
    Ok(u64::try_from(count).ok())
}

fn group_all(
    snapshot: &Snapshot,
    filter: &Filter,
    range: TimeRange,
    groupings: &[Grouping<'_>],
) -> Result<Vec<Groups>, AggregateError> {
    let scan = Scan::new(snapshot, filter, range, 0..snapshot.size(), Order::Oldest)?;
    let names = groupings.iter().map(|grouping| grouping.names(snapshot));
    let groups = groupings.iter().zip(names);
    let mut all: Vec<Groups> = groups
        .map(|(grouping, names)| Groups::new(grouping, &names))
        .collect();
    let works = roll(&scan, &snapshot.shared().prefixes, groupings, &mut all)?;
    let new = || -> Vec<Groups> { all.iter().map(Groups::fresh).collect() };
    let add = |all: &mut Vec<Groups>, work: &Work<'_>| add(&scan, work, groupings, all);
    for other in side_by_side(&works, new, add)? {
        for (groups, other) in all.iter_mut().zip(other) {
            groups.merge(other)?;
        }
    }
    for groups in &mut all {
        groups.finish();
    }
    Ok(all)
}

/// Adds what rollups answer, and gives the rest.
fn roll<'a>(
    scan: &Scan<'a>,
    prefixes: &Prefixes,
    groupings: &[Grouping<'_>],
    all: &mut [Groups],
) -> Result<Vec<Work<'a>>, AggregateError> {
    let rolled = Rolled {
        shown: Shown::new(scan.filter()),
        range: scan.range(),
        groupings,
    };
    let segments: Vec<&Segment> = scan.segments().collect();
    let is_last = |segment: &&Segment| segment.info().is_final();
    let lasting = segments
        .iter()
        .rposition(is_last)
        .map_or(0, |last| last + 1);
    let mut asked = None;
    let mut known = 0;
    if let ([grouping], [groups]) = (groupings, &mut *all)
        && grouping.buckets.is_none()
        && scan.range().is_all()
        && scan.begins_at_the_first()
    {
        let question = Asked::new(scan.filter(), grouping);
        if let Some((count, prefix)) = prefixes.get(&question, &segments) {
            (known, *groups) = (count, prefix);
        }
        asked = Some(question).filter(|_| known < lasting);
    }
    let mut works = Vec::new();
    for (number, segment) in segments.iter().enumerate().skip(known) {
        let cut = if scan.is_whole(segment) {
            rolled.add(segment, all)?
        } else {
            None
        };
        for range in cut.unwrap_or_else(|| vec![scan.range()]) {
            works.extend(scan.segment_works(segment, range)?);
        }
        if number + 1 == lasting
            && works.is_empty()
            && let (Some(asked), [groups]) = (asked.take(), &*all)
        {
            prefixes.put(asked, &segments, lasting, groups.clone());
        }
    }
    works.extend(scan.hot_works()?);
    Ok(works)
}

impl Grouping<'_> {
    fn names(&self, snapshot: &Snapshot) -> Vec<Arc<NamesOf>> {
        let names = &snapshot.shared().names;
        self.by.iter().map(|by| names.of(*by)).collect()
    }
}

fn add(
    scan: &Scan<'_>,
    work: &Work<'_>,
    groupings: &[Grouping<'_>],
    all: &mut [Groups],
) -> Result<(), AggregateError> {
    let selected = scan.select(work)?;
    if selected.is_empty() {
        return Ok(());
    }
    for (grouping, groups) in groupings.iter().zip(all) {
        piece::add(work, &selected, grouping, groups)?;
    }
    Ok(())
}
