//! Settings of a node: one TOML file, one table for each module, every key with a default.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use capture::{
    config::{AgentConfig, GatewayConfig},
    forward::ForwardConfig,
    gateway::Settings,
    llm::LlmConfig,
    mcp::McpConfig,
};
use serde::{Deserialize, Serialize};

/// All settings. An unknown key is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Data directory, created if absent. Default `./indelible-data`.
    pub data: PathBuf,
    /// Table `[http]`.
    pub http: HttpConfig,
    /// Table `[log]`.
    pub log: LogConfig,
    /// Table `[segments]`.
    pub segments: SegmentsConfig,
    /// Table `[exports]`.
    pub exports: ExportsConfig,
    /// Table `[gateway]`: capture, inside of the server or next to the agents.
    pub gateway: GatewayConfig,
    /// Tables `[[agent]]`: agents that show a token.
    pub agent: Vec<AgentConfig>,
    /// Table `[llm]`: the proxy for model providers. Without the table there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub llm: Option<LlmConfig>,
    /// Table `[mcp]`: the proxy for servers of the Model Context Protocol. Without the table there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpConfig>,
    /// Table `[forward_proxy]`: the proxy in front of the network. Without the table there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_proxy: Option<ForwardConfig>,
}

/// Table `[http]`: who may connect and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address to listen on. Default `127.0.0.1:7400`: only this machine.
    pub listen: SocketAddr,
    /// Connections held at once; more wait in the kernel's queue. Default 10,000.
    pub max_connections: usize,
    /// Request bodies held in memory at once, MiB; more are answered 429. Default 128, at least 32:
    /// one compressed body of 16 MiB and what it unpacks to.
    pub max_bodies_mib: usize,
    /// How long a client may take for a request's head, or keep an idle connection, seconds. Default 60.
    pub head_timeout_s: u64,
    /// How long a client may take to send a whole body, seconds. Default 60.
    pub body_timeout_s: u64,
    /// How long a client may take to accept more of an answer, seconds. Default 30.
    pub stall_timeout_s: u64,
    /// How long running requests may take after the stop began, seconds. Default 20.
    pub stop_timeout_s: u64,
}

/// Table `[log]`: the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// First part of the origin of trails created from now on: no white space, `+` or `/`.
    /// Default `indelible.local`.
    pub server_name: String,
    /// Events held in memory until they are sealed, MiB; above that, writers wait and are then answered 429.
    /// Default 160.
    pub hot_limit_mib: usize,
}

/// Table `[segments]`: when unsealed events become a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegmentsConfig {
    /// Seal when this much is unsealed, MiB of records and contents. Default 64.
    pub seal_mib: usize,
    /// Seal what is older than this, seconds. Default 600.
    pub seal_after_s: u64,
}

/// Table `[exports]`: how long and how much the files of exports are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportsConfig {
    /// An export and its file are removed after so many days. Default 7.
    pub keep_days: u64,
    /// Room for the files of all exports, GiB; more are refused until one is removed. Default 32.
    pub limit_gib: u64,
}

/// Why settings were not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Not TOML, a key that does not exist, or a value of another type.
    #[error("{path}: {source}", path = path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
    /// A value outside its range.
    #[error("{key} must be {expected}")]
    Value {
        /// The key with its table.
        key: &'static str,
        /// What is allowed.
        expected: &'static str,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./indelible-data"),
            http: HttpConfig::default(),
            log: LogConfig::default(),
            segments: SegmentsConfig::default(),
            exports: ExportsConfig::default(),
            gateway: GatewayConfig::default(),
            agent: Vec::new(),
            llm: None,
            mcp: None,
            forward_proxy: None,
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7400)),
            max_connections: 10_000,
            max_bodies_mib: 128,
            head_timeout_s: 60,
            body_timeout_s: 60,
            stall_timeout_s: 30,
            stop_timeout_s: 20,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            server_name: "indelible.local".to_owned(),
            hot_limit_mib: 160,
        }
    }
}

impl Default for SegmentsConfig {
    fn default() -> Self {
        Self {
            seal_mib: 64,
            seal_after_s: 600,
        }
    }
}

impl Default for ExportsConfig {
    fn default() -> Self {
        Self {
            keep_days: 7,
            limit_gib: 32,
        }
    }
}

