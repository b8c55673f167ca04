//! Table `[mcp]`, and what it resolves to.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::{
    config::{ConfigError, Mode, read_secret},
    http::{BaseUrl, ListenError, Listener, can_be_in_path},
    redact::{Secret, label},
};

/// Table `[mcp]`: the proxy for servers of the Model Context Protocol over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct McpConfig {
    /// Address to listen on. Default `127.0.0.1:7411`.
    pub listen: SocketAddr,
    /// Instead of `gateway.mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Origins of web pages that may use the gateway, such as `http://localhost:6274`. Default none: a page that a browser
    /// was led to could use every server behind it.
    pub allowed_origins: Vec<String>,
    /// Table `[mcp.upstream]`: URL of each server's endpoint.
    pub upstream: BTreeMap<String, String>,
    /// Table `[mcp.key_file]`: files with the keys that go out instead of the clients' tokens.
    pub key_file: BTreeMap<String, PathBuf>,
}

/// A server, ready for use.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) url: BaseUrl,
    /// The key that goes out.
    pub(super) key: Option<String>,
}

/// The table, checked, with the files that it names.
#[derive(Debug)]
pub struct Prepared {
    pub(super) listen: SocketAddr,
    pub(super) mode: Option<Mode>,
    pub(super) allowed_origins: Vec<String>,
    pub(super) upstreams: Vec<Upstream>,
}

impl Default for McpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7411)),
            mode: None,
            allowed_origins: Vec::new(),
            upstream: BTreeMap::new(),
            key_file: BTreeMap::new(),
        }
    }
}

impl Prepared {
    /// Checks the table and reads its files.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting.
    pub fn new(config: &McpConfig) -> Result<Self, ConfigError> {
        let wrong = |key: String, reason: &str| ConfigError::Value {
            key,
            reason: reason.to_owned(),
        };
        for name in config.key_file.keys() {
            if !config.upstream.contains_key(name) {
                let key = format!("mcp.key_file.{name}");
                return Err(wrong(key, "there is no such server in mcp.upstream"));
            }
        }
        let upstreams = config.upstream.iter().map(|(name, url)| {
            let key = format!("mcp.upstream.{name}");
            if name.is_empty() || !can_be_in_path(name) {
                return Err(wrong(key, "a name that cannot be in a path"));
            }
            let path = config.key_file.get(name);
            let secret = path.map(|path| read_secret(&format!("mcp.key_file.{name}"), path));
            Ok(Upstream {
                name: name.clone(),
                url: BaseUrl::parse(url)
                    .map_err(|reason| wrong(key, &format!("{url:?} {reason}")))?,
                key: secret.transpose()?,
            })
        });
        Ok(Self {
            listen: config.listen,
            mode: config.mode,
            allowed_origins: config.allowed_origins.clone(),
            upstreams: upstreams.collect::<Result<_, _>>()?,
        })
    }

    /// The keys that go out: nothing of them is ever recorded.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> {
        let keys = self
            .upstreams
            .iter()
            .filter_map(|upstream| upstream.key.clone());
        keys.map(|value| Secret {
            label: label::INJECTED_KEY,
            value,
        })
    }

    /// Takes the address.
    ///
    /// # Errors
    /// [`ListenError`].
    pub async fn bind(self) -> Result<(Listener, Self), ListenError> {
        Ok((Listener::bind(self.listen).await?, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_named() {
        for (text, key) in [
            ("[upstream]\nx = 'ftp://h'", "mcp.upstream.x"),
            ("[upstream]\nx = 'http://h?a=1'", "mcp.upstream.x"),
            ("[upstream]\n'a/b' = 'http://h'", "mcp.upstream.a/b"),
            ("[upstream]\n'-' = 'http://h'", "mcp.upstream.-"),
            ("[key_file]\nother = 'f'", "mcp.key_file.other"),
            (
                "[upstream]\nx = 'http://h'\n[key_file]\nx = '/does/not/exist'",
                "mcp.key_file.x",
            ),
        ] {
            let error = Prepared::new(&toml::from_str(text).unwrap()).unwrap_err();
            assert!(error.to_string().contains(key), "{text}: {error}");
        }
        assert!(toml::from_str::<McpConfig>("upsream = {}").is_err());
    }
}
