//! The values that occur.

use std::{io::Write as _, sync::Arc};

use axum::{extract::State, response::Response};
use event::filter::Field;
use query::{Dimension, Facet, Snapshot};

use super::{
    figures::write_value,
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

const MAX_TOP: u64 = 1_000;
const DEFAULT_TOP: u64 = 20;
/// Fields of one request: every one of them counts all of its values.
const MAX_FIELDS: usize = 16;

const FIELDS: Param = Param {
    name: "fields",
    about: "Fields of the filter language, text or `status`, up to 16, separated by commas",
    kind: Kind::Text,
};
const TOP: Param = Param {
    name: "top",
    about: "Most values of a field, 20 by default",
    kind: Kind::Integer {
        min: 1,
        max: Some(MAX_TOP),
    },
};

pub(crate) static FACETS: RouteInfo = RouteInfo {
    method: "GET",
    path: "/v1/facets",
    id: "facetsOfEvents",
    summary: "Values that occur in the events that match, with counts",
    access: Access::Key(&[Scope::Read]),
    params: &[
        FIELDS, TOP, Q, FROM, TO, TZ, AT, ACTOR, ACTION, SOURCE, RESOURCE, RESULT, PROJECT, JOB,
    ],
    body: None,
    status: 200,
    answer: Answer::Json("Facets"),
    codes: &[
        Code::InvalidFilter,
        Code::InvalidParameter,
        Code::TooManyGroups,
        Code::TooCostly,
        Code::Busy,
        Code::Damaged,
    ],
};

pub(crate) async fn facets(
    State(app): State<Arc<App>>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    let fields = fields(&params)?;
    let top = params.within("top", 1..=MAX_TOP)?.unwrap_or(DEFAULT_TOP);
    let selection = Selection::read(&params, &caller, app.node().now_us())?;
    let make = move |selection: &Selection, view: &Snapshot| {
        let dimensions: Vec<_> = fields.iter().map(|(_, dimension)| *dimension).collect();
        let top = usize::try_from(top).unwrap_or(usize::MAX);
        let found = view.facets(&selection.filter, selection.range, &dimensions, top)?;
        let mut body = br#"{"facets":{"#.to_vec();
        for (index, ((field, _), facet)) in fields.iter().zip(&found).enumerate() {
            if index > 0 {
                body.push(b',');
            }
            // Writing into a vector cannot fail. Names of fields need no escapes.
            let _ = write!(body, "\"{}\":", field.name());
            write_facet(&mut body, facet);
        }
        body.extend_from_slice(b"}}");
        Ok(body)
    };
    selection.answer(&app, &caller, make).await
}

fn fields(params: &Params) -> Result<Vec<(Field, Dimension)>, Problem> {
    let refused = |detail: String| Problem::parameter(Code::InvalidParameter, "fields", detail);
    let text = params.get("fields").ok_or_else(|| {
        refused("needed: fields of the filter language, such as actor,action".to_owned())
    })?;
    let mut fields = Vec::new();
    for name in text.split(',') {
        let field = Field::from_name(name);
        let known = field.and_then(|field| Some((field, Dimension::from_field(field)?)));
        let known = known.ok_or_else(|| {
            refused(format!(
                "`{name}` is no text field of the filter language and not status"
            ))
        })?;
        if fields.contains(&known) {
            return Err(refused(format!("{name} is there twice")));
        }
        if fields.len() == MAX_FIELDS {
            return Err(refused(format!("at most {MAX_FIELDS} fields")));
        }
        fields.push(known);
    }
    Ok(fields)
}

fn write_facet(out: &mut Vec<u8>, facet: &Facet) {
    out.push(b'[');
    for (index, (value, count)) in facet.values.iter().enumerate() {
        out.extend_from_slice(if index > 0 { b",{" } else { b"{" });
        out.extend_from_slice(b"\"value\":");
        write_value(out, value);
        // Writing into a vector cannot fail.
        let _ = write!(out, ",\"count\":{count}}}");
    }
    out.push(b']');
}
