//! Table `[forward_proxy]`, and what it resolves to.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use super::{
    HostRule,
    ca::{Authority, CaError},
    rules::Rule,
};
use crate::{
    config::{ConfigError, Mode},
    env::Env,
    http::{ListenError, Listener, TlsError, tls_config},
};

/// Table `[forward_proxy]`: the proxy in front of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForwardConfig {
    /// Address to listen on. Default `127.0.0.1:7412`.
    pub listen: SocketAddr,
    /// Instead of `gateway.mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Whether this machine and private networks may be destinations. Default false.
    pub allow_private: bool,
    /// Certificate authorities that intercepted hosts may have, besides Mozilla's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_ca_file: Option<PathBuf>,
    /// Tables `[[forward_proxy.host]]`: the first that matches decides; none means `tunnel`.
    pub host: Vec<HostRule>,
}

/// The table, checked.
#[derive(Debug)]
pub struct Prepared {
    pub(super) listen: SocketAddr,
    pub(super) mode: Option<Mode>,
    pub(super) allow_private: bool,
    pub(super) upstream_ca_file: Option<PathBuf>,
    pub(super) rules: Vec<Rule>,
    pub(super) ca_dir: PathBuf,
}

impl Default for ForwardConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7412)),
            mode: None,
            allow_private: false,
            upstream_ca_file: None,
            host: Vec::new(),
        }
    }
}

impl Prepared {
    /// Checks the table. The certificate authority lies in `ca_dir`.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting.
    pub fn new(config: &ForwardConfig, ca_dir: PathBuf) -> Result<Self, ConfigError> {
        let rule = |rule: &HostRule| {
            Rule::new(rule).ok_or_else(|| ConfigError::Value {
                key: "forward_proxy.host.match".to_owned(),
                reason: format!("{:?} is no host, *.domain or *", rule.pattern),
            })
        };
        Ok(Self {
            listen: config.listen,
            mode: config.mode,
            allow_private: config.allow_private,
            upstream_ca_file: config.upstream_ca_file.clone(),
            rules: config.host.iter().map(rule).collect::<Result<_, _>>()?,
            ca_dir,
        })
    }

    /// The certificate authority, made if there is none yet.
    ///
    /// # Errors
    /// [`CaError`].
    pub(crate) fn authority(&self, env: &Env) -> Result<Authority, CaError> {
        Authority::open(env, &self.ca_dir)
    }

    /// TLS with intercepted hosts.
    ///
    /// # Errors
    /// [`TlsError`] if a file holds no certificates.
    pub(crate) fn tls(&self, ssl_cert_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
        tls_config(ssl_cert_file, self.upstream_ca_file.as_slice())
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
    use crate::forward::HostMode;

    #[test]
    fn what_is_no_pattern_is_named() {
        let config: ForwardConfig = toml::from_str(
            "[[host]]\nmatch = 'a.org'\n[[host]]\nmatch = 'https://b.org'\nmode = 'deny'",
        )
        .unwrap();
        assert_eq!(config.host[0].mode, HostMode::Tunnel);
        let error = Prepared::new(&config, PathBuf::new())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("forward_proxy.host.match") && error.contains("https://b.org"),
            "{error}"
        );
        for text in [
            "[[host]]\nmatch = 'a'\nmode = 'Deny'",
            "[[host]]\nmode = 'deny'",
            "allow_privat = true",
        ] {
            assert!(toml::from_str::<ForwardConfig>(text).is_err(), "{text}");
        }
    }
}
