//! The names that Claude Code and Codex have for what they tell.

use super::{About, Told, attributes::Attributes, request::Origin, span::content};
use crate::{
    draft::{Approval, Draft, Meta, Outcome},
    llm::Counts,
};

const CLAUDE_CODE: &str = "claude_code.";
const CODEX: &str = "codex.";
/// Scope of Claude Code's events, whose bodies may be without the prefix.
const CLAUDE_CODE_SCOPE: &str = "com.anthropic.claude_code";

/// The name of an agent's program as its hooks have it.
pub(super) fn known_as(service: String) -> String {
    match service.as_str() {
        "codex_cli_rs" | "codex-cli" | "codex-app-server" | "codex_exec" => "codex".to_owned(),
        _ => service,
    }
}

/// Fills an event from a log record of an agent. Answers whether it is one.
pub(super) fn fill(
    draft: &mut Draft,
    name: &str,
    left: &mut Attributes,
    origin: &Origin<'_>,
    about: &About<'_>,
) -> bool {
    let is_claude = origin.scope.name.starts_with(CLAUDE_CODE_SCOPE);
    let plain = name.strip_prefix(CLAUDE_CODE);
    if let Some(name) = plain.or_else(|| is_claude.then_some(name)) {
        claude(draft, name, left, about);
    } else if let Some(name) = name.strip_prefix(CODEX) {
        codex(draft, name, left, about);
    } else {
        return false;
    }
    true
}

/// The same for a span. Its tokens are told by a log record too, and are left where they are: what is counted twice is wrong.
pub(super) fn fill_span(draft: &mut Draft, name: &str, left: &mut Attributes) -> bool {
    let Some(plain) = name.strip_prefix(CLAUDE_CODE) else {
        return false;
    };
    turn(draft, left);
    name.clone_into(&mut draft.action);
    match plain {
        "tool" | "tool.execution" | "tool.blocked_on_user" => {
            draft.call = left.take_text(&["tool_use_id"]);
            draft.resource = Some(("tool", left.take_text(&["tool_name"]).unwrap_or_default()));
        }
        "llm_request" => {
            draft.resource = Some(("model", left.text("model").unwrap_or_default()));
            request_ids(draft, left);
        }
        _ => {}
    }
    if draft.resource.as_ref().is_some_and(|(_, id)| id.is_empty()) {
        draft.resource = None;
    }
    true
}

/// The prompt that it belongs to, and its number.
fn turn(draft: &mut Draft, left: &mut Attributes) {
    if let Some(turn) = left.take_text(&["prompt.id", "turn.id", "turn_id"]) {
        draft.meta.push(("turn", Meta::Text(turn.clone())));
        let mut scope = (*draft.scope).clone();
        scope.trace = scope.trace.or(Some(turn));
        draft.scope = scope.into();
    }
    let sequence = left.take_count(&["event.sequence"]);
    let session = draft.meta.iter().find_map(|(name, value)| match value {
        Meta::Text(session) if *name == "session" => Some(session.clone()),
        _ => None,
    });
    // A job may have many sessions, each of which counts for itself.
    let session = session.or_else(|| draft.scope.job.clone());
    if let (Some(sequence), Some(session)) = (sequence, session) {
        draft.counted = Some((format!("{}/{session}", draft.scope.actor.id), sequence));
    }
}

fn request_ids(draft: &mut Draft, left: &mut Attributes) {
    for (name, names) in [
        ("request_id", &["request_id"][..]),
        ("client_request_id", &["client_request_id"]),
    ] {
        let id = left.take_text(names);
        draft.meta.extend(id.map(|id| (name, Meta::Text(id))));
    }
}

