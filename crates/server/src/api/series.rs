//! Figures over time.

use std::{io::Write as _, sync::Arc};

use axum::{extract::State, response::Response};
use query::{Bucket, Figures, Interval, SeriesQuery, Snapshot};

use super::{
    figures::{BY, By, write_figures},
    selection::{
        ACTION, ACTOR, AT, FROM, JOB, PROJECT, Q, RESOURCE, RESULT, SOURCE, Selection, TO, TZ,
    },
};
use crate::{
    app::App,
    auth::Caller,
    keys::Scope,
    params::{Kind, Param, Params},
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

const INTERVAL: Param = Param {
    name: "interval",
    about: "Length of a bucket by the clock of `tz`, `hour` by default",
    kind: Kind::OneOf(&["minute", "hour", "day", "week"]),
};

pub(crate) static SERIES: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/series",
    id: "seriesOfEvents",
    summary: "Figures of the events that match, over time",
    access: Access::Key(&[Scope::Read]),
    params: &[
        INTERVAL, BY, Q, FROM, TO, TZ, AT, ACTOR, ACTION, SOURCE, RESOURCE, RESULT, PROJECT, JOB,
    ],
    body: None,
    status: 200,
    answer: Answer::Json("Series"),
    codes: &[
        Code::InvalidFilter,
        Code::InvalidParameter,
        Code::TooManyGroups,
        Code::TooCostly,
        Code::TooManyBuckets,
        Code::Busy,
        Code::Damaged,
    ],
};

pub(crate) async fn series(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    let by = By::read(&params)?;
    let intervals = Interval::ALL.map(|interval| (interval.name(), interval));
    let interval = params.word("interval", &intervals)?;
    let interval = interval.unwrap_or(Interval::Hour);
    let selection = Selection::read(&params, &caller, app.node().now_us())?;
    let make = move |selection: &Selection, view: &Snapshot| {
        let found = view.series(&SeriesQuery {
            filter: selection.filter.clone(),
            range: selection.range,
            interval,
            zone: selection.zone.clone(),
            by: by.dimensions(),
        })?;
        let mut body = Vec::new();
        // Writing into a vector cannot fail. Names of intervals and zones need no escapes.
        let _ = write!(
            body,
            "{{\"object\":\"list\",\"interval\":\"{}\",\"tz\":\"{}\",\"data\":[",
            interval.name(),
            selection.zone.name(),
        );
        for (index, bucket) in found.buckets.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            write_bucket(&mut body, &by, bucket);
        }
        body.extend_from_slice(b"]}");
        Ok(body)
    };
    selection.answer(&app, &caller, make).await
}

fn write_bucket(out: &mut Vec<u8>, by: &By, bucket: &Bucket) {
    // Writing into a vector cannot fail.
    let _ = write!(out, "{{\"start\":\"{}\",", bucket.start);
    if by.is_empty() {
        let figures = bucket
            .rows
            .first()
            .map_or(Figures::default(), |row| row.figures);
        write_figures(out, &figures);
    } else {
        out.extend_from_slice(b"\"groups\":");
        by.write_rows(out, &bucket.rows);
    }
    out.push(b'}');
}
