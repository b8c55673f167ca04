//! The variables that lead an agent through the gateway. Each surface sets its own.

use std::{fmt::Write, net::SocketAddr, path::Path};

use capture::{identity::Scope, llm::LlmConfig};

/// Variables in which clients look for a base URL, by provider. The last part is what the URL ends with after the provider's
/// name in the gateway's path.
const BASE_URLS: [(&str, &str, &str); 5] = [
    ("OPENAI_BASE_URL", "openai", "/v1"),
    ("OPENAI_API_BASE", "openai", "/v1"),
    ("ANTHROPIC_BASE_URL", "anthropic", ""),
    ("GOOGLE_GEMINI_BASE_URL", "gemini", ""),
    ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "bedrock", ""),
];
/// Variables in which clients look for their key.
const KEYS: [&str; 6] = [
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
];
/// Variables in which clients look for a proxy. Many read only the small ones, some only the others.
pub(super) const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];
/// Variables in which they look for hosts that need none.
const NO_PROXIES: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// This machine: the gateway's other surfaces are here, and what an agent serves to itself.
const THIS_MACHINE: &str = "localhost,127.0.0.1,::1";
/// Variables in which clients look for a file of certificate authorities that takes the place of their own.
pub(super) const REPLACING: [&str; 11] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    // Stronger than the `cafile` of an npmrc.
    "npm_config_cafile",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
];
/// And for one that adds to their own.
pub(super) const ADDING: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"];

/// Puts what stands in it before every command that Claude Code runs in a shell.
const CLAUDE_PREFIX: &str = "CLAUDE_CODE_SHELL_PREFIX";

/// The key of the server, or of a gateway.
const OUR_KEY: &str = "INDELIBLE_KEY";

/// Where commands that record themselves send to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commands<'a> {
    /// This program.
    pub(super) program: &'a Path,
    /// Address of the server; empty if a gateway on this machine delivers what they leave on disk.
    pub(super) url: &'a str,
    /// Key for that server. Without one none is inherited either.
    pub(super) key: Option<&'a str>,
    /// Data directory of a server on this machine.
    pub(super) data: &'a Path,
    /// Where events wait.
    pub(super) spool: &'a Path,
    /// Whether a command that cannot be recorded is refused.
    pub(super) is_strict: bool,
}

/// What a command's environment has besides what it inherits.
#[derive(Debug, Default)]
pub(super) struct Environment {
    variables: Vec<(&'static str, String)>,
    removed: Vec<&'static str>,
    job: String,
    token: Option<String>,
}

impl Environment {
    /// Names for whatever of ours the agent starts.
    pub(super) fn new(scope: &Scope) -> Self {
        let job = scope.job.clone().unwrap_or_default();
        let named = [
            ("INDELIBLE_AGENT", Some(scope.actor.id.clone())),
            ("INDELIBLE_JOB", Some(job.clone())),
            ("INDELIBLE_PROJECT", scope.project.clone()),
        ];
        let variables = named
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        Self {
            variables: variables.collect(),
            removed: Vec::new(),
            job,
            token: None,
        }
    }

    /// The agent's token stands where a provider's key would.
    pub(super) fn set_token(&mut self, token: Option<String>) {
        self.token.clone_from(&token);
        if let Some(token) = token {
            self.variables
                .extend(KEYS.map(|name| (name, token.clone())));
        }
    }

    /// Surface `llm`. A gateway that others use, too, learns the job from the path.
    pub(super) fn set_llm(&mut self, gateway: SocketAddr, is_shared: bool) {
        let job = if is_shared {
            format!("/-job/{}", escaped(&self.job))
        } else {
            String::new()
        };
        for (name, provider, end) in BASE_URLS {
            self.variables
                .push((name, format!("http://{gateway}{job}/{provider}{end}")));
        }
        // Those that know neither variable nor path take a header.
        let headers = format!("X-Indelible-Job: {}", self.job);
        self.variables.push(("ANTHROPIC_CUSTOM_HEADERS", headers));
    }

