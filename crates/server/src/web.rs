//! The dashboard: pages for people, made on the server.
//!
//! In scope: sign-in, pages and their parts, charts, the files that pages refer to. Every page works without a script;
//! scripts swap the same pages in place.
//!
//! Out of scope: what a question means and how it is answered (`query`), who may see what (`auth`), the HTTP API (`api`).
//!
//! What an event says is hostile. It reaches a page through [`text`] only: escaped, isolated, cut.

mod access;
mod address;
mod agents;
mod ansi;
mod assets;
mod calls;
mod chart;
mod clock;
mod content;
mod cookies;
mod document;
mod events;
mod export;
mod fault;
mod form;
mod frame;
mod glyph;
mod guide;
mod integrity;
mod job;
mod jobs;
mod json;
mod narrow;
mod number;
mod observe;
mod pair;
mod period;
mod proof;
mod replay;
mod said;
mod selected;
mod settings;
mod shared;
mod sign_in;
mod span;
mod stacked;
mod taste;
mod text;
mod throttle;
mod visit;

use std::sync::Arc;

use axum::{
    Router,
    http::HeaderMap,
    middleware::from_fn_with_state,
    response::Response,
    routing::{MethodRouter, get, post},
};

pub(crate) use access::PagePath;
use access::{Guarded, guard};
pub(crate) use cookies::Cookies;
pub(crate) use form::is_from_here;
pub(crate) use throttle::Throttle;

use hyper::header::ACCEPT;

use crate::{app::App, problem::Problem};

/// The handler of one page.
type Handler = fn() -> MethodRouter<Arc<App>>;

/// Pages that anybody may ask for.
const OPEN: &[(&str, Handler)] = &[
    ("/sign-in", || get(sign_in::page).post(sign_in::submit)),
    ("/assets/{hash}/{*name}", || get(assets::serve)),
    ("/shared/{token}", || get(shared::page)),
    ("/favicon.ico", || get(assets::favicon)),
];

/// Pages for somebody who is signed in.
const PAGES: &[(&str, Handler)] = &[
    ("/", || get(observe::page)),
    ("/agents", || get(agents::page)),
    ("/agents/{id}", || get(agents::one)),
    ("/jobs", || get(jobs::page)),
    ("/jobs/{job}/replay", || get(replay::page)),
    ("/jobs/{job}", || get(job::page)),
    ("/events", || get(events::page)),
    ("/events/live", || get(events::live_rows)),
    ("/events/{event}/record", || get(events::record_file)),
    ("/events/{event}/content", || get(events::content_file)),
    ("/events/{event}/content/{member}", || {
        get(events::content_file)
    }),
    ("/events/{event}/proof", || get(events::proof_file)),
    ("/events/{event}/share", || {
        get(events::share_page).post(events::share)
    }),
    ("/views", || post(events::save_view)),
    ("/views/remove", || post(events::remove_view)),
    ("/export", || get(export::page).post(export::start)),
    ("/export/made", || get(export::made)),
    ("/export/remove", || post(export::remove)),
    ("/guide", || get(guide::page)),
    ("/guide/{lesson}", || get(guide::lesson).post(guide::answer)),
    ("/integrity", || get(integrity::page)),
    ("/settings", || get(settings::page)),
    ("/settings/keys", || post(settings::create)),
    ("/settings/embedding", || post(settings::set_embedding)),
    ("/settings/link", || post(settings::link)),
    ("/settings/revoke", || post(settings::revoke)),
    ("/sign-out", || post(sign_in::sign_out)),
    ("/taste", || post(taste::change)),
];

/// What a person finds where nothing is; `None` for whoever does not ask for a page.
pub(crate) fn missing(headers: &HeaderMap) -> Option<Response> {
    let accept = headers.get(ACCEPT)?.to_str().ok()?;
    accept.contains("text/html").then(|| {
        let page = fault::page(None, &visit::Taste::of(headers), &Problem::not_found(), "");
        page.answer(headers)
    })
}

/// The router over all pages.
pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let pages = PAGES.iter().map(|page| (page, false));
    let open = OPEN.iter().map(|page| (page, true));
    pages
        .chain(open)
        .fold(Router::new(), |router, ((path, handler), is_open)| {
            let guarded = Guarded {
                app: Arc::clone(app),
                path: PagePath(path),
                is_open,
            };
            router.route(path, handler().layer(from_fn_with_state(guarded, guard)))
        })
}
