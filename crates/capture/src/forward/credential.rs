//! What a client shows a proxy.

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{HeaderMap, header::PROXY_AUTHORIZATION};

/// A proxy's user that begins so names the job: most clients have no other way to say it.
const JOB_PREFIX: &str = "job=";

/// What `Proxy-Authorization` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Credential {
    /// An agent's token; a Basic user's password, or the user where there is none.
    pub(super) token: Option<String>,
    /// The client's word for its job.
    pub(super) job: Option<String>,
}

impl Credential {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self::parse(headers).unwrap_or_default()
    }

    fn parse(headers: &HeaderMap) -> Option<Self> {
        let (scheme, value) = headers
            .get(PROXY_AUTHORIZATION)?
            .to_str()
            .ok()?
            .trim()
            .split_once(' ')?;
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self {
                token: some(value),
                job: None,
            });
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
        let (user, password) = text.split_once(':').unwrap_or((&text, ""));
        let job = user.strip_prefix(JOB_PREFIX);
        Some(Self {
            token: some(password).or_else(|| some(user).filter(|_| job.is_none())),
            job: job.and_then(some),
        })
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_as_passwords_users_and_bearers() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (value, token, job) in [
            (basic("agent-7:tok"), Some("tok"), None),
            (basic("tok:"), Some("tok"), None),
            (basic("tok"), Some("tok"), None),
            (basic("job=fix/7:tok"), Some("tok"), Some("fix/7")),
            (basic("job=fix:"), None, Some("fix")),
            (basic("a:b:c"), Some("b:c"), None),
            ("bearer tok".to_owned(), Some("tok"), None),
            ("Basic %%%".to_owned(), None, None),
            ("Digest x".to_owned(), None, None),
            ("Basic".to_owned(), None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(PROXY_AUTHORIZATION, value.parse().unwrap());
            let credential = Credential::of(&headers);
            assert_eq!(
                (credential.token.as_deref(), credential.job.as_deref()),
                (token, job),
                "{value}"
            );
        }
        assert_eq!(Credential::of(&HeaderMap::new()), Credential::default());
    }
}
