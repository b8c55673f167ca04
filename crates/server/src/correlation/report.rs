//! A report as JSON.

use serde_json::{Value, json};

use super::{Call, Disagreement, Kind, Missing, Report, Seen};

/// The answer of `GET /v1/jobs/{job}/calls`.
pub(crate) fn write(report: &Report) -> Vec<u8> {
    let calls: Vec<Value> = report.calls.iter().map(call).collect();
    let missing: Vec<Value> = report.missing.iter().map(missing).collect();
    json!({
        "object": "list",
        "data": calls,
        "missing": missing,
        "told_twice_nanousd": report.told_twice_nanousd,
        "records": report.records,
        "truncated": report.is_cut,
    })
    .to_string()
    .into_bytes()
}

fn call(call: &Call) -> Value {
    let records: Vec<Value> = call.seen.iter().map(seen).collect();
    let decision = call.decision().map(|decision| {
        json!({
            "decision": if decision.is_denied { "denied" } else { "allowed" },
            "approver": decision.approver,
            "rule": decision.rule,
        })
    });
    let disagreements: Vec<Value> = call.disagreements.iter().map(disagreement).collect();
    json!({
        "call": call.id,
        "kind": match call.kind { Kind::Tool => "tool", Kind::Model => "model" },
        "name": call.name(),
        "asked": call.was_asked(),
        "decision": decision,
        "records": records,
        "disagreements": disagreements,
    })
}

fn seen(seen: &Seen) -> Value {
    json!({ "seq": seen.seq, "source": seen.side.as_str(), "says": seen.says, "result": seen.result })
}

fn missing(missing: &Missing) -> Value {
    json!({ "producer": missing.producer, "from": missing.from, "to": missing.to })
}

fn disagreement(disagreement: &Disagreement) -> Value {
    match disagreement {
        Disagreement::NotTold { by } => json!({ "kind": "not_told", "by": by.as_str() }),
        Disagreement::Differs { what, said } => {
            let said: Vec<Value> = said
                .iter()
                .map(|(side, value)| json!({ "source": side.as_str(), "value": value }))
                .collect();
            json!({ "kind": "differs", "what": what, "said": said })
        }
        Disagreement::RanThoughDenied => json!({ "kind": "ran_though_denied" }),
    }
}
