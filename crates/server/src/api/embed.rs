//! Files for pages of others: the proof card, and the page that checks packages. Open to everybody, as they hold nothing.

use std::{io::Write as _, sync::OnceLock};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hyper::{
    HeaderMap, StatusCode,
    header::{
        ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING,
        CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
    },
};
use sha2::{Digest, Sha256};

use crate::{
    keys::hex,
    routes::{Access, Answer, RouteInfo},
};

/// An hour without asking, and then a question that costs little: a page that embeds the card gets a newer one.
const CACHE: &str = "public, max-age=3600";
/// The page is one file with its script and style inside, and reaches nothing.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(crate) static PROOF: RouteInfo = RouteInfo {
    method: "GET",
    path: "/embed/proof.js",
    id: "getProofScript",
    summary: "The element `<indelible-proof>`, as one script",
    access: Access::Public,
    params: &[],
    body: None,
    status: 200,
    answer: Answer::Script,
    codes: &[],
};

pub(crate) static VERIFY: RouteInfo = RouteInfo {
    path: "/embed/verify.html",
    id: "getVerifyPage",
    summary: "The page that checks evidence packages, as one file",
    answer: Answer::Page,
    ..PROOF
};

/// A text of the binary, packed and named once.
struct Asset {
    text: &'static str,
    gzip: Bytes,
    etag: HeaderValue,
}

impl Asset {
    fn new(text: &'static str) -> Self {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        // Writing into a vector cannot fail.
        let _ = gzip.write_all(text.as_bytes());
        let digest = Sha256::digest(text.as_bytes());
        let name = hex(digest.first_chunk::<8>().unwrap_or(&[0; 8]));
        Self {
            text,
            gzip: gzip.finish().unwrap_or_default().into(),
            etag: HeaderValue::from_str(&format!("\"{name}\""))
                .unwrap_or(HeaderValue::from_static("\"\"")),
        }
    }

    fn answer(&self, media_type: &'static str, headers: &HeaderMap) -> Response {
        let named = [
            (ETAG, self.etag.clone()),
            (CACHE_CONTROL, HeaderValue::from_static(CACHE)),
            (VARY, HeaderValue::from_static("accept-encoding")),
            (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
        ];
        if headers.get(IF_NONE_MATCH) == Some(&self.etag) {
            return (StatusCode::NOT_MODIFIED, named).into_response();
        }
        let is_packed = takes_gzip(headers);
        let coding = is_packed.then_some([(CONTENT_ENCODING, "gzip")]);
        let body = if is_packed {
            self.gzip.clone()
        } else {
            Bytes::from_static(self.text.as_bytes())
        };
        (named, [(CONTENT_TYPE, media_type)], coding, body).into_response()
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let mut codings = accept.unwrap_or_default().split(',');
    codings.any(|coding| coding.trim() == "gzip")
}

pub(crate) async fn proof(headers: HeaderMap) -> Response {
    static ASSET: OnceLock<Asset> = OnceLock::new();
    let asset = ASSET.get_or_init(|| Asset::new(export::web::proof_script()));
    asset.answer("text/javascript; charset=utf-8", &headers)
}

pub(crate) async fn verify(headers: HeaderMap) -> Response {
    static ASSET: OnceLock<Asset> = OnceLock::new();
    let asset = ASSET.get_or_init(|| Asset::new(export::web::verify_page()));
    let mut response = asset.answer("text/html; charset=utf-8", &headers);
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
    response
}
