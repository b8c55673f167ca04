//! Surface `hook`: what agents tell of themselves through the hooks that they have.
//!
//! In scope: the payloads of Claude Code, Codex and Cursor, the events that they become, what each agent wants for an
//! answer, and the settings that make it call. Pure. The process around it (`indelible hook`) reads one payload, keeps one event
//! and answers within milliseconds.
//!
//! An agent can say what it likes, so its word stands as `claimed`. Nothing of a payload is dropped: members that have no place of
//! their own are kept in `content.hook`, and what is no payload at all is kept as it came.

mod agent;
mod answer;
mod events;
mod payload;
mod settings;
mod tool;

use std::sync::Arc;

use event::Micros;

use crate::{
    draft::{Draft, Meta, Outcome, Phase, Source},
    identity::{Actor, Scope},
    payload::{Payload as Body, hex},
    redact::Redaction,
};
pub use agent::Agent;
pub use answer::{Answer, answer};
use events::{Event, Step};
use payload::Payload;
pub use settings::{SettingsError, installed, snippet};
use tool::Tool;

/// What is known beside the payload.
#[derive(Clone, Debug)]
pub struct About {
    /// Who calls, if the command line says so.
    pub agent: Option<Agent>,
    /// What the environment says of agent, project, job and trace.
    pub scope: Scope,
    /// Whether the environment names the agent; without that it is the program.
    pub is_named: bool,
    /// Now.
    pub now: Micros,
}

/// What a payload comes to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The event.
    pub draft: Draft,
    /// Who called.
    pub agent: Agent,
    /// What waits for the answer.
    pub gate: Gate,
}

/// What an agent lets a hook decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Nothing: it has happened.
    Open,
    /// Whether a tool runs.
    Tool,
    /// Whether a prompt is taken.
    Prompt,
}

/// The event of one payload.
#[must_use]
pub fn report(bytes: &[u8], about: &About, with: &Redaction<'_>) -> Report {
    let parsed = payload::parse(bytes).and_then(|text| {
        let known = Payload::new(&text).and_then(|payload| known(payload, about, with));
        known.ok_or("it names no event")
    });
    parsed.unwrap_or_else(|reason| malformed(bytes, reason, about, with))
}

/// A report of which there is nothing to keep.
#[must_use]
pub fn nothing(agent: Option<Agent>) -> Report {
    let scope = Arc::new(Scope::default());
    Report {
        draft: Draft::new(Source::Hook, scope, Micros(0), "hook.malformed".to_owned()),
        agent: agent.unwrap_or(Agent::ClaudeCode),
        gate: Gate::Tool,
    }
}

/// `None` if the payload does not say what happened.
fn known(mut payload: Payload<'_>, about: &About, with: &Redaction<'_>) -> Option<Report> {
    let agent = about.agent.unwrap_or_else(|| Agent::of(&payload));
    let name = payload.event_name()?;
    let event = Event::of(&name);
    let turn = payload.take_text(&["prompt_id", "turn_id", "turn-id", "generation_id"]);
    let scope = scope(&mut payload, turn.clone(), agent, about);
    let mut draft = Draft::new(
        Source::Hook,
        Arc::new(scope),
        about.now,
        event.action(&name).into_owned(),
    );
    draft.meta = vec![
        ("client", Meta::Text(agent.as_str().to_owned())),
        ("hook_event", Meta::Text(name.clone().into_owned())),
    ];
    draft
        .meta
        .extend(turn.map(|turn| ("turn", Meta::Text(turn))));
    draft.asked_by = payload.take_text(&["user_email"]);
    draft.duration_us = payload.take_milliseconds(&["duration_ms", "duration"]);
    match event.step {
        Step::Tool(when) => tool(&mut draft, when, &name, &mut payload, with),
        Step::Word(input, output) => word(&mut draft, &event, (input, output), &mut payload, with),
    }
    for (name, names) in KEPT {
        let text = payload.take_text(names);
        draft
            .meta
            .extend(text.map(|text| (*name, Meta::Text(text))));
    }
    if let Some(rest) = payload.rest() {
        draft
            .content
            .push(("hook", crate::payload::Value::of_json(&rest, with)));
    }
    Some(Report {
        draft,
        agent,
        gate: event.gate,
    })
}

/// Members of a payload that go into `meta`, with the names that agents have for them.
const KEPT: &[(&str, &[&str])] = &[
    ("cwd", &["cwd"]),
    ("model", &["model"]),
    ("permission_mode", &["permission_mode"]),
    ("agent_id", &["agent_id", "subagent_id"]),
    ("agent_type", &["agent_type", "subagent_type"]),
    ("reason", &["reason"]),
    ("client_version", &["cursor_version"]),
];

