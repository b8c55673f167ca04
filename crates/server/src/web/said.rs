//! What a row says of an event: who did what, with which result, how long it took and what it cost.

use event::RecordView;
use maud::{Markup, html};

use super::{
    glyph::{self, sized, small},
    number::{about, duration, money},
    text::{bdi, label},
};

/// An event in one line. Everything in it but the words of results is hostile.
pub(super) struct Said {
    pub(super) source: String,
    /// What was done, by the names of its source.
    pub(super) what: String,
    /// To what, or how; cut first.
    pub(super) to: String,
    pub(super) actor: String,
    pub(super) is_person: bool,
    pub(super) outcome: Outcome,
    pub(super) took: Option<String>,
    pub(super) cost: Option<String>,
}

/// How it ended: a glyph, a colour and a word.
#[derive(Clone)]
pub(super) struct Outcome {
    pub(super) glyph: Option<&'static str>,
    /// Class of its colour.
    pub(super) class: &'static str,
    pub(super) word: String,
}

impl Said {
    /// `is_open` tells of an action that was begun whether its end is missing.
    pub(super) fn of(record: &RecordView<'_>, is_open: bool) -> Self {
        let (what, to) = what(record);
        let actor = record.actor.name.as_deref().unwrap_or(&record.actor.id);
        let usage = record.usage.as_ref();
        Self {
            source: record.source.to_string(),
            what,
            to,
            actor: actor.to_owned(),
            is_person: record.actor.kind == "user",
            outcome: outcome(record, is_open),
            took: record.duration_us.map(duration),
            cost: usage.map(|usage| match usage.cost_nanousd {
                Some(cost) => money(cost.into()),
                None => "unpriced".to_owned(),
            }),
        }
    }

    /// The actor's name, a person's with a glyph.
    pub(super) fn actor(&self) -> Markup {
        html! {
            @if self.is_person { (sized("user", "g g14 soft")) }
            (bdi(&self.actor))
        }
    }

    /// Glyph, what and to.
    pub(super) fn what(&self) -> Markup {
        html! {
            (glyph::source(&self.source))
            code.what { (bdi(&self.what)) }
            @if !self.to.is_empty() { span.to { (bdi(&self.to)) } }
        }
    }

    /// The same as plain text, for names that are read out.
    pub(super) fn name(&self) -> String {
        label(&self.what)
    }
}

impl Outcome {
    pub(super) fn draw(&self) -> Markup {
        html! {
            span class={ "outcome " (self.class) } {
                @if let Some(glyph) = self.glyph { (small(glyph)) }
                (bdi(&self.word))
            }
        }
    }
}

/// What was done, and to what: chosen by source.
fn what(record: &RecordView<'_>) -> (String, String) {
    let resource = record.resource.as_ref();
    let id = resource
        .and_then(|resource| resource.id.as_deref())
        .unwrap_or("");
    let name = resource
        .and_then(|resource| resource.name.as_deref())
        .unwrap_or(id);
    let action = record.action.as_ref();
    let pair = |what: &str, to: &str| {
        (
            what.to_owned(),
            if to == what {
                String::new()
            } else {
                to.to_owned()
            },
        )
    };
    match record.source.as_ref() {
        "mcp" if action == "tools/call" && !id.is_empty() => pair(id, ""),
        "shell" if action == "shell.exec" && !name.is_empty() => pair(name, ""),
        "sandbox" if !name.is_empty() && name != id => pair(name, id),
        "llm" => pair(action, &model(record, id)),
        // The host is in the action.
        "forward-proxy" if action.contains(id) => pair(action, if name == id { "" } else { name }),
        _ if action == "job.started" => pair(action, record.description.as_deref().unwrap_or(name)),
        _ => pair(action, name),
    }
}

