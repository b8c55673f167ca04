//! What a client and a server say to each other, and the events that it makes. Pure: messages in, drafts out.

mod records;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event::Micros;

use super::{
    catalogue::Catalogue,
    message::{Form, Id, Message, Program},
    pending::{Kind, MAX_KEPT_INPUT, Open, Pending, Rounds, Side, resource},
    reader::{Seen, Slot},
};
use crate::{
    draft::{Meta, Outcome, Phase},
    env::Env,
    identity::{Scope, trace_context},
    payload::Value,
    recorder::Scribe,
    redact::Secret,
};
use records::fill;

/// Cancelled requests whose answer may still come.
const MAX_CANCELLED: usize = 256;

/// What is the same for all conversations with one server.
#[derive(Debug)]
pub(super) struct About {
    pub(super) env: Env,
    /// `stdio` or `http`.
    pub(super) transport: &'static str,
    /// The program, or the upstream's name: what the server is called until it says its own name.
    pub(super) name: String,
    pub(super) catalogue: Arc<Catalogue>,
    /// What it called itself last.
    pub(super) server: Mutex<Option<Program>>,
    pub(super) rounds: Mutex<Rounds>,
}

/// Where a message came by, and when.
#[derive(Debug)]
pub(super) struct Via<'a> {
    pub(super) at: Micros,
    pub(super) scope: &'a Arc<Scope>,
    pub(super) secrets: &'a Arc<[Secret]>,
    /// Number of the HTTP exchange.
    pub(super) exchange: u64,
    /// Its status, once there is one.
    pub(super) status: Option<u16>,
    /// Stands for the session's id.
    pub(super) session: Option<&'a str>,
}

/// One conversation.
#[derive(Debug)]
pub(super) struct Dialogue {
    about: Arc<About>,
    server: Option<Program>,
    client: Option<Program>,
    open: Open,
    cancelled: Vec<(Side, Id, Pending)>,
    /// Lines of the server that were no messages.
    unreadable_lines: u64,
}

/// How a request ended that was not answered, or was answered by its transport.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub(super) result: Outcome,
    pub(super) reason: String,
    pub(super) status: Option<u16>,
}

impl Dialogue {
    pub(super) fn new(about: Arc<About>) -> Self {
        let server = lock(&about.server).clone();
        Self {
            server,
            about,
            client: None,
            open: Open::default(),
            cancelled: Vec::new(),
            unreadable_lines: 0,
        }
    }

    /// Takes what one side said.
    pub(super) fn take(&mut self, seen: Seen, from: Side, via: &Via<'_>, scribe: &mut Scribe<'_>) {
        match seen {
            Seen::Message(mut message) => match message.form() {
                Some(Form::Request(id, method)) => {
                    self.request(&mut message, id, method, from, via, scribe);
                }
                Some(Form::Notification(method)) => {
                    self.notification(&mut message, &method, from, via, scribe);
                }
                Some(Form::Answer(id)) => self.answer(&mut message, &id, from, via, scribe),
                Some(Form::Stray) => {}
                None => self.unreadable(b"a JSON object that is no message", from, via, scribe),
            },
            Seen::Unreadable(start) => self.unreadable(&start, from, via, scribe),
        }
    }

    /// What the server is called.
    pub(super) fn server_name(&self) -> &str {
        self.server
            .as_ref()
            .map_or(&self.about.name, |server| &server.name)
    }

    pub(super) fn unreadable_lines(&self) -> u64 {
        self.unreadable_lines
    }

    /// Whether a request of an exchange is open.
    pub(super) fn has_open_of(&self, exchange: u64) -> bool {
        self.open.has_of(exchange)
    }

    /// Whether a request is open.
    pub(super) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Requests of one exchange that nothing will answer any more.
    pub(super) fn end_exchange(&mut self, broken: &Broken, via: &Via<'_>, scribe: &mut Scribe<'_>) {
        for pending in self.open.drain(|open| open.exchange == via.exchange) {
            self.write_end(pending, broken, via.at, scribe);
        }
    }

    /// The conversation is over, and so is everything in it.
    pub(super) fn end(&mut self, broken: &Broken, at: Micros, scribe: &mut Scribe<'_>) {
        for pending in self.open.drain(|_| true) {
            self.write_end(pending, broken, at, scribe);
        }
    }

