//! The events of agents' hooks, and what each is.

use std::borrow::Cow;

use super::Gate;
use crate::draft::Outcome;

/// What is known of an event by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// Without one, the event's own name after `hook.`.
    action: Option<&'static str>,
    pub(super) step: Step,
    pub(super) gate: Gate,
    pub(super) result: Option<Outcome>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// An action of a tool.
    Tool(When),
    /// Anything else; members that are its input and its output.
    Word(&'static [&'static str], &'static [&'static str]),
}

/// Where in an action of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Before,
    After(Outcome),
    /// Told when it is over, and only then.
    Once,
    /// A person, or a hook, is asked whether it may run.
    Asked,
    /// It may not.
    Denied,
}

const CALL: Option<&str> = Some("tools/call");
/// What an agent said last.
const LAST_WORDS: &[&str] = &["last_assistant_message", "last-assistant-message"];

impl Event {
    pub(super) fn of(name: &str) -> Self {
        let tool = |when, gate| Self {
            action: CALL,
            step: Step::Tool(when),
            gate,
            result: None,
        };
        let word = |action, input, output| Self {
            action: Some(action),
            step: Step::Word(input, output),
            gate: Gate::Open,
            result: None,
        };
        match name {
            "PreToolUse"
            | "preToolUse"
            | "beforeShellExecution"
            | "beforeMCPExecution"
            | "beforeReadFile"
            | "beforeTabFileRead" => tool(When::Before, Gate::Tool),
            "PostToolUse" | "postToolUse" | "afterShellExecution" | "afterMCPExecution" => {
                tool(When::After(Outcome::Success), Gate::Open)
            }
            "PostToolUseFailure" | "postToolUseFailure" => {
                tool(When::After(Outcome::Failure), Gate::Open)
            }
            "afterFileEdit" | "afterTabFileEdit" => tool(When::Once, Gate::Open),
            "PermissionRequest" => Self {
                action: Some("permission.request"),
                ..tool(When::Asked, Gate::Tool)
            },
            "PermissionDenied" => Self {
                action: Some("permission.denied"),
                ..tool(When::Denied, Gate::Open)
            },
            "UserPromptSubmit" | "beforeSubmitPrompt" => Self {
                gate: Gate::Prompt,
                ..word("prompt", &["prompt"], &[])
            },
            "SessionStart" | "sessionStart" => word("session.start", &[], &[]),
            "SessionEnd" | "sessionEnd" => word("session.end", &[], &[]),
            "Stop" | "stop" => word("turn.end", &[], LAST_WORDS),
            // Codex, before it had hooks.
            "agent-turn-complete" => word("turn.end", &["input-messages"], LAST_WORDS),
            "StopFailure" => Self {
                result: Some(Outcome::Error),
                ..word("turn.end", &[], &["error", "last_assistant_message"])
            },
            "SubagentStart" | "subagentStart" => word("subagent.start", &["task", "prompt"], &[]),
            "SubagentStop" | "subagentStop" => word(
                "subagent.end",
                &[],
                &["last_assistant_message", "summary", "result"],
            ),
            "afterAgentResponse" => word("response", &[], &["text"]),
            "afterAgentThought" => word("thought", &[], &["text"]),
            "Notification" => word("notification", &[], &["message"]),
            "PreCompact" | "preCompact" => word("compact.start", &["custom_instructions"], &[]),
            "PostCompact" => word("compact.end", &[], &["compact_summary"]),
            _ => Self {
                action: None,
                step: Step::Word(&[], &[]),
                gate: Gate::Open,
                result: None,
            },
        }
    }

    pub(super) fn action<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self.action {
            Some(action) => Cow::Borrowed(action),
            None => Cow::Owned(format!("hook.{name}")),
        }
    }
}
