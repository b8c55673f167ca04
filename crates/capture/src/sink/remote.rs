//! A server, over HTTP.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use ureq::{Agent, Body, http::Response};

use super::{Receipts, Rejected, Sink, SinkError};
use crate::config::{ConfigError, GatewayConfig, read_secret};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time for a batch, which the server writes to disk before it answers.
const SEND_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest answer: receipts of a batch.
const ANSWER_BYTES: u64 = 16 << 20;
/// What is told of an answer that is none of ours, bytes.
const DETAIL_BYTES: usize = 300;

/// Which server, and with which key.
#[derive(Clone)]
pub struct Address {
    /// Base URL, without a slash at its end.
    pub url: String,
    /// API key.
    pub key: Arc<str>,
}

/// A server of which nothing is known yet but its address.
#[derive(Debug)]
pub struct Remote {
    agent: Agent,
    address: Address,
}

/// An address that is none.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Not an http or https URL.
    #[error("{url:?} is not a URL such as http://127.0.0.1:7400")]
    Url {
        /// What was given.
        url: String,
    },
}

#[derive(Deserialize)]
struct Summary {
    #[serde(default)]
    rejected: u64,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<OneResult>,
}

#[derive(Deserialize)]
struct OneResult {
    status: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
struct RedactionKey {
    key: String,
}

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    detail: String,
}

impl Address {
    /// The server of the settings, with the key that they name.
    ///
    /// # Errors
    /// [`ConfigError`] if there is no key.
    pub fn of(config: &GatewayConfig) -> Result<Self, ConfigError> {
        let key = read_secret("gateway.key_file", &config.key_file)?;
        Ok(Self {
            url: config.server.clone(),
            key: key.into(),
        })
    }
}

impl Remote {
    /// The server at an address; nothing is sent yet.
    ///
    /// # Errors
    /// [`RemoteError`] if the URL is none.
    pub fn new(address: Address) -> Result<Self, RemoteError> {
        Self::with_patience(address, SEND_TIMEOUT)
    }

    /// The same with another limit for the time of a request: somebody waits for it.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_patience(address: Address, patience: Duration) -> Result<Self, RemoteError> {
        let url = address.url.trim_end_matches('/').to_owned();
        let parsed: Option<ureq::http::Uri> = url.parse().ok();
        let is_http = parsed.is_some_and(|url| {
            matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some()
        });
        if !is_http {
            return Err(RemoteError::Url { url });
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT.min(patience)))
            .timeout_global(Some(patience))
            // A proxy from the environment could be the one that records.
            .proxy(None)
            .user_agent(concat!("indelible/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: config.new_agent(),
            address: Address { url, ..address },
        })
    }

    /// The trail's key for the hashes of redactions; `None` if our key has not the scope `gateway`.
    ///
    /// # Errors
    /// [`SinkError`] if there is no server, or it refuses the key altogether.
    pub fn redaction_key(&self) -> Result<Option<[u8; 32]>, SinkError> {
        let request = self
            .agent
            .get(format!("{}/v1/redaction-key", self.address.url))
            .header("authorization", format!("Bearer {}", self.address.key));
        let body = match self.answer(request.call()) {
            Err(SinkError::Refused { status: 403, .. }) => return Ok(None),
            answer => answer?,
        };
        let key = serde_json::from_slice::<RedactionKey>(&body).ok();
        let key = key.and_then(|key| STANDARD.decode(key.key).ok()?.try_into().ok());
        key.map(Some).ok_or_else(|| SinkError::Refused {
            status: 200,
            detail: "what it sent is no key; is this an Indelible server?".to_owned(),
        })
    }

    fn answer(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Vec<u8>, SinkError> {
        let unreachable = |reason: ureq::Error| SinkError::Unreachable {
            url: self.address.url.clone(),
            reason: reason.to_string(),
        };
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let retry_after = answer
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES);
        let body = body.read_to_vec().map_err(unreachable)?;
        match status {
            200..300 => Ok(body),
            429 => Err(SinkError::Busy { retry_after }),
            503 => Err(SinkError::Stopped),
            _ => Err(SinkError::Refused {
                status,
                detail: detail(&body),
            }),
        }
    }
}

impl Sink for Remote {
    fn send(&self, lines: &[u8]) -> Result<Receipts, SinkError> {
        let request = self
            .agent
            .post(format!("{}/v1/events", self.address.url))
            .header("content-type", "application/x-ndjson")
            .header("authorization", format!("Bearer {}", self.address.key));
        let body = self.answer(request.send(lines))?;
        receipts(&body).ok_or_else(|| SinkError::Refused {
            status: 200,
            detail: "its receipt is unreadable".to_owned(),
        })
    }
}

/// Mostly nothing was rejected, and the receipts need not be looked at.
fn receipts(body: &[u8]) -> Option<Receipts> {
    let summary: Summary = serde_json::from_slice(body).ok()?;
    if summary.rejected == 0 {
        return Some(Receipts::default());
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let rejected = answer
        .results
        .into_iter()
        .enumerate()
        .filter(|(_, result)| result.status == "rejected")
        .map(|(index, result)| Rejected {
            index,
            code: result.code,
        });
    Some(Receipts {
        rejected: rejected.collect(),
    })
}

fn detail(body: &[u8]) -> String {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    if !problem.detail.is_empty() {
        return problem.detail;
    }
    let start = body.get(..DETAIL_BYTES).unwrap_or(body);
    String::from_utf8_lossy(start).into_owned()
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_tell_what_was_rejected() {
        let fine = br#"{"results":[{"status":"recorded"}],"recorded":1,"duplicates":0,"rejected":0,"tree_size":1}"#;
        assert_eq!(receipts(fine), Some(Receipts::default()));
        let one = br#"{"results":[{"status":"duplicate"},{"status":"rejected","index":1,"code":"too_deep","detail":"d"}],"rejected":1}"#;
        let rejected = receipts(one).unwrap().rejected;
        assert_eq!(
            (rejected.len(), rejected[0].index, rejected[0].code.as_str()),
            (1, 1, "too_deep")
        );
        assert_eq!(receipts(b"<html>"), None);
    }

    #[test]
    fn only_urls_are_addresses() {
        let address = |url: &str| Address {
            url: url.to_owned(),
            key: "ik_x".into(),
        };
        assert!(Remote::new(address("http://127.0.0.1:7400/")).is_ok());
        for url in ["", "127.0.0.1:7400", "ftp://h", "http://"] {
            assert!(Remote::new(address(url)).is_err(), "{url}");
        }
        assert!(!format!("{:?}", address("http://h")).contains("ik_x"));
    }
}
