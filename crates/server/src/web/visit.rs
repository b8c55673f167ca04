//! One request of somebody who is signed in.

use axum::{extract::FromRequestParts, http::HeaderMap};
use hyper::http::request::Parts;
use query::Engine;

use super::{address::Address, clock::Clock, cookies::Cookies, form};
use crate::{app::App, auth::Caller, keys::Scope, problem::Problem, serve::RequestId};

/// Who looks at what, and how they like it.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) caller: Caller,
    /// The page, as asked for.
    pub(super) address: Address,
    pub(super) clock: Clock,
    pub(super) taste: Taste,
    /// The part of the page that a script asked for, if it needs no more.
    pub(super) part: Option<String>,
    /// Of the request, for what is said when something fails.
    pub(super) request_id: String,
    /// What this visit's forms carry.
    pub(super) seal: String,
    token: String,
}

/// How somebody likes their pages.
#[derive(Clone, Debug, Default)]
pub(super) struct Taste {
    pub(super) theme: Option<Theme>,
    /// Whether the sidebar shows glyphs only.
    pub(super) is_folded: bool,
    /// Whether single keys do nothing.
    pub(super) has_no_keys: bool,
    /// Whether the zone is known, be it from the browser.
    pub(super) has_zone: bool,
}

/// Colours that somebody chose; without a choice they follow the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Taste {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let cookies = Cookies::of(headers);
        Self {
            theme: cookies.get("indelible_theme").and_then(Theme::from_name),
            is_folded: cookies.get("indelible_fold") == Some("1"),
            has_no_keys: cookies.get("indelible_keys") == Some("0"),
            has_zone: cookies.get("indelible_zone").is_some(),
        }
    }
}

impl Visit {
    /// The visit of a request; `None` if nobody is signed in.
    pub(super) fn read(app: &App, parts: &Parts) -> Option<Self> {
        let headers = &parts.headers;
        let token = Cookies::of(headers).session()?;
        let caller = Caller::of_session(app, token)?;
        let address = Address::read(&parts.uri);
        let now_us = app.node().now_us();
        let zone = address.get("tz").map(ToOwned::to_owned);
        let zone = zone.or_else(|| Some(zone_of(Cookies::of(headers).get("indelible_zone")?)));
        let clock = zone.and_then(|zone| Clock::new(&zone, now_us));
        let part = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let target = part("hx-target").and_then(|target| target.split_once('#'));
        Some(Self {
            caller,
            clock: clock.unwrap_or_else(|| Clock::utc(now_us)),
            taste: Taste::of(headers),
            part: target.map(|(_, id)| id.to_owned()),
            request_id: RequestId::of(&parts.extensions),
            seal: form::seal(token, app.node().mask()),
            token: token.to_owned(),
            address,
        })
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn has(&self, scope: Scope) -> bool {
        self.caller.has(scope)
    }

    pub(super) fn engine(&self, app: &App) -> Engine {
        self.caller.engine(app)
    }
}

/// A slash in a cookie's value may be escaped.
fn zone_of(cookie: &str) -> String {
    cookie.replace("%2F", "/").replace("%2f", "/")
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let visit = parts.extensions.get().cloned();
        visit.ok_or_else(Problem::not_found)
    }
}
