use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use event::{Leaf, RecordView, Seq, commit_content, commit_record, filter::Filter};
use ledger::{Hot, HotEvent, Trail};
use store::{Index, Segment};
use tlog::TILE_WIDTH;

use crate::{
    AtError, Budget, Counted, Event, Order, Page, Query, QueryError, Row, TimeRange,
    engine::Shared, group, scan::Scan,
};

mod find;
mod hot;
mod root;

pub(crate) use hot::{HotColumns, HotRun};

/// A trail as it was at one size: the same questions get the same answers for as long as it is held,
/// whatever is appended, sealed or merged meanwhile. Cheap to clone.
#[derive(Clone)]
pub struct Snapshot {
    trail: Arc<Trail>,
    hot: Arc<Hot>,
    sealed: Arc<store::Snapshot>,
    shared: Arc<Shared>,
    size: u64,
    budget: Arc<Budget>,
}

/// Where the bytes of an event lie.
pub(crate) enum Place<'a> {
    Hot(HotEvent<'a>),
    Sealed(&'a Segment, Seq),
}

impl Snapshot {
    pub(crate) fn new(
        trail: Arc<Trail>,
        hot: Hot,
        sealed: Arc<store::Snapshot>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            size: hot.end.0,
            trail,
            hot: Arc::new(hot),
            sealed,
            shared,
            budget: Arc::new(Budget::unlimited()),
        }
    }

    /// The same, of which questions may cost so much together. What is left of a page then is short, and
    /// other questions fail with [`QueryError::OutOfBudget`].
    #[must_use]
    pub fn within(self, budget: Budget) -> Self {
        Self {
            budget: Arc::new(budget),
            ..self
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

    /// One event; `None` beyond the snapshot's size.
    ///
    /// # Errors
    /// If it cannot be read or is damaged. So for every method below.
    pub fn get(&self, seq: Seq) -> Result<Option<Event>, QueryError> {
        if seq.0 >= self.size {
            return Ok(None);
        }
        self.event(seq, None).map(Some)
    }

    /// One record without its content; `None` beyond the snapshot's size.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn row(&self, seq: Seq) -> Result<Option<Row>, QueryError> {
        if seq.0 >= self.size {
            return Ok(None);
        }
        let record = self.place(seq)?.record()?;
        Ok(Some(Row { seq, record }))
    }

    /// The first rows that match, or those after a position, in the order of the query.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn page(&self, query: &Query, after: Option<Seq>) -> Result<Page, QueryError> {
        let seqs = match (query.order, after) {
            (_, None) => 0..self.size,
            (Order::Newest, Some(after)) => 0..after.0,
            (Order::Oldest, Some(after)) => after.0.saturating_add(1)..self.size,
        };
        let mut page = Page {
            rows: Vec::new(),
            next: None,
        };
        if query.limit == 0 {
            return Ok(page);
        }
        for found in Scan::new(self, &query.filter, query.range, seqs, query.order)? {
            let (seq, record) = match found {
                Err(QueryError::OutOfBudget { after: Some(after) }) => {
                    page.next = Some(after);
                    break;
                }
                found => found?,
            };
            // One more than fits was looked for, because an empty last page would be a promise broken.
            if page.rows.len() == query.limit {
                page.next = page.rows.last().map(|row| row.seq);
                break;
            }
            let record = record.map_or_else(|| self.place(seq)?.record(), Ok)?;
            page.rows.push(Row { seq, record });
        }
        Ok(page)
    }

    /// How many events match.
    ///
    /// # Errors
    /// As [`Self::get`], and [`QueryError::OutOfBudget`].
    pub fn count(&self, filter: &Filter, range: TimeRange) -> Result<u64, QueryError> {
        match self.count_after(filter, range, None)? {
            Counted { value, next: None } => Ok(value),
            Counted { next: after, .. } => Err(QueryError::OutOfBudget { after }),
        }
    }

    /// How many events match after a position, as far as the budget goes.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn count_after(
        &self,
        filter: &Filter,
        range: TimeRange,
        after: Option<Seq>,
    ) -> Result<Counted, QueryError> {
        if after.is_none()
            && let Some(value) = group::count(self, filter, range)?
        {
            return Ok(Counted { value, next: None });
        }
        let first = after.map_or(0, |after| after.0.saturating_add(1));
        let scan = Scan::new(self, filter, range, first..self.size, Order::Oldest)?;
        let (value, next) = scan.count_matches()?;
        Ok(Counted { value, next })
    }

    /// All matching events with sequence numbers in `seqs`, one by one; ends after the first error.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn events<'a>(
        &'a self,
        filter: &'a Filter,
        range: TimeRange,
        seqs: Range<u64>,
        order: Order,
    ) -> Result<impl Iterator<Item = Result<Event, QueryError>> + use<'a>, QueryError> {
        let mut scan = Scan::new(self, filter, range, seqs, order)?;
        let mut is_over = false;
        Ok(std::iter::from_fn(move || {
            let found = scan.next().filter(|_| !is_over)?;
            let event = found.and_then(|(seq, record)| self.event(seq, record));
            is_over = event.is_err();
            Some(event)
        }))
    }

    /// The leaf of an event, made anew from its bytes and compared with the tree.
    ///
    /// # Errors
    /// [`QueryError::Leaf`] if the event is not the one in the tree; otherwise as [`Self::get`].
    pub fn leaf(&self, event: &Event) -> Result<Leaf, QueryError> {
        let salts = self.trail.salts(event.seq)?;
        let leaf = Leaf {
            recorded_at: event.recorded_at,
            c_r: commit_record(&salts.record, &event.record),
            c_c: commit_content(&salts.content, event.content.as_deref()),
        };
        if tlog::leaf_hash(&leaf.to_bytes()) != self.trail.leaf_hash(event.seq)? {
            return Err(QueryError::Leaf { seq: event.seq });
        }
        Ok(leaf)
    }

    /// Entry bundle `tile/entries/<index>` with `width` entries (C2SP tlog-tiles), each compared with the
    /// tree. `None` if there is no such bundle at the snapshot's size.
    ///
    /// # Errors
    /// As [`Self::leaf`].
    pub fn entries(&self, index: u64, width: u16) -> Result<Option<Vec<u8>>, QueryError> {
        const ENTRY_BYTES: usize = 2 + Leaf::BYTES;
        let tile = u64::from(TILE_WIDTH);
        let seqs = index.checked_mul(tile).and_then(|first| {
            let end = first.checked_add(u64::from(width))?;
            Some(first..end)
        });
        let fits = |seqs: &Range<u64>| (1..=tile).contains(&width.into()) && seqs.end <= self.size;
        let Some(seqs) = seqs.filter(fits) else {
            return Ok(None);
        };
        let mut bundle = Vec::with_capacity(usize::from(width) * ENTRY_BYTES);
        for seq in seqs {
            let leaf = self.leaf(&self.event(Seq(seq), None)?)?.to_bytes();
            // A leaf of fixed size is far below the longest entry.
            let _ = tlog::push_entry(&mut bundle, &leaf);
        }
        Ok(Some(bundle))
    }

    /// Where the events that are read from segments end; may lie above the snapshot's size.
    pub(crate) fn sealed_end(&self) -> u64 {
        self.sealed.size()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn sealed(&self) -> &store::Snapshot {
        &self.sealed
    }

    /// Columns of everything that is not read from segments. Runs may begin before [`Self::sealed_end`]
    /// and end above the snapshot's size.
    pub(crate) fn hot_runs(&self) -> Vec<HotRun> {
        hot::runs(&self.shared.hot_columns, &self.hot, self.sealed_end())
    }

    /// The index of a run, if there is one by now.
    pub(crate) fn hot_index(&self, run: &HotRun) -> Option<Arc<Index>> {
        run.index(&self.hot, &self.shared.segments)
    }

    pub(crate) fn hot_event(&self, seq: u64) -> Result<HotEvent<'_>, QueryError> {
        let seq = Seq(seq);
        self.hot.get(seq).ok_or(QueryError::Missing { seq })
    }

    fn place(&self, seq: Seq) -> Result<Place<'_>, QueryError> {
        if seq.0 >= self.sealed_end() {
            return self.hot_event(seq.0).map(Place::Hot);
        }
        let segment = self.sealed.segment(seq.0);
        let segment = segment.ok_or(QueryError::Missing { seq })?;
        Ok(Place::Sealed(segment, seq))
    }

    /// An event of the snapshot, its record read already or not.
    fn event(&self, seq: Seq, record: Option<Bytes>) -> Result<Event, QueryError> {
        let place = self.place(seq)?;
        let record = record.map_or_else(|| place.record(), Ok)?;
        let recorded_at = match &place {
            Place::Hot(event) => event.recorded_at,
            Place::Sealed(..) => view(seq, &record)?.recorded_at,
        };
        Ok(Event {
            seq,
            recorded_at,
            content: place.content()?,
            record,
        })
    }
}

impl Place<'_> {
    pub(crate) fn record(&self) -> Result<Bytes, QueryError> {
        match self {
            Self::Hot(event) => Ok(Bytes::copy_from_slice(event.record)),
            Self::Sealed(segment, seq) => Ok(segment.record(seq.0)?),
        }
    }

    pub(crate) fn content(&self) -> Result<Option<Bytes>, QueryError> {
        match self {
            Self::Hot(event) => Ok(event.content.map(Bytes::copy_from_slice)),
            Self::Sealed(segment, seq) => Ok(segment.content(seq.0)?),
        }
    }
}

/// A stored record, read.
pub(crate) fn view(seq: Seq, record: &[u8]) -> Result<RecordView<'_>, QueryError> {
    RecordView::parse(record).map_err(|source| QueryError::Record { seq, source })
}
