//! What happens to which host.

use serde::{Deserialize, Serialize};

use super::target::{Target, name};

/// What a proxy does with a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostMode {
    /// Bytes pass unread and are counted.
    #[default]
    Tunnel,
    /// TLS is opened with a certificate of our own, and requests are recorded.
    Intercept,
    /// Nothing passes.
    Deny,
}

impl HostMode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Tunnel => "tunnel",
            Self::Intercept => "intercept",
            Self::Deny => "deny",
        }
    }
}

/// One entry of `[[forward_proxy.host]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRule {
    /// A host, `*.` and a domain for the hosts below it, or `*`; then `:port`, if it is for one port only.
    #[serde(rename = "match")]
    pub pattern: String,
    /// What happens. Default `tunnel`.
    #[serde(default)]
    pub mode: HostMode,
}

/// A rule, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    hosts: Hosts,
    port: Option<u16>,
    pub(super) mode: HostMode,
    /// As it was written; names the rule in refusals.
    pub(super) pattern: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// The hosts below a domain, which begins with a dot here.
    Below(String),
    One(String),
}

impl Rule {
    pub(super) fn new(rule: &HostRule) -> Option<Self> {
        let (hosts, port) = split_port(&rule.pattern)?;
        let hosts = match hosts {
            "*" => Hosts::All,
            _ => match hosts.strip_prefix("*.") {
                Some(domain) => Hosts::Below(format!(".{}", name(domain)?)),
                None => Hosts::One(host(hosts)?),
            },
        };
        Some(Self {
            hosts,
            port,
            mode: rule.mode,
            pattern: rule.pattern.clone(),
        })
    }

    fn matches(&self, target: &Target) -> bool {
        let is_host = match &self.hosts {
            Hosts::All => true,
            Hosts::Below(domain) => {
                target.host.len() > domain.len() && target.host.ends_with(domain)
            }
            Hosts::One(host) => target.host == *host,
        };
        is_host && self.port.is_none_or(|port| port == target.port)
    }
}

/// The first rule that matches; none means a tunnel.
pub(super) fn rule_for<'a>(rules: &'a [Rule], target: &Target) -> Option<&'a Rule> {
    rules.iter().find(|rule| rule.matches(target))
}

fn host(text: &str) -> Option<String> {
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inner.unwrap_or(text).parse::<std::net::IpAddr>() {
        Ok(address) => Some(address.to_string()),
        Err(_) => name(text),
    }
}

/// `host:port`, where an IPv6 address with a port has brackets.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            let port: u16 = port.parse().ok()?;
            Some((host, Some(port)))
        }
        _ => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(patterns: &[(&str, HostMode)]) -> Vec<Rule> {
        let rule = |(pattern, mode): &(&str, HostMode)| {
            Rule::new(&HostRule {
                pattern: (*pattern).to_owned(),
                mode: *mode,
            })
            .unwrap()
        };
        patterns.iter().map(rule).collect()
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rules = rules(&[
            ("api.github.com", HostMode::Intercept),
            ("*.github.com", HostMode::Tunnel),
            ("[::1]:8443", HostMode::Intercept),
            ("*:22", HostMode::Tunnel),
            ("GITHUB.com.", HostMode::Tunnel),
            ("*", HostMode::Deny),
        ]);
        for (host, port, expected) in [
            ("api.github.com", 443, "api.github.com"),
            ("a.api.github.com", 443, "*.github.com"),
            ("github.com", 443, "GITHUB.com."),
            ("evilgithub.com", 443, "*"),
            ("::1", 8443, "[::1]:8443"),
            ("::1", 443, "*"),
            ("example.org", 22, "*:22"),
            ("example.org", 443, "*"),
        ] {
            let target = Target {
                host: host.to_owned(),
                port,
            };
            let rule = rule_for(&rules, &target).unwrap();
            assert_eq!(rule.pattern, expected, "{host}:{port}");
        }
        assert_eq!(
            rule_for(
                &[],
                &Target {
                    host: "x".to_owned(),
                    port: 1
                }
            ),
            None
        );
    }

    #[test]
    fn what_is_no_pattern_is_none() {
        for pattern in [
            "", "*.", "a.*", "**", "http://x", "x:99999", "x:port", "a b", "[::1",
        ] {
            let rule = HostRule {
                pattern: pattern.to_owned(),
                mode: HostMode::Tunnel,
            };
            assert_eq!(Rule::new(&rule), None, "{pattern:?}");
        }
    }
}
