//! A browser without scripts: it keeps cookies, follows what it is told, and fills forms with what is in them.

use std::net::SocketAddr;

use crate::{
    client::{Call, Reply},
    running::Running,
};

#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    to: SocketAddr,
    cookies: Vec<(String, String)>,
}

impl Visitor {
    /// Somebody who is not signed in.
    pub(crate) fn new(node: &Running) -> Self {
        Self {
            to: node.address,
            cookies: Vec::new(),
        }
    }

    /// Somebody who signed in with a key.
    #[track_caller]
    pub(crate) fn signed_in(node: &Running, key: &str) -> Self {
        let mut visitor = Self::new(node);
        let reply = visitor.submit("/sign-in", &[("key", key)]);
        assert_eq!(reply.status, 303, "{}", reply.text());
        visitor
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send(Call::get(path).header("accept", "text/html"))
    }

    /// The page at a path, which must be there.
    #[track_caller]
    pub(crate) fn page(&mut self, path: &str) -> String {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text().to_owned()
    }

    /// Sends a form with exactly these fields.
    pub(crate) fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(form(path, fields))
    }

    /// Sends a form with the seal that the pages of the session carry.
    pub(crate) fn sealed(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let seal = self.seal();
        let mut fields = fields.to_vec();
        fields.push(("seal", &seal));
        self.submit(path, &fields)
    }

    /// The seal of a page of the session.
    pub(crate) fn seal(&mut self) -> String {
        let page = self.page("/guide");
        between(&page, "name=\"seal\" value=\"", "\"").to_owned()
    }

    pub(crate) fn send(&mut self, call: Call) -> Reply {
        let reply = self.with_cookies(call).send(self.to);
        for (_, line) in reply
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            let (name, rest) = line.split_once('=').unwrap();
            let (value, about) = rest.split_once(';').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !about.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        reply
    }

    pub(crate) fn with_cookies(&self, call: Call) -> Call {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if pairs.is_empty() {
            call
        } else {
            call.header("cookie", &pairs.join("; "))
        }
    }

    /// Goes on with another server on the same data.
    pub(crate) fn moves_to(&mut self, node: &Running) {
        self.to = node.address;
    }
}

pub(crate) fn form(path: &str, fields: &[(&str, &str)]) -> Call {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    Call::post(path, "application/x-www-form-urlencoded", body)
}

/// The text between two others, the first time they occur.
#[track_caller]
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before:?} in {} bytes", text.len()));
    rest.split_once(after).unwrap().0
}