fn claude(draft: &mut Draft, name: &str, left: &mut Attributes, about: &About<'_>) {
    turn(draft, left);
    draft.duration_us = left.take_scaled(&["duration_ms"], 1e3);
    let action = match name {
        "user_prompt" => {
            said(draft, "input", "prompt", left, about);
            "prompt"
        }
        "assistant_response" => {
            request_ids(draft, left);
            said(draft, "output", "response", left, about);
            "response"
        }
        "tool_decision" => {
            tool(draft, left, about);
            decision(
                draft,
                left.take_text(&["decision"]),
                left.take_text(&["source"]),
            );
            "permission.decision"
        }
        "tool_result" => {
            tool(draft, left, about);
            result(draft, left);
            "tools/call"
        }
        "api_request" => {
            model(draft, left);
            draft.result = Some(Outcome::Success);
            let told = claude_usage(draft, left);
            draft.usage = about.usage(told, draft.time);
            "messages.create"
        }
        "api_error" => {
            model(draft, left);
            failed(draft, left, &["status_code"]);
            "messages.create"
        }
        "api_refusal" => {
            model(draft, left);
            draft.result = Some(Outcome::Failure);
            "messages.refused"
        }
        other => {
            draft.action = format!("{CLAUDE_CODE}{other}");
            return;
        }
    };
    action.clone_into(&mut draft.action);
}

/// Anthropic's input tokens are those that no cache has to do with.
fn claude_usage(draft: &Draft, left: &mut Attributes) -> Told {
    let input = left.take_count(&["input_tokens"]);
    let cache_read = left.take_count(&["cache_read_tokens"]);
    let cache_write = left.take_count(&["cache_creation_tokens"]);
    let cached = cache_read
        .unwrap_or(0)
        .saturating_add(cache_write.unwrap_or(0));
    let micros = left.take_scaled(&["cost_usd_micros"], 1e3);
    let dollars = left.take_scaled(&["cost_usd"], 1e9);
    Told {
        provider: Some("anthropic".to_owned()),
        model: draft.resource.as_ref().map(|(_, model)| model.clone()),
        counts: Counts {
            input: input.map(|input| input.saturating_add(cached)),
            output: left.take_count(&["output_tokens"]),
            cache_read,
            cache_write,
            cache_write_1h: None,
            reasoning: None,
        },
        // Dollars have the digits that whole micros have not.
        cost_nanousd: dollars.or(micros),
    }
}

fn codex(draft: &mut Draft, name: &str, left: &mut Attributes, about: &About<'_>) {
    turn(draft, left);
    draft.duration_us = left.take_scaled(&["duration_ms"], 1e3);
    let action = match name {
        "conversation_starts" => "session.start",
        "user_prompt" => {
            said(draft, "input", "prompt", left, about);
            "prompt"
        }
        "tool_decision" => {
            tool(draft, left, about);
            decision(
                draft,
                left.take_text(&["decision"]),
                left.take_text(&["source"]),
            );
            "permission.decision"
        }
        "tool_result" => {
            tool(draft, left, about);
            result(draft, left);
            "tools/call"
        }
        "api_request" | "websocket_request" => {
            model(draft, left);
            failed(draft, left, &["http.response.status_code"]);
            if draft.status.is_none_or(|status| status < 400) && left.get("error.message").is_none()
            {
                draft.result = Some(Outcome::Success);
            }
            "responses.create"
        }
        "sse_event" if left.text("event.kind").as_deref() == Some("response.completed") => {
            model(draft, left);
            draft.result = Some(Outcome::Success);
            let told = Told {
                provider: Some("openai".to_owned()),
                model: draft.resource.as_ref().map(|(_, model)| model.clone()),
                counts: Counts {
                    input: left.take_count(&["input_token_count"]),
                    output: left.take_count(&["output_token_count"]),
                    cache_read: left.take_count(&["cached_token_count"]),
                    cache_write: None,
                    cache_write_1h: None,
                    reasoning: left.take_count(&["reasoning_token_count"]),
                },
                cost_nanousd: None,
            };
            draft.usage = about.usage(told, draft.time);
            "responses.completed"
        }
        other => {
            draft.action = format!("{CODEX}{other}");
            return;
        }
    };
    action.clone_into(&mut draft.action);
}

