//! An event in words, its own values quoted.

use std::fmt::Write as _;

use event::RecordView;

use super::untrusted::Quoted;

/// One line: number, time, who, what, to what, with which result.
pub(super) fn line(record: &RecordView<'_>) -> String {
    let mut line = format!("#{} {}", record.seq, seconds(&record.time));
    // Writing into a string cannot fail.
    let _ = write!(line, " {}", Quoted(who(record)));
    let _ = write!(line, " {} {}", record.source, Quoted(&record.action));
    if let Some(name) = resource(record) {
        let _ = write!(line, " on {}", Quoted(name));
    }
    if let Some(result) = &record.result {
        let _ = write!(line, ", {}", Quoted(result));
    }
    if let Some(status) = record.status {
        let _ = write!(line, " ({status})");
    }
    if let Some(approval) = &record.approval {
        let decision = approval.decision.as_deref().unwrap_or("asked");
        let _ = write!(line, ", {}", Quoted(decision));
        if let Some(approver) = &approval.approver {
            let _ = write!(line, " by {}", Quoted(approver));
        }
    }
    line
}

/// Everything that a record says, a fact a line.
pub(super) fn facts(record: &RecordView<'_>) -> String {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push(format!("{name}: {value}"));
    let quoted = |text: &str| Quoted(text).to_string();
    let auth = record
        .actor
        .auth
        .map_or("not established", event::ActorAuth::as_str);
    let id = quoted(&record.actor.id);
    fact(
        "who did it",
        format!(
            "{} {id}, {}, identity: {auth}",
            quoted(&record.actor.kind),
            named(record.actor.name.as_deref())
        ),
    );
    if let Some(asked) = &record.initiator {
        let id = asked.id.as_deref().map_or(String::new(), quoted);
        fact(
            "who asked",
            format!("{id} {}", named(asked.name.as_deref())),
        );
    }
    fact(
        "what",
        format!("{} by way of {}", quoted(&record.action), record.source),
    );
    if let Some(resource) = &record.resource {
        let parts = [&resource.kind, &resource.id, &resource.name];
        let parts: Vec<_> = parts
            .into_iter()
            .flatten()
            .map(|part| quoted(part))
            .collect();
        fact("to what", parts.join(" "));
    }
    fact(
        "when",
        format!(
            "{} as the producer claims; recorded {} by the server's clock",
            quoted(&record.time),
            record.recorded_at
        ),
    );
    if let Some(us) = record.duration_us {
        fact("how long", format!("{us} microseconds"));
    }
    result(record, &mut fact);
    approval(record, &mut fact);
    usage(record, &mut fact);
    if let Some(job) = &record.job {
        fact("job", quoted(job));
    }
    if let Some(project) = &record.project {
        fact("project", quoted(project));
    }
    if let Some(description) = &record.description {
        fact("description", quoted(description));
    }
    if let Some(meta) = &record.meta {
        fact("further", quoted(meta.as_str()));
    }
    facts.join("\n")
}

fn result(record: &RecordView<'_>, fact: &mut impl FnMut(&str, String)) {
    let phase = record
        .producer
        .as_ref()
        .and_then(|producer| producer.phase.as_deref());
    let text = match (record.result.as_deref(), phase) {
        (Some(result), _) => Quoted(result).to_string(),
        (None, Some("intent")) => "none yet: this was recorded before it was done".to_owned(),
        (None, _) => "not stated".to_owned(),
    };
    let status = record.status;
    let status = status.map_or(String::new(), |status| format!(", status {status}"));
    fact("result", format!("{text}{status}"));
}

fn approval(record: &RecordView<'_>, fact: &mut impl FnMut(&str, String)) {
    let Some(approval) = &record.approval else {
        return fact("approval", "nobody was asked".to_owned());
    };
    let members = [
        ("", &approval.decision),
        ("by ", &approval.approver),
        ("under rule ", &approval.rule),
        ("because ", &approval.reason),
    ];
    let said = members.into_iter().filter_map(|(word, value)| {
        let value = value.as_deref()?;
        Some(format!("{word}{}", Quoted(value)))
    });
    fact("approval", said.collect::<Vec<_>>().join(" "));
}

fn usage(record: &RecordView<'_>, fact: &mut impl FnMut(&str, String)) {
    let Some(usage) = &record.usage else {
        return;
    };
    let cost = match usage.cost_nanousd {
        Some(cost) => format!("{cost} billionths of a US dollar"),
        None => "not priced".to_owned(),
    };
    let model = usage.model.as_deref().unwrap_or_default();
    let tokens = |tokens: Option<i64>| tokens.map_or("?".to_owned(), |tokens| tokens.to_string());
    fact(
        "model",
        format!(
            "{}, {} tokens in, {} out, {cost}",
            Quoted(model),
            tokens(usage.input_tokens),
            tokens(usage.output_tokens)
        ),
    );
}

fn who<'a>(record: &'a RecordView<'_>) -> &'a str {
    record.actor.name.as_deref().unwrap_or(&record.actor.id)
}

fn resource<'a>(record: &'a RecordView<'_>) -> Option<&'a str> {
    let resource = record.resource.as_ref()?;
    resource.name.as_deref().or(resource.id.as_deref())
}

fn named(name: Option<&str>) -> String {
    name.map_or("no name given".to_owned(), |name| {
        format!("named {}", Quoted(name))
    })
}

/// A producer's time to the second; checked to be one when it was recorded.
fn seconds(time: &str) -> &str {
    time.get(..19).unwrap_or(time)
}
