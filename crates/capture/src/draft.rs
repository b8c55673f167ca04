//! An event as a surface makes it, and its bytes.
//!
//! Every text of a draft may come from outside: it is bounded, and its secrets are taken out, when it is written.

use std::{net::IpAddr, sync::Arc};

use event::{ActorAuth, Micros, json::write_string};

use crate::{identity::Scope, payload::Value, redact::Redaction};

/// Longest text of a record that comes from outside, bytes: with all of them at their longest a record stays below
/// its limit.
const MAX_TEXT_BYTES: usize = 1_024;

/// An event without its id and number.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Id, if it had to be known beforehand.
    pub id: Option<String>,
    /// When it happened.
    pub time: Micros,
    /// How long it took, microseconds.
    pub duration_us: Option<u64>,
    /// Who, and for which job.
    pub scope: Arc<Scope>,
    /// The surface.
    pub source: Source,
    /// What was done.
    pub action: String,
    /// Type and id of what it was done to.
    pub resource: Option<(&'static str, String)>,
    /// How it ended.
    pub result: Option<Outcome>,
    /// HTTP status or exit code.
    pub status: Option<i64>,
    /// Whether a rule or a person let it pass.
    pub approval: Option<Approval>,
    /// Tokens and cost.
    pub usage: Option<Usage>,
    /// Which half of an action, and the name that joins the two.
    pub phase: Option<(Phase, Arc<str>)>,
    /// The same name where somebody tells of an action and does not record its halves.
    pub call: Option<String>,
    /// Name and number that whoever told of it counts with, in place of our own.
    pub counted: Option<(String, u64)>,
    /// Part of the trace.
    pub span: Option<String>,
    /// The person who asked for it.
    pub asked_by: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Anything else.
    pub meta: Vec<(&'static str, Meta)>,
    /// Members of the content.
    pub content: Vec<(&'static str, Value)>,
}

/// The surface that an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Model Context Protocol.
    Mcp,
    /// Model providers.
    Llm,
    /// Commands.
    Shell,
    /// The network.
    ForwardProxy,
    /// Kubernetes API.
    Kubernetes,
    /// AWS APIs.
    Aws,
    /// Container engines.
    Sandbox,
    /// Hooks of agents.
    Hook,
    /// OpenTelemetry.
    Otlp,
}

/// Member `result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Success,
    /// Refused or failed by the other side.
    Failure,
    /// Broken.
    Error,
}

/// Half of an action that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// About to happen.
    Intent,
    /// Under way for a while; joined to the two, and neither of them.
    Checkpoint,
    /// Over.
    Outcome,
}

/// Member `approval`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Whether it was let pass.
    pub allowed: bool,
    /// `auto`, or a person.
    pub approver: String,
    /// The rule that decided.
    pub rule: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// How long the decision took, microseconds.
    pub waited_us: Option<u64>,
}

/// Member `usage`. What is not known is absent, never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The provider's name in the settings.
    pub provider: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens in, cached ones too.
    pub input_tokens: Option<u64>,
    /// Tokens out, those of reasoning too.
    pub output_tokens: Option<u64>,
    /// Of the tokens in, those read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Of the tokens in, those written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// Of the tokens out, those of reasoning.
    pub reasoning_tokens: Option<u64>,
    /// Price in 10^-9 US dollars; absent if it is not known.
    pub cost_nanousd: Option<u64>,
    /// Version of the price table.
    pub prices: Option<String>,
}

/// A value of `meta`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meta {
    /// A text from outside or inside.
    Text(String),
    /// A number.
    Number(u64),
    /// True or false.
    Flag(bool),
    /// JSON text of our own making, without anything from outside.
    Json(String),
}

/// What a draft lacks to be an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp<'a> {
    pub(crate) id: Option<&'a str>,
    /// Id and number, if the producer counts its events.
    pub(crate) producer: Option<(&'a str, u64)>,
    /// Whether the server takes our word for how an actor was identified.
    pub(crate) vouches: bool,
}

impl Draft {
    /// An action of a surface that is over at once, so far.
    #[must_use]
    pub fn new(source: Source, scope: Arc<Scope>, time: Micros, action: String) -> Self {
        Self {
            id: None,
            time,
            duration_us: None,
            scope,
            source,
            action,
            resource: None,
            result: None,
            status: None,
            approval: None,
            usage: None,
            phase: None,
            call: None,
            counted: None,
            span: None,
            asked_by: None,
            description: None,
            meta: Vec::new(),
            content: Vec::new(),
        }
    }