/// Job, turn and whom the action belongs to. What the environment says of the run is the run's own word for itself; a session
/// is what is left where nobody has named one.
fn scope(payload: &mut Payload<'_>, turn: Option<String>, agent: Agent, about: &About) -> Scope {
    let session = payload.take_text(&["session_id", "conversation_id", "thread-id"]);
    let mut scope = about.scope.clone();
    if !about.is_named {
        scope.actor = Actor::claimed(agent.as_str().to_owned());
    }
    scope.job = scope.job.or(session);
    scope.trace = scope.trace.or(turn);
    let subagent = payload.text("agent_id").map(std::borrow::Cow::into_owned);
    scope.parent = subagent.or(scope.parent);
    scope
}

/// An action of a tool, or one half of it.
fn tool(
    draft: &mut Draft,
    when: events::When,
    name: &str,
    payload: &mut Payload<'_>,
    with: &Redaction<'_>,
) {
    let tool = Tool::take(name, payload);
    // A request for permission has no name of the call. Session, turn, tool and input are what it has in common with it.
    let told = [
        draft.scope.job.as_deref().unwrap_or_default(),
        draft.scope.trace.as_deref().unwrap_or_default(),
        &tool.name,
        tool.input.as_deref().unwrap_or_default(),
    ];
    let digest = with.redactor.digest(told.join("\n").as_bytes());
    let digest = format!("hook-{}", hex(digest.get(..8).unwrap_or_default()));
    if tool.id.is_some() && matches!(when, events::When::Before) {
        draft.meta.push(("call_digest", Meta::Text(digest.clone())));
    }
    let call = tool.id.clone().unwrap_or(digest);
    draft.span = tool.id;
    draft.resource = Some(("tool", tool.name));
    let mut push = |name, json: Option<String>| {
        if let Some(json) = json {
            draft
                .content
                .push((name, crate::payload::Value::of_json(&json, with)));
        }
    };
    push("input", tool.input);
    push("output", tool.output);
    let ended = |draft: &mut Draft, result| {
        draft.result = Some(result);
        draft.status = tool.status;
    };
    match when {
        events::When::Before => draft.phase = Some((Phase::Intent, call.into())),
        events::When::After(result) => {
            let result = match tool.verdict {
                Some(verdict) if result == Outcome::Success => verdict,
                Some(Outcome::Error) => Outcome::Error,
                _ => result,
            };
            ended(draft, result);
            draft.phase = Some((Phase::Outcome, call.into()));
        }
        events::When::Once => {
            ended(draft, tool.verdict.unwrap_or(Outcome::Success));
            draft.call = Some(call);
        }
        events::When::Asked => draft.call = Some(call),
        events::When::Denied => {
            ended(draft, Outcome::Failure);
            draft.approval = Some(crate::draft::Approval {
                allowed: false,
                approver: "auto".to_owned(),
                rule: payload
                    .text("permission_mode")
                    .map(|mode| format!("mode:{mode}")),
                reason: payload.take_text(&["reason"]),
                waited_us: None,
            });
            draft.call = Some(call);
        }
    }
}

/// Something that was said, or a moment of a session.
fn word(
    draft: &mut Draft,
    event: &Event,
    (input, output): (&[&str], &[&str]),
    payload: &mut Payload<'_>,
    with: &Redaction<'_>,
) {
    draft.result = event.result;
    for (name, names) in [("input", input), ("output", output)] {
        let value = payload.take(names);
        draft.content.extend(
            value.map(|value| (name, crate::payload::Value::of_json(value.as_str(), with))),
        );
    }
}

/// What came is kept, so that nothing that an agent said is lost because we did not understand it.
fn malformed(bytes: &[u8], reason: &str, about: &About, with: &Redaction<'_>) -> Report {
    let agent = about.agent.unwrap_or(Agent::ClaudeCode);
    let mut scope = about.scope.clone();
    if let (false, Some(agent)) = (about.is_named, about.agent) {
        scope.actor = Actor::claimed(agent.as_str().to_owned());
    }
    let mut draft = Draft::new(
        Source::Hook,
        Arc::new(scope),
        about.now,
        "hook.malformed".to_owned(),
    );
    draft.result = Some(Outcome::Error);
    draft.description = Some(format!("a payload that cannot be read: {reason}"));
    draft.meta = vec![
        ("client", Meta::Text(agent.as_str().to_owned())),
        ("reason", Meta::Text(reason.to_owned())),
    ];
    let mut body = Body::default();
    body.push(with, bytes);
    draft
        .content
        .extend(body.finish(with).map(|value| ("hook", value)));
    Report {
        draft,
        agent,
        gate: Gate::Open,
    }
}

#[cfg(test)]
mod tests;
