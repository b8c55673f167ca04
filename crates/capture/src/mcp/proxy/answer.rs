//! Answers of ours.

use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::Value as Json;

use crate::{
    http::{Body, full},
    mcp::{
        message::{Form, Message},
        refusal::Refusal,
    },
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer to whatever it was.
pub(super) fn answer_with(refusal: &Refusal) -> Response<Body> {
    json(refusal.status(), &refusal.to_anything())
}

/// An answer to each request of a body.
pub(super) fn answer_to(messages: &[Message], refusal: &Refusal) -> Response<Body> {
    let mut answers: Vec<_> = messages
        .iter()
        .filter_map(|message| match message.form()? {
            Form::Request(id, method) => Some(refusal.to_request(&id, &method)),
            _ => None,
        })
        .collect();
    match answers.len() {
        0 => json(StatusCode::SERVICE_UNAVAILABLE, &refusal.to_anything()),
        1 => json(refusal.status(), &answers.remove(0)),
        _ => json(refusal.status(), &Json::Array(answers)),
    }
}

fn json(status: StatusCode, body: &Json) -> Response<Body> {
    let mut answer = Response::new(full(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}
