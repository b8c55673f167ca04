//! The names of the semantic conventions for generative AI and MCP, and those of `OpenInference`.

use super::{About, Told, attributes::Attributes, span::content};
use crate::{
    draft::{Draft, Meta},
    llm::Counts,
};

const INPUT: &[&str] = &[
    "gen_ai.input.messages",
    "gen_ai.tool.call.arguments",
    "input.value",
    "tool.parameters",
    "gen_ai.prompt",
];
const OUTPUT: &[&str] = &[
    "gen_ai.output.messages",
    "gen_ai.tool.call.result",
    "output.value",
    "gen_ai.completion",
];

/// Fills an event from attributes that say what a model or a tool did. What is none of that stays as it is.
pub(super) fn fill(draft: &mut Draft, left: &mut Attributes, about: &About<'_>) {
    let operation = left.take_text(&["gen_ai.operation.name"]);
    let method = left.take_text(&["mcp.method.name"]);
    let kind = left.take_text(&["openinference.span.kind"]);
    let tool = left.take_text(&["gen_ai.tool.name", "mcp.tool.name", "tool.name"]);
    let model = left.take_text(&["gen_ai.request.model"]);
    let answered = left.take_text(&[
        "gen_ai.response.model",
        "llm.model_name",
        "embedding.model_name",
    ]);
    if let Some(action) = action(operation.as_deref(), method.as_deref(), kind.as_deref()) {
        draft.action = action;
    }
    draft.resource = tool
        .map(|tool| ("tool", tool))
        .or_else(|| Some(("model", model.clone().or_else(|| answered.clone())?)))
        .or_else(|| Some(("resource", left.take_text(&["mcp.resource.uri"])?)))
        .or_else(|| {
            Some((
                "prompt",
                left.take_text(&["gen_ai.prompt.name", "mcp.prompt.name"])?,
            ))
        })
        .or_else(|| Some(("agent", left.text("gen_ai.agent.name")?)));
    draft.call = left.take_text(&["gen_ai.tool.call.id", "tool_call.id", "tool.id"]);
    for (name, names) in [
        ("response_id", &["gen_ai.response.id"][..]),
        ("request_id", &["gen_ai.request.id", "llm.request_id"]),
        ("mcp_session", &["mcp.session.id"]),
    ] {
        let text = left.take_text(names);
        draft.meta.extend(text.map(|text| (name, Meta::Text(text))));
    }
    draft
        .meta
        .extend(kind.map(|kind| ("span_kind", Meta::Text(kind))));
    let told = told(left, answered.or(model));
    draft.usage = about.usage(told, draft.time);
    for (name, names) in [("input", INPUT), ("output", OUTPUT)] {
        if let Some(value) = left.take(names) {
            content(draft, name, &value.meant(), about);
        }
    }
}

/// One vocabulary with the other surfaces, where they have a word for it.
fn action(operation: Option<&str>, method: Option<&str>, kind: Option<&str>) -> Option<String> {
    let action = match (method, operation, kind) {
        (Some(method), ..) => method,
        (_, Some("execute_tool"), _) | (None, None, Some("TOOL")) => "tools/call",
        (_, Some(operation), _) => operation,
        (_, _, Some("LLM")) => "chat",
        (_, _, Some("EMBEDDING")) => "embeddings",
        (_, _, Some("AGENT")) => "invoke_agent",
        _ => return None,
    };
    Some(action.to_owned())
}

fn told(left: &mut Attributes, model: Option<String>) -> Told {
    let counts = Counts {
        input: left.take_count(&[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
        ]),
        output: left.take_count(&[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
        ]),
        cache_read: left.take_count(&[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "llm.token_count.prompt_details.cache_read",
        ]),
        cache_write: left.take_count(&[
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ]),
        cache_write_1h: None,
        reasoning: left.take_count(&[
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
        ]),
    };
    Told {
        provider: left.take_text(&[
            "gen_ai.provider.name",
            "gen_ai.system",
            "llm.provider",
            "llm.system",
        ]),
        model,
        counts,
        cost_nanousd: left.take_scaled(&["gen_ai.usage.cost", "llm.cost.total"], 1e9),
    }
}
