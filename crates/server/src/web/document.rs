//! A page as it leaves: its headers and its compression.

use std::io::Write as _;

use axum::{
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use hyper::{
    StatusCode,
    header::{
        ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
        REFERRER_POLICY, VARY,
    },
};
use maud::Markup;

/// Nothing but what this server serves, no inline script or style, no frame around a page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
/// The same where a terminal is played: its screen is WebAssembly.
const PLAYER_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
/// A URL holds filters, which are nobody else's business.
const NO_REFERRER: HeaderValue = HeaderValue::from_static("same-origin");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// A shorter page fits a packet as it is.
const WORTH_PACKING: usize = 1_400;

/// A whole page, or a part of one that a script asked for.
#[derive(Clone)]
pub(super) struct Document {
    pub(super) status: StatusCode,
    pub(super) html: String,
    pub(super) policy: Policy,
}

/// What a page may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Policy {
    #[default]
    Usual,
    /// It plays terminals.
    Player,
}

impl Document {
    pub(super) fn ok(html: Markup) -> Self {
        Self {
            status: StatusCode::OK,
            html: html.into_string(),
            policy: Policy::Usual,
        }
    }

    pub(super) fn with(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The answer to a request with these headers.
    pub(super) fn answer(self, headers: &HeaderMap) -> Response {
        let is_packed = self.html.len() >= WORTH_PACKING && takes_gzip(headers);
        let body = if is_packed {
            gzip(self.html.as_bytes())
        } else {
            self.html.into_bytes()
        };
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HTML);
        let policy = match self.policy {
            Policy::Usual => POLICY,
            Policy::Player => PLAYER_POLICY,
        };
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(REFERRER_POLICY, NO_REFERRER);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding, cookie"));
        if is_packed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

impl IntoResponse for Document {
    /// A placeholder that carries the page to where the request's headers are known.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Whether a client unpacks gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut takes = false;
    for coding in codings {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().replace(' ', "");
        let refused = refused
            .strip_prefix("q=0")
            .is_some_and(|rest| rest.trim_matches(['.', '0']).is_empty());
        takes |= name.trim().eq_ignore_ascii_case("gzip") && !refused;
    }
    takes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Pages are made anew for every request: a higher level costs more time than it saves.
    let mut gzip = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(4));
    // Writing into a vector cannot fail.
    let _ = gzip.write_all(bytes);
    gzip.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_ask_for_it() {
        let takes = |value: &'static str| {
            takes_gzip(&HeaderMap::from_iter([(
                ACCEPT_ENCODING,
                HeaderValue::from_static(value),
            )]))
        };
        for good in ["gzip", "br, GZIP;q=0.5", "deflate,gzip", "gzip;q=1.0"] {
            assert!(takes(good), "{good}");
        }
        for bad in ["", "br", "gzip;q=0", "gzip; q=0.0", "xgzip"] {
            assert!(!takes(bad), "{bad}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