    /// The event of a process that does not count its events, as one line of JSON. Nobody vouches for its actor.
    #[must_use]
    pub fn event(&self, id: &str, with: &Redaction<'_>) -> Vec<u8> {
        self.uncounted(Some(id), with)
    }

    /// The same with the draft's own id; without one the server gives one.
    #[must_use]
    pub fn line(&self, with: &Redaction<'_>) -> Vec<u8> {
        self.uncounted(self.id.as_deref(), with)
    }

    fn uncounted(&self, id: Option<&str>, with: &Redaction<'_>) -> Vec<u8> {
        let stamp = Stamp {
            id,
            producer: None,
            vouches: false,
        };
        let mut out = Vec::new();
        self.write(&stamp, with, &mut out);
        out
    }

    /// Appends the event as one line of JSON, without a line feed.
    pub(crate) fn write(&self, stamp: &Stamp<'_>, with: &Redaction<'_>, out: &mut Vec<u8>) {
        let mut writer = Writer {
            out,
            with,
            open: false,
        };
        writer.brace();
        if let Some(id) = stamp.id {
            writer.plain("id", id);
        }
        writer.time("time", self.time);
        writer.number("duration_us", self.duration_us);
        writer.scope(&self.scope, self.span.as_deref(), stamp.vouches);
        if let Some(person) = &self.asked_by {
            writer.object("initiator", |object| {
                object.plain("type", "user");
                object.text("id", Some(person));
            });
        }
        writer.plain("source", self.source.as_str());
        writer.text("action", Some(&self.action));
        if let Some((kind, id)) = &self.resource {
            writer.object("resource", |object| {
                object.plain("type", kind);
                object.text("id", Some(id));
            });
        }
        if let Some(result) = self.result {
            writer.plain("result", result.as_str());
        }
        if let Some(status) = self.status {
            writer.name("status");
            writer
                .out
                .extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
        }
        if let Some(approval) = &self.approval {
            writer.object("approval", |object| object.approval(approval));
        }
        if let Some(usage) = &self.usage {
            writer.object("usage", |object| object.usage(usage));
        }
        self.write_producer(stamp, &mut writer);
        writer.text("description", self.description.as_deref());
        if !self.meta.is_empty() {
            writer.object("meta", |object| {
                self.meta
                    .iter()
                    .for_each(|(name, value)| object.meta(name, value));
            });
        }
        self.write_content(&mut writer);
        writer.out.push(b'}');
    }

    fn write_producer(&self, stamp: &Stamp<'_>, writer: &mut Writer<'_>) {
        let counted = self
            .counted
            .as_ref()
            .map(|(id, seq)| (id.as_str(), *seq))
            .or(stamp.producer);
        if counted.is_none() && self.phase.is_none() && self.call.is_none() {
            return;
        }
        writer.object("producer", |object| {
            if let Some((id, seq)) = counted {
                object.text("id", Some(id));
                object.number("seq", Some(seq));
            }
            if let Some((phase, call)) = &self.phase {
                if let Some(phase) = phase.as_str() {
                    object.plain("phase", phase);
                }
                object.text("call", Some(call));
            } else {
                object.text("call", self.call.as_deref());
            }
        });
    }

    fn write_content(&self, writer: &mut Writer<'_>) {
        if self.content.is_empty() {
            return;
        }
        let sum = |of: fn(&Value) -> u64| {
            let sum = self.content.iter().map(|(_, value)| of(value)).sum();
            Some(sum).filter(|sum| *sum > 0)
        };
        writer.number("redactions", sum(|value| value.redactions));
        writer.number("truncated_bytes", sum(|value| value.truncated_bytes));
        writer.object("content", |object| {
            for (name, value) in &self.content {
                object.name(name);
                object.out.extend_from_slice(value.json.as_bytes());
            }
            if self.content.iter().any(|(_, value)| value.whole.is_some()) {
                object.object("whole", |object| {
                    for (name, value) in &self.content {
                        if let Some(whole) = &value.whole {
                            object.object(name, |object| {
                                object.number("bytes", Some(whole.bytes));
                                object.plain("sha256", &whole.sha256);
                            });
                        }
                    }
                });
            }
        });
    }
}

