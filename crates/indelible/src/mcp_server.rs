//! `indelible mcp-server`: the tools for assistants on standard input and output, for hosts that start their servers.
//!
//! A message is a line. Each goes to `POST /mcp` of the server, where the tools are, and its answer comes back as a line.

use std::{
    io::{BufRead, Read, Write, stdin, stdout},
    process::ExitCode,
};

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Client, Remote};

/// Longest message, bytes: what the server takes.
const MESSAGE_BYTES: usize = 256 << 10;
/// JSON-RPC's number for what is no JSON.
const PARSE_ERROR: i32 = -32_700;
/// JSON-RPC's number for what failed inside.
const INTERNAL_ERROR: i32 = -32_603;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, for a host that takes a command:\n  indelible mcp-server --server http://127.0.0.1:7400\nHosts that speak HTTP connect to http://127.0.0.1:7400/mcp with the key as bearer token."
)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let bridge = Bridge {
        client: args.remote.client()?,
        version: None,
    };
    bridge.run(stdin().lock(), stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// What the headers of a message are made from.
#[derive(Debug, Default, Deserialize)]
struct Message {
    id: Option<Value>,
    method: Option<String>,
    #[serde(default)]
    params: Params,
}

#[derive(Debug, Default, Deserialize)]
struct Params {
    /// Of a tool.
    name: Option<String>,
    /// Of a resource.
    uri: Option<String>,
    #[serde(rename = "_meta", default)]
    meta: Meta,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<String>,
}

/// Between a host and the server.
struct Bridge {
    client: Client,
    /// The protocol's version, once it is agreed on.
    version: Option<String>,
}

impl Bridge {
    fn run(mut self, mut input: impl BufRead, mut output: impl Write) -> Result<()> {
        while let Some(line) = next_line(&mut input)? {
            let answer = match line {
                Line::Message(line) if line.trim_ascii().is_empty() => None,
                Line::Message(line) => self.pass(&line),
                Line::TooLong => {
                    let detail = format!("a message has at most {MESSAGE_BYTES} bytes");
                    Some(failure(&Value::Null, PARSE_ERROR, &detail))
                }
            };
            if let Some(mut answer) = answer {
                answer.push(b'\n');
                output.write_all(&answer)?;
                output.flush()?;
            }
        }
        Ok(())
    }

    /// The server's answer; none for a notification. What goes wrong on the way is an answer too: the host shows it.
    fn pass(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let message: Message = match serde_json::from_slice(line) {
            Ok(message) => message,
            Err(error) => {
                let detail = format!("not a message of JSON-RPC: {error}");
                return Some(failure(&Value::Null, PARSE_ERROR, &detail));
            }
        };
        let headers = self.headers(&message);
        let failed = |detail: String| {
            let id = message.id.as_ref()?;
            Some(failure(id, INTERNAL_ERROR, &detail))
        };
        let answer = match self.client.post_message("/mcp", &headers, line) {
            Ok(answer) => answer,
            Err(error) => return failed(error.to_string()),
        };
        if answer.body.is_empty() && answer.status.is_success() {
            return None;
        }
        // Anything but a message is a problem that stands before the tools, such as a key that is missing.
        let told: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let Some(told) = told.filter(|told| told.get("jsonrpc").is_some()) else {
            return failed(self.client.refused(&answer).to_string());
        };
        if message.method.as_deref() == Some("initialize") {
            let version = told.pointer("/result/protocolVersion");
            self.version = version.and_then(Value::as_str).map(ToOwned::to_owned);
        }
        Some(told.to_string().into_bytes())
    }

    /// What the protocol says twice over HTTP, so that proxies need not read bodies.
    fn headers(&self, message: &Message) -> Vec<(&'static str, String)> {
        let mut headers = vec![("accept", "application/json, text/event-stream".to_owned())];
        let params = &message.params;
        let version = params.meta.version.as_ref().or(self.version.as_ref());
        headers.extend(version.map(|version| ("mcp-protocol-version", plain(version))));
        let method = message.method.as_ref();
        headers.extend(method.map(|method| ("mcp-method", plain(method))));
        let name = match method.map(String::as_str) {
            Some("tools/call") => params.name.as_ref(),
            Some("resources/read") => params.uri.as_ref(),
            _ => None,
        };
        headers.extend(name.map(|name| ("mcp-name", plain(name))));
        headers
    }
}

/// A line that was read.
enum Line {
    Message(Vec<u8>),
    /// Longer than a message may be; it was skipped.
    TooLong,
}

/// The next line without its end; none when the host has gone.
fn next_line(input: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut line = Vec::new();
    let most = MESSAGE_BYTES as u64 + 1;
    if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > MESSAGE_BYTES {
        input.skip_until(b'\n')?;
        return Ok(Some(Line::TooLong));
    }
    Ok(Some(Line::Message(line)))
}

/// A value as a header may have it (SEP-2243).
fn plain(value: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_graphic()) {
        value.to_owned()
    } else {
        format!("=?base64?{}?=", STANDARD.encode(value))
    }
}

fn failure(id: &Value, code: i32, message: &str) -> Vec<u8> {
    let error = json!({ "code": code, "message": message });
    let answer = json!({ "jsonrpc": "2.0", "id": id, "error": error });
    answer.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut input: &[u8]) -> Vec<Option<usize>> {
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input).unwrap() {
            lines.push(match line {
                Line::Message(line) => Some(line.len()),
                Line::TooLong => None,
            });
        }
        lines
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_read() {
        let mut input = vec![b'a'; MESSAGE_BYTES];
        input.push(b'\n');
        assert_eq!(lines(&input), [Some(MESSAGE_BYTES)]);
        let mut input = vec![b'a'; MESSAGE_BYTES + 1];
        assert_eq!(lines(&input), [None]);
        input.extend(b"aa\nbc\n\nd");
        assert_eq!(lines(&input), [None, Some(2), Some(0), Some(1)]);
    }

    #[test]
    fn headers_repeat_the_message_and_nothing_gets_out_of_them() {
        let remote = Remote {
            server: "http://127.0.0.1:1".to_owned(),
            key: None,
            data: "none".into(),
        };
        let bridge = Bridge {
            client: remote.client().unwrap(),
            version: Some("2025-11-25".to_owned()),
        };
        let text = r#"{"id":1,"method":"tools/call","params":{"name":"x\r\ny: z"}}"#;
        let headers = bridge.headers(&serde_json::from_str(text).unwrap());
        let headers: Vec<_> = headers.iter().skip(1).collect();
        assert_eq!(
            headers,
            [
                &("mcp-protocol-version", "2025-11-25".to_owned()),
                &("mcp-method", "tools/call".to_owned()),
                &("mcp-name", "=?base64?eA0KeTogeg==?=".to_owned()),
            ]
        );
    }

    #[test]
    fn a_server_that_is_away_is_told_to_whoever_asked() {
        let remote = Remote {
            server: "http://127.0.0.1:1".to_owned(),
            key: None,
            data: "none".into(),
        };
        let bridge = Bridge {
            client: remote.client().unwrap(),
            version: None,
        };
        let input = concat!(
            r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#,
            "\n",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "\nnonsense\n"
        );
        let mut output = Vec::new();
        bridge.run(input.as_bytes(), &mut output).unwrap();
        let output = String::from_utf8(output).unwrap();
        let answers: Vec<Value> = output
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(answers.len(), 2, "{output}");
        assert_eq!(answers[0]["id"], "a");
        assert!(output.contains("no server answers"), "{output}");
        assert_eq!(answers[1]["error"]["code"], PARSE_ERROR);
    }
}
