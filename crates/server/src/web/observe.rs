//! Observe: the whole trail at a glance.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::html;

use super::{
    document::Document,
    frame::{self, Frame, Nav},
    visit::Visit,
};
use crate::{app::App, problem::Problem};

/// `GET /`
pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let frame = Frame {
        has_period: true,
        ..Frame::of(Nav::Observe)
    };
    Ok(Document::ok(frame::page(&app, &visit, &frame, html! { p { "…" } })).into_response())
}
