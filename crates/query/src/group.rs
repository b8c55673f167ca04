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

/// How many events match a filter on dimensions, which hardly any event has to be read for; `None` for other filters, and
/// if the budget does not suffice.
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
        Err(AggregateError::Read(error)) if !matches!(error, QueryError::OutOfBudget { .. }) => {
            return Err(error);
        }
        // One group is never too many; what the budget suffices for is counted one piece after the other.
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
    all: &mut Vec<Groups>,
) -> Result<Vec<Work<'a>>, AggregateError> {
    let rolled = Rolled {
        shown: Shown::new(scan.filter()),
        range: scan.range(),
        groupings,
    };
    let segments: Vec<&Segment> = scan.segments().collect();
    let is_covered =
        |segment: &&Segment| scan.is_whole(segment) && rolled.covers(segment.info().time);
    let before = segments.iter().take_while(|segment| !is_covered(segment));
    let (before, rest) = segments.split_at(before.count());
    let run = rest.iter().take_while(|segment| is_covered(segment));
    let (run, after) = rest.split_at(run.count());
    let mut works = roll_run(scan, prefixes, &rolled, run, all)?;
    for segment in before.iter().chain(after) {
        works.extend(roll_segment(scan, &rolled, segment, all)?);
    }
    works.extend(scan.hot_works()?);
    Ok(works)
}

/// Adds segments of which all events are asked for, beginning with what is known of the first.
fn roll_run<'a>(
    scan: &Scan<'a>,
    prefixes: &Prefixes,
    rolled: &Rolled<'_>,
    run: &[&'a Segment],
    all: &mut Vec<Groups>,
) -> Result<Vec<Work<'a>>, AggregateError> {
    let is_final = |segment: &&Segment| segment.info().is_final();
    let lasting = run.iter().rposition(is_final).map_or(0, |last| last + 1);
    let asked = Asked::new(scan.filter(), rolled.groupings);
    let mut known = 0;
    if let Some(asked) = &asked
        && let Some((count, groups)) = prefixes.get(asked, run)
    {
        (known, *all) = (count, groups);
    }
    let mut works = Vec::new();
    for (number, segment) in run.iter().enumerate().skip(known) {
        works.extend(roll_segment(scan, rolled, segment, all)?);
        let count = number + 1;
        if works.is_empty()
            && (count == lasting || count == run.len())
            && let (Some(asked), Some(first)) = (&asked, run.get(..count))
        {
            prefixes.put(asked.clone(), first, lasting, all);
        }
    }
    Ok(works)
}

/// Adds what the rollup of a segment answers, and gives the rest.
fn roll_segment<'a>(
    scan: &Scan<'a>,
    rolled: &Rolled<'_>,
    segment: &'a Segment,
    all: &mut [Groups],
) -> Result<Vec<Work<'a>>, AggregateError> {
    let cut = if scan.is_whole(segment) {
        rolled.add(segment, all)?
    } else {
        None
    };
    let mut works = Vec::new();
    for range in cut.unwrap_or_else(|| vec![scan.range()]) {
        works.extend(scan.segment_works(segment, range)?);
    }
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
