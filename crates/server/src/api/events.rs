//! Events: lists, one by one, and as they come.

mod list;
mod one;
mod row;
mod stream;
mod turns;

pub(crate) use list::{LIST, list};
pub(crate) use one::{CONTENT, GET, RECORD, content, get, record};
pub(crate) use stream::{Followed, Pace, STREAM, follow, stream};
pub(crate) use turns::Turns;

use event::{RecordView, Seq};
use query::{Event, QueryError, Snapshot};

use crate::{auth::Caller, params::decimal, problem::Problem};

/// The event that a path names: digits are its `seq`, anything else its `id`. One that the key may not see
/// is not there.
pub(crate) fn find(view: &Snapshot, name: &str, caller: &Caller) -> Result<Event, Problem> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    let seq = if is_number {
        decimal(name).map(Seq)
    } else {
        view.find(name)?
    };
    let event = seq.map(|seq| view.get(seq)).transpose()?.flatten();
    let event = event.ok_or_else(Problem::not_found)?;
    if let Some(project) = caller.project() {
        let view = RecordView::parse(&event.record).map_err(|source| QueryError::Record {
            seq: event.seq,
            source,
        })?;
        if view.project.as_deref() != Some(project) {
            return Err(Problem::not_found());
        }
    }
    Ok(event)
}
