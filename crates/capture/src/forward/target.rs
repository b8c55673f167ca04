//! Where a client wants to go.

use std::net::{IpAddr, Ipv6Addr};

use hyper::{Uri, http::uri::Scheme};

/// Longest name of a host (RFC 1035, section 2.3.4).
const MAX_HOST_BYTES: usize = 253;

/// A host and a port, in one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    /// Lower case, without a dot at its end and without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Of `CONNECT host:port`.
    pub(super) fn of_connect(uri: &Uri) -> Option<Self> {
        let authority = uri.authority()?;
        // A port is never implied, and a user has no place here.
        if uri.scheme().is_some() || authority.as_str().contains('@') {
            return None;
        }
        Self::new(authority.host(), authority.port_u16()?)
    }

    /// Of `GET http://host/path`.
    pub(super) fn of_absolute(uri: &Uri) -> Option<Self> {
        if uri.scheme()? != &Scheme::HTTP {
            return None;
        }
        let authority = uri.authority()?;
        // A port that is too large is not one that is missing.
        let port = match authority.as_str().rsplit_once(':') {
            Some((_, "")) => 80,
            Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                port.parse().ok()?
            }
            _ => 80,
        };
        Self::new(authority.host(), port)
    }

    fn new(host: &str, port: u16) -> Option<Self> {
        let host = match host.strip_prefix('[') {
            Some(inner) => inner
                .strip_suffix(']')?
                .parse::<Ipv6Addr>()
                .ok()?
                .to_string(),
            None => name(host)?,
        };
        (port != 0).then_some(Self { host, port })
    }

    /// The address, if the host is one.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// `host:port`, as it stands in a request.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// A name of a host, or an IPv4 address.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = !text.is_empty()
        && text.len() <= MAX_HOST_BYTES
        && text.bytes().all(plain)
        && text.split('.').all(|label| !label.is_empty());
    is_name.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(text: &str) -> Option<String> {
        let uri: Uri = text.parse().ok()?;
        Target::of_connect(&uri).map(|target| target.authority())
    }

    fn absolute(text: &str) -> Option<String> {
        let uri: Uri = text.parse().ok()?;
        Target::of_absolute(&uri).map(|target| target.authority())
    }

    #[test]
    fn one_host_has_one_spelling() {
        for (text, expected) in [
            ("example.org:443", Some("example.org:443")),
            ("EXAMPLE.org.:443", Some("example.org:443")),
            ("[::1]:8443", Some("[::1]:8443")),
            ("[0:0:0:0:0:0:0:1]:1", Some("[::1]:1")),
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("example.org", None),
            ("example.org:0", None),
            ("user@example.org:443", None),
            ("a..b:1", None),
            ("a%2eb:1", None),
            (".:1", None),
        ] {
            assert_eq!(connect(text).as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            ("http://Example.org/x?y", Some("example.org:80")),
            (
                "http://user:pass@example.org:8080/",
                Some("example.org:8080"),
            ),
            ("https://example.org/", None),
            ("ftp://example.org/", None),
            ("/x", None),
            ("http://example.org:99999/", None),
        ] {
            assert_eq!(absolute(text).as_deref(), expected, "{text}");
        }
    }
}
