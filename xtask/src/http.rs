//! One HTTP/1.0 request for one connection: enough to feed a server on this machine.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Longest wait for the server to take or send the next bytes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A request with a body.
pub(crate) struct Post<'a> {
    /// Path and query.
    pub(crate) path: &'a str,
    /// API key.
    pub(crate) key: &'a str,
    /// Media type of the body.
    pub(crate) media_type: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Post<'_> {
    /// Sends it to `host:port` and returns the body of the answer.
    ///
    /// HTTP/1.0 has no chunks and no persistent connection, so the answer is all there is until the end.
    ///
    /// # Errors
    ///
    /// When the connection fails or the status is not `expected`; shows the answer.
    pub(crate) fn send(&self, address: &str, expected: u16) -> Result<String> {
        let Self {
            path,
            key,
            media_type,
            body,
        } = self;
        let mut stream =
            TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let head = format!(
            "POST {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .with_context(|| format!("answer to POST {path}"))?;
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .context("an answer without a head")?;
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        ensure!(status == Some(expected), "POST {path}: {answer}");
        Ok(body.to_owned())
    }
}