    fn request(
        &mut self,
        message: &mut Message,
        id: Id,
        method: String,
        from: Side,
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) {
        let client = message.program(Slot::ClientInfo);
        if method == "initialize" && client.is_some() {
            self.client.clone_from(&client);
        }
        let scope = scope(message, via);
        let resource = resource(&method, self.server_name(), |slot| message.text(slot));
        if let Some(pending) =
            self.next_round(message, &id, &scope, &method, &resource, via, scribe)
        {
            return self.add(pending, via.at, scribe);
        }
        let input = message.take(Slot::Arguments);
        let input = input.or_else(|| message.take(Slot::Params));
        let is_long = |input: &Value| input.json.len() > MAX_KEPT_INPUT;
        let kind = match Kind::of(&method) {
            Kind::Question if input.as_ref().is_some_and(is_long) => Kind::Action,
            kind => kind,
        };
        let mut pending = Pending {
            id,
            from,
            method,
            resource,
            kind,
            call: self.about.env.new_id().into(),
            began_at: via.at,
            scope,
            secrets: Arc::clone(via.secrets),
            exchange: via.exchange,
            session: via.session.map(ToOwned::to_owned),
            client: client.or_else(|| self.client.clone()),
            tool_use_id: message.text(Slot::ToolUseId),
            token: message.id(Slot::AskedProgress),
            progress: 0,
            rounds: 0,
            input: None,
        };
        match pending.kind {
            Kind::Action => {
                let mut draft = self.draft(&pending, Some(Phase::Intent));
                draft.content.extend(input.map(|input| ("input", input)));
                scribe.write(&draft, &pending.secrets);
            }
            Kind::Question => pending.input = input,
            Kind::Silent => {}
        }
        self.add(pending, via.at, scribe);
    }

    fn add(&mut self, pending: Pending, at: Micros, scribe: &mut Scribe<'_>) {
        if let Some(oldest) = self.open.add(pending) {
            let broken = Broken::error("too many requests are open, this is the oldest");
            self.write_end(oldest, &broken, at, scribe);
        }
    }

