//! One call, and what each side says of it.

use std::collections::BTreeSet;

use event::{RecordView, json::Value};

use super::Disagreement;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Tool,
    Model,
}

/// Who tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// The proxy for models: the model asked for the call, or was called.
    Llm,
    /// The agent's hooks.
    Hook,
    /// The agent's telemetry.
    Otlp,
    /// The proxy for MCP.
    Mcp,
}

/// What one record says of a call.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) seq: u64,
    pub(crate) time_us: i64,
    pub(crate) side: Side,
    /// `asked`, `intent`, `outcome`, `permission` or `decision`.
    pub(crate) says: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) decision: Option<Decision>,
    pub(crate) tokens: Option<(Option<i64>, Option<i64>)>,
    pub(crate) cost_nanousd: Option<i64>,
}

/// Who decided, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) is_denied: bool,
    pub(crate) approver: String,
    pub(crate) rule: Option<String>,
}

/// A call with everything that is said of it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) seen: Vec<Seen>,
    pub(crate) disagreements: Vec<Disagreement>,
}

impl Side {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Hook => "hook",
            Self::Otlp => "otlp",
            Self::Mcp => "mcp",
        }
    }

    fn of(source: &str) -> Option<Self> {
        match source {
            "llm" => Some(Self::Llm),
            "hook" => Some(Self::Hook),
            "otlp" => Some(Self::Otlp),
            "mcp" => Some(Self::Mcp),
            _ => None,
        }
    }
}

impl Call {
    pub(super) fn new(kind: Kind, id: String) -> Self {
        Self {
            kind,
            id,
            seen: Vec::new(),
            disagreements: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, seen: Seen) {
        self.seen.push(seen);
    }

    /// How many sides tell of it.
    pub(crate) fn sides(&self) -> usize {
        let sides: BTreeSet<Side> = self.seen.iter().map(|seen| seen.side).collect();
        sides.len()
    }

    /// Its tool or model; a name that says more is better than one that hides it.
    pub(crate) fn name(&self) -> Option<&str> {
        let mut names = self.seen.iter().filter_map(|seen| seen.name.as_deref());
        let first = names.next()?;
        let fuller = std::iter::once(first)
            .chain(names)
            .find(|name| *name != HIDDEN);
        fuller.or(Some(first))
    }

    /// Whether somebody, or a hook, was asked for permission.
    pub(crate) fn was_asked(&self) -> bool {
        self.seen.iter().any(|seen| seen.says == "permission")
    }

    /// The decision, if a side tells of one.
    pub(crate) fn decision(&self) -> Option<&Decision> {
        self.seen.iter().find_map(|seen| seen.decision.as_ref())
    }

    /// What two sides say that it cost.
    pub(super) fn told_twice_nanousd(&self) -> i64 {
        let cost = |side| {
            let mut told = self.seen.iter().filter(|seen| seen.side == side);
            told.find_map(|seen| seen.cost_nanousd)
        };
        match (cost(Side::Llm), cost(Side::Otlp)) {
            (Some(one), Some(other)) => one.min(other),
            _ => 0,
        }
    }
}

/// What Claude Code calls the tools of MCP servers unless it is told to say more.
pub(super) const HIDDEN: &str = "mcp_tool";

/// The calls that a record tells of.
pub(super) fn seen(record: &RecordView<'_>) -> Vec<(Kind, String, Seen)> {
    let Some(side) = Side::of(&record.source) else {
        return Vec::new();
    };
    let own = |says| Seen {
        seq: record.seq.0,
        time_us: record.time_us,
        side,
        says,
        name: record
            .resource
            .as_ref()
            .and_then(|resource| resource.id.as_deref())
            .map(ToOwned::to_owned),
        result: record.result.as_deref().map(ToOwned::to_owned),
        decision: record.approval.as_ref().map(|approval| Decision {
            is_denied: approval.decision.as_deref() == Some("denied"),
            approver: approval.approver.as_deref().unwrap_or("unknown").to_owned(),
            rule: approval.rule.as_deref().map(ToOwned::to_owned),
        }),
        tokens: record
            .usage
            .as_ref()
            .map(|usage| (usage.input_tokens, usage.output_tokens)),
        cost_nanousd: record.usage.as_ref().and_then(|usage| usage.cost_nanousd),
    };
    let producer = record.producer.as_ref();
    let phase = producer.and_then(|producer| producer.phase.as_deref());
    let phase = if phase == Some("intent") {
        "intent"
    } else {
        "outcome"
    };
    let meta = |name| text(record.meta, name);
    let tool = match side {
        Side::Hook | Side::Otlp => {
            let says = match record.action.as_ref() {
                "tools/call" => Some(phase),
                "permission.request" => Some("permission"),
                "permission.decision" | "permission.denied" => Some("decision"),
                _ => None,
            };
            let call = producer.and_then(|producer| producer.call.as_deref());
            says.zip(call.map(ToOwned::to_owned))
        }
        Side::Mcp if record.action == "tools/call" => Some(phase).zip(meta("tool_use_id")),
        _ => None,
    };
    let mut found = Vec::new();
    found.extend(tool.map(|(says, id)| (Kind::Tool, id, own(says))));
    let asked = member(record.meta, "tool_calls").filter(|_| side == Side::Llm);
    for id in asked.iter().flat_map(|list| list.elements()) {
        let Some(id) = id.text() else {
            continue;
        };
        let seen = Seen {
            name: None,
            result: None,
            decision: None,
            tokens: None,
            cost_nanousd: None,
            ..own("asked")
        };
        found.push((Kind::Tool, id.decode().into_owned(), seen));
    }
    if matches!(side, Side::Llm | Side::Otlp)
        && let Some(id) = meta("request_id")
        && is_call(record)
    {
        found.push((Kind::Model, id, own("outcome")));
    }
    found
}

/// Other records name a request too, such as the text that came of it.
fn is_call(record: &RecordView<'_>) -> bool {
    record.source == "llm" || record.action.ends_with(".create") || record.action == "chat"
}

/// The digest by which a request for permission is found, and the name of the call.
pub(super) fn digest(record: &RecordView<'_>) -> Option<(String, String)> {
    let digest = text(record.meta, "call_digest")?;
    let call = record.producer.as_ref()?.call.as_deref()?;
    Some((digest, call.to_owned()))
}

fn member<'a>(meta: Option<Value<'a>>, name: &str) -> Option<Value<'a>> {
    let mut members = meta?.members();
    members
        .find(|(member, _)| member.decode() == name)
        .map(|(_, value)| value)
}

fn text(meta: Option<Value<'_>>, name: &str) -> Option<String> {
    Some(member(meta, name)?.text()?.decode().into_owned())
}
