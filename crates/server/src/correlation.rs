//! What several sides say of one call, side by side.
//!
//! A call of a tool has the name that the model gave it (`tool_use_id`), which hooks, telemetry, the answer of the model and, for an
//! agent that passes it on, the MCP proxy all have. A call of a model has the provider's request id. So records of one call
//! are found without trusting clocks, and what one side tells and another one keeps quiet about shows.
//!
//! Pure: records in, calls out. A side is taken at its word only for the time between its first and its last word, so
//! that hooks that were set up later, or telemetry that is still on its way, are no disagreement.

mod call;
mod judge;
mod numbers;
mod report;

use std::collections::BTreeMap;

use event::{
    RecordView,
    filter::{Filter, TextField},
};
use query::{Order, Query, QueryError, Snapshot, TimeRange};

pub(crate) use call::{Call, Kind, Seen, Side};
pub(crate) use judge::Disagreement;
pub(crate) use numbers::Missing;
pub(crate) use report::write;

/// Records of a job that are looked at; a longer one is looked at from its start.
const MOST_RECORDS: usize = 10_000;

/// What is known of the calls of a job.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// In the order of their first records.
    pub(crate) calls: Vec<Call>,
    /// Numbers that a program counted and that are not here.
    pub(crate) missing: Vec<Missing>,
    /// Cost that two sides told of, 10^-9 US dollars: sums over both count it twice.
    pub(crate) told_twice_nanousd: i64,
    /// Records that were looked at.
    pub(crate) records: usize,
    /// Whether there are more.
    pub(crate) is_cut: bool,
}

impl Report {
    /// Of the records of a job that a filter lets through.
    pub(crate) fn of(view: &Snapshot, filter: &Filter, job: &str) -> Result<Self, QueryError> {
        let query = Query {
            filter: filter.clone().and_equal(TextField::Job, job),
            range: TimeRange::ALL,
            order: Order::Oldest,
            limit: MOST_RECORDS,
        };
        let page = view.page(&query, None)?;
        let mut records = Vec::with_capacity(page.rows.len());
        for row in &page.rows {
            let record = RecordView::parse(&row.record).map_err(|source| QueryError::Record {
                seq: row.seq,
                source,
            })?;
            records.push(record);
        }
        Ok(Self {
            is_cut: page.next.is_some(),
            ..Self::of_records(&records)
        })
    }

    pub(crate) fn of_records(records: &[RecordView<'_>]) -> Self {
        let mut calls: Vec<Call> = Vec::new();
        let mut places: BTreeMap<(Kind, String), usize> = BTreeMap::new();
        // A request for permission has no name of the call; what it asks for has the same digest.
        let mut digests: BTreeMap<String, String> = BTreeMap::new();
        for record in records {
            if let Some((digest, id)) = call::digest(record) {
                digests.insert(digest, id);
            }
            for (kind, id, seen) in call::seen(record) {
                let id = digests.get(&id).cloned().unwrap_or(id);
                let place = *places.entry((kind, id.clone())).or_insert_with(|| {
                    calls.push(Call::new(kind, id));
                    calls.len() - 1
                });
                if let Some(call) = calls.get_mut(place) {
                    call.add(seen);
                }
            }
        }
        judge::judge(&mut calls);
        Self {
            told_twice_nanousd: calls.iter().map(Call::told_twice_nanousd).sum(),
            missing: numbers::missing(records),
            records: records.len(),
            is_cut: false,
            calls,
        }
    }

    /// Calls of which at least two sides tell.
    pub(crate) fn linked(&self) -> usize {
        self.calls.iter().filter(|call| call.sides() > 1).count()
    }
}

#[cfg(test)]
mod tests;
