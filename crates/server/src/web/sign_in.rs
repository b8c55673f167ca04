//! Signing in with a key or a link, and out again.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use hyper::{
    Method, StatusCode, Uri,
    header::{HeaderName, RETRY_AFTER, SET_COOKIE},
};
use maud::{Markup, html};

use super::{
    access::see_other,
    address, cookies,
    document::Document,
    form::{Fields, Form},
    frame,
    glyph::glyph,
    visit::{Taste, Visit},
};
use crate::{
    app::{App, blocking},
    auth::Caller,
    keys::{Key, Scope},
    problem::Problem,
    serve::Peer,
};

/// What the form says, beside asking for a key.
enum Word {
    Nothing,
    /// Somebody is signed in already.
    SignedIn(String),
    Wrong,
    /// A good key that cannot look at anything.
    Blind,
    Spent,
    /// Seconds.
    Wait(u64),
}

/// `GET /sign-in`: the form, or what a link opens.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    Peer(ip): Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = uri.query().unwrap_or("");
    let param = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    };
    let next = param("next").unwrap_or_default();
    let taste = Taste::of(&headers);
    let now = app.node().now();
    let Some(link) = param("link") else {
        let known = cookies::Cookies::of(&headers).session();
        let known = known.and_then(|token| Caller::of_session(&app, token));
        let word = known.map_or(Word::Nothing, |caller| {
            Word::SignedIn(caller.key.name.clone())
        });
        return Ok(form(&taste, &next, &word));
    };
    if let Some(wait_s) = app.sign_ins().wait_s(ip, now) {
        return Ok(form(&taste, &next, &Word::Wait(wait_s)));
    }
    // Programs that look where a link leads do not use it up.
    if method == Method::HEAD {
        return Ok(form(&taste, &next, &Word::Nothing));
    }
    let redeemed = {
        let app = Arc::clone(&app);
        blocking(move || Ok(app.node().sessions().redeem(&link)?)).await?
    };
    let Some(token) = redeemed else {
        app.sign_ins().failed(ip, now);
        return Ok(form(&taste, &next, &Word::Spent));
    };
    Ok(signed_in(&headers, &token, &next))
}

/// `POST /sign-in` with the field `key`.
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let from_query = next_of(request.uri());
    let fields = Fields::read(&app, request).await?;
    let next = fields.get("next").map_or(from_query, ToOwned::to_owned);
    let taste = Taste::of(&headers);
    let now = app.node().now();
    if let Some(wait_s) = app.sign_ins().wait_s(ip, now) {
        return Ok(form(&taste, &next, &Word::Wait(wait_s)));
    }
    let text = fields.get("key").unwrap_or("").trim();
    let key = app.node().keys().authenticate(text);
    let key = key.filter(|key| Caller::new(&app, Arc::clone(key)).is_some());
    let Some(key) = key else {
        app.sign_ins().failed(ip, now);
        return Ok(form(&taste, &next, &Word::Wrong));
    };
    if !key.scopes.has(Scope::Read) {
        return Ok(form(&taste, &next, &Word::Blind));
    }
    app.sign_ins().succeeded(ip);
    let token = begin(&app, key).await?;
    let mut response = signed_in(&headers, &token, &next);
    let zone = fields
        .get("zone")
        .filter(|zone| !taste.has_zone && zone.len() < 64);
    if let Some(zone) = zone.and_then(|zone| super::clock::Clock::new(zone, 0))
        && let Some(cookie) = cookies::taste("zone", zone.name())
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// `POST /sign-out`.
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    visit: Visit,
    headers: HeaderMap,
    _: Form,
) -> Result<Response, Problem> {
    blocking(move || Ok(app.node().sessions().end(visit.token())?)).await?;
    let mut response = see_other("/sign-in");
    response
        .headers_mut()
        .extend(cookies::sign_out(&headers).map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

async fn begin(app: &Arc<App>, key: Arc<Key>) -> Result<String, Problem> {
    let app = Arc::clone(app);
    blocking(move || Ok(app.node().sessions().begin(&key)?)).await
}

fn next_of(uri: &Uri) -> String {
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or("").as_bytes());
    let next = pairs.find(|(name, _)| name == "next");
    next.map_or_else(String::new, |(_, value)| value.into_owned())
}

fn signed_in(headers: &HeaderMap, token: &str, next: &str) -> Response {
    let mut response = see_other(address::local(next).unwrap_or("/"));
    let cookie = cookies::sign_in(headers, token);
    response
        .headers_mut()
        .extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}

fn form(taste: &Taste, next: &str, word: &Word) -> Response {
    let status = match word {
        Word::Wrong | Word::Spent => StatusCode::UNAUTHORIZED,
        Word::Blind => StatusCode::FORBIDDEN,
        Word::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
        Word::Nothing | Word::SignedIn(_) => StatusCode::OK,
    };
    let document = Document::new(status, frame::bare(taste, "Sign in", &body(next, word)));
    let retry: Option<[(HeaderName, String); 1]> = match word {
        Word::Wait(seconds) => Some([(RETRY_AFTER, seconds.to_string())]),
        _ => None,
    };
    (retry, document).into_response()
}

fn body(next: &str, word: &Word) -> Markup {
    let is_wrong = matches!(word, Word::Wrong | Word::Blind);
    html! {
        section.sign-in {
            h1 { (frame::logo()) "Sign in to Indelible" }
            (said(word))
            form.card method="post" action="/sign-in" {
                @if let Some(next) = address::local(next) { input type="hidden" name="next" value=(next); }
                input type="hidden" name="zone" value="" data-fill-zone;
                div.field {
                    label.label for="key" { "Key" }
                    input.input #key name="key" type="password" autocomplete="current-password" spellcheck="false"
                        autocapitalize="off" placeholder="ik_…" required autofocus aria-invalid=[is_wrong.then_some("true")]
                        aria-describedby="key-hint";
                    p.hint #key-hint {
                        "A person's or the admin's key of a trail. The first start of the server printed one, and a link that signs in once; "
                        "on the server it is in " code { "admin.key" } "."
                    }
                }
                button.btn.primary.large.wide type="submit" { "Sign in" }
            }
        }
    }
}

fn said(word: &Word) -> Markup {
    let (class, mark, text) = match word {
        Word::Nothing => return html! {},
        Word::SignedIn(name) => (
            "",
            "info",
            html! { "You are signed in as " (super::text::bdi(name)) ". " a href="/" { "Go on" } " or use another key." },
        ),
        Word::Wrong => (
            "bad",
            "error",
            html! { "This is not a good key: it is wrong, has expired or was revoked." },
        ),
        Word::Blind => (
            "warn",
            "warning",
            html! { "The key is good, but it may not read: it needs the scope " code { "read" } "." },
        ),
        Word::Spent => (
            "warn",
            "warning",
            html! { "The link was used or is too old. Sign in with a key, or ask for another link." },
        ),
        Word::Wait(seconds) => (
            "warn",
            "clock",
            html! { "Too many wrong keys came from your address. Try again in " (seconds) " s." },
        ),
    };
    html! {
        div class={ "alert " (class) } role="alert" { (glyph(mark)) p { (text) } }
    }
}
