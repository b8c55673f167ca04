//! Settings that all surfaces share. Each surface has a table of its own beside its code.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Table `[gateway]`: where events go, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Base URL of the server. `indelible gateway` only. Default `http://127.0.0.1:7400`.
    pub server: String,
    /// File with a key of scope `gateway`. `indelible gateway` only. Default `gateway.key`.
    pub key_file: PathBuf,
    /// Directory for events that wait for the server. `indelible gateway` only. Default `indelible-spool`.
    pub spool_dir: PathBuf,
    /// Most bytes in it. Default 1 GiB.
    pub spool_limit_bytes: u64,
    /// What happens when an event cannot be recorded; each surface may say its own. Default `async`.
    pub mode: Mode,
    /// Rules for secrets besides our own, in the format of gitleaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction_rules_file: Option<PathBuf>,
}

/// What happens when an event cannot be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The action goes on, and the loss is recorded.
    #[default]
    Async,
    /// The intent is durable before the action begins, or the action is refused.
    Strict,
}

/// One entry of `[[agent]]`: an agent that shows a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// Its name.
    pub id: String,
    /// File with its token.
    pub token_file: PathBuf,
}

/// Why settings are not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that the settings name cannot be read.
    #[error("cannot read {}, which {key} names", path.display())]
    Read {
        /// The setting.
        key: String,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file that holds no secret.
    #[error("{}, which {key} names, is empty or not text that a header can hold", path.display())]
    Secret {
        /// The setting.
        key: String,
        /// The file.
        path: PathBuf,
    },
    /// Anything else about a setting.
    #[error("{key}: {reason}")]
    Value {
        /// The setting.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            server: "http://127.0.0.1:7400".to_owned(),
            key_file: "gateway.key".into(),
            spool_dir: "indelible-spool".into(),
            spool_limit_bytes: 1 << 30,
            mode: Mode::Async,
            redaction_rules_file: None,
        }
    }
}

/// Text of a file that a setting names.
///
/// # Errors
/// [`ConfigError::Read`].
pub fn read_text(key: &str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        key: key.to_owned(),
        path: path.to_owned(),
        source,
    })
}

/// A secret alone in a file, without the white space around it.
///
/// # Errors
/// [`ConfigError`] if there is none.
pub fn read_secret(key: &str, path: &Path) -> Result<String, ConfigError> {
    let text = read_text(key, path)?;
    let secret = text.trim();
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConfigError::Secret {
            key: key.to_owned(),
            path: path.to_owned(),
        });
    }
    Ok(secret.to_owned())
}

/// Agents and their tokens, read from their files.
///
/// # Errors
/// [`ConfigError`] if a file cannot be read, or an id or a token is there twice.
pub fn read_agents(agents: &[AgentConfig]) -> Result<Vec<(String, String)>, ConfigError> {
    let mut read: Vec<(String, String)> = Vec::with_capacity(agents.len());
    for agent in agents {
        let wrong = |reason: &str| ConfigError::Value {
            key: "agent.id".to_owned(),
            reason: format!("{:?} {reason}", agent.id),
        };
        if agent.id.is_empty() {
            return Err(wrong("is no name"));
        }
        let token = read_secret("agent.token_file", &agent.token_file)?;
        if read
            .iter()
            .any(|(id, other)| *id == agent.id || *other == token)
        {
            return Err(wrong("has a name or a token that another agent has, too"));
        }
        read.push((agent.id.clone(), token));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_have_names_and_tokens_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let agent = |id: &str, token_file: &Path| AgentConfig {
            id: id.to_owned(),
            token_file: token_file.to_owned(),
        };
        let (one, two, empty) = (
            file("one", "tok-1\n"),
            file("two", "tok-2"),
            file("empty", "\n"),
        );
        let read = read_agents(&[agent("a", &one), agent("b", &two)]).unwrap();
        assert_eq!(read[0], ("a".to_owned(), "tok-1".to_owned()));
        for bad in [
            [agent("a", &one), agent("a", &two)],
            [agent("a", &one), agent("b", &one)],
            [agent("a", &one), agent("", &two)],
            [agent("a", &one), agent("b", &empty)],
            [agent("a", &one), agent("b", &dir.path().join("absent"))],
        ] {
            assert!(read_agents(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn unknown_keys_and_modes_are_errors() {
        for text in ["sever = 'x'", "mode = 'Strict'", "spool_limit_bytes = -1"] {
            assert!(toml::from_str::<GatewayConfig>(text).is_err(), "{text}");
        }
        let config: GatewayConfig = toml::from_str("mode = 'strict'").unwrap();
        assert_eq!(config.mode, Mode::Strict);
    }
}
