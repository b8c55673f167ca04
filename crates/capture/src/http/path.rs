//! Paths of requests to a gateway, whom they are for and for which job; and the URLs that they lead to.

use hyper::{
    Uri,
    http::uri::{Authority, Scheme},
};

/// First segment of a path that names a job. Nothing behind a gateway can be called so.
const JOB_SEGMENT: &str = "-job";

/// Takes `/<name>/<rest>` apart, with `/-job/<job>` in front where a client can set a base URL and no headers. The rest begins
/// with its slash. `None` without a name.
pub(crate) fn named(path: &str) -> Option<(Option<String>, &str, &str)> {
    let (first, after) = split(path.strip_prefix('/')?);
    let (job, name, rest) = if first == JOB_SEGMENT {
        let (job, after) = split(after.strip_prefix('/')?);
        let (name, after) = split(after.strip_prefix('/')?);
        (Some(decoded(job)), name, after)
    } else {
        (None, first, after)
    };
    (!name.is_empty()).then(|| (job.filter(|job| !job.is_empty()), name, rest))
}

/// Whether a path leads out of itself for somebody who resolves it (RFC 3986, section 5.2.4), escaped or not: what lies in
/// front of it, and the key that goes with that, would then be left.
pub(crate) fn has_dot_segments(path: &str) -> bool {
    // Some decode twice.
    let path = decoded(&decoded(path));
    let mut segments = path.split(['/', '\\']);
    segments.any(|segment| {
        let name = segment.split(';').next().unwrap_or_default();
        matches!(name, "." | "..")
    })
}

/// Whether something behind a gateway can be called so.
pub(crate) fn can_be_in_path(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    name.chars().all(is_plain) && !name.starts_with('-')
}

/// Where something behind a gateway is.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
    /// Without a slash at its end.
    pub(crate) path: String,
}

impl BaseUrl {
    /// # Errors
    /// What is wrong with it, to be said behind the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "is no URL")?;
        let parts = uri.into_parts();
        let is_http = |scheme: &Scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
        let scheme = parts.scheme.filter(is_http).ok_or("is not http or https")?;
        let authority = parts.authority.ok_or("has no host")?;
        if authority.as_str().contains('@') {
            return Err("has a user; keys belong into a key_file");
        }
        let path = parts.path_and_query.as_ref();
        if path.is_some_and(|path| path.query().is_some()) {
            return Err("has a query");
        }
        let path = path.map_or("", |path| path.path()).trim_end_matches('/');
        Ok(Self {
            scheme,
            authority,
            path: path.to_owned(),
        })
    }
}

/// The first segment, and the rest with its slash.
fn split(path: &str) -> (&str, &str) {
    path.find('/')
        .and_then(|at| path.split_at_checked(at))
        .unwrap_or((path, ""))
}

/// A segment without its percent escapes.
pub(crate) fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|hex| {
                let hex = std::str::from_utf8(hex).ok()?;
                u8::from_str_radix(hex, 16).ok()
            });
        out.push(escaped.unwrap_or(*first));
        let used = if escaped.is_some() { 2 } else { 0 };
        rest = after.get(used..).unwrap_or_default();
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_found_however_they_are_written() {
        for path in [
            "/../admin",
            "/a/..",
            "/./a",
            "/%2e%2E/a",
            "/a/..%2fb",
            "/%252e%252e/a",
            "/..;x/a",
            "/a\\..\\b",
        ] {
            assert!(has_dot_segments(path), "{path}");
        }
        for path in [
            "",
            "/",
            "/a..b/...",
            "/model/arn%3Aaws%2Fx.y/converse",
            "/.well-known/x",
        ] {
            assert!(!has_dot_segments(path), "{path}");
        }
    }

    #[test]
    fn broken_escapes_stay() {
        assert_eq!(decoded("a%2"), "a%2");
        assert_eq!(decoded("%zz%41"), "%zzA");
        assert_eq!(decoded("%ff"), "\u{fffd}");
    }
}
