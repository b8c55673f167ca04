//! Figures by groups: how breakdowns are asked for, and how rows are written.

use std::{io::Write as _, sync::Arc};

use axum::{extract::State, response::Response};
use event::json::write_string;
use query::{AggregateQuery, Dimension, Figure, Figures, GroupRow, Snapshot, Value};

use super::selection::{
    ACTION, ACTOR, AT, FROM, JOB, PROJECT, Q, RESOURCE, RESULT, SOURCE, Selection, TO, TZ,
};
use crate::{
    app::App,
    auth::Caller,
    keys::Scope,
    params::{Kind, Param, Params},
    problem::{Code, Problem},
    routes::{Access, Answer, RouteInfo},
};

const MAX_TOP: u64 = 10_000;
const DEFAULT_TOP: u64 = 100;

pub(crate) const BY: Param = Param {
    name: "by",
    about: "Up to three members, separated by commas, whose values make a group",
    kind: Kind::Text,
};
const SORT: Param = Param {
    name: "sort",
    about: "Figure by which rows are ordered, falling; `count` by default",
    kind: Kind::OneOf(&[
        "count",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cost_nanousd",
        "unpriced",
        "duration_us",
        "failures",
    ]),
};
const TOP: Param = Param {
    name: "top",
    about: "Most rows, 100 by default",
    kind: Kind::Integer {
        min: 1,
        max: Some(MAX_TOP),
    },
};

/// Those that are answered, in their order.
const FIGURES: [Figure; 8] = [
    Figure::Count,
    Figure::InputTokens,
    Figure::OutputTokens,
    Figure::CacheReadTokens,
    Figure::CostNanousd,
    Figure::Unpriced,
    Figure::DurationUs,
    Figure::Failures,
];

pub(crate) static AGGREGATE: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/aggregate",
    id: "aggregateEvents",
    summary: "Figures of the events that match, by groups",
    access: Access::Key(&[Scope::Read]),
    params: &[
        BY, SORT, TOP, Q, FROM, TO, TZ, AT, ACTOR, ACTION, SOURCE, RESOURCE, RESULT, PROJECT, JOB,
    ],
    body: None,
    status: 200,
    answer: Answer::Json("Aggregate"),
    codes: &[
        Code::InvalidFilter,
        Code::InvalidParameter,
        Code::TooManyGroups,
        Code::TooCostly,
        Code::Busy,
        Code::Damaged,
    ],
};

/// Members that make a group, by the names that they have in answers.
#[derive(Clone, Debug)]
pub(super) struct By(Vec<(&'static str, Dimension)>);

pub(crate) async fn aggregate(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    let by = By::read(&params)?;
    let sorts = FIGURES.map(|figure| (figure.name(), figure));
    let sort = params.word("sort", &sorts)?.unwrap_or_default();
    let top = params.within("top", 1..=MAX_TOP)?.unwrap_or(DEFAULT_TOP);
    let selection = Selection::read(&params, &caller, app.node().now_us())?;
    let make = move |selection: &Selection, view: &Snapshot| {
        let found = view.aggregate(&AggregateQuery {
            filter: selection.filter.clone(),
            range: selection.range,
            by: by.dimensions(),
            sort,
            top: usize::try_from(top).unwrap_or(usize::MAX),
        })?;
        let mut body = br#"{"object":"list","data":"#.to_vec();
        by.write_rows(&mut body, &found.rows);
        // Writing into a vector cannot fail.
        let _ = write!(body, ",\"groups\":{}}}", found.groups);
        Ok(body)
    };
    selection.answer(&app, &caller, make).await
}

impl By {
    /// None without the parameter: all events are one group then.
    pub(super) fn read(params: &Params) -> Result<Self, Problem> {
        let mut by = Vec::new();
        for name in params
            .get("by")
            .into_iter()
            .flat_map(|text| text.split(','))
        {
            let refused = |detail| Problem::parameter(Code::InvalidParameter, "by", detail);
            let known = Dimension::BY.into_iter().find(|(known, _)| *known == name);
            let known = known.ok_or_else(|| {
                let names = Dimension::BY.map(|(name, _)| name).join(", ");
                refused(format!("up to three of {names}, separated by commas"))
            })?;
            if by.contains(&known) {
                return Err(refused(format!("{name} is there twice")));
            }
            if by.len() == Dimension::MOST {
                return Err(refused("at most three members".to_owned()));
            }
            by.push(known);
        }
        Ok(Self(by))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn dimensions(&self) -> Vec<Dimension> {
        self.0.iter().map(|(_, dimension)| *dimension).collect()
    }

    /// Appends `[{"source":"shell","count":1,...},...]`.
    pub(super) fn write_rows(&self, out: &mut Vec<u8>, rows: &[GroupRow]) {
        out.push(b'[');
        for (index, row) in rows.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b",{" } else { b"{" });
            for ((name, _), value) in self.0.iter().zip(&row.values) {
                // Writing into a vector cannot fail.
                let _ = write!(out, "\"{name}\":");
                match value {
                    Some(value) => write_value(out, value),
                    None => out.extend_from_slice(b"null"),
                }
                out.push(b',');
            }
            write_figures(out, &row.figures);
            out.push(b'}');
        }
        out.push(b']');
    }
}

pub(super) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Text(text) => write_string(out, text),
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
    }
}

/// Appends `"count":1,...` without braces.
pub(super) fn write_figures(out: &mut Vec<u8>, figures: &Figures) {
    for (index, figure) in FIGURES.into_iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        // Writing into a vector cannot fail.
        let _ = write!(out, "{comma}\"{}\":{}", figure.name(), figures.get(figure));
    }
}