    /// Surface `shell`. A prefix that is there already stays.
    pub(super) fn set_shell(&mut self, commands: Commands<'_>, prefix: Option<&str>) {
        let path = |path: &Path| Some(path.to_str()?.to_owned());
        let ours = || Some(format!("{} -c", path(commands.program)?));
        let named = [
            ("INDELIBLE_URL", Some(commands.url.to_owned())),
            (OUR_KEY, commands.key.map(str::to_owned)),
            ("INDELIBLE_DATA", path(commands.data)),
            ("INDELIBLE_SPOOL", path(commands.spool)),
            (
                "INDELIBLE_MODE",
                commands.is_strict.then(|| "strict".to_owned()),
            ),
            (
                CLAUDE_PREFIX,
                prefix
                    .map(str::to_owned)
                    .filter(|prefix| !prefix.is_empty())
                    .or_else(ours),
            ),
        ];
        let named = named
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        self.variables.extend(named);
        if commands.key.is_none() {
            self.removed.push(OUR_KEY);
        }
    }

    /// Surface `forward-proxy`. Its user names the job, and its password is the agent's token; `no_proxy` is what was excepted
    /// before.
    pub(super) fn set_forward_proxy(
        &mut self,
        proxy: SocketAddr,
        is_shared: bool,
        no_proxy: Option<&str>,
    ) {
        let user = match (&self.token, is_shared) {
            (None, false) => String::new(),
            (token, _) => {
                let token = escaped(token.as_deref().unwrap_or_default());
                format!("job={}:{token}@", escaped(&self.job))
            }
        };
        let url = format!("http://{user}{proxy}");
        self.variables
            .extend(PROXIES.map(|name| (name, url.clone())));
        let excepted = no_proxy.filter(|hosts| !hosts.is_empty());
        let excepted = excepted.map_or_else(
            || THIS_MACHINE.to_owned(),
            |hosts| format!("{hosts},{THIS_MACHINE}"),
        );
        self.variables
            .extend(NO_PROXIES.map(|name| (name, excepted.clone())));
        // Node's own client looks at these variables only when it is told to.
        self.variables.push(("NODE_USE_ENV_PROXY", "1".to_owned()));
    }

    /// A file of everything that clients may trust. Without the system's authorities in it (`is_whole` is false) only those
    /// clients get it that add it to their own.
    pub(super) fn set_bundle(&mut self, bundle: &Path, is_whole: bool) {
        let path = bundle.to_string_lossy();
        let replacing = REPLACING.iter().filter(|_| is_whole);
        let set = replacing
            .chain(&ADDING)
            .map(|name| (*name, path.clone().into_owned()));
        self.variables.extend(set);
    }

    /// Telemetry of the agent, wherever it goes, belongs to the same job. `there` is what the variable holds already.
    pub(super) fn set_telemetry(&mut self, scope: &Scope, there: Option<&str>) {
        let ours = [
            ("indelible.job", Some(&self.job)),
            ("indelible.agent", Some(&scope.actor.id)),
            ("indelible.project", scope.project.as_ref()),
        ];
        let ours = ours
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", escaped(value?))));
        let there = there.filter(|there| !there.is_empty());
        let all: Vec<String> = there
            .map(ToOwned::to_owned)
            .into_iter()
            .chain(ours)
            .collect();
        self.variables
            .push(("OTEL_RESOURCE_ATTRIBUTES", all.join(",")));
    }

    /// What the command does not inherit.
    pub(super) fn removed(&self) -> impl Iterator<Item = &'static str> {
        self.removed.iter().copied()
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }
}

/// Where the agent would go without us is where the gateway goes.
pub(super) fn upstreams(
    mut config: LlmConfig,
    variable: impl Fn(&str) -> Option<String>,
) -> LlmConfig {
    for (name, provider, end) in BASE_URLS {
        if let Some(url) = variable(name).filter(|url| !url.is_empty()) {
            let url = url.trim_end_matches('/');
            let base = url.strip_suffix(end).unwrap_or(url);
            config.upstream.insert(provider.to_owned(), base.to_owned());
        }
    }
    config
}

