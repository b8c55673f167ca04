//! A link to one proof, for whoever was given it: the card, checked in their browser.

use axum::{
    extract::Path,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use maud::html;

use super::{document::Document, frame, visit::Taste};

/// `GET /shared/{token}`. The page is the same for every token: whether there is a proof behind it is told to the card.
pub(super) async fn page(Path(token): Path<String>, headers: HeaderMap) -> Response {
    let body = html! {
        div.shared {
            h1.sr { "Proof of an event" }
            indelible-proof src={ "/v1/shared/" (path(&token)) } {}
            p.small.dim { "This event was recorded in an append-only log. Your browser checks it against the log's signed root; pin the log's key if you were given it on another way." }
            noscript { p { "Without scripts your browser cannot check it: " a href={ "/v1/shared/" (path(&token)) } { "the proof" } " is there all the same." } }
        }
        script type="module" src="/embed/proof.js" {}
    };
    let page = frame::bare(&Taste::of(&headers), "Proof", &body);
    Document::ok(page).into_response()
}

/// A token as a part of an address: nothing else has its characters.
fn path(token: &str) -> String {
    let known = token
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_');
    known.take(64).collect()
}
