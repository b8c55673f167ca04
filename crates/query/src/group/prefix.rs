//! Groups over whole segments, kept from one question to the next.
//!
//! Segments do not change; they are merged until they are large. What was added up over a run of them once, for the same
//! filter and groupings, is the start of every later answer, which then costs as much as the newest events.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use event::filter::Filter;
use store::Segment;

use super::{Grouping, Groups, Measure};
use crate::Dimension;

/// What is remembered, at most.
const MAX_ENTRIES: usize = 32;
/// Groups of all of them together, a few hundred bytes each.
const MAX_GROUPS: usize = 1 << 17;

/// What is remembered, the last used at the end.
#[derive(Default)]
pub(crate) struct Prefixes(Mutex<Vec<Entry>>);

struct Entry {
    asked: Asked,
    /// How many segments from the first of a run on, and their names.
    segments: usize,
    names: u64,
    groups: Vec<Groups>,
}

/// A question about all events of some segments.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Asked {
    filter: Filter,
    groupings: Vec<Asking>,
}

#[derive(Clone, PartialEq, Eq)]
struct Asking {
    by: Vec<Dimension>,
    measures: Vec<Measure>,
    spans: bool,
}

impl Asked {
    /// `None` for buckets, whose bounds are the question's own.
    pub(super) fn new(filter: &Filter, groupings: &[Grouping<'_>]) -> Option<Self> {
        let asking = |grouping: &Grouping<'_>| {
            grouping.buckets.is_none().then(|| Asking {
                by: grouping.by.to_vec(),
                measures: grouping.measures.to_vec(),
                spans: grouping.spans,
            })
        };
        Some(Self {
            filter: filter.clone(),
            groupings: groupings.iter().map(asking).collect::<Option<_>>()?,
        })
    }
}

impl Entry {
    fn is_of(&self, run: &[&Segment]) -> bool {
        run.get(..self.segments)
            .is_some_and(|segments| self.names == names(segments))
    }

    fn len(&self) -> usize {
        self.groups.iter().map(Groups::len).sum()
    }
}

impl Prefixes {
    /// The groups of a question over as many of the first segments of a run as are known.
    pub(super) fn get(&self, asked: &Asked, run: &[&Segment]) -> Option<(usize, Vec<Groups>)> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.iter().enumerate();
        let known = known.filter(|(_, entry)| entry.asked == *asked && entry.is_of(run));
        let (at, _) = known.max_by_key(|(_, entry)| entry.segments)?;
        let entry = entries.remove(at);
        let found = (entry.segments, entry.groups.clone());
        entries.push(entry);
        Some(found)
    }

    /// Remembers the groups over these segments, the first of a run. `lasting` of them will not be merged any more; what
    /// was known of others is forgotten.
    pub(super) fn put(&self, asked: Asked, first: &[&Segment], lasting: usize, groups: &[Groups]) {
        // One that has no room would push out all others before itself.
        if groups.iter().map(Groups::len).sum::<usize>() > MAX_GROUPS {
            return;
        }
        let entry = Entry {
            asked,
            segments: first.len(),
            names: names(first),
            groups: groups.to_vec(),
        };
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|known| {
            known.asked != entry.asked
                || known.segments == lasting && lasting < entry.segments && known.is_of(first)
        });
        entries.push(entry);
        let all = |entries: &[Entry]| entries.iter().map(Entry::len).sum::<usize>();
        while entries.len() > MAX_ENTRIES || all(&entries) > MAX_GROUPS {
            entries.remove(0);
        }
    }
}

/// A fingerprint of the segments' names.
fn names(segments: &[&Segment]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for segment in segments {
        segment.info().name.hash(&mut hasher);
    }
    hasher.finish()
}