/// A text that the agent may have left out or replaced, as it is set to.
fn said(
    draft: &mut Draft,
    name: &'static str,
    attribute: &str,
    left: &mut Attributes,
    about: &About<'_>,
) {
    if let Some(text) = left.take(&[attribute]) {
        let mut json = Vec::new();
        text.write(&mut json);
        content(draft, name, &String::from_utf8_lossy(&json), about);
    }
}

fn tool(draft: &mut Draft, left: &mut Attributes, about: &About<'_>) {
    draft.call = left.take_text(&["tool_use_id", "call_id"]);
    let parameters = left.get("tool_parameters").map(super::value::Any::meant);
    let parameter = |name: &str| {
        let object = event::json::Value::new(parameters.as_deref()?);
        let (_, value) = object
            .members()
            .find(|(member, _)| member.decode() == name)?;
        Some(value.text()?.decode().into_owned())
    };
    let named = left.take_text(&["tool_name"]);
    let server = parameter("mcp_server_name").or_else(|| left.take_text(&["mcp_server"]));
    let tool = parameter("mcp_tool_name").or_else(|| named.clone());
    let name = match (server, tool) {
        (Some(server), Some(tool)) if !server.is_empty() => Some(format!("{server}/{tool}")),
        // Hooks name it so, and we them as the MCP surface does.
        _ => named.map(|name| {
            match name
                .strip_prefix("mcp__")
                .and_then(|rest| rest.split_once("__"))
            {
                Some((server, tool)) => format!("{server}/{tool}"),
                None => name,
            }
        }),
    };
    draft.resource = name.map(|name| ("tool", name));
    let input = left.take(&["tool_input", "arguments"]);
    if let Some(input) = input.or_else(|| left.take(&["tool_parameters"])) {
        content(draft, "input", &input.meant(), about);
    }
    if let Some(output) = left.take(&["output"]) {
        content(draft, "output", &output.meant(), about);
    }
}

/// Who decided: a person, or a rule.
fn decision(draft: &mut Draft, decision: Option<String>, source: Option<String>) {
    let Some(decision) = decision else {
        return;
    };
    let allowed = matches!(
        decision.as_str(),
        "accept" | "approved" | "approved_for_session" | "allow"
    ) || decision.starts_with("approved");
    let by_person = source
        .as_deref()
        .is_some_and(|source| source.starts_with("user"));
    let person = draft.asked_by.clone().unwrap_or_else(|| "user".to_owned());
    draft.approval = Some(Approval {
        allowed,
        approver: if by_person { person } else { "auto".to_owned() },
        rule: source,
        reason: Some(decision),
        waited_us: None,
    });
    draft.result = Some(if allowed {
        Outcome::Success
    } else {
        Outcome::Failure
    });
}

fn result(draft: &mut Draft, left: &mut Attributes) {
    let success = left.take_text(&["success"]);
    draft.result = match success.as_deref() {
        Some("true") => Some(Outcome::Success),
        Some("false") => Some(Outcome::Failure),
        _ => None,
    };
    // Who let it run is told here again, without the decision itself.
    if let Some(source) = left.take_text(&["decision_source"]) {
        decision(draft, left.take_text(&["decision_type"]), Some(source));
        draft.result = match success.as_deref() {
            Some("false") => Some(Outcome::Failure),
            _ => Some(Outcome::Success),
        };
    }
}

fn model(draft: &mut Draft, left: &mut Attributes) {
    let model = left.take_text(&["model"]);
    draft.resource = model.map(|model| ("model", model));
    request_ids(draft, left);
}

fn failed(draft: &mut Draft, left: &mut Attributes, status: &[&str]) {
    let status = left
        .take_count(status)
        .and_then(|status| i64::try_from(status).ok());
    draft.status = status.filter(|status| *status > 0);
    draft.result = Some(match draft.status {
        Some(400..) => Outcome::Failure,
        _ => Outcome::Error,
    });
    let reason = left.take_text(&["error", "error.message"]);
    draft
        .meta
        .extend(reason.map(|reason| ("reason", Meta::Text(reason))));
}