/// `gpt-5 · 14.2 k in, 611 out`
fn model(record: &RecordView<'_>, id: &str) -> String {
    let Some(usage) = &record.usage else {
        return id.to_owned();
    };
    let model = usage.model.as_deref().unwrap_or(id);
    match (usage.input_tokens, usage.output_tokens) {
        (None, None) => model.to_owned(),
        (input, output) => {
            let count = |tokens: Option<i64>| about(tokens.unwrap_or(0).into());
            format!("{model} · {} in, {} out", count(input), count(output))
        }
    }
}

fn outcome(record: &RecordView<'_>, is_open: bool) -> Outcome {
    let new = |glyph, class, word: &str| Outcome {
        glyph: Some(glyph),
        class,
        word: word.to_owned(),
    };
    let status = record.status.map(|status| match record.source.as_ref() {
        "shell" | "sandbox" => format!("exit {status}"),
        _ => status.to_string(),
    });
    let denied = record
        .approval
        .as_ref()
        .and_then(|approval| approval.decision.as_deref())
        == Some("denied");
    let phase = record
        .producer
        .as_ref()
        .and_then(|producer| producer.phase.as_deref());
    let word = |usual: &str| status.clone().unwrap_or_else(|| usual.to_owned());
    match record.result.as_deref() {
        Some("success") => new("tick", "good", &word("ok")),
        Some("failure") if denied => new("denied", "warn", "denied"),
        Some("failure") => new("failure", "warn", &word("failed")),
        Some("error") => new("error", "bad", &word("error")),
        None if phase == Some("intent") && is_open => new("unfinished", "dim", "no end"),
        None if phase == Some("intent") => Outcome {
            glyph: None,
            class: "dim",
            word: "began".to_owned(),
        },
        Some(other) => Outcome {
            glyph: None,
            class: "soft",
            word: other.to_owned(),
        },
        None => Outcome {
            glyph: None,
            class: "dim",
            word: status.unwrap_or_else(|| "–".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(members: &str) -> Said {
        let record = format!(
            r#"{{"v":1,"id":"i","seq":1,"recorded_at":"2026-01-01T00:00:00.000000Z","time":"2026-01-01T00:00:00Z","actor":{{"type":"agent","id":"a"}},{members}}}"#
        );
        Said::of(&RecordView::parse(record.as_bytes()).unwrap(), true)
    }

    #[test]
    fn what_happened_is_named_as_its_source_names_it() {
        for (members, what, to, word) in [
            (
                r#""source":"mcp","action":"tools/call","resource":{"type":"tool","id":"github/x"},"result":"success""#,
                "github/x",
                "",
                "ok",
            ),
            (
                r#""source":"shell","action":"shell.exec","resource":{"type":"command","id":"cat","name":"cat /etc/x"},"result":"failure","status":1"#,
                "cat /etc/x",
                "",
                "exit 1",
            ),
            (
                r#""source":"forward-proxy","action":"CONNECT h:443","resource":{"type":"host","id":"h"},"status":403,"result":"failure""#,
                "CONNECT h:443",
                "",
                "403",
            ),
            (
                r#""source":"llm","action":"responses.create","resource":{"id":"m"},"usage":{"model":"m2","input_tokens":14200,"output_tokens":611},"result":"error","status":503"#,
                "responses.create",
                "m2 · 14.2 k in, 611 out",
                "503",
            ),
            (
                r#""source":"kubernetes","action":"PATCH deployments","resource":{"id":"claims-api"},"result":"failure","approval":{"decision":"denied"}"#,
                "PATCH deployments",
                "claims-api",
                "denied",
            ),
            (
                r#""source":"app","action":"x","producer":{"id":"p","seq":0,"phase":"intent","call":"c"}"#,
                "x",
                "",
                "no end",
            ),
            (
                r#""source":"app","action":"x","result":"odd""#,
                "x",
                "",
                "odd",
            ),
            (r#""source":"app","action":"x""#, "x", "", "–"),
        ] {
            let said = said(members);
            assert_eq!(
                (
                    said.what.as_str(),
                    said.to.as_str(),
                    said.outcome.word.as_str()
                ),
                (what, to, word),
                "{members}"
            );
        }
    }
}
