//! Rows as they are recorded, as server-sent events: the same rows as in the table, made by the same code.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};

use super::{gather, table};
use crate::{
    api::events::{Followed, Pace, follow},
    app::App,
    problem::Problem,
    web::{
        selected::{Fault, Selected},
        visit::Visit,
    },
};

/// `GET /events/live`: takes the filter of a list, and in `after` the last event that the list has.
pub(in super::super) async fn rows(
    State(app): State<Arc<App>>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let selected = Selected::of(&visit);
    match selected.fault.clone() {
        Some(Fault::Filter(error)) => return Err(error.into()),
        Some(Fault::Other(problem)) => return Err(problem),
        None => {}
    }
    let from = visit
        .address
        .number("after")
        .map(|last| last.saturating_add(1));
    let (caller, asked, filter) = (
        visit.caller.clone(),
        selected.filter.to_string(),
        selected.allowed(),
    );
    let list = visit.address.without(&["after"]).at("/events");
    let form = move |view: &query::Snapshot, found: &[query::Row]| {
        let rows = gather::read(&selected, view, found)?;
        let line = |row| {
            let html = table::one(&visit, &list, row, true, false).into_string();
            // A line end would end the message.
            html.replace(['\n', '\r'], " ").into_bytes()
        };
        Ok(rows.iter().map(line).collect())
    };
    let followed = Followed {
        asked,
        filter,
        from,
        pace: Pace::Newest,
        form: Arc::new(form),
    };
    follow(app, caller, &headers, followed)
}
