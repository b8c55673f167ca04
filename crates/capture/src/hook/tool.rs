//! Which tool, with what, and what came of it.

use event::json::{Kind, Value, compact, write_string};

use super::payload::Payload;
use crate::draft::Outcome;

/// How agents begin the name of a tool of an MCP server: `mcp__<server>__<tool>`.
const MCP_PREFIX: &str = "mcp__";
/// Cursor's way.
const CURSOR_MCP_PREFIX: &str = "MCP:";

/// One call of a tool, as far as a payload tells of it.
#[derive(Debug)]
pub(super) struct Tool {
    /// `<server>/<tool>` for one of an MCP server.
    pub(super) name: String,
    /// The agent's own name of the call.
    pub(super) id: Option<String>,
    /// JSON.
    pub(super) input: Option<String>,
    /// JSON.
    pub(super) output: Option<String>,
    /// What the output says of itself.
    pub(super) verdict: Option<Outcome>,
    pub(super) status: Option<i64>,
}

impl Tool {
    /// `event` says which tool it is where the payload does not.
    pub(super) fn take(event: &str, payload: &mut Payload<'_>) -> Self {
        let implied = match event {
            "beforeShellExecution" | "afterShellExecution" => Some(("Shell", &["command"][..])),
            "beforeReadFile" | "beforeTabFileRead" => Some(("Read", &["file_path"][..])),
            "afterFileEdit" | "afterTabFileEdit" => Some(("Edit", &["file_path", "edits"][..])),
            _ => None,
        };
        let id = payload.take_text(&["tool_use_id", "call_id"]);
        let (name, input) = if let Some((name, members)) = implied {
            (name.to_owned(), object(members, payload))
        } else {
            let name = payload.take_text(&["tool_name"]);
            let input = payload.take(&["tool_input"]).map(unwrapped);
            (name.unwrap_or_else(|| "unknown".to_owned()), input)
        };
        let output = payload
            .take(&["tool_response", "tool_output", "result_json", "output"])
            .map(unwrapped);
        let error = payload.take(&["error", "error_message"]);
        let mut seen = Seen::default();
        seen.look(output.as_deref());
        let stopped = [payload.take(&["is_interrupt"]), payload.get("failure_type")];
        if stopped
            .iter()
            .flatten()
            .any(|value| matches!(value.as_str(), "true" | "\"timeout\""))
        {
            seen.verdict = Some(Outcome::Error);
        }
        if let Some(code) = payload.take(&["exit_code"]).and_then(integer) {
            seen.exited(code);
        }
        Self {
            name: named(&name, payload),
            id,
            input,
            output: joined(output, error),
            verdict: seen.verdict,
            status: seen.status,
        }
    }
}

/// What an output says of how it went.
#[derive(Debug, Default)]
struct Seen {
    verdict: Option<Outcome>,
    status: Option<i64>,
}

impl Seen {
    fn look(&mut self, output: Option<&str>) {
        for (name, value) in Value::new(output.unwrap_or_default()).members() {
            match (name.decode().as_ref(), value.as_str()) {
                ("is_error" | "isError", "true") | ("success", "false") => {
                    self.verdict = self.verdict.or(Some(Outcome::Failure));
                }
                ("interrupted" | "timed_out", "true") => self.verdict = Some(Outcome::Error),
                ("exit_code" | "exitCode", _) => {
                    if let Some(code) = integer(value) {
                        self.exited(code);
                    }
                }
                ("metadata", _) => self.look(Some(value.as_str())),
                _ => {}
            }
        }
    }

    fn exited(&mut self, code: i64) {
        self.status = Some(code);
        if code != 0 {
            self.verdict = self.verdict.or(Some(Outcome::Failure));
        }
    }
}

fn integer(value: Value<'_>) -> Option<i64> {
    value.number()?.parse().ok()
}

/// The name that the MCP surface has for the same tool.
fn named(name: &str, payload: &mut Payload<'_>) -> String {
    if let Some((server, tool)) = name
        .strip_prefix(MCP_PREFIX)
        .and_then(|rest| rest.split_once("__"))
    {
        return format!("{server}/{tool}");
    }
    let tool = name.strip_prefix(CURSOR_MCP_PREFIX).unwrap_or(name);
    match payload.take_text(&["mcp_server_name", "server"]) {
        Some(server) => format!("{server}/{tool}"),
        None => tool.to_owned(),
    }
}

/// Some members as an object of their own.
fn object(members: &[&str], payload: &mut Payload<'_>) -> Option<String> {
    let mut out = Vec::new();
    for name in members {
        if let Some(value) = payload.take(&[name]) {
            out.push(if out.is_empty() { b'{' } else { b',' });
            write_string(&mut out, name);
            out.push(b':');
            out.extend_from_slice(value.as_str().as_bytes());
        }
    }
    if out.is_empty() {
        return None;
    }
    out.push(b'}');
    String::from_utf8(out).ok()
}

/// Cursor sends JSON inside of a string; what is inside is what was meant.
fn unwrapped(value: Value<'_>) -> String {
    let Some(text) = value.text() else {
        return value.as_str().to_owned();
    };
    let text = text.decode();
    let mut inner = String::new();
    let is_json = text.trim_start().starts_with(['{', '['])
        && compact(text.as_bytes(), &mut inner).is_ok()
        && matches!(Value::new(&inner).kind(), Kind::Object | Kind::Array);
    if is_json {
        inner
    } else {
        value.as_str().to_owned()
    }
}

/// An error is what came out, where nothing else did.
fn joined(output: Option<String>, error: Option<Value<'_>>) -> Option<String> {
    match (output, error) {
        (None, Some(error)) => Some(format!("{{\"error\":{}}}", error.as_str())),
        (Some(output), Some(error)) => Some(format!(
            "{{\"output\":{output},\"error\":{}}}",
            error.as_str()
        )),
        (output, None) => output,
    }
}
