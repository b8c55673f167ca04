//! What a form sends, and whether it was a form of ours that sent it.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Request},
    http::HeaderMap,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::header::{HOST, ORIGIN};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::visit::Visit;
use crate::{
    api::media_type,
    app::App,
    body,
    problem::{Code, Problem},
};

/// Largest form, bytes: a filter, and then some.
const FORM_BYTES: usize = 64 << 10;
/// The field that every form of a session has.
pub(super) const SEAL: &str = "seal";
const SEAL_BYTES: usize = 16;

/// The fields of a form that this server's page sent, by somebody who is signed in.
pub(super) struct Form {
    fields: Fields,
}

/// The fields of a form, in their order.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a form from whoever sent it, but for other sites.
    pub(super) async fn read(app: &App, request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let held = body::read(app, &parts.headers, body, FORM_BYTES).await?;
        if !is_from_here(&parts.headers) {
            return Err(foreign());
        }
        if media_type(&parts.headers) != Some("application/x-www-form-urlencoded") {
            let detail = "Content-Type is application/x-www-form-urlencoded";
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        Ok(Self(
            form_urlencoded::parse(&held.bytes).into_owned().collect(),
        ))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.0.iter();
        fields.filter_map(move |(known, value)| (known == name).then_some(value.as_str()))
    }
}

impl std::ops::Deref for Form {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.fields
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let visit: Option<Visit> = request.extensions().get().cloned();
        let visit = visit.ok_or_else(Problem::not_found)?;
        let fields = Fields::read(app, request).await?;
        if !fields
            .get(SEAL)
            .is_some_and(|seal| is_seal_of(seal, visit.token()))
        {
            return Err(foreign());
        }
        Ok(Self { fields })
    }
}

/// The same words for whatever is wrong: nobody but a forger, or somebody who was signed out, reads them.
fn foreign() -> Problem {
    let detail = "the form is not one of your session; load the page again";
    Problem::new(Code::ForeignForm, detail)
}

/// Whether a browser says that one of our own pages sent a request. Programs say nothing, and have no session that
/// somebody else could use.
pub(crate) fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &hyper::header::HeaderValue| value.to_str().ok())
    };
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    // A proxy may end TLS, so that only the browser knows the scheme.
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, host)| text(HOST.as_str()) == Some(host))
}

/// What a form of a session carries. Every page masks it anew, so that its compressed size tells nothing of it.
pub(super) fn seal(token: &str, mask: [u8; SEAL_BYTES]) -> String {
    let mut bytes = mask.to_vec();
    bytes.extend(
        mask.iter()
            .zip(secret(token))
            .map(|(mask, byte)| mask ^ byte),
    );
    URL_SAFE_NO_PAD.encode(bytes)
}

fn is_seal_of(seal: &str, token: &str) -> bool {
    let bytes = URL_SAFE_NO_PAD.decode(seal).unwrap_or_default();
    let Some((mask, masked)) = bytes.split_first_chunk::<SEAL_BYTES>() else {
        return false;
    };
    let unmasked: Vec<u8> = mask
        .iter()
        .zip(masked)
        .map(|(mask, byte)| mask ^ byte)
        .collect();
    masked.len() == SEAL_BYTES && bool::from(unmasked.ct_eq(&secret(token)))
}

fn secret(token: &str) -> [u8; SEAL_BYTES] {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(b"indelible/seal/v1\0")
        .chain_update(token)
        .finalize()
        .into();
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_seal_is_of_one_session_and_never_looks_the_same() {
        let (one, other) = (seal("a", [1; 16]), seal("a", [2; 16]));
        assert_ne!(one, other);
        for good in [&one, &other] {
            assert!(is_seal_of(good, "a") && !is_seal_of(good, "b"));
        }
        for bad in ["", "AAAA", &one[..42], &format!("{one}AAAA")] {
            assert!(!is_seal_of(bad, "a"), "{bad}");
        }
    }

    #[test]
    fn other_sites_are_told_by_what_browsers_say() {
        let is_here = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_from_here(&headers)
        };
        assert!(is_here(&[("host", "h:1")]));
        assert!(is_here(&[("host", "h:1"), ("origin", "https://h:1")]));
        assert!(is_here(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "http://x")
        ]));
        assert!(!is_here(&[("host", "h:1"), ("origin", "http://h:2")]));
        assert!(!is_here(&[("host", "h:1"), ("origin", "null")]));
        assert!(!is_here(&[
            ("host", "h"),
            ("origin", "http://h"),
            ("sec-fetch-site", "cross-site")
        ]));
        assert!(!is_here(&[("sec-fetch-site", "same-site")]));
    }
}
