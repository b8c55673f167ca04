//! Typed columns of neighbouring events, from their records or from a segment.

use std::sync::Arc;

use event::{Micros, RecordView, Seq};

use crate::{
    column::{Column, Kind},
    error::StoreError,
    fields::{self, Fields},
    segment::{Ints, Segment, Texts},
};

/// The typed columns of neighbouring events.
#[derive(Debug)]
pub struct Columns {
    rows: usize,
    time: [i64; 2],
    values: Vec<Values>,
}

/// One of them.
#[derive(Debug)]
pub(crate) enum Values {
    Ints(Arc<Ints>),
    Texts(Arc<Texts>),
    /// Of payload and digest, and of what a segment lacks.
    None,
}

/// Columns that are being collected.
pub(crate) struct Collecting {
    fields: Fields,
    rows: usize,
    time: [i64; 2],
}

impl Columns {
    /// Reads the records of events, oldest first.
    pub fn collect<'a>(events: impl Iterator<Item = (Seq, Micros, &'a [u8])>) -> Self {
        let mut columns = Collecting::default();
        for (seq, recorded_at, record) in events {
            columns.add(seq, recorded_at, RecordView::parse(record).ok().as_ref());
        }
        columns.finish()
    }

    /// The columns of a row group, past the cache.
    pub(crate) fn of_group(segment: &Segment, group: usize) -> Result<Self, StoreError> {
        let range = segment.groups()?.get(group).cloned();
        let range = range.ok_or(StoreError::NotHere {
            seq: segment.info().end,
        })?;
        let read = |column: Column| match column.kind() {
            Kind::Int | Kind::Flag => {
                let ints = segment.read_ints(group, column)?;
                Ok(ints.map_or(Values::None, |ints| Values::Ints(Arc::new(ints))))
            }
            Kind::Text => Ok(Values::Texts(Arc::new(segment.read_texts(group, column)?))),
            Kind::Digest | Kind::Payload => Ok(Values::None),
        };
        let values = Column::ALL.into_iter().map(read);
        Ok(Self {
            rows: usize::try_from(range.end - range.first).unwrap_or(usize::MAX),
            time: range.time,
            values: values.collect::<Result<_, StoreError>>()?,
        })
    }

    /// Number of events.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Earliest and latest time that a producer claims, microseconds since 1970; the first is above the
    /// second without events.
    #[must_use]
    pub fn time(&self) -> [i64; 2] {
        self.time
    }

    /// An integer column, flags as 1 and 0; `None` for a column of another kind.
    #[must_use]
    pub fn ints(&self, column: Column) -> Option<&Arc<Ints>> {
        match self.values.get(column.index())? {
            Values::Ints(ints) => Some(ints),
            _ => None,
        }
    }

    /// A text column; `None` for a column of another kind.
    #[must_use]
    pub fn texts(&self, column: Column) -> Option<&Arc<Texts>> {
        match self.values.get(column.index())? {
            Values::Texts(texts) => Some(texts),
            _ => None,
        }
    }
}

impl Default for Collecting {
    fn default() -> Self {
        Self {
            fields: Fields::new(),
            rows: 0,
            time: [i64::MAX, i64::MIN],
        }
    }
}

impl Collecting {
    /// Adds an event; without a record, because it cannot be read, there are only the log's own columns.
    pub(crate) fn add(&mut self, seq: Seq, recorded_at: Micros, record: Option<&RecordView<'_>>) {
        let at = i64::try_from(recorded_at.0).unwrap_or(i64::MAX);
        let at = record.map_or(at, |record| record.time_us);
        self.time = [self.time[0].min(at), self.time[1].max(at)];
        self.rows += 1;
        fields::derive(seq.0, recorded_at.0, record, &mut self.fields);
    }

    pub(crate) fn finish(self) -> Columns {
        Columns {
            rows: self.rows,
            time: self.time,
            values: self.fields.finish(),
        }
    }
}
