//! Actions that take time: the record of their begin and the one of their end.

use std::{borrow::Cow, collections::BTreeSet};

use event::{
    RecordView,
    filter::{self, TextField},
};
use query::{Order, Query, Snapshot, TimeRange};

use super::{narrow, selected::Selected};
use crate::problem::Problem;

/// Calls of one question: each is a term of its filter.
const MOST_CALLS: usize = 200;

/// Which of some calls have an outcome on record.
pub(super) fn ended<'a>(
    selected: &Selected,
    view: &Snapshot,
    calls: impl Iterator<Item = &'a str>,
) -> Result<BTreeSet<String>, Problem> {
    let terms: BTreeSet<_> = calls
        .take(MOST_CALLS)
        .map(|call| narrow::term(TextField::Call, call))
        .collect();
    let mut ended = BTreeSet::new();
    if terms.is_empty() {
        return Ok(ended);
    }
    let terms: Vec<_> = terms.into_iter().collect();
    let text = format!("phase:outcome ({})", terms.join(" OR "));
    let page = view.page(
        &Query {
            filter: selected.within(filter::parse(&text)?),
            range: TimeRange::ALL,
            order: Order::Newest,
            limit: MOST_CALLS,
        },
        None,
    )?;
    for row in &page.rows {
        let record = RecordView::parse(&row.record).map_err(|error| Problem::internal(&error))?;
        let call = record.producer.and_then(|producer| producer.call);
        ended.extend(call.map(Cow::into_owned));
    }
    Ok(ended)
}
