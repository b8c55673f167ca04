//! Which agent speaks.

use super::payload::Payload;

/// An agent whose hooks are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// Anthropic's.
    ClaudeCode,
    /// `OpenAI`'s.
    Codex,
    /// Anysphere's, the editor and the command.
    Cursor,
}

impl Agent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ClaudeCode, Self::Codex, Self::Cursor];

    /// Its name, which is also that of its actor if nobody names another.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Cursor => "cursor",
        }
    }

    /// The agent of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|agent| agent.as_str() == name)
    }

    /// By what only one of them says.
    pub(super) fn of(payload: &Payload<'_>) -> Self {
        let name = payload.event_name().unwrap_or_default();
        let is_cursor = ["cursor_version", "conversation_id", "workspace_roots"]
            .iter()
            .any(|member| payload.has(member));
        if is_cursor
            || name.starts_with(|first: char| first.is_ascii_lowercase())
                && !payload.has("thread-id")
        {
            Self::Cursor
        } else if payload.has("turn_id") || payload.has("turn-id") || payload.has("thread-id") {
            Self::Codex
        } else {
            Self::ClaudeCode
        }
    }
}
