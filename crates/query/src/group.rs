//! Adding up the matching events by groups.
//!
//! One walk over the columns serves any number of [`Grouping`]s. Each piece (a row group, or a run of
//! unsealed events) is grouped by the codes of its own dictionaries into small tables ([`piece`]), whose
//! rows are then added to the groups of the whole answer ([`groups`]), where values are told apart.
//! Pieces are independent, so several threads work on them.

mod groups;
mod measure;
mod pick;
mod piece;
mod slots;
mod sums;

use event::filter::Filter;

pub(crate) use groups::{Groups, Span};
pub(crate) use measure::Measure;

use crate::{
    AggregateError, Dimension, Order, Snapshot, TimeRange,
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

/// Most groups of one answer: with their figures about half a gigabyte.
pub(crate) const MAX_GROUPS: usize = 2 << 20;
/// Groups for each grouping, in no order.
pub(crate) fn group(
    snapshot: &Snapshot,
    filter: &Filter,
    range: TimeRange,
    groupings: &[Grouping<'_>],
) -> Result<Vec<Groups>, AggregateError> {
    let scan = Scan::new(snapshot, filter, range, 0..snapshot.size(), Order::Oldest)?;
    let works = scan.works()?;
    let new = || -> Vec<Groups> { groupings.iter().map(Groups::new).collect() };
    let add = |all: &mut Vec<Groups>, work: &Work<'_>| add(&scan, work, groupings, all);
    let mut threads = side_by_side(&works, new, add)?.into_iter();
    let mut all = threads.next().unwrap_or_default();
    for other in threads {
        for (groups, other) in all.iter_mut().zip(other) {
            groups.merge(other)?;
        }
    }
    Ok(all)
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