/// A segment of a path.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            out.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_know_where_to_and_a_prefix_stays() {
        let commands = Commands {
            program: Path::new("/opt/a b/indelible"),
            url: "http://h",
            key: None,
            data: Path::new("/data"),
            spool: Path::new("/spool"),
            is_strict: false,
        };
        for (prefix, expected) in [
            (None, "/opt/a b/indelible -c"),
            (Some(""), "/opt/a b/indelible -c"),
            (Some("/own.sh"), "/own.sh"),
        ] {
            let mut environment = Environment::new(&Scope::default());
            environment.set_shell(commands, prefix);
            let found: Vec<_> = environment.variables().collect();
            assert!(found.contains(&(CLAUDE_PREFIX, expected)), "{found:?}");
            assert!(found.contains(&("INDELIBLE_SPOOL", "/spool")));
            assert!(found.iter().all(|(name, _)| *name != "INDELIBLE_KEY"));
            assert!(environment.removed().eq(["INDELIBLE_KEY"]));
        }
    }

    #[test]
    fn the_proxy_learns_the_job_from_its_user_where_it_has_to() {
        let scope = Scope {
            job: Some("a/b".to_owned()),
            ..Scope::default()
        };
        let proxy = "127.0.0.1:2".parse().unwrap();
        for (token, is_shared, expected) in [
            (None, false, "http://127.0.0.1:2"),
            (None, true, "http://job=a%2Fb:@127.0.0.1:2"),
            (Some("t@k"), true, "http://job=a%2Fb:t%40k@127.0.0.1:2"),
            (Some("t@k"), false, "http://job=a%2Fb:t%40k@127.0.0.1:2"),
        ] {
            let mut environment = Environment::new(&scope);
            environment.set_token(token.map(ToOwned::to_owned));
            environment.set_forward_proxy(proxy, is_shared, Some("inner.example"));
            let value = |name: &str| {
                let mut all = environment.variables();
                all.find(|(other, _)| *other == name)
                    .map(|(_, value)| value.to_owned())
            };
            for name in PROXIES {
                assert_eq!(value(name).as_deref(), Some(expected));
            }
            assert_eq!(
                value("no_proxy").as_deref(),
                Some("inner.example,localhost,127.0.0.1,::1")
            );
        }
    }

    #[test]
    fn clients_that_would_trust_nothing_else_get_no_half_of_a_bundle() {
        for (is_whole, names) in [(true, 13), (false, 2)] {
            let mut environment = Environment::new(&Scope::default());
            let before = environment.variables().count();
            environment.set_bundle(Path::new("/b.pem"), is_whole);
            assert_eq!(environment.variables().count() - before, names);
        }
    }

    #[test]
    fn clients_are_led_to_the_gateway_and_it_to_where_they_went() {
        let scope = Scope {
            job: Some("a/b".to_owned()),
            ..Scope::default()
        };
        let mut environment = Environment::new(&scope);
        environment.set_llm("127.0.0.1:1".parse().unwrap(), true);
        environment.set_telemetry(&scope, Some("team=x"));
        let told = environment
            .variables()
            .find(|(name, _)| *name == "OTEL_RESOURCE_ATTRIBUTES");
        assert_eq!(
            told.unwrap().1,
            "team=x,indelible.job=a%2Fb,indelible.agent=local"
        );
        let url = environment
            .variables()
            .find(|(name, _)| *name == "OPENAI_BASE_URL")
            .unwrap()
            .1;
        assert_eq!(url, "http://127.0.0.1:1/-job/a%2Fb/openai/v1");
        let variable = |name: &str| match name {
            "OPENAI_BASE_URL" => Some("http://h/v1/".to_owned()),
            "ANTHROPIC_BASE_URL" => Some("http://a".to_owned()),
            _ => None,
        };
        let config = upstreams(LlmConfig::default(), variable);
        assert_eq!(
            (
                config.upstream["openai"].as_str(),
                config.upstream["anthropic"].as_str()
            ),
            ("http://h", "http://a")
        );
        assert!(config.upstream["gemini"].starts_with("https://"));
    }
}
