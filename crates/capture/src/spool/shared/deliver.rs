//! Delivery from a shared spool.

use event::Micros;
use journal::FsLock;
use serde::Deserialize;

use super::{SharedSpool, files::Lost};
use crate::{
    draft::Source,
    recorder::gap,
    redact::Redactor,
    sink::Sink,
    spool::{LeftoverError, SpoolError},
};

/// Who tells of events that short processes could not keep.
const PRODUCER: &str = "shared-spool";

/// Held by the process that delivers what comes.
#[derive(Debug)]
pub struct Watch(#[expect(dead_code, reason = "held, not used")] Box<dyn FsLock>);

impl SharedSpool {
    /// Delivers everything that waits, and tells what could not be kept. Answers how many events were delivered; `None` if
    /// another process is at it. Blocks.
    ///
    /// # Errors
    /// The first [`LeftoverError`]; what was not delivered by then waits on.
    pub fn deliver(&self, sink: &dyn Sink) -> Result<Option<usize>, LeftoverError> {
        if !self.files.exists()? {
            return Ok(Some(0));
        }
        let Some(_turn) = self.files.turn()? else {
            return Ok(None);
        };
        let mut delivered = 0;
        loop {
            let names = self.files.names()?;
            let mut rest = names.as_slice();
            if rest.is_empty() {
                break;
            }
            while !rest.is_empty() {
                let (waiting, taken) = self.files.batch(rest)?;
                rest = rest.get(taken..).unwrap_or_default();
                self.send(sink, &waiting.events)?;
                delivered += waiting.events.len();
                self.files.forget(&waiting)?;
            }
        }
        self.files.forget_estimate()?;
        self.tell_lost(sink)?;
        Ok(Some(delivered))
    }

    /// The right to deliver what comes from now on; `None` if another process has it. Whoever gives it back looks once
    /// more: what was put before may have relied on it.
    ///
    /// # Errors
    /// [`SpoolError`] if that cannot be told.
    pub fn watch(&self) -> Result<Option<Watch>, SpoolError> {
        Ok(self.files.watch()?.map(Watch))
    }

    /// Whether a process delivers what comes.
    ///
    /// # Errors
    /// [`SpoolError`] if that cannot be told.
    pub fn is_watched(&self) -> Result<bool, SpoolError> {
        Ok(self.files.exists()? && self.files.watch()?.is_none())
    }

    fn tell_lost(&self, sink: &dyn Sink) -> Result<(), LeftoverError> {
        for lost in self.files.lost(&self.name()?)? {
            tell(sink, &lost)?;
            self.files.told(&lost)?;
        }
        Ok(())
    }

    /// What the server refuses will not be taken later either.
    fn send(&self, sink: &dyn Sink, events: &[Vec<u8>]) -> Result<(), LeftoverError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut lines = events.join(&b'\n');
        lines.push(b'\n');
        let receipts = sink.send(&lines)?;
        for rejected in &receipts.rejected {
            let code = &rejected.code;
            tracing::error!(code, "the server refused an event of an earlier process");
            let source = events.get(rejected.index).map(|event| source(event));
            self.files.count_refused(source.unwrap_or(Source::Hook))?;
        }
        Ok(())
    }
}

/// Tells the server what was lost.
pub(super) fn tell(sink: &dyn Sink, lost: &Lost) -> Result<(), LeftoverError> {
    if lost.count == 0 {
        return Ok(());
    }
    let redactor = Redactor::new(None, &[], &[0; 32])?;
    let at = Micros(lost.at_us());
    let gap = gap(lost.source, PRODUCER, at, &[(lost.cause, lost.count)]);
    sink.send(&gap.event(lost.id(), &redactor.with(&[])))?;
    Ok(())
}

/// The surface of an event of ours.
fn source(event: &[u8]) -> Source {
    #[derive(Deserialize)]
    struct Event {
        source: String,
    }
    let event: Option<Event> = serde_json::from_slice(event).ok();
    let source = event.map_or_else(String::new, |event| event.source);
    let known = Source::ALL
        .into_iter()
        .find(|known| known.as_str() == source);
    known.unwrap_or(Source::Hook)
}
