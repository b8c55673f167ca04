//! What a package tells of gaps and erasures.

use event::{RecordView, Seq};
use export::{Erasure, Gap, Neighbour, Numbered, Numbers};
use query::{Order, QueryError, Snapshot, TimeRange};

use super::Export;
use crate::problem::Problem;

/// Erasures that a package lists, the newest ones.
const MAX_ERASURES: usize = 100_000;

/// The gaps in the period of an export, whatever else it asks for: a filter would make holes where nothing is missing.
pub(super) fn gaps(view: &Snapshot, export: &Export) -> Result<Vec<Gap>, Problem> {
    let mut numbers = Numbers::default();
    view.numbers(0..view.size(), |numbered| {
        numbers.add(&Numbered {
            producer: numbered.producer,
            number: numbered.number,
            seq: numbered.seq,
            time_us: numbered.time_us,
        });
    })?;
    let [from, to] = export.range_us;
    let gaps = numbers.gaps(from, to);
    match &export.project {
        Some(project) => within(view, project, gaps),
        None => Ok(gaps),
    }
}

/// Gaps beside an event of a project, and of their neighbours only those that belong to it.
fn within(view: &Snapshot, project: &str, gaps: Vec<Gap>) -> Result<Vec<Gap>, Problem> {
    let own = |neighbour: Option<Neighbour>| -> Result<Option<Neighbour>, Problem> {
        let Some(neighbour) = neighbour else {
            return Ok(None);
        };
        let is_own = is_of_project(view, Seq(neighbour.seq), project)?;
        Ok(is_own.then_some(neighbour))
    };
    let mut seen = Vec::new();
    for gap in gaps {
        if let Gap::Missing {
            producer,
            from,
            to,
            after,
            before,
        } = gap
        {
            let (after, before) = (own(after)?, own(before)?);
            if after.is_some() || before.is_some() {
                seen.push(Gap::Missing {
                    producer,
                    from,
                    to,
                    after,
                    before,
                });
            }
        }
    }
    Ok(seen)
}

fn is_of_project(view: &Snapshot, seq: Seq, project: &str) -> Result<bool, Problem> {
    let Some(row) = view.row(seq)? else {
        return Ok(false);
    };
    let record = RecordView::parse(&row.record);
    let record = record.map_err(|source| QueryError::Record { seq, source })?;
    Ok(record.project.as_deref() == Some(project))
}

/// What the log tells of erasures. They belong to no project, so a key that sees one only is told of none.
pub(super) fn erasures(view: &Snapshot, export: &Export) -> Result<Vec<Erasure>, Problem> {
    if export.project.is_some() {
        return Ok(Vec::new());
    }
    let filter = event::filter::parse(Erasure::FILTER)?;
    let records = view.events(&filter, TimeRange::ALL, 0..view.size(), Order::Newest)?;
    let mut erasures = Vec::new();
    for event in records.take(MAX_ERASURES) {
        let event = event?;
        let record = RecordView::parse(&event.record);
        let seq = event.seq;
        let record = record.map_err(|source| QueryError::Record { seq, source })?;
        erasures.extend(Erasure::of(&record));
    }
    erasures.reverse();
    Ok(erasures)
}
