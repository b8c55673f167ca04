//! Typed columns of events that are not sealed yet.

use std::{collections::HashMap, sync::Arc};

use event::{Micros, RecordView, Seq};

use crate::{
    column::{Column, Kind},
    fields::{self, Fields},
    segment::{Ints, Texts},
};

/// The typed columns of neighbouring events, as sealing them as one row group would give.
#[derive(Debug)]
pub struct Columns {
    rows: usize,
    time: [i64; 2],
    values: Vec<Values>,
}

#[derive(Debug)]
enum Values {
    Ints(Arc<Ints>),
    Texts(Arc<Texts>),
    None,
}

impl Columns {
    /// Reads the records of events, oldest first.
    pub fn collect<'a>(events: impl Iterator<Item = (Seq, Micros, &'a [u8])>) -> Self {
        let mut fields = Fields::new();
        let (mut rows, mut time) = (0, [i64::MAX, i64::MIN]);
        for (seq, recorded_at, record) in events {
            let view = RecordView::parse(record).ok();
            let at = i64::try_from(recorded_at.0).unwrap_or(i64::MAX);
            let at = view.as_ref().map_or(at, |view| view.time_us);
            time = [time[0].min(at), time[1].max(at)];
            fields::derive(seq.0, recorded_at.0, view.as_ref(), &mut fields);
            rows += 1;
        }
        let values = |column: Column| match column.kind() {
            Kind::Int | Kind::Flag => Values::Ints(Arc::new(ints(column, &mut fields))),
            Kind::Text => Values::Texts(Arc::new(texts(column, &mut fields))),
            Kind::Digest | Kind::Payload => Values::None,
        };
        Self {
            rows,
            time,
            values: Column::ALL.into_iter().map(values).collect(),
        }
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

fn ints(column: Column, fields: &mut Fields) -> Ints {
    let fields::Ints { values, present } = fields.take_ints(column);
    let present = present.into_iter().map(|level| level == 1).collect();
    Ints::new(column, values, present)
}

fn texts(column: Column, fields: &mut Fields) -> Texts {
    let collected = fields.take_texts(column);
    let mut known = HashMap::new();
    let (mut values, mut ends) = (String::new(), Vec::new());
    let mut code = |value: &str| {
        let mut new = || {
            values.push_str(value);
            ends.push(u32::try_from(values.len()).unwrap_or(u32::MAX));
            u32::try_from(ends.len() - 1).unwrap_or(u32::MAX)
        };
        if !column.has_dictionary() {
            return new();
        }
        known.get(value).copied().unwrap_or_else(|| {
            let code = new();
            known.insert(value.to_owned(), code);
            code
        })
    };
    let codes: Vec<Option<u32>> = collected.rows().map(|value| value.map(&mut code)).collect();
    Texts::new(values, ends, &codes)
}
