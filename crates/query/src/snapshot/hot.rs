//! Typed columns and indexes of the hot tail.

use std::sync::{Arc, Mutex, PoisonError};

use event::Seq;
use ledger::{Hot, HotEvent};
use store::{Columns, Index, Segments};

/// Columns of unsealed events, made when they are first asked for and kept until they are sealed: neighbouring
/// runs, oldest first, without holes.
#[derive(Default)]
pub(crate) struct HotColumns {
    runs: Vec<HotRun>,
}

/// The columns of a run of unsealed events.
#[derive(Clone)]
pub(crate) struct HotRun {
    pub(crate) first: u64,
    pub(crate) end: u64,
    pub(crate) columns: Arc<Columns>,
    terms: Arc<Mutex<Terms>>,
}

/// The index of a run. It is made when it is worth it: that takes longer than reading the events a few times.
enum Terms {
    /// Lookups that had to do without.
    Asked(usize),
    Known(Arc<Index>),
    /// It could not be made.
    None,
}

/// Lookups after which a run gets an index.
const MOST_ASKED: usize = 8;
/// Smaller runs are not worth one.
const MIN_EVENTS: u64 = 1024;
/// Most events of a run: as many as a row group of a segment holds.
const RUN_EVENTS: u64 = 1 << 17;

/// The runs that cover a hot tail from a position on; the first may begin before it.
pub(crate) fn runs(shared: &Mutex<HotColumns>, hot: &Hot, first: u64) -> Vec<HotRun> {
    // What a panic can leave behind is checked below like everything else.
    let mut known = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let first = first.max(hot.first.0);
    let known_first = known.runs.first().map_or(first, |run| run.first);
    if first < known_first {
        // A view that was held while its events were sealed.
        return HotColumns::default().cover(hot, first);
    }
    known.cover(hot, first)
}

impl HotColumns {
    fn cover(&mut self, hot: &Hot, first: u64) -> Vec<HotRun> {
        self.runs.retain(|run| run.end > first);
        let mut end = self.runs.last().map_or(first, |run| run.end);
        while end < hot.end.0 {
            let mut start = end;
            end = hot.end.0.min(start + RUN_EVENTS);
            // Runs that are small beside the new one are read again with it, so that there are few and
            // an event is read a few times at most.
            while let Some(last) = self.runs.last() {
                let joins = last.end - last.first <= 2 * (end - start);
                if !joins || last.first < hot.first.0 || end - last.first > RUN_EVENTS {
                    break;
                }
                start = last.first;
                self.runs.pop();
            }
            self.runs.push(HotRun::read(hot, start, end));
        }
        let covers = |run: &&HotRun| run.first < hot.end.0;
        self.runs.iter().filter(covers).cloned().collect()
    }
}

impl HotRun {
    fn read(hot: &Hot, first: u64, end: u64) -> Self {
        let events = events(hot, first, end);
        let events = events.map(|event| (event.seq, event.recorded_at, event.record));
        Self {
            first,
            end,
            columns: Arc::new(Columns::collect(events)),
            terms: Arc::new(Mutex::new(Terms::Asked(0))),
        }
    }

    /// The index, if there is one by now.
    pub(crate) fn index(&self, hot: &Hot, segments: &Segments) -> Option<Arc<Index>> {
        if self.end - self.first < MIN_EVENTS || self.first < hot.first.0 {
            return None;
        }
        // Who comes while it is made does without.
        let mut terms = self.terms.try_lock().ok()?;
        match &mut *terms {
            Terms::Known(index) => return Some(Arc::clone(index)),
            Terms::None => return None,
            Terms::Asked(asked) if *asked < MOST_ASKED => {
                *asked += 1;
                return None;
            }
            Terms::Asked(_) => {}
        }
        let events = self.events(hot);
        let events = events.map(|event| (event.record, event.content));
        let index = segments.index_of(&self.columns, events).ok().map(Arc::new);
        *terms = index.clone().map_or(Terms::None, Terms::Known);
        index
    }

    fn events<'h>(&self, hot: &'h Hot) -> impl Iterator<Item = HotEvent<'h>> {
        events(hot, self.first, self.end)
    }
}

/// The events between two positions, oldest first.
fn events(hot: &Hot, first: u64, end: u64) -> impl Iterator<Item = HotEvent<'_>> {
    let chunks = hot.chunks.iter().filter(move |chunk| chunk.end().0 > first);
    chunks
        .flat_map(|chunk| chunk.iter())
        .skip_while(move |event| event.seq < Seq(first))
        .take_while(move |event| event.seq < Seq(end))
}