/// Writes members of an object, each with what has to stand before it.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    with: &'a Redaction<'a>,
    /// Whether a comma is needed.
    open: bool,
}

impl Writer<'_> {
    fn brace(&mut self) {
        self.out.push(b'{');
        self.open = false;
    }

    /// Names are our own and need no escapes.
    fn name(&mut self, name: &str) {
        self.out
            .extend_from_slice(if self.open { b",\"" } else { b"\"" });
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.open = true;
    }

    fn object(&mut self, name: &str, members: impl FnOnce(&mut Self)) {
        self.name(name);
        self.brace();
        members(self);
        self.out.push(b'}');
        self.open = true;
    }

    /// A text of our own.
    fn plain(&mut self, name: &str, text: &str) {
        self.name(name);
        write_string(self.out, text);
    }

    /// A text from outside.
    fn text(&mut self, name: &str, text: Option<&str>) {
        let Some(text) = text else {
            return;
        };
        self.name(name);
        let redacted = self.with.text(text, &mut 0);
        write_string(self.out, bounded(&redacted));
    }

    /// What the log has no room for, no trail can be said to hold: it is left out, so that the event is not refused.
    fn number(&mut self, name: &str, number: Option<u64>) {
        if let Some(number) = number.filter(|number| i64::try_from(*number).is_ok()) {
            self.name(name);
            self.out
                .extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
    }

    fn time(&mut self, name: &str, time: Micros) {
        self.name(name);
        self.out.push(b'"');
        self.out.extend_from_slice(&time.to_text());
        self.out.push(b'"');
    }

    fn scope(&mut self, scope: &Scope, span: Option<&str>, vouches: bool) {
        self.text("project", scope.project.as_deref());
        self.text("job", scope.job.as_deref());
        self.text("trace", scope.trace.as_deref());
        self.text("span", span);
        self.text("parent", scope.parent.as_deref());
        self.object("actor", |object| {
            object.plain("type", scope.actor.kind);
            object.text("id", Some(&scope.actor.id));
            if let Some(ip) = scope.ip {
                object.plain("ip", &ip_text(ip));
            }
            if vouches && scope.actor.auth != ActorAuth::Claimed {
                object.plain("auth", scope.actor.auth.as_str());
            }
        });
    }

    fn approval(&mut self, approval: &Approval) {
        self.plain(
            "decision",
            if approval.allowed {
                "allowed"
            } else {
                "denied"
            },
        );
        self.text("approver", Some(&approval.approver));
        self.text("rule", approval.rule.as_deref());
        self.text("reason", approval.reason.as_deref());
        self.number("waited_us", approval.waited_us);
    }

    fn usage(&mut self, usage: &Usage) {
        self.text("provider", usage.provider.as_deref());
        self.text("model", usage.model.as_deref());
        self.number("input_tokens", usage.input_tokens);
        self.number("output_tokens", usage.output_tokens);
        self.number("cache_read_tokens", usage.cache_read_tokens);
        self.number("cache_write_tokens", usage.cache_write_tokens);
        self.number("reasoning_tokens", usage.reasoning_tokens);
        self.number("cost_nanousd", usage.cost_nanousd);
        self.text("prices", usage.prices.as_deref());
    }

    fn meta(&mut self, name: &str, value: &Meta) {
        match value {
            Meta::Text(text) => self.text(name, Some(text)),
            Meta::Number(number) => self.number(name, Some(*number)),
            Meta::Flag(flag) => {
                self.name(name);
                self.out
                    .extend_from_slice(if *flag { b"true" } else { b"false" });
            }
            Meta::Json(json) => {
                self.name(name);
                self.out.extend_from_slice(json.as_bytes());
            }
        }
    }
}

/// The beginning of a text, in whole characters.
fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT_BYTES))
        .unwrap_or(text)
}

fn ip_text(ip: IpAddr) -> String {
    ip.to_canonical().to_string()
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Mcp,
        Self::Llm,
        Self::Shell,
        Self::ForwardProxy,
        Self::Kubernetes,
        Self::Aws,
        Self::Sandbox,
        Self::Hook,
        Self::Otlp,
    ];

    /// Member `source`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mcp => "mcp",
            Self::Llm => "llm",
            Self::Shell => "shell",
            Self::ForwardProxy => "forward-proxy",
            Self::Kubernetes => "kubernetes",
            Self::Aws => "aws",
            Self::Sandbox => "sandbox",
            Self::Hook => "hook",
            Self::Otlp => "otlp",
        }
    }
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