impl Config {
    /// Reads a settings file.
    ///
    /// # Errors
    /// If the file cannot be read, has an unknown key or a value outside its range.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let config: Self = toml::from_str(&text).map_err(|source| ConfigError::Toml {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        config.check()?;
        Ok(config)
    }

    /// What is said about capture, for a gateway: what it keeps lies beside its spool.
    #[must_use]
    pub fn capture(&self) -> Settings {
        Settings {
            gateway: self.gateway.clone(),
            agents: self.agent.clone(),
            llm: self.llm.clone(),
            mcp: self.mcp.clone(),
            forward_proxy: self.forward_proxy.clone(),
            ca_dir: self.gateway.spool_dir.clone(),
        }
    }

    /// Checks the ranges; [`crate::Node::open`] does so too.
    ///
    /// # Errors
    /// [`ConfigError::Value`] names the key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let name = &self.log.server_name;
        let plain = |c: char| c.is_ascii_graphic() && c != '+' && c != '/';
        let ranges = [
            (
                !name.is_empty() && name.chars().all(plain),
                "log.server_name",
                "visible ASCII without '+' and '/'",
            ),
            (
                self.log.hot_limit_mib >= 16,
                "log.hot_limit_mib",
                "at least 16",
            ),
            (
                self.http.max_connections >= 1,
                "http.max_connections",
                "at least 1",
            ),
            (
                self.http.max_bodies_mib >= 32,
                "http.max_bodies_mib",
                "at least 32",
            ),
            (
                self.http.head_timeout_s >= 1,
                "http.head_timeout_s",
                "at least 1",
            ),
            (
                self.http.stall_timeout_s >= 1,
                "http.stall_timeout_s",
                "at least 1",
            ),
            (
                self.segments.seal_mib >= 1,
                "segments.seal_mib",
                "at least 1",
            ),
            (
                self.segments.seal_after_s >= 1,
                "segments.seal_after_s",
                "at least 1",
            ),
            (
                self.exports.keep_days >= 1,
                "exports.keep_days",
                "at least 1",
            ),
            (
                (1..=1 << 20).contains(&self.exports.limit_gib),
                "exports.limit_gib",
                "1 to 1,048,576",
            ),
        ];
        match ranges.into_iter().find(|(good, ..)| !good) {
            Some((_, key, expected)) => Err(ConfigError::Value { key, expected }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
        Config::default().check().unwrap();
        assert!(Config::default().http.listen.ip().is_loopback());
    }

    #[test]
    fn unknown_keys_are_errors_in_every_table() {
        for text in [
            "dat = 'x'",
            "[http]\nport = 1",
            "[log]\nx = 1",
            "[segments]\nx = 1",
            "[exports]\nx = 1",
            "[htpp]",
            "[gateway]\nx = 1",
            "[[agent]]\nid = 'a'\ntoken_file = 'f'\nx = 1",
            "[llm]\nx = 1",
            "[forward_proxy]\nx = 1",
        ] {
            assert!(toml::from_str::<Config>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_outside_its_range_is_named() {
        let text = "[log]\nserver_name = 'a/b'";
        let error = toml::from_str::<Config>(text).unwrap().check().unwrap_err();
        assert!(error.to_string().contains("log.server_name"), "{error}");
    }

    /// Keys without a default, each with a value that it may have.
    const OPTIONAL: [(&str, &str); 6] = [
        ("gateway.redaction_rules_file", "'x'"),
        ("llm.mode", "'strict'"),
        ("llm.prices_file", "'x'"),
        ("mcp.mode", "'strict'"),
        ("forward_proxy.mode", "'strict'"),
        ("forward_proxy.upstream_ca_file", "'x'"),
    ];

    /// Rows of its tables are `| key | default | …`, the default written as in the file.
    #[test]
    fn the_page_has_every_key_with_its_default() {
        let page = include_str!("../../../docs/configuration.md");
        let settings = page.split("\n## ").nth(1).unwrap();
        let rows = || {
            settings.lines().filter_map(|row| {
                let (key, rest) = row.strip_prefix("| `")?.split_once('`')?;
                Some((key, rest.split('|').nth(1)?.trim()))
            })
        };
        let documented: Vec<_> = rows()
            .filter(|(_, default)| *default != "none")
            .map(|(key, default)| format!("{key} = {}", default.trim_matches('`')))
            .collect();
        let all = Config {
            llm: Some(LlmConfig::default()),
            mcp: Some(McpConfig::default()),
            forward_proxy: Some(ForwardConfig::default()),
            ..Config::default()
        };
        assert_eq!(
            documented.join("\n").parse::<toml::Table>().unwrap(),
            toml::Table::try_from(all).unwrap()
        );
        let optional: Vec<_> = rows()
            .filter(|(_, default)| *default == "none")
            .map(|(key, _)| key)
            .collect();
        assert_eq!(optional, OPTIONAL.map(|(key, _)| key));
        for (key, value) in OPTIONAL {
            toml::from_str::<Config>(&format!("{key} = {value}")).unwrap();
        }
        let example = settings.split("```toml").nth(1).unwrap();
        let example = example.split("```").next().unwrap();
        let config: Config = toml::from_str(example).unwrap();
        config.check().unwrap();
    }
}
