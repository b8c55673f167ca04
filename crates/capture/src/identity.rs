//! Who acts, how that was established, and for which job.
//!
//! What a client says of itself in a header is a claim: it never makes the actor.

use std::{collections::HashMap, net::IpAddr};

use event::ActorAuth;
use hyper::{HeaderMap, header::HeaderName};
use sha2::{Digest, Sha256};

/// Headers of ours begin so; none of them is passed on.
pub const HEADER_PREFIX: &str = "x-indelible-";
const JOB: HeaderName = HeaderName::from_static("x-indelible-job");
const PROJECT: HeaderName = HeaderName::from_static("x-indelible-project");
const AGENT: HeaderName = HeaderName::from_static("x-indelible-agent");
const TRACE: HeaderName = HeaderName::from_static("x-indelible-trace");
const PARENT: HeaderName = HeaderName::from_static("x-indelible-parent");
/// Headers in which agents name their session; it stands for the job where nobody names one.
const SESSIONS: [HeaderName; 3] = [
    HeaderName::from_static("x-claude-code-session-id"),
    HeaderName::from_static("session_id"),
    HeaderName::from_static("conversation_id"),
];
/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `agent`, `user` or `system`.
    pub kind: &'static str,
    /// Name.
    pub id: String,
    /// How that was established.
    pub auth: ActorAuth,
}

/// Who acts, and for which job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub ip: Option<IpAddr>,
    /// Project.
    pub project: Option<String>,
    /// One run of an agent.
    pub job: Option<String>,
    /// Trace that it belongs to.
    pub trace: Option<String>,
    /// What it was done for.
    pub parent: Option<String>,
    /// The agent's own word for its name, where that is not the actor's.
    pub claimed_agent: Option<String>,
}

/// The agents that have a token, and the one that has none.
#[derive(Clone, Debug)]
pub struct Agents {
    /// By SHA-256 of the token, so that a lookup takes as long whatever part of a token is right.
    by_token: HashMap<[u8; 32], String>,
    default: String,
}

/// A credential that belongs to no agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is not one of a known agent")]
pub struct UnknownAgent;

impl Default for Actor {
    fn default() -> Self {
        Self::claimed("local".to_owned())
    }
}

impl Actor {
    /// An agent that nobody has checked.
    #[must_use]
    pub fn claimed(id: String) -> Self {
        Self {
            kind: "agent",
            id,
            auth: ActorAuth::Claimed,
        }
    }
}

impl Scope {
    /// The same with trace and parent of a W3C trace context, if that is one.
    #[must_use]
    pub fn with_trace_context(mut self, context: Option<&str>) -> Self {
        let context = context.and_then(trace_context);
        let (trace, parent) = context.unzip();
        self.trace = trace.or(self.trace);
        self.parent = parent.or(self.parent);
        self
    }

    /// The same with what the headers of a request say of job, project and trace.
    #[must_use]
    pub fn with_headers(&self, actor: Actor, ip: IpAddr, headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| {
            let text = headers.get(name)?.to_str().ok()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let context = text(&TRACEPARENT).and_then(|text| trace_context(&text));
        let (trace, parent) = context.unzip();
        let claimed_agent = text(&AGENT).filter(|claimed| *claimed != actor.id);
        Self {
            actor,
            ip: Some(ip),
            project: text(&PROJECT).or_else(|| self.project.clone()),
            job: text(&JOB)
                .or_else(|| self.job.clone())
                .or_else(|| SESSIONS.iter().find_map(text)),
            trace: text(&TRACE).or(trace).or_else(|| self.trace.clone()),
            parent: text(&PARENT).or(parent).or_else(|| self.parent.clone()),
            claimed_agent: claimed_agent.or_else(|| self.claimed_agent.clone()),
        }
    }
}

impl Agents {
    /// Agents with their tokens; without any, everybody is `default`.
    #[must_use]
    pub fn new(tokens: impl IntoIterator<Item = (String, String)>, default: String) -> Self {
        let by_token = tokens
            .into_iter()
            .map(|(id, token)| (Sha256::digest(token).into(), id))
            .collect();
        Self { by_token, default }
    }

