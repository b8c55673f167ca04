//! The events of an export, a part of the log at a time: a view that is held keeps unsealed events in memory.

use event::filter::Filter;
use query::{Engine, Event, Order, Snapshot, TimeRange};

use super::Export;
use crate::problem::Problem;

/// Events of one view; as many as a row group of a segment has.
const PART_EVENTS: u64 = 1 << 17;

/// Which events.
pub(super) struct Selected {
    filter: Filter,
    range: TimeRange,
    at: u64,
}

impl Selected {
    pub(super) fn of(export: &Export) -> Result<Self, Problem> {
        let [from, to] = export.range_us;
        Ok(Self {
            filter: event::filter::parse(&export.query.q)?,
            range: TimeRange { from, to },
            at: export.query.at,
        })
    }

    /// The log as it was when it was asked.
    pub(super) fn view(&self, engine: &Engine) -> Result<Snapshot, Problem> {
        Ok(engine.snapshot()?.at(self.at)?)
    }

    pub(super) fn count(&self, engine: &Engine) -> Result<u64, Problem> {
        Ok(self.view(engine)?.count(&self.filter, self.range)?)
    }

    /// Every event that matches, oldest first.
    pub(super) fn each(
        &self,
        engine: &Engine,
        mut each: impl FnMut(&Snapshot, &Event) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut start = 0;
        while start < self.at {
            let end = self.at.min(start + PART_EVENTS);
            let view = self.view(engine)?;
            for event in view.events(&self.filter, self.range, start..end, Order::Oldest)? {
                each(&view, &event?)?;
            }
            start = end;
        }
        Ok(())
    }
}