    /// The action that a request goes on with, if it answers what the server wanted to know.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a request says, taken apart once"
    )]
    fn next_round(
        &self,
        message: &mut Message,
        id: &Id,
        scope: &Arc<Scope>,
        method: &str,
        resource: &(&'static str, String),
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) -> Option<Pending> {
        if !message.has(Slot::RequestState) && !message.has(Slot::InputResponses) {
            return None;
        }
        let state = message.digest(Slot::RequestState);
        let waiting = lock(&self.about.rounds).take(state, scope, method, resource);
        let mut pending = waiting?;
        pending.id = id.clone();
        pending.exchange = via.exchange;
        pending.token = message.id(Slot::AskedProgress).or(pending.token);
        pending.rounds += 1;
        if let Some(given) = message.take(Slot::InputResponses) {
            let mut draft = self.draft(&pending, None);
            draft.time = via.at;
            "input_responses".clone_into(&mut draft.action);
            draft.content.push(("input", given));
            scribe.write(&draft, &pending.secrets);
        }
        Some(pending)
    }

    fn answer(
        &mut self,
        message: &mut Message,
        id: &Id,
        from: Side,
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) {
        if from == Side::Server
            && let Some(server) = message.program(Slot::ServerInfo)
        {
            *lock(&self.about.server) = Some(server.clone());
            self.server = Some(server);
        }
        let Some(pending) = self.open.take(from.other(), id, via.exchange) else {
            return self.late(message, id, from, via, scribe);
        };
        if message.text(Slot::ResultType).as_deref() == Some("input_required") {
            return self.wants_more(message, pending, via, scribe);
        }
        if pending.kind != Kind::Silent {
            self.write_answer(message, pending, via, scribe);
        }
    }

    /// The server wants to know more before it goes on.
    fn wants_more(
        &self,
        message: &mut Message,
        pending: Pending,
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) {
        let mut draft = self.draft(&pending, None);
        draft.time = via.at;
        "input_required".clone_into(&mut draft.action);
        let methods = message.wanted_methods();
        draft
            .meta
            .extend(methods.map(|methods| ("wants", text(methods))));
        let output = message.take(Slot::Result);
        draft
            .content
            .extend(output.map(|output| ("output", output)));
        scribe.write(&draft, &pending.secrets);
        let given_up = lock(&self.about.rounds).add(message.digest(Slot::ResultState), pending);
        if let Some(oldest) = given_up {
            let broken = Broken::error("the client did not go on with it");
            self.write_end(oldest, &broken, via.at, scribe);
        }
    }

    /// An answer to nothing that is open: the request was cancelled before, or nobody asked.
    fn late(
        &mut self,
        message: &mut Message,
        id: &Id,
        from: Side,
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) {
        let asked = from.other();
        let mut cancelled = self.cancelled.iter();
        let at = cancelled.position(|(side, other, _)| *side == asked && other == id);
        let Some(at) = at else {
            return;
        };
        let (_, _, pending) = self.cancelled.remove(at);
        let mut draft = self.draft(&pending, None);
        draft.time = via.at;
        draft.meta.push(("after_cancel", Meta::Flag(true)));
        fill(&mut draft, message, via);
        scribe.write(&draft, &pending.secrets);
    }

    fn notification(
        &mut self,
        message: &mut Message,
        method: &str,
        from: Side,
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) {
        match method {
            "notifications/progress" => {
                if let Some(token) = message.id(Slot::Progress) {
                    self.open.progress(from.other(), &token);
                }
            }
            "notifications/cancelled" => {
                if let Some(id) = message.id(Slot::Cancelled) {
                    self.cancel(message, from, &id, via, scribe);
                }
            }
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed"
            | "notifications/roots/list_changed" => {
                let draft = self.notice(method, via);
                scribe.write(&draft, via.secrets);
            }
            _ if method.starts_with("notifications/") || Kind::of(method) == Kind::Silent => {}
            _ => self.unasked(message, method, from, via, scribe),
        }
    }

    /// A request whose sender wants no answer, or gives it an id that is none. Some servers act on it nevertheless.
    fn unasked(
        &self,
        message: &mut Message,
        method: &str,
        from: Side,
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) {
        let mut draft = self.notice(if method.is_empty() { "message" } else { method }, via);
        draft.scope = scope(message, via);
        draft.resource = Some(resource(method, self.server_name(), |slot| {
            message.text(slot)
        }));
        draft.meta.push(("without_id", Meta::Flag(true)));
        if from == Side::Server {
            draft.meta.push(("from", Meta::Text("server".to_owned())));
        }
        let input = message.take(Slot::Arguments);
        let input = input.or_else(|| message.take(Slot::Params));
        draft.content.extend(input.map(|input| ("input", input)));
        scribe.write(&draft, via.secrets);
    }

    /// Its sender does not want the answer any more. Mostly none comes; one that does is told as well.
    fn cancel(
        &mut self,
        message: &Message,
        from: Side,
        id: &Id,
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) {
        // A server ends a subscription in this way, which the client had asked for.
        let found = self.open.take(from, id, via.exchange);
        let found = found.or_else(|| self.open.take(from.other(), id, via.exchange));
        let Some(pending) = found else {
            return;
        };
        if pending.kind == Kind::Silent {
            return;
        }
        let reason = message.text(Slot::Reason);
        let mut draft = self.end_draft(&pending, via.at);
        draft.result = Some(Outcome::Error);
        draft.meta.push(("cancelled", Meta::Flag(true)));
        draft
            .meta
            .extend(reason.map(|reason| ("reason", text(reason))));
        draft
            .content
            .extend(pending.input.clone().map(|input| ("input", input)));
        scribe.write(&draft, &pending.secrets);
        if self.cancelled.len() == MAX_CANCELLED {
            self.cancelled.remove(0);
        }
        self.cancelled.push((pending.from, id.clone(), pending));
    }
}

impl Broken {
    pub(super) fn error(reason: impl Into<String>) -> Self {
        Self {
            result: Outcome::Error,
            reason: reason.into(),
            status: None,
        }
    }
}

/// The request's own word for its trace, else its transport's.
fn scope(message: &Message, via: &Via<'_>) -> Arc<Scope> {
    let traceparent = message.text(Slot::Traceparent);
    match traceparent.as_deref().and_then(trace_context) {
        None => Arc::clone(via.scope),
        Some((trace, parent)) => Arc::new(Scope {
            trace: Some(trace),
            parent: Some(parent),
            ..via.scope.as_ref().clone()
        }),
    }
}

/// A text of `meta`. There are several in a record, which has to stay below its limit.
fn text(mut text: String) -> Meta {
    const MAX_BYTES: usize = 256;
    text.truncate(text.floor_char_boundary(MAX_BYTES));
    Meta::Text(text)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
