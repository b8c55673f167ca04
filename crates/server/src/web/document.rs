//! A page as it leaves: its headers and its compression.

use std::{
    convert::Infallible,
    io::Write as _,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::Body,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt as _, stream};
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
    /// What follows, if the page is still being made. It is taken once.
    rest: Option<Arc<Mutex<Option<Rest>>>>,
}

/// The end of a page.
type Rest = Pin<Box<dyn Future<Output = String> + Send>>;

/// What a page may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Policy {
    #[default]
    Usual,
    /// It plays terminals.
    Player,
}

impl Document {
    pub(super) fn new(status: StatusCode, html: Markup) -> Self {
        Self {
            status,
            html: html.into_string(),
            policy: Policy::Usual,
            rest: None,
        }
    }

    pub(super) fn ok(html: Markup) -> Self {
        Self::new(StatusCode::OK, html)
    }

    /// A page that begins to leave before its end is known.
    pub(super) fn flowing(
        start: String,
        rest: impl Future<Output = String> + Send + 'static,
    ) -> Self {
        let rest: Rest = Box::pin(rest);
        Self {
            status: StatusCode::OK,
            html: start,
            policy: Policy::Usual,
            rest: Some(Arc::new(Mutex::new(Some(rest)))),
        }
    }

    pub(super) fn with(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The answer to a request with these headers.
    pub(super) fn answer(self, headers: &HeaderMap) -> Response {
        let is_packed = self.html.len() >= WORTH_PACKING && takes_gzip(headers);
        let mut sink = Sink::new(is_packed);
        let rest = self.rest.and_then(|rest| {
            let mut rest = rest.lock().unwrap_or_else(PoisonError::into_inner);
            rest.take()
        });
        let body = match rest {
            None => Body::from(sink.end(&self.html)),
            Some(rest) => {
                let start = sink.part(&self.html);
                let end = stream::once(async move { sink.end(&rest.await) });
                let parts = stream::iter([start]).chain(end);
                Body::from_stream(parts.map(Ok::<_, Infallible>))
            }
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

/// Takes a page in parts and gives the bytes that leave.
enum Sink {
    Plain,
    Packed(GzEncoder<Vec<u8>>),
}

impl Sink {
    fn new(is_packed: bool) -> Self {
        if is_packed {
            // Pages are made anew for every request: a higher level costs more time than it saves.
            Self::Packed(GzEncoder::new(Vec::new(), Compression::new(4)))
        } else {
            Self::Plain
        }
    }

    /// A part that a browser can work with before the next one comes.
    fn part(&mut self, html: &str) -> Vec<u8> {
        match self {
            Self::Plain => html.as_bytes().to_vec(),
            Self::Packed(gzip) => {
                // Writing into a vector cannot fail.
                let _ = gzip.write_all(html.as_bytes());
                let _ = gzip.flush();
                std::mem::take(gzip.get_mut())
            }
        }
    }

    fn end(mut self, html: &str) -> Vec<u8> {
        let mut part = self.part(html);
        if let Self::Packed(gzip) = self {
            part.extend(gzip.finish().unwrap_or_default());
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

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

    #[tokio::test]
    async fn a_page_that_flows_is_the_same_packed_or_not() {
        let start = "<p>start</p>".repeat(200);
        let page = |headers: HeaderMap| {
            let document = Document::flowing(start.clone(), async { "<p>end</p>".to_owned() });
            let body = document.answer(&headers).into_body();
            axum::body::to_bytes(body, usize::MAX)
        };
        let plain = page(HeaderMap::new()).await.unwrap();
        assert_eq!(plain, format!("{start}<p>end</p>"));
        let accept = HeaderValue::from_static("gzip");
        let packed = page(HeaderMap::from_iter([(ACCEPT_ENCODING, accept)]));
        let packed = packed.await.unwrap();
        assert!(packed.len() < plain.len());
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(packed.as_ref())
            .read_to_string(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked.as_bytes(), plain);
    }
}
