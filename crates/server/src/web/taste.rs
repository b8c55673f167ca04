//! How somebody likes their pages: kept in cookies, so that the server's first byte is right.

use axum::response::Response;
use hyper::header::SET_COOKIE;

use super::{
    access::see_other,
    address, cookies,
    form::Form,
    visit::{Theme, Visit},
};

/// `POST /taste`: what a button of the account's menu chose; then back to the page.
pub(super) async fn change(_: Visit, form: Form) -> Response {
    let next = form.get("next").and_then(address::local);
    let mut response = see_other(next.unwrap_or("/"));
    let theme = form.get("theme");
    let theme = theme.map(|name| Theme::from_name(name).map_or("", Theme::as_str));
    let flag = |name, on: &'static str| {
        form.get(name)
            .map(|value| if value == on { on } else { "" })
    };
    for (name, value) in [
        ("theme", theme),
        ("fold", flag("fold", "1")),
        ("keys", flag("keys", "0")),
    ] {
        let cookie = value.and_then(|value| cookies::taste(name, value));
        response
            .headers_mut()
            .extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    }
    response
}
