//! Where a request goes, told from its path.
//!
//! `/<server>` is the endpoint of the settings, and what follows is below it. `/<server>/-/…` is a path of the server's host:
//! there an endpoint may lie that the server names itself, as those of the oldest protocol do.

use hyper::{Uri, http::uri::PathAndQuery};

use super::config::Upstream;
use crate::http::{has_dot_segments, named};

/// Leads to the root of the server's host.
const ROOT: &str = "/-/";

/// A path taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) job: Option<String>,
    /// Name in the settings.
    pub(super) server: String,
    /// What the client has to put before a path of the server's host.
    pub(super) prefix: String,
    rest: String,
    pub(super) query: Option<String>,
}

impl Target {
    /// `None` if the path names no server, or leads out of what it names.
    pub(super) fn parse(path: &str, query: Option<&str>) -> Option<Self> {
        let (job, server, rest) = named(path).filter(|(_, _, rest)| !has_dot_segments(rest))?;
        let prefix = path.strip_suffix(rest)?;
        Some(Self {
            job,
            server: server.to_owned(),
            prefix: format!("{prefix}{}", ROOT.trim_end_matches('/')),
            rest: rest.to_owned(),
            query: query.map(ToOwned::to_owned),
        })
    }

    /// The path on the server's host, with the query.
    pub(super) fn path(&self, upstream: &Upstream) -> String {
        let path = match self.rest.strip_prefix(ROOT) {
            Some(path) => format!("/{path}"),
            None => format!("{}{}", upstream.url.path, self.rest),
        };
        let path = if path.is_empty() { "/" } else { &path };
        match &self.query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// `None` if it is no path.
    pub(super) fn uri(&self, upstream: &Upstream) -> Option<Uri> {
        let path: PathAndQuery = self.path(upstream).parse().ok()?;
        Uri::builder()
            .scheme(upstream.url.scheme.clone())
            .authority(upstream.url.authority.clone())
            .path_and_query(path)
            .build()
            .ok()
    }
}

/// The path of an endpoint that a server names, seen from the path where it named it; `None` if it is on another host.
pub(super) fn endpoint(named: &str, upstream: &Upstream, from: &str) -> Option<String> {
    let from = from.split('?').next().unwrap_or_default();
    // A single word would be taken for a host.
    if let Ok(uri) = named.parse::<Uri>()
        && uri.scheme().is_some()
        && let Some(authority) = uri.authority()
    {
        let is_same = *authority == upstream.url.authority;
        return is_same.then(|| {
            uri.path_and_query()
                .map_or("/", PathAndQuery::as_str)
                .to_owned()
        });
    }
    Some(match named.as_bytes().first() {
        Some(b'/') => named.to_owned(),
        Some(b'?') => format!("{from}{named}"),
        _ => {
            let dir = from.rfind('/').and_then(|at| from.get(..=at));
            format!("{}{named}", dir.unwrap_or("/"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::BaseUrl;

    fn upstream(url: &str) -> Upstream {
        Upstream {
            name: "s".to_owned(),
            url: BaseUrl::parse(url).unwrap(),
            key: None,
        }
    }

    #[test]
    fn paths_lead_below_the_endpoint_or_to_the_root_of_its_host() {
        let server = upstream("http://h:1/api/mcp/");
        for (path, query, expected) in [
            ("/s", None, "http://h:1/api/mcp"),
            ("/s/", None, "http://h:1/api/mcp/"),
            ("/-job/j/s/x", Some("a=1"), "http://h:1/api/mcp/x?a=1"),
            ("/s/-/messages", Some("id=2"), "http://h:1/messages?id=2"),
        ] {
            let target = Target::parse(path, query).unwrap();
            assert_eq!(target.uri(&server).unwrap().to_string(), expected);
        }
        let root = Target::parse("/s", None).unwrap();
        assert_eq!(
            root.uri(&upstream("http://h")).unwrap().to_string(),
            "http://h/"
        );
        let target = Target::parse("/-job/a%2Fb/s/sse", None).unwrap();
        assert_eq!(target.prefix, "/-job/a%2Fb/s/-");
        assert_eq!(target.job.as_deref(), Some("a/b"));
        assert_eq!(Target::parse("/", None), None);
    }

    #[test]
    fn endpoints_are_paths_of_the_same_host() {
        let server = upstream("http://h:1/a/sse");
        for (named, expected) in [
            ("/messages?s=1", Some("/messages?s=1")),
            ("?s=1", Some("/a/sse?s=1")),
            ("messages", Some("/a/messages")),
            ("http://h:1/m?s=1", Some("/m?s=1")),
            ("http://other/m", None),
        ] {
            let found = endpoint(named, &server, "/a/sse?x");
            assert_eq!(found.as_deref(), expected, "{named}");
        }
    }
}
