//! Table `[llm]`, and what it resolves to.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use hyper::http::uri::{Authority, Scheme};
use serde::{Deserialize, Serialize};

use super::prices::{PriceFileError, Prices};
use crate::{
    config::{ConfigError, Mode, read_secret, read_text},
    http::{BaseUrl, ListenError, Listener, can_be_in_path},
    redact::{Secret, label},
};

/// Table `[llm]`: the proxy for model providers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmConfig {
    /// Address to listen on. Default `127.0.0.1:7410`.
    pub listen: SocketAddr,
    /// Instead of `gateway.mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Providers whose chat completions are asked to say their usage when they stream; what that adds to an answer is
    /// taken out again. Default `["openai"]`.
    pub include_usage: Vec<String>,
    /// Own prices, which go before the built-in ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices_file: Option<PathBuf>,
    /// Table `[llm.upstream]`: base URL of each provider, besides those that have a default. Empty: none.
    pub upstream: BTreeMap<String, String>,
    /// Table `[llm.key_file]`: files with the keys that go out instead of the clients' tokens.
    pub key_file: BTreeMap<String, PathBuf>,
}

/// Providers that have a base URL without any setting.
const DEFAULT_UPSTREAMS: [(&str, &str); 4] = [
    ("anthropic", "https://api.anthropic.com"),
    ("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com"),
    ("gemini", "https://generativelanguage.googleapis.com"),
    ("openai", "https://api.openai.com"),
];

/// A provider, ready for use.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) name: String,
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// Path of the base URL, without a slash at its end.
    pub(super) base: String,
    /// The base URL as it was given.
    pub(super) url: String,
    /// The key that goes out.
    pub(super) key: Option<String>,
    /// Whether its chat completions are asked to say their usage.
    pub(super) adds_usage: bool,
}

/// The table, checked, with the files that it names.
#[derive(Debug)]
pub struct Prepared {
    pub(super) listen: SocketAddr,
    pub(super) mode: Option<Mode>,
    pub(super) providers: Vec<Arc<Provider>>,
    pub(super) prices: Prices,
}

impl Default for LlmConfig {
    fn default() -> Self {
        let upstreams = DEFAULT_UPSTREAMS.map(|(name, url)| (name.to_owned(), url.to_owned()));
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7410)),
            mode: None,
            include_usage: vec!["openai".to_owned()],
            prices_file: None,
            upstream: upstreams.into(),
            key_file: BTreeMap::new(),
        }
    }
}

impl Prepared {
    /// Checks the table and reads its files.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting.
    pub fn new(config: &LlmConfig) -> Result<Self, ConfigError> {
        let mut urls: BTreeMap<&str, &str> = DEFAULT_UPSTREAMS.into();
        urls.extend(
            config
                .upstream
                .iter()
                .map(|(name, url)| (name.as_str(), url.as_str())),
        );
        urls.retain(|_, url| !url.is_empty());
        let known = |key: &str, name: &String| {
            if urls.contains_key(name.as_str()) {
                return Ok(());
            }
            Err(ConfigError::Value {
                key: format!("{key}.{name}"),
                reason: "there is no such provider in llm.upstream".to_owned(),
            })
        };
        config
            .key_file
            .keys()
            .try_for_each(|name| known("llm.key_file", name))?;
        config
            .include_usage
            .iter()
            .try_for_each(|name| known("llm.include_usage", name))?;
        let providers = urls.iter().map(|(name, url)| {
            let key = config.key_file.get(*name);
            let key = key.map(|path| read_secret(&format!("llm.key_file.{name}"), path));
            let mut provider = Provider::new(name, url)?;
            provider.key = key.transpose()?;
            provider.adds_usage = config.include_usage.iter().any(|other| other == name);
            Ok(Arc::new(provider))
        });
        let prices = match &config.prices_file {
            None => Prices::built_in(),
            Some(path) => {
                let text = read_text("llm.prices_file", path)?;
                Prices::with_file(&text).map_err(|error: PriceFileError| ConfigError::Value {
                    key: "llm.prices_file".to_owned(),
                    reason: error.to_string(),
                })?
            }
        };
        Ok(Self {
            listen: config.listen,
            mode: config.mode,
            providers: providers.collect::<Result<_, ConfigError>>()?,
            prices,
        })
    }

    /// The keys that go out: nothing of them is ever recorded.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> {
        let keys = self
            .providers
            .iter()
            .filter_map(|provider| provider.key.clone());
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

impl Provider {
    fn new(name: &str, url: &str) -> Result<Self, ConfigError> {
        let wrong = |reason: &str| ConfigError::Value {
            key: format!("llm.upstream.{name}"),
            reason: format!("{url:?} {reason}"),
        };
        if !can_be_in_path(name) {
            return Err(wrong("belongs to a name that cannot be in a path"));
        }
        let BaseUrl {
            scheme,
            authority,
            path,
        } = BaseUrl::parse(url).map_err(wrong)?;
        Ok(Self {
            name: name.to_owned(),
            scheme,
            authority,
            base: path,
            url: url.to_owned(),
            key: None,
            adds_usage: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &str) -> Result<Prepared, ConfigError> {
        Prepared::new(&toml::from_str(text).unwrap())
    }

    #[test]
    fn providers_have_defaults_and_more_can_be_added() {
        let text = "[upstream]\nopenai = 'http://127.0.0.1:9/base/'\nlocal = 'http://[::1]:8080'\nbedrock = ''";
        let prepared = prepared(text).unwrap();
        let names: Vec<_> = prepared
            .providers
            .iter()
            .map(|provider| provider.name.as_str())
            .collect();
        assert_eq!(names, ["anthropic", "gemini", "local", "openai"]);
        let openai = &prepared.providers[3];
        assert_eq!(
            (openai.base.as_str(), openai.authority.as_str()),
            ("/base", "127.0.0.1:9")
        );
        assert!(openai.adds_usage && !prepared.providers[2].adds_usage);
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (text, key) in [
            ("[upstream]\nx = 'ftp://h'", "llm.upstream.x"),
            ("[upstream]\nx = 'h'", "llm.upstream.x"),
            ("[upstream]\nx = 'http://h?a=1'", "llm.upstream.x"),
            ("[upstream]\n'-x' = 'http://h'", "llm.upstream.-x"),
            ("[key_file]\nother = 'f'", "llm.key_file.other"),
            (
                "[key_file]\nopenai = '/does/not/exist'",
                "llm.key_file.openai",
            ),
            ("include_usage = ['other']", "llm.include_usage.other"),
        ] {
            let error = prepared(text).unwrap_err().to_string();
            assert!(error.contains(key), "{text}: {error}");
        }
        assert!(toml::from_str::<LlmConfig>("upsream = {}").is_err());
    }
}
