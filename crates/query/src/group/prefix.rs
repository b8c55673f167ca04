//! Groups over the oldest segments, kept from one question to the next.
//!
//! Large segments do not change any more. So what was added up over them once, for the same filter and
//! grouping, is the start of every later answer, which then costs as much as the newest events.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use event::filter::Filter;
use store::Segment;

use super::{Grouping, Groups, Measure};
use crate::Dimension;

/// Questions that are remembered.
const MAX_ENTRIES: usize = 16;
/// Groups of all of them together, a few hundred bytes each.
const MAX_GROUPS: usize = 1 << 17;

/// What is remembered, the last used question at the end.
#[derive(Default)]
pub(crate) struct Prefixes(Mutex<Vec<Entry>>);

struct Entry {
    asked: Asked,
    /// How many segments from the first on, and their names.
    segments: usize,
    names: u64,
    groups: Groups,
}

/// A question over all events.
#[derive(PartialEq, Eq)]
pub(super) struct Asked {
    filter: Filter,
    by: Vec<Dimension>,
    measures: Vec<Measure>,
    spans: bool,
}

impl Asked {
    pub(super) fn new(filter: &Filter, grouping: &Grouping<'_>) -> Self {
        Self {
            filter: filter.clone(),
            by: grouping.by.to_vec(),
            measures: grouping.measures.to_vec(),
            spans: grouping.spans,
        }
    }
}

impl Prefixes {
    /// The groups of a question over as many of the first segments as is known.
    pub(super) fn get(&self, asked: &Asked, segments: &[&Segment]) -> Option<(usize, Groups)> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|entry| entry.asked == *asked)?;
        let entry = entries.remove(at);
        if entry.segments > segments.len() || entry.names != names(segments, entry.segments) {
            return None;
        }
        let found = (entry.segments, entry.groups.clone());
        entries.push(entry);
        Some(found)
    }

    /// Remembers the groups over so many of the first segments.
    pub(super) fn put(&self, asked: Asked, segments: &[&Segment], count: usize, groups: Groups) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.asked != asked);
        entries.push(Entry {
            asked,
            segments: count,
            names: names(segments, count),
            groups,
        });
        let all = |entries: &[Entry]| {
            entries
                .iter()
                .map(|entry| entry.groups.len())
                .sum::<usize>()
        };
        while entries.len() > MAX_ENTRIES || all(&entries) > MAX_GROUPS {
            entries.remove(0);
        }
    }
}

/// A fingerprint of the names of the first segments.
fn names(segments: &[&Segment], count: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    for segment in segments.iter().take(count) {
        segment.info().name.hash(&mut hasher);
    }
    hasher.finish()
}
