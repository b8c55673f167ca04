//! The address of a page: its path and, in its parameters, everything that the page shows.

use std::fmt::{self, Write as _};

use form_urlencoded::{Serializer, parse};
use hyper::Uri;

/// Parameters of pages, in the order in which they are written.
const KNOWN: [&str; 20] = [
    "q", "from", "to", "tz", "at", "by", "interval", "sort", "find", "state", "after", "before",
    "event", "tab", "step", "live", "all", "show", "open", "done",
];
/// Those that other pages understand in the same way: they come along when somebody goes there.
const SHARED: [&str; 4] = ["from", "to", "tz", "at"];
/// Longest address that is kept; a filter has at most 16 KiB.
const MAX_BYTES: usize = 64 << 10;

/// Where somebody is, or where a link leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    path: String,
    /// Sorted as in [`KNOWN`], none empty.
    params: Vec<(&'static str, String)>,
}

impl Address {
    /// Reads a request's address. Unknown and empty parameters are left out, of doubled ones the last counts: a page
    /// is for people, who see what it made of them.
    pub(super) fn read(uri: &Uri) -> Self {
        let mut address = Self::new(uri.path());
        let query = uri.query().unwrap_or("");
        for (name, value) in parse(query.as_bytes()) {
            if let Some(known) = KNOWN.iter().find(|known| **known == name) {
                address.set(known, &value);
            }
        }
        address
    }

    /// A page without parameters.
    pub(super) fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            params: Vec::new(),
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        params
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A number that is written in digits.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(crate::params::decimal)
    }

    /// The same page with another value of a parameter, an empty one leaving it out.
    pub(super) fn with(&self, name: &'static str, value: impl fmt::Display) -> Self {
        let mut address = self.clone();
        address.set(name, &value.to_string());
        address
    }

    /// The same page without some parameters.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        let mut address = self.clone();
        address.params.retain(|(name, _)| !names.contains(name));
        address
    }

    /// Another page, over the same time.
    pub(super) fn to(&self, path: impl Into<String>) -> Self {
        let mut address = self.clone();
        address.path = path.into();
        address.params.retain(|(name, _)| SHARED.contains(name));
        address
    }

    /// Another path with the same parameters.
    pub(super) fn at(&self, path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..self.clone()
        }
    }

    /// The parameters but some, for a form that sets those.
    pub(super) fn rest(&self, names: &[&str]) -> impl Iterator<Item = (&'static str, &str)> {
        let params = self
            .params
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        params.filter(move |(name, _)| !names.contains(name))
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.params.retain(|(known, _)| *known != name);
        if value.is_empty() {
            return;
        }
        let place = |name: &str| KNOWN.iter().position(|known| *known == name);
        let at = self
            .params
            .partition_point(|(known, _)| place(known) < place(name));
        self.params.insert(at, (name, value.to_owned()));
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.params.is_empty() {
            return Ok(());
        }
        let mut query = Serializer::new(String::new());
        query.extend_pairs(&self.params);
        write!(f, "?{}", query.finish())
    }
}

/// A segment of a path, escaped as far as a path needs it.
pub(super) fn segment(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        // A dot is escaped too: `..` would lead elsewhere.
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b':' | b'@') {
            path.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

/// Where to go after signing in: a path of this server and nothing else.
pub(super) fn local(text: &str) -> Option<&str> {
    let is_path = text.starts_with('/') && !text.starts_with("//");
    // Browsers read a backslash as a slash and leave out tabs and line ends.
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_path && is_plain && text.len() <= MAX_BYTES).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Address {
        Address::read(&text.parse().unwrap())
    }

    #[test]
    fn an_address_is_written_in_one_order_and_read_back() {
        let address = read("/events?tab=raw&q=a%3Ab+c&x=1&event=7&q=d%20%26&from=");
        assert_eq!(address.to_string(), "/events?q=d+%26&event=7&tab=raw");
        assert_eq!(read(&address.to_string()), address);
        assert_eq!(
            (address.number("event"), address.number("tab")),
            (Some(7), None)
        );
    }

    #[test]
    fn a_link_changes_what_it_names_and_keeps_the_rest() {
        let address = read("/events?q=x&from=-1h&event=7&after=z");
        let link = address.with("q", "y").without(&["after"]).with("event", "");
        assert_eq!(link.to_string(), "/events?q=y&from=-1h");
        assert_eq!(address.to("/jobs").to_string(), "/jobs?from=-1h");
    }

    #[test]
    fn a_segment_stays_one() {
        assert_eq!(segment("a/b"), "a%2Fb");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(segment("é?#%"), "%C3%A9%3F%23%25");
    }

    #[test]
    fn only_paths_of_this_server_are_local() {
        for good in ["/", "/events?q=a%20b&x=//y", "/jobs/x:y"] {
            assert_eq!(local(good), Some(good));
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil",
            "https://x",
            "x",
            "/a b",
            "/a\n",
            "/\t/x",
            "/é",
        ] {
            assert_eq!(local(bad), None, "{bad}");
        }
    }
}
