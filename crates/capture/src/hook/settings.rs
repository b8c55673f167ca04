//! The settings that make an agent call its hook, put into what is there without touching anything else.

use event::json::{Kind, Value, compact, write_string};
use serde_json::json;

use super::Agent;

/// Seconds that an agent waits for the hook: it takes milliseconds, and a machine that is out of breath is no reason to
/// stop an agent for longer.
const TIMEOUT_S: u64 = 10;
/// A command with this in it is ours.
const OURS: &str = " hook --from ";

/// Why settings are left as they are.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// Nothing that could be added to.
    #[error("the file is not a JSON object")]
    NotAnObject,
    /// Another shape than the agent documents.
    #[error("its member {0:?} is not what the agent documents")]
    Shape(String),
}

/// Events that are asked for. `WorktreeCreate` of Claude Code is not among them: its hook has to make the tree.
fn events(agent: Agent) -> &'static [&'static str] {
    match agent {
        Agent::ClaudeCode => &[
            "SessionStart",
            "UserPromptSubmit",
            "PreToolUse",
            "PermissionRequest",
            "PermissionDenied",
            "PostToolUse",
            "PostToolUseFailure",
            "Notification",
            "SubagentStart",
            "SubagentStop",
            "PreCompact",
            "PostCompact",
            "Stop",
            "StopFailure",
            "SessionEnd",
        ],
        Agent::Codex => &[
            "SessionStart",
            "UserPromptSubmit",
            "PreToolUse",
            "PermissionRequest",
            "PostToolUse",
            "SubagentStart",
            "SubagentStop",
            "PreCompact",
            "PostCompact",
            "Stop",
        ],
        Agent::Cursor => &[
            "sessionStart",
            "beforeSubmitPrompt",
            "preToolUse",
            "postToolUse",
            "postToolUseFailure",
            "subagentStart",
            "subagentStop",
            "preCompact",
            "afterAgentResponse",
            "stop",
            "sessionEnd",
        ],
    }
}

/// What belongs into the settings of an agent that has none yet.
#[must_use]
pub fn snippet(agent: Agent, command: &str) -> String {
    let empty = match agent {
        Agent::Cursor => "{\"version\":1}",
        Agent::ClaudeCode | Agent::Codex => "{}",
    };
    installed(agent, empty, command).unwrap_or_default()
}

/// Settings with our hooks in them, for whatever was there. Ours of an earlier time are replaced.
///
/// # Errors
/// [`SettingsError`] if the text is not settings of the agent; nothing is to be written then.
pub fn installed(agent: Agent, text: &str, command: &str) -> Result<String, SettingsError> {
    let mut plain = String::new();
    compact(text.as_bytes(), &mut plain).map_err(|_| SettingsError::NotAnObject)?;
    let settings = Value::new(&plain);
    if settings.kind() != Kind::Object {
        return Err(SettingsError::NotAnObject);
    }
    let member = |name: &str| {
        let mut members = settings.members();
        members
            .find(|(member, _)| member.decode() == name)
            .map(|(_, value)| value)
    };
    let hooks = with_ours(agent, member("hooks"), command)?;
    let mut out = Vec::from(*b"{");
    let mut written = Members::default();
    for (name, value) in settings.members() {
        let value = if name.decode() == "hooks" {
            &hooks
        } else {
            value.as_str()
        };
        written.write(&mut out, &name.decode(), value);
    }
    if agent == Agent::Cursor && member("version").is_none() {
        written.write(&mut out, "version", "1");
    }
    if member("hooks").is_none() {
        written.write(&mut out, "hooks", &hooks);
    }
    out.push(b'}');
    let mut pretty = Vec::new();
    indent(Value::new(&String::from_utf8_lossy(&out)), 0, &mut pretty);
    pretty.push(b'\n');
    Ok(String::from_utf8_lossy(&pretty).into_owned())
}

