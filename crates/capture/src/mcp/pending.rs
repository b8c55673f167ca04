//! Requests that were not answered yet.

use std::{collections::VecDeque, sync::Arc};

use event::Micros;

use super::{
    message::{Id, Program},
    reader::Slot,
};
use crate::{identity::Scope, payload::Value, redact::Secret};

/// Requests of one conversation that may be open; the oldest are given up for more.
const MAX_PENDING: usize = 4_096;
/// Requests of one upstream that may wait for another round.
const MAX_WAITING: usize = 1_024;
/// Longest input of a request that is kept until its answer, bytes; one with a longer input is two records.
pub(super) const MAX_KEPT_INPUT: usize = 16 << 10;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// How a request is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As intent and outcome.
    Action,
    /// As one record, when it is answered.
    Question,
    /// Not at all.
    Silent,
}

/// A request whose answer has not come.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: Id,
    pub(super) from: Side,
    pub(super) method: String,
    pub(super) resource: (&'static str, String),
    pub(super) kind: Kind,
    /// Joins its records.
    pub(super) call: Arc<str>,
    pub(super) began_at: Micros,
    pub(super) scope: Arc<Scope>,
    pub(super) secrets: Arc<[Secret]>,
    /// The HTTP exchange that it came in.
    pub(super) exchange: u64,
    pub(super) session: Option<String>,
    pub(super) client: Option<Program>,
    pub(super) tool_use_id: Option<String>,
    /// What its progress is called.
    pub(super) token: Option<Id>,
    pub(super) progress: u64,
    /// Answers that asked for more.
    pub(super) rounds: u64,
    /// Of a question.
    pub(super) input: Option<Value>,
}

/// Open requests, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Open(VecDeque<Pending>);

/// Requests whose answer was a request for input: the same action goes on with a request of another id.
#[derive(Debug, Default)]
pub(super) struct Rounds(VecDeque<(Option<[u8; 32]>, Pending)>);

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl Kind {
    /// Methods that are not known may do anything, and are actions.
    pub(super) fn of(method: &str) -> Self {
        match method {
            "ping" => Self::Silent,
            "initialize"
            | "server/discover"
            | "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "completion/complete"
            | "logging/setLevel"
            | "roots/list"
            | "tasks/get"
            | "tasks/list" => Self::Question,
            _ => Self::Action,
        }
    }
}

impl Open {
    /// Adds a request; answers one that is given up for it.
    pub(super) fn add(&mut self, pending: Pending) -> Option<Pending> {
        self.0.push_back(pending);
        (self.0.len() > MAX_PENDING)
            .then(|| self.0.pop_front())
            .flatten()
    }

    /// The request that an answer is for; of several with one id that of the same exchange, else the oldest.
    pub(super) fn take(&mut self, from: Side, id: &Id, exchange: u64) -> Option<Pending> {
        let is_it = |pending: &&Pending| pending.from == from && pending.id == *id;
        let of_exchange = self
            .0
            .iter()
            .position(|pending| is_it(&pending) && pending.exchange == exchange);
        let at = of_exchange.or_else(|| self.0.iter().position(|pending| is_it(&pending)))?;
        self.0.remove(at)
    }

    /// Notes progress. The token is unique among the open requests of its sender.
    pub(super) fn progress(&mut self, from: Side, token: &Id) {
        let mut open = self.0.iter_mut();
        if let Some(pending) =
            open.find(|pending| pending.from == from && pending.token.as_ref() == Some(token))
        {
            pending.progress += 1;
        }
    }

    /// The requests that are still open and fit.
    pub(super) fn drain(&mut self, mut fits: impl FnMut(&Pending) -> bool) -> Vec<Pending> {
        let (out, left): (VecDeque<_>, _) = self.0.drain(..).partition(|pending| fits(pending));
        self.0 = left;
        Vec::from(out)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has_of(&self, exchange: u64) -> bool {
        self.0.iter().any(|pending| pending.exchange == exchange)
    }
}

impl Rounds {
    /// A request waits for its next round; answers one that is given up for it.
    pub(super) fn add(&mut self, state: Option<[u8; 32]>, pending: Pending) -> Option<Pending> {
        self.0.push_back((state, pending));
        let is_full = self.0.len() > MAX_WAITING;
        let (_, oldest) = is_full.then(|| self.0.pop_front()).flatten()?;
        Some(oldest)
    }

    /// The request that goes on with this one: what the server gave the client to carry, the same agent, and the same thing.
    pub(super) fn take(
        &mut self,
        state: Option<[u8; 32]>,
        scope: &Scope,
        method: &str,
        resource: &(&'static str, String),
    ) -> Option<Pending> {
        let at = self.0.iter().position(|(other, pending)| {
            *other == state
                && pending.scope.actor == scope.actor
                && pending.method == method
                && pending.resource == *resource
        })?;
        self.0.remove(at).map(|(_, pending)| pending)
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Pending> {
        std::mem::take(&mut self.0)
            .into_iter()
            .map(|(_, pending)| pending)
    }
}

/// What is asked of a request besides its method: type and id.
pub(super) fn resource(
    method: &str,
    server: &str,
    text: impl Fn(Slot) -> Option<String>,
) -> (&'static str, String) {
    let of_server = |kind, slot| Some((kind, format!("{server}/{}", text(slot)?)));
    let known = match method {
        "tools/call" => of_server("tool", Slot::Name),
        "prompts/get" => of_server("prompt", Slot::Name),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            text(Slot::Uri).map(|uri| ("resource", uri))
        }
        _ if method.starts_with("tasks/") => of_server("task", Slot::TaskId),
        _ => None,
    };
    known.unwrap_or_else(|| ("server", server.to_owned()))
}
