//! What a request shows to its host, and nobody else is to read.
//!
//! Rules know how secrets look; here it is where they stand that tells, so that an answer which repeats them is
//! recorded without them, too.

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, COOKIE, HeaderName, PROXY_AUTHORIZATION, SEC_WEBSOCKET_KEY},
};

use crate::redact::{Secret, is_secret_name, label};

/// Secrets of one request that are looked for.
const MAX_SECRETS: usize = 32;
/// Names, and endings of names, besides those that are secret everywhere.
const NAMES: [&str; 4] = ["key", "sig", "code", "auth"];
const ENDINGS: [&str; 2] = ["token", "signature"];

/// The secrets of a request.
pub(super) fn secrets(headers: &HeaderMap, query: Option<&str>) -> Vec<Secret> {
    let mut found = Vec::new();
    for (name, value) in headers {
        let Ok(value) = value.to_str() else {
            continue;
        };
        match name {
            &AUTHORIZATION | &PROXY_AUTHORIZATION => found.extend(credentials(value)),
            &COOKIE => found.extend(
                value
                    .split(';')
                    .filter_map(|pair| Some(pair.split_once('=')?.1.trim().to_owned())),
            ),
            name if is_secret(name) => found.push(value.to_owned()),
            _ => {}
        }
    }
    let parameters = query
        .unwrap_or_default()
        .split('&')
        .filter_map(|parameter| parameter.split_once('='));
    found.extend(
        parameters
            .filter(|(name, _)| is_secret_text(name))
            .map(|(_, value)| value.to_owned()),
    );
    found.truncate(MAX_SECRETS);
    let secret = |value| Secret {
        label: label::REQUEST_SECRET,
        value,
    };
    found.into_iter().map(secret).collect()
}

fn is_secret(name: &HeaderName) -> bool {
    name != SEC_WEBSOCKET_KEY && is_secret_text(name.as_str())
}

fn is_secret_text(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret_name(name.as_bytes())
        || NAMES.contains(&lower.as_str())
        || ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// `Bearer x`, `Basic x`, or anything else behind a scheme.
fn credentials(value: &str) -> Vec<String> {
    let (scheme, value) = value.split_once(' ').unwrap_or(("", value));
    let value = value.trim();
    let mut found = vec![value.to_owned()];
    if scheme.eq_ignore_ascii_case("basic")
        && let Some(text) = STANDARD
            .decode(value)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
        && let Some((_, password)) = text.split_once(':')
    {
        found.push(password.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_place() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Basic dXNlcjpodW50ZXIyMg=="),
            ("cookie", "a=first-cookie; b=second-cookie"),
            ("private-token", "gitlab-one"),
            ("x-api-key", "key-one"),
            ("sec-websocket-key", "plain"),
            ("accept", "plain"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let mut found: Vec<_> = secrets(
            &headers,
            Some("page=2&access_token=tok-one&X-Amz-Signature=sig-one&flag"),
        )
        .into_iter()
        .map(|secret| secret.value)
        .collect();
        found.sort();
        assert_eq!(
            found,
            [
                "dXNlcjpodW50ZXIyMg==",
                "first-cookie",
                "gitlab-one",
                "hunter22",
                "key-one",
                "second-cookie",
                "sig-one",
                "tok-one"
            ]
        );
    }
}