/// The member `hooks`.
fn with_ours(
    agent: Agent,
    hooks: Option<Value<'_>>,
    command: &str,
) -> Result<String, SettingsError> {
    let hooks = hooks.unwrap_or(Value::new("{}"));
    if hooks.kind() != Kind::Object {
        return Err(SettingsError::Shape("hooks".to_owned()));
    }
    let mut out = Vec::from(*b"{");
    let mut written = Members::default();
    for (name, groups) in hooks.members() {
        let name = name.decode();
        if groups.kind() != Kind::Array {
            return Err(SettingsError::Shape(format!("hooks.{name}")));
        }
        let mut kept: Vec<&str> = groups
            .elements()
            .filter(|group| !group.as_str().contains(OURS))
            .map(Value::as_str)
            .collect();
        let ours = entry(agent, command);
        if events(agent).contains(&name.as_ref()) {
            kept.push(&ours);
        }
        if !kept.is_empty() {
            written.write(&mut out, &name, &format!("[{}]", kept.join(",")));
        }
    }
    for name in events(agent) {
        let mut members = hooks.members();
        if !members.any(|(member, _)| member.decode() == *name) {
            written.write(&mut out, name, &format!("[{}]", entry(agent, command)));
        }
    }
    out.push(b'}');
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// One entry of an event's list.
fn entry(agent: Agent, command: &str) -> String {
    let command = json!({"type": "command", "command": command, "timeout": TIMEOUT_S});
    match agent {
        Agent::Cursor => command.to_string(),
        Agent::ClaudeCode | Agent::Codex => json!({"hooks": [command]}).to_string(),
    }
}

/// Writes members, each with what has to stand before it.
#[derive(Default)]
struct Members {
    any: bool,
}

impl Members {
    fn write(&mut self, out: &mut Vec<u8>, name: &str, value: &str) {
        if self.any {
            out.push(b',');
        }
        self.any = true;
        write_string(out, name);
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
}

/// Two spaces for each level, as these files are written by hand.
fn indent(value: Value<'_>, level: usize, out: &mut Vec<u8>) {
    let new_line = |level: usize, out: &mut Vec<u8>| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', 2 * level));
    };
    let is_empty = value.members().next().is_none() && value.elements().next().is_none();
    match value.kind() {
        Kind::Object if !is_empty => {
            for (index, (name, value)) in value.members().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                new_line(level + 1, out);
                write_string(out, &name.decode());
                out.extend_from_slice(b": ");
                indent(value, level + 1, out);
            }
            new_line(level, out);
            out.push(b'}');
        }
        Kind::Array if !is_empty => {
            for (index, value) in value.elements().enumerate() {
                out.push(if index == 0 { b'[' } else { b',' });
                new_line(level + 1, out);
                indent(value, level + 1, out);
            }
            new_line(level, out);
            out.push(b']');
        }
        _ => out.extend_from_slice(value.as_str().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    const COMMAND: &str = "'/opt/indelible' hook --from claude-code";

    #[test]
    fn what_was_there_stays_in_its_order_and_ours_is_there_once() {
        let before = r#"{"model":"opus","hooks":{"Stop":[{"hooks":[{"type":"command","command":"say done"}]}],"Odd":[]},"env":{"A":"1.0e5","é":"\u00e9"}, "n":1.50}"#;
        let once = installed(Agent::ClaudeCode, before, COMMAND).unwrap();
        let twice = installed(
            Agent::ClaudeCode,
            &once,
            "'/new/indelible' hook --from claude-code",
        );
        let twice = twice.unwrap();
        assert_eq!(once.replace("/opt/", "/new/"), twice);
        let settings: Json = serde_json::from_str(&once).unwrap();
        assert_eq!(settings["hooks"]["Stop"].as_array().unwrap().len(), 2);
        assert_eq!(
            settings["hooks"]["Stop"][0]["hooks"][0]["command"],
            "say done"
        );
        assert_eq!(
            settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"],
            COMMAND
        );
        let place = |text: &str| once.find(text).unwrap();
        assert!(place("\"model\"") < place("\"hooks\"") && place("\"hooks\"") < place("\"env\""));
        assert!(
            once.contains("\"n\": 1.50") && once.contains(r"\u00e9"),
            "{once}"
        );
    }

    #[test]
    fn every_agent_gets_its_own_form() {
        let claude: Json = serde_json::from_str(&snippet(Agent::ClaudeCode, COMMAND)).unwrap();
        assert_eq!(
            claude["hooks"]["SessionEnd"][0]["hooks"][0]["type"],
            "command"
        );
        assert!(claude["hooks"].get("WorktreeCreate").is_none());
        let codex: Json = serde_json::from_str(&snippet(Agent::Codex, COMMAND)).unwrap();
        assert_eq!(codex["hooks"]["Stop"][0]["hooks"][0]["timeout"], TIMEOUT_S);
        let cursor: Json = serde_json::from_str(&snippet(Agent::Cursor, COMMAND)).unwrap();
        assert_eq!(cursor["version"], 1);
        assert_eq!(cursor["hooks"]["preToolUse"][0]["command"], COMMAND);
    }

    #[test]
    fn what_is_no_settings_is_left_alone() {
        for text in [
            "",
            "[]",
            "// a comment\n{}",
            "{\"hooks\":[]}",
            "{\"hooks\":{\"Stop\":{}}}",
        ] {
            assert!(
                installed(Agent::ClaudeCode, text, COMMAND).is_err(),
                "{text}"
            );
        }
    }
}
