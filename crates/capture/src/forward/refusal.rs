//! Refusals in HTTP's own words: a status, and a body that says which rule it was.

use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, PROXY_AUTHENTICATE},
};
use serde_json::json;

use super::dial::DialError;
use crate::http::{Body, full};

/// Why a request goes no further.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not one for a proxy.
    NoTarget,
    /// It names a host more than once (RFC 9112, section 3.2).
    TwoHosts,
    /// No token of a known agent.
    UnknownAgent,
    /// A rule denies the host.
    Denied { host: String, pattern: String },
    /// The destination must not be, or cannot be, connected to.
    Dial(DialError),
    /// The destination's TLS is not as it should be.
    Tls(String),
    /// The destination gave no answer.
    NoAnswer(String),
    /// Strict mode, and the intent is not durable.
    NotRecorded(String),
    /// Strict mode, and too long to be recorded before it is passed on.
    TooLong { max_bytes: usize },
    /// The client broke off.
    Incomplete,
    /// All tunnels are taken.
    Full,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        let status = match self {
            Self::NoTarget | Self::TwoHosts | Self::Incomplete => 400,
            Self::UnknownAgent => 407,
            Self::Denied { .. } => 403,
            Self::Dial(error) => error.status(),
            Self::Tls(_) | Self::NoAnswer(_) => 502,
            Self::NotRecorded(_) | Self::Full => 503,
            Self::TooLong { .. } => 413,
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
    }

    /// The rule that decided; `None` if nothing was decided, but something failed.
    pub(super) fn rule(&self) -> Option<&str> {
        match self {
            Self::UnknownAgent => Some("agent.token"),
            Self::Denied { pattern, .. } => Some(pattern),
            Self::Dial(DialError::Refused(barrier)) => Some(barrier.rule()),
            Self::NotRecorded(_) | Self::TooLong { .. } => Some("mode.strict"),
            Self::NoTarget
            | Self::TwoHosts
            | Self::Dial(_)
            | Self::Tls(_)
            | Self::NoAnswer(_)
            | Self::Incomplete
            | Self::Full => None,
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::NoTarget => {
                "this is a proxy: it takes CONNECT host:port, and http:// URLs".to_owned()
            }
            Self::TwoHosts => "a request has one Host header".to_owned(),
            Self::UnknownAgent => {
                "the proxy wants the token of an agent as its password".to_owned()
            }
            Self::Denied { host, .. } => format!("{host} is denied"),
            Self::Dial(error) => error.to_string(),
            Self::Tls(reason) => format!("the host's TLS failed: {reason}"),
            Self::NoAnswer(reason) => format!("no answer: {reason}"),
            Self::NotRecorded(reason) => {
                format!("the request could not be recorded, and must be: {reason}")
            }
            Self::TooLong { max_bytes } => {
                format!(
                    "the request must be recorded before it is passed on, and is longer than {max_bytes} bytes"
                )
            }
            Self::Incomplete => "the request ended before its time".to_owned(),
            Self::Full => "all tunnels are taken".to_owned(),
        }
    }

    pub(super) fn answer(&self) -> Response<Body> {
        let error = json!({"source": "indelible", "message": self.message(), "rule": self.rule()});
        let mut answer = Response::new(full(format!("{}\n", json!({"error": error}))));
        *answer.status_mut() = self.status();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Self::UnknownAgent = self {
            headers.insert(
                PROXY_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"indelible\""),
            );
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::dial::Barrier;

    #[test]
    fn every_refusal_has_its_status_and_its_rule() {
        for (refusal, status, rule) in [
            (Refusal::NoTarget, 400, None),
            (Refusal::UnknownAgent, 407, Some("agent.token")),
            (
                Refusal::Denied {
                    host: "a.org".to_owned(),
                    pattern: "*.org".to_owned(),
                },
                403,
                Some("*.org"),
            ),
            (
                Refusal::Dial(DialError::Refused(Barrier::Metadata)),
                403,
                Some("forward_proxy.metadata"),
            ),
            (Refusal::Dial(DialError::Timeout), 504, None),
            (Refusal::Tls(String::new()), 502, None),
            (
                Refusal::NotRecorded(String::new()),
                503,
                Some("mode.strict"),
            ),
        ] {
            let answer = refusal.answer();
            assert_eq!(
                (answer.status().as_u16(), refusal.rule()),
                (status, rule),
                "{refusal:?}"
            );
            assert_eq!(
                answer.headers().contains_key(PROXY_AUTHENTICATE),
                status == 407
            );
        }
    }
}
