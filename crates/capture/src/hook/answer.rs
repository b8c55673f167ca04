//! What each agent wants to hear.
//!
//! Claude Code and Codex take silence for "no opinion"; what a hook of `UserPromptSubmit` or `SessionStart` prints would go to
//! the model. Cursor wants JSON, and an empty object says nothing. Exit status 2 refuses a tool or a prompt, and keeps an agent
//! that wants to stop from stopping, so it is for the first two only.

use serde_json::json;

use super::{Agent, Gate};

/// Status of a hook that refuses.
const REFUSED: u8 = 2;
/// Status of a hook that failed and decides nothing.
const FAILED: u8 = 1;

/// What is printed, and the exit status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// On standard output.
    pub stdout: String,
    /// On standard error.
    pub stderr: String,
    /// Exit status.
    pub status: u8,
}

/// The answer of a hook whose event was kept, or was not, and why. `is_strict` refuses what is not kept.
#[must_use]
pub fn answer(agent: Agent, gate: Gate, failed: Option<&str>, is_strict: bool) -> Answer {
    let stderr = failed.map_or_else(String::new, |why| {
        format!("indelible: THIS IS NOT RECORDED: {why}\n")
    });
    let refuses = is_strict && failed.is_some() && gate != Gate::Open;
    if !refuses {
        let stdout = match (agent, gate) {
            (Agent::Cursor, Gate::Prompt) => "{\"continue\":true}\n",
            (Agent::Cursor, _) => "{}\n",
            _ => "",
        };
        let fails = is_strict && failed.is_some();
        return Answer {
            stdout: stdout.to_owned(),
            stderr,
            status: if fails { FAILED } else { 0 },
        };
    }
    let why = "refused by rule mode.strict: Indelible could not record it";
    match (agent, gate) {
        (Agent::Cursor, Gate::Prompt) => Answer {
            stdout: format!("{}\n", json!({"continue": false, "user_message": why})),
            stderr,
            status: 0,
        },
        (Agent::Cursor, _) => Answer {
            stdout: format!(
                "{}\n",
                json!({"permission": "deny", "user_message": why, "agent_message": why})
            ),
            stderr,
            status: 0,
        },
        _ => Answer {
            stdout: String::new(),
            stderr: format!("{why}\n{stderr}"),
            status: REFUSED,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_decides_anything() {
        for gate in [Gate::Open, Gate::Tool, Gate::Prompt] {
            for failed in [None, Some("disk full")] {
                for agent in [Agent::ClaudeCode, Agent::Codex] {
                    let answer = answer(agent, gate, failed, false);
                    assert_eq!((answer.stdout.as_str(), answer.status), ("", 0));
                    assert_eq!(answer.stderr.is_empty(), failed.is_none());
                }
                let answer = answer(Agent::Cursor, gate, failed, false);
                let said: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
                assert_eq!(said.get("permission"), None);
                assert_ne!(said.get("continue"), Some(&json!(false)));
                assert_eq!(answer.status, 0);
            }
        }
    }

    #[test]
    fn strict_mode_refuses_what_waits_and_nothing_else() {
        let why = Some("disk full");
        assert_eq!(answer(Agent::Codex, Gate::Tool, None, true).status, 0);
        assert_eq!(answer(Agent::Codex, Gate::Tool, why, true).status, 2);
        assert_eq!(answer(Agent::ClaudeCode, Gate::Prompt, why, true).status, 2);
        // Status 2 would keep the agent from stopping.
        assert_eq!(answer(Agent::ClaudeCode, Gate::Open, why, true).status, 1);
        let denied = answer(Agent::Cursor, Gate::Tool, why, true);
        assert_eq!(
            denied.status, 0,
            "Cursor reads what is printed with status 0 only"
        );
        assert!(
            denied.stdout.contains("\"permission\":\"deny\""),
            "{denied:?}"
        );
        assert!(denied.stdout.contains("mode.strict"));
        let denied = answer(Agent::Cursor, Gate::Prompt, why, true);
        assert!(denied.stdout.contains("\"continue\":false"), "{denied:?}");
    }
}
