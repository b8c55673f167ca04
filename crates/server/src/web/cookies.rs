//! Cookies: who is signed in, and how somebody likes their pages.

use axum::http::HeaderMap;
use hyper::header::{COOKIE, HOST, HeaderValue};

/// How long a browser remembers how somebody likes their pages, seconds.
const TASTE_LIFE_S: u32 = 365 * 86_400;
/// As long as a session can live, seconds; the server decides when it really ends.
const SESSION_LIFE_S: u32 = 7 * 86_400;

/// The cookies of a request.
#[derive(Clone, Copy)]
pub(crate) struct Cookies<'a>(&'a HeaderMap);

impl<'a> Cookies<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        Self(headers)
    }

    pub(crate) fn get(self, name: &str) -> Option<&'a str> {
        let lines = self.0.get_all(COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        let mut values = pairs.filter_map(|pair| {
            let (known, value) = pair.trim().split_once('=')?;
            (known == name).then_some(value)
        });
        values.next()
    }

    /// The token of the session.
    pub(crate) fn session(self) -> Option<&'a str> {
        self.get(&session_name(self.0))
    }
}

/// A cookie knows a host and not a port: servers side by side on one machine must not sign each other out.
fn session_name(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let port = host
        .and_then(|host| host.rsplit_once(':'))
        .map(|(_, port)| port);
    match port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(port) => format!("indelible_session_{port}"),
        None => "indelible_session".to_owned(),
    }
}

/// Gives a browser its session.
pub(super) fn sign_in(headers: &HeaderMap, token: &str) -> Option<HeaderValue> {
    session(headers, token, SESSION_LIFE_S)
}

/// Takes it away.
pub(super) fn sign_out(headers: &HeaderMap) -> Option<HeaderValue> {
    session(headers, "", 0)
}

/// Out of reach of scripts, and of requests that other sites make; links from there still lead to the page.
fn session(headers: &HeaderMap, token: &str, life_s: u32) -> Option<HeaderValue> {
    let name = session_name(headers);
    let secure = if is_encrypted(headers) {
        "; Secure"
    } else {
        ""
    };
    let text = format!("{name}={token}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).ok()
}

/// Remembers a taste; an empty one is forgotten.
pub(super) fn taste(name: &str, value: &str) -> Option<HeaderValue> {
    let life_s = if value.is_empty() { 0 } else { TASTE_LIFE_S };
    let text = format!("indelible_{name}={value}; Path=/; Max-Age={life_s}; SameSite=Lax");
    HeaderValue::from_str(&text).ok()
}

/// Whether a proxy says that the browser's side is TLS. A client that lies about it hurts itself.
fn is_encrypted(headers: &HeaderMap) -> bool {
    let proto = headers.get("x-forwarded-proto");
    proto.is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_session_belongs_to_a_port() {
        let here = headers(&[
            ("host", "127.0.0.1:7400"),
            ("cookie", "a=b; indelible_session_7401=x"),
            ("cookie", "indelible_session_7400=y"),
        ]);
        assert_eq!(Cookies::of(&here).session(), Some("y"));
        let named = headers(&[("host", "audit.example"), ("cookie", "indelible_session=z")]);
        assert_eq!(Cookies::of(&named).session(), Some("z"));
        assert_eq!(Cookies::of(&HeaderMap::new()).session(), None);
    }

    #[test]
    fn scripts_and_other_sites_do_not_get_it() {
        let plain = sign_in(&headers(&[("host", "h")]), "t").unwrap();
        let text = plain.to_str().unwrap();
        assert!(
            text.contains("HttpOnly") && text.contains("SameSite=Lax"),
            "{text}"
        );
        assert!(!text.contains("Secure"));
        let behind = headers(&[("host", "h"), ("x-forwarded-proto", "https")]);
        assert!(
            sign_in(&behind, "t")
                .unwrap()
                .to_str()
                .unwrap()
                .contains("Secure")
        );
    }
}
