//! The HTTP client of the commands: blocking, one connection.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use capture::sink::Address;
use serde::Deserialize;
use ureq::{Agent, Body, http::Response};

/// Longest answer: a page of 200 records of 60,000 bytes each, or one content.
const ANSWER_BYTES: u64 = 64 << 20;
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Where `serve` writes the key of this machine, below the data directory.
const KEY_FILE: &str = "admin.key";

// No doc comment, which would be the command's help: which server, and with which key.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Remote {
    /// Address of the server; an empty one leaves events on disk for a gateway on this machine
    #[arg(
        long,
        env = "INDELIBLE_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:7400"
    )]
    pub(crate) server: String,
    /// API key; without one, admin.key of the data directory is taken on the server's own machine
    #[arg(
        long,
        env = "INDELIBLE_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    pub(crate) key: Option<String>,
    /// Data directory of the server on this machine
    #[arg(
        long,
        env = "INDELIBLE_DATA",
        value_name = "DIR",
        default_value = "indelible-data"
    )]
    pub(crate) data: std::path::PathBuf,
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    key: Option<String>,
}

/// An answer of any status.
pub(crate) struct Answer {
    pub(crate) status: ureq::http::StatusCode,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer to use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// No server, or none that speaks HTTP.
    #[error(
        "no server answers at {base}: {reason}\nIs it running? Start it with `indelible serve`, or name it with --server or INDELIBLE_URL."
    )]
    Unreachable {
        base: String,
        /// Part of the text: a source would be printed once more.
        reason: Box<ureq::Error>,
    },
    /// An answer other than 2xx.
    #[error("{0}")]
    Refused(Problem),
}

/// An RFC 9457 answer.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Problem {
    #[serde(skip)]
    pub(crate) http_status: u16,
    #[serde(skip)]
    has_key: bool,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Debug, Deserialize)]
struct Fault {
    #[serde(default)]
    detail: String,
    #[serde(default, alias = "message")]
    message: String,
    #[serde(default)]
    suggestion: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        };
        write!(f, "the server answered {}", self.http_status)?;
        if !text.is_empty() {
            write!(f, ": {text}")?;
        }
        for fault in &self.errors {
            let what = if fault.detail.is_empty() {
                &fault.message
            } else {
                &fault.detail
            };
            if !what.is_empty() && what != text {
                write!(f, "\n  {what}")?;
            }
            if let Some(suggestion) = &fault.suggestion {
                write!(f, "\n  try: {suggestion}")?;
            }
        }
        match (self.http_status, self.has_key) {
            (401, false) => write!(
                f,
                "\nGive a key with --key or INDELIBLE_KEY; on the server's machine, run this where `indelible-data` is."
            ),
            (401, true) => write!(
                f,
                "\nThe key is not one of this server: see `indelible key list` there."
            ),
            (403, _) => write!(
                f,
                "\nThe key may not do this: make one with `indelible key create --scope …`."
            ),
            _ => Ok(()),
        }
    }
}

impl Remote {
    /// Address of the server as a URL, without a slash at its end.
    pub(crate) fn base(&self) -> String {
        let base = self.server.trim_end_matches('/').to_owned();
        if base.contains("://") {
            base
        } else {
            format!("http://{base}")
        }
    }

    /// Where events go; `None` if the address is empty: a gateway on this machine delivers what is left on disk.
    pub(crate) fn address(&self) -> Result<Option<Address>> {
        if self.server.is_empty() {
            return Ok(None);
        }
        Ok(Some(Address {
            url: self.base(),
            key: self.key_text()?.unwrap_or_default().into(),
        }))
    }

    /// The key that is given or lies on this machine.
    pub(crate) fn key_text(&self) -> Result<Option<String>> {
        let base = self.base();
        let host: ureq::http::Uri = base.parse().with_context(|| {
            format!("--server {base:?} is not a URL such as http://127.0.0.1:7400")
        })?;
        Ok(match &self.key {
            Some(key) => Some(key.trim().to_owned()).filter(|key| !key.is_empty()),
            // The key of this machine is for the server of this machine only.
            None if is_local(host.host().unwrap_or_default()) => read_key(&self.data),
            None => None,
        })
    }

    /// The client for this server.
    pub(crate) fn client(&self) -> Result<Client> {
        self.client_with(None)
    }

    /// The same with a limit for each request.
    pub(crate) fn client_with(&self, timeout: Option<Duration>) -> Result<Client> {
        if self.server.is_empty() {
            bail!("no server is named: --server or INDELIBLE_URL is empty");
        }
        let base = self.base();
        let key = self.key_text()?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(timeout)
            .user_agent(concat!("indelible/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Client {
            agent: config.new_agent(),
            base,
            key,
        })
    }
}

fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

fn read_key(data: &Path) -> Option<String> {
    let key = std::fs::read_to_string(data.join(KEY_FILE)).ok()?;
    Some(key.trim().to_owned())
}

impl Client {
    /// Address of the server, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, ClientError> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in query {
            request = request.query(name, value);
        }
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        self.answer(request.call())
    }

    /// An answer that goes on, to be read as it comes.
    pub(crate) fn stream(
        &self,
        path: &str,
        query: &[(&str, &str)],
        last_event_id: Option<&str>,
    ) -> Result<impl BufRead + use<>, ClientError> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in query {
            request = request.query(name, value);
        }
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        match request.call() {
            Ok(answer) if answer.status().is_success() => {
                Ok(BufReader::new(answer.into_body().into_reader()))
            }
            answer => {
                let refused = self.answer(answer).err();
                Err(refused.unwrap_or_else(|| ClientError::Refused(Problem::default())))
            }
        }
    }

    pub(crate) fn post(&self, path: &str, kind: &str, body: &[u8]) -> Result<Vec<u8>, ClientError> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        request = request.header("content-type", kind);
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        self.answer(request.send(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let mut request = self.agent.delete(format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        self.answer(request.call())
    }

    /// A JSON message for a path that answers with messages of its own, whatever the status.
    pub(crate) fn post_message(
        &self,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Result<Answer, ClientError> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        request = request.header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        self.received(request.send(body))
    }

    /// What an answer that is no success says.
    pub(crate) fn refused(&self, answer: &Answer) -> ClientError {
        let mut problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
        problem.http_status = answer.status.as_u16();
        problem.has_key = self.key.is_some();
        ClientError::Refused(problem)
    }

    fn answer(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Vec<u8>, ClientError> {
        let answer = self.received(answer)?;
        if answer.status.is_success() {
            return Ok(answer.body);
        }
        Err(self.refused(&answer))
    }

    fn received(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Answer, ClientError> {
        let unreachable = |reason| ClientError::Unreachable {
            base: self.base.clone(),
            reason: Box::new(reason),
        };
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status();
        let body = answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES)
            .read_to_vec();
        Ok(Answer {
            status,
            body: body.map_err(unreachable)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_machine_stays_on_the_machine() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "example.org",
            "10.0.0.1",
            "127.0.0.1.example.org",
            "localhost.example.org",
            "",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn a_problem_says_what_to_try() {
        let body = r#"{"title":"Bad filter","code":"bad_filter","detail":"unknown field actoor",
            "errors":[{"span":[0,6],"detail":"unknown field actoor","suggestion":"actor"}],"unknown":1}"#;
        let mut problem: Problem = serde_json::from_str(body).unwrap();
        problem.http_status = 400;
        assert_eq!(
            problem.to_string(),
            "the server answered 400: unknown field actoor\n  try: actor"
        );
        problem.http_status = 401;
        assert!(problem.to_string().contains("--key"));
    }
}
