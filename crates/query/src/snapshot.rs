use std::{ops::Range, sync::Arc};

use event::{Seq, filter::Filter};
use ledger::Trail;
use tlog::Hash;

use crate::{AtError, Event, Order, Page, Query, QueryError, TimeRange};

/// A trail as it was at one size: the same questions get the same answers for as long as it is held.
#[derive(Clone)]
pub struct Snapshot {
    trail: Arc<Trail>,
    size: u64,
}

impl Snapshot {
    pub(crate) fn new(trail: Arc<Trail>) -> Self {
        Self {
            size: trail.size(),
            trail,
        }
    }

    /// Number of events.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The trail as it was at an earlier size.
    ///
    /// # Errors
    /// [`AtError`] if `at` is above [`Self::size`].
    pub fn at(&self, at: u64) -> Result<Self, AtError> {
        let size = self.size;
        if at > size {
            return Err(AtError { size, at });
        }
        Ok(Self {
            size: at,
            ..self.clone()
        })
    }

    /// Root of the tree over these events, signed or not yet.
    ///
    /// # Errors
    /// If the tree cannot be read.
    pub fn root(&self) -> Result<Hash, QueryError> {
        Ok(self.trail.root(self.size)?)
    }

    /// One event; `None` beyond the snapshot's size.
    ///
    /// # Errors
    /// If it cannot be read or is damaged. So for every method below.
    pub fn get(&self, _seq: Seq) -> Result<Option<Event>, QueryError> {
        todo!()
    }

    /// Position of the event with this id.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn find(&self, _id: &str) -> Result<Option<Seq>, QueryError> {
        todo!()
    }

    /// The first rows that match, or those after a position, in the order of the query.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn page(&self, _query: &Query, _after: Option<Seq>) -> Result<Page, QueryError> {
        todo!()
    }

    /// How many events match.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn count(&self, _filter: &Filter, _range: TimeRange) -> Result<u64, QueryError> {
        todo!()
    }

    /// All matching events with sequence numbers in `seqs`, one by one; ends after the first error.
    pub fn events<'a>(
        &'a self,
        _filter: &'a Filter,
        _range: TimeRange,
        _seqs: Range<u64>,
        _order: Order,
    ) -> impl Iterator<Item = Result<Event, QueryError>> + use<'a> {
        std::iter::from_fn(|| todo!())
    }

    /// Entry bundle `tile/entries/<index>` with `width` entries (C2SP tlog-tiles): the leaves, made anew
    /// from what is stored and compared with the tree. `None` if it reaches beyond the snapshot's size.
    ///
    /// # Errors
    /// [`QueryError::Leaf`] if an event is not the one in the tree; otherwise as [`Self::get`].
    pub fn entries(&self, _index: u64, _width: u16) -> Result<Option<Vec<u8>>, QueryError> {
        todo!()
    }
}