    /// Whether clients have to show a token.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        !self.by_token.is_empty()
    }

    /// Who shows this credential.
    ///
    /// # Errors
    /// [`UnknownAgent`] if agents have tokens and this is none of them.
    pub fn identify(&self, credential: Option<&str>) -> Result<Actor, UnknownAgent> {
        if !self.has_tokens() {
            return Ok(Actor::claimed(self.default.clone()));
        }
        let digest: [u8; 32] = Sha256::digest(credential.ok_or(UnknownAgent)?).into();
        let id = self.by_token.get(&digest).ok_or(UnknownAgent)?;
        Ok(Actor {
            kind: "agent",
            id: id.clone(),
            auth: ActorAuth::Key,
        })
    }
}

/// Removes the headers that are for us.
pub fn remove_ours(headers: &mut HeaderMap) {
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(HEADER_PREFIX))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
}

/// Trace and parent of `version-trace-parent-flags`.
#[must_use]
pub fn trace_context(text: &str) -> Option<(String, String)> {
    let mut parts = text.split('-');
    let (_, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length| {
        text.len() == length
            && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            && text.bytes().any(|byte| byte != b'0')
    };
    (hex(trace, 32) && hex(parent, 16)).then(|| (trace.to_owned(), parent.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_makes_the_actor_and_a_header_does_not() {
        let agents = Agents::new(
            [("agent-7".to_owned(), "tok-7".to_owned())],
            "local".to_owned(),
        );
        let actor = agents.identify(Some("tok-7")).unwrap();
        assert_eq!((actor.id.as_str(), actor.auth), ("agent-7", ActorAuth::Key));
        for wrong in [None, Some(""), Some("tok-8"), Some("tok-7 ")] {
            assert_eq!(agents.identify(wrong), Err(UnknownAgent));
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-indelible-agent", "boss".parse().unwrap());
        headers.insert("x-indelible-job", " j1 ".parse().unwrap());
        headers.insert(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                .parse()
                .unwrap(),
        );
        let scope = Scope::default().with_headers(actor, [127, 0, 0, 1].into(), &headers);
        assert_eq!(
            (scope.actor.id.as_str(), scope.claimed_agent.as_deref()),
            ("agent-7", Some("boss"))
        );
        assert_eq!(scope.job.as_deref(), Some("j1"));
        assert_eq!(scope.parent.as_deref(), Some("b7ad6b7169203331"));
        remove_ours(&mut headers);
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn a_session_is_the_job_where_nobody_names_one() {
        let mut headers = HeaderMap::new();
        headers.insert("x-claude-code-session-id", "s1".parse().unwrap());
        let job = |scope: Scope, headers: &HeaderMap| {
            let scope = scope.with_headers(Actor::default(), [127, 0, 0, 1].into(), headers);
            scope.job.unwrap()
        };
        assert_eq!(job(Scope::default(), &headers), "s1");
        let named = Scope {
            job: Some("run-1".to_owned()),
            ..Scope::default()
        };
        assert_eq!(job(named, &headers), "run-1");
        headers.insert("x-indelible-job", "j1".parse().unwrap());
        assert_eq!(job(Scope::default(), &headers), "j1");
    }

    #[test]
    fn without_tokens_everybody_is_the_default() {
        let agents = Agents::new([], "local".to_owned());
        let actor = agents.identify(Some("whatever")).unwrap();
        assert_eq!(
            (actor.id.as_str(), actor.auth),
            ("local", ActorAuth::Claimed)
        );
    }

    #[test]
    fn a_broken_trace_context_is_none() {
        for text in [
            "",
            "00",
            "00-0-0-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        ] {
            assert_eq!(trace_context(text), None, "{text}");
        }
    }
}
