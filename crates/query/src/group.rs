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

use std::{
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use event::filter::Filter;

pub(crate) use groups::{Groups, Span};
pub(crate) use measure::Measure;

use crate::{
    AggregateError, Dimension, Order, Snapshot, TimeRange,
    scan::{Scan, Work},
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
/// Rows for which another thread is worth its start.
const ROWS_PER_THREAD: u64 = 200_000;
/// Most threads of one question; others are answered meanwhile.
const MAX_THREADS: usize = 4;

/// Groups for each grouping, in no order.
pub(crate) fn group(
    snapshot: &Snapshot,
    filter: &Filter,
    range: TimeRange,
    groupings: &[Grouping<'_>],
) -> Result<Vec<Groups>, AggregateError> {
    let scan = Scan::new(snapshot, filter, range, 0..snapshot.size(), Order::Oldest)?;
    let works = scan.works()?;
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<Groups>, AggregateError> {
        let mut all: Vec<Groups> = groupings.iter().map(Groups::new).collect();
        while let Some(work) = works.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = add(&scan, work, groupings, &mut all) {
                next.store(works.len(), Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(all)
    };
    let rows: u64 = works
        .iter()
        .map(|work| work.wanted.end - work.wanted.start)
        .sum();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let wanted = usize::try_from(rows / ROWS_PER_THREAD).unwrap_or(usize::MAX);
    let others = Mutex::new(Vec::new());
    let mut all = thread::scope(|scope| {
        for _ in 1..threads.min(MAX_THREADS).min(wanted) {
            scope.spawn(|| {
                let answer = worker();
                others
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(answer);
            });
        }
        worker()
    })?;
    for other in others.into_inner().unwrap_or_else(PoisonError::into_inner) {
        for (groups, other) in all.iter_mut().zip(other?) {
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
