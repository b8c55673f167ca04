//! What indexes say of the conditions of a filter.

use std::{
    cmp::Ordering,
    ops::Range,
    sync::{Arc, OnceLock},
};

use store::{Hits, Segment, Sought};

use super::{
    plan::{Leaf, Plan, Wanted},
    verdicts::{Few, Verdict},
};
use crate::{Snapshot, snapshot::HotRun};

/// A value of a column that more of the rows have than this part is found faster in the column.
const DENSE_PART: usize = 32;
/// Rows are better looked at one by one than compared with a token that so many times more have.
const MORE_TIMES: usize = 64;
/// Rows are sought in a list that is so many times longer.
const SEARCHED_TIMES: usize = 16;

/// An index and its answers so far, for one filter. Rows are counted in the segment or run.
pub(crate) struct Lookup<'a> {
    source: Source<'a>,
    answers: Vec<OnceLock<Option<Hits>>>,
}

#[derive(Clone)]
pub(super) enum Source<'a> {
    Segment(&'a Segment),
    Hot(&'a Snapshot, HotRun),
}

impl<'a> Lookup<'a> {
    pub(super) fn new(source: Source<'a>, plan: &Plan<'_>) -> Self {
        Self {
            source,
            answers: (0..plan.leaves).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Rows that match a condition or may match it; no others do. `None` if nothing is known.
    pub(super) fn hits(&self, leaf: &Leaf<'_>) -> Option<&Hits> {
        let answer = self.answers.get(leaf.number)?;
        answer.get_or_init(|| self.ask(&leaf.wanted)).as_ref()
    }

    fn ask(&self, wanted: &Wanted<'_>) -> Option<Hits> {
        match wanted {
            Wanted::Value(sought) => self.source.hits(*sought, self.source.rows() / DENSE_PART),
            Wanted::Part(sought) => self.source.hits(*sought, usize::MAX),
            Wanted::Tokens(tokens) => self.all(tokens),
            Wanted::Nothing => None,
        }
    }

    /// Rows that have all the tokens, as far as that is worth knowing.
    fn all(&self, tokens: &[String]) -> Option<Hits> {
        let sought = tokens.iter().map(|token| Sought::Token(token));
        let counts = sought.map(|sought| Some((self.source.hit_count(sought)?, sought)));
        let mut counts: Vec<(usize, Sought<'_>)> = counts.collect::<Option<_>>()?;
        counts.sort_by_key(|(count, _)| *count);
        let mut rows: Option<Arc<Vec<u32>>> = None;
        for (count, sought) in counts {
            match &mut rows {
                None if count > self.source.rows() / 2 => return None,
                None => rows = Some(merged(self.source.hits(sought, usize::MAX)?)),
                Some(rows) if count / MORE_TIMES > rows.len() => break,
                Some(rows) => {
                    let others = merged(self.source.hits(sought, usize::MAX)?);
                    *rows = Arc::new(common(rows, &others));
                }
            }
        }
        Some(Hits {
            certain: Arc::default(),
            possible: Arc::unwrap_or_clone(rows?),
        })
    }
}

impl Source<'_> {
    fn rows(&self) -> usize {
        let rows = match self {
            Self::Segment(segment) => segment.range().end - segment.range().start,
            Self::Hot(_, run) => run.end - run.first,
        };
        usize::try_from(rows).unwrap_or(usize::MAX)
    }

    fn hits(&self, sought: Sought<'_>, most: usize) -> Option<Hits> {
        match self {
            Self::Segment(segment) => segment.hits(sought, most),
            Self::Hot(view, run) => view.hot_index(run)?.hits(sought, most).ok()?,
        }
    }

    fn hit_count(&self, sought: Sought<'_>) -> Option<usize> {
        match self {
            Self::Segment(segment) => segment.hit_count(sought),
            Self::Hot(view, run) => view.hot_index(run)?.count(sought).ok()?,
        }
    }
}

/// How many of some rows match or may match.
pub(super) fn count(hits: &Hits, rows: &Range<u32>) -> usize {
    within(&hits.certain, rows).len() + within(&hits.possible, rows).len()
}

/// The hits among some rows, counted from the first of these.
pub(super) fn few(hits: &Hits, rows: &Range<u32>) -> Few {
    let (mut certain, mut possible) = (
        within(&hits.certain, rows).iter().peekable(),
        within(&hits.possible, rows).iter().peekable(),
    );
    let mut few = Few::default();
    loop {
        let (row, verdict) = match (certain.peek(), possible.peek()) {
            (Some(one), Some(other)) => match one.cmp(other) {
                Ordering::Less => (certain.next(), Verdict::Yes),
                Ordering::Greater => (possible.next(), Verdict::Maybe),
                Ordering::Equal => {
                    possible.next();
                    (certain.next(), Verdict::Yes)
                }
            },
            (Some(_), None) => (certain.next(), Verdict::Yes),
            (None, _) => (possible.next(), Verdict::Maybe),
        };
        let Some(row) = row else {
            return few;
        };
        few.push(row - rows.start, verdict);
    }
}

fn within<'h>(hits: &'h [u32], rows: &Range<u32>) -> &'h [u32] {
    let from = hits.partition_point(|row| *row < rows.start);
    let to = hits.partition_point(|row| *row < rows.end);
    hits.get(from..to).unwrap_or_default()
}

/// All rows of hits, rising.
fn merged(hits: Hits) -> Arc<Vec<u32>> {
    if hits.possible.is_empty() {
        return hits.certain;
    }
    let mut rows = Arc::unwrap_or_clone(hits.certain);
    rows.extend(hits.possible);
    rows.sort_unstable();
    rows.dedup();
    Arc::new(rows)
}

/// Rows that are in both lists; both rise.
fn common(few: &[u32], many: &[u32]) -> Vec<u32> {
    let mut both = few.to_vec();
    if many.len() / SEARCHED_TIMES > few.len() {
        both.retain(|row| many.binary_search(row).is_ok());
        return both;
    }
    // A bit for each row: no step depends on the one before, as those of a merge do.
    let word = |row: u32| row as usize / 64;
    let mut bits = vec![0_u64; many.last().map_or(0, |last| word(*last) + 1)];
    for row in many {
        if let Some(bits) = bits.get_mut(word(*row)) {
            *bits |= 1 << (row % 64);
        }
    }
    both.retain(|row| {
        bits.get(word(*row))
            .is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    });
    both
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_set, prelude::*};

    use super::common;

    proptest! {
        #[test]
        fn common_rows_are_those_of_both_sets(
            one in btree_set(0..300_u32, 0..20),
            other in btree_set(0..300_u32, 0..280),
        ) {
            let list = |set: &std::collections::BTreeSet<u32>| set.iter().copied().collect::<Vec<_>>();
            let expected: Vec<u32> = one.intersection(&other).copied().collect();
            prop_assert_eq!(common(&list(&one), &list(&other)), expected);
        }
    }
}