impl Phase {
    /// Member `producer.phase`.
    fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Intent => Some("intent"),
            Self::Checkpoint => None,
            Self::Outcome => Some("outcome"),
        }
    }
}

#[cfg(test)]
mod tests {
    use event::{DedupKey, Limits, Submitter};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{identity::Actor, redact::Redactor};

    fn written(draft: &Draft, vouches: bool) -> Json {
        let redactor = Redactor::new(None, &[], &[0; 32]).unwrap();
        let stamp = Stamp {
            id: Some("e-1"),
            producer: Some(("p", 7)),
            vouches,
        };
        let mut out = Vec::new();
        draft.write(&stamp, &redactor.with(&[]), &mut out);
        let by = Submitter {
            gateway: vouches,
            ..Submitter::default()
        };
        event::prepare(&out, &by, &DedupKey::new(&[0; 32]), &Limits::default()).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    fn full() -> Draft {
        let scope = Scope {
            actor: Actor {
                kind: "agent",
                id: "agent-7".to_owned(),
                auth: ActorAuth::Key,
            },
            ip: Some([127, 0, 0, 1].into()),
            project: Some("p".to_owned()),
            job: Some("j".to_owned()),
            trace: Some("t".to_owned()),
            parent: Some("s".to_owned()),
            ..Scope::default()
        };
        let mut draft = Draft::new(
            Source::Llm,
            Arc::new(scope),
            Micros(1),
            "chat.completions".to_owned(),
        );
        draft.duration_us = Some(5);
        draft.resource = Some(("model", "m".to_owned()));
        draft.result = Some(Outcome::Failure);
        draft.status = Some(429);
        draft.approval = Some(Approval {
            allowed: false,
            approver: "auto".to_owned(),
            rule: Some("r".to_owned()),
            reason: None,
            waited_us: Some(1),
        });
        draft.usage = Some(Usage {
            model: Some("m-2".to_owned()),
            input_tokens: Some(3),
            ..Usage::default()
        });
        draft.phase = Some((Phase::Outcome, "c".into()));
        draft.meta = vec![
            (
                "path",
                Meta::Text("/x?key=sk-abcdefghij0123456789".to_owned()),
            ),
            ("n", Meta::Number(2)),
            ("stream", Meta::Flag(true)),
            ("o", Meta::Json("{}".to_owned())),
        ];
        let cut = Value {
            json: r#"{"truncated":"x"}"#.to_owned(),
            redactions: 2,
            truncated_bytes: 9,
            whole: Some(crate::payload::Whole {
                bytes: 10,
                sha256: "ab".to_owned(),
            }),
        };
        draft.content = vec![("output", cut)];
        draft
    }

    #[test]
    fn every_member_is_where_a_server_wants_it() {
        let event = written(&full(), true);
        assert_eq!(
            event["actor"],
            json!({"type": "agent", "id": "agent-7", "ip": "127.0.0.1", "auth": "key"})
        );
        assert_eq!(
            event["producer"],
            json!({"id": "p", "seq": 7, "phase": "outcome", "call": "c"})
        );
        assert_eq!(
            (&event["redactions"], &event["truncated_bytes"]),
            (&json!(2), &json!(9))
        );
        assert_eq!(
            event["content"],
            json!({"output": {"truncated": "x"}, "whole": {"output": {"bytes": 10, "sha256": "ab"}}})
        );
        let path = event["meta"]["path"].as_str().unwrap();
        assert!(path.starts_with("/x?key=[REDACTED:"), "{path}");
    }

    #[test]
    fn without_the_scope_for_it_nothing_is_vouched_for() {
        let event = written(&full(), false);
        assert_eq!(event["actor"].get("auth"), None);
    }

    #[test]
    fn texts_are_bounded() {
        let mut draft = full();
        draft.action = "é".repeat(5_000);
        let event = written(&draft, true);
        assert_eq!(event["action"].as_str().unwrap().len(), MAX_TEXT_BYTES);
    }
}
