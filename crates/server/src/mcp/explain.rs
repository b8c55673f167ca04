//! `show_proof` and `explain_event`: one event, by its number or id.

use event::{RecordView, Seq, json::Value as Json};
use serde::Deserialize;
use serde_json::Value;

use super::{
    event_text,
    proven::Proven,
    service::{Assistant, Told},
    untrusted::{Quoted, marked},
};
use crate::{
    audit::What,
    keys::Scope,
    problem::{Code, Problem},
};

/// Members of a content that are shown.
const MEMBERS: usize = 12;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    seq: Value,
}

impl Args {
    fn name(&self) -> Result<String, Problem> {
        match &self.seq {
            Value::Number(number) => Ok(number.to_string()),
            Value::String(name) => Ok(name.trim_start_matches('#').to_owned()),
            _ => {
                let detail = "the number of an event, such as 41";
                Err(Problem::member(Code::InvalidBody, "seq", detail))
            }
        }
    }
}

pub(super) async fn show_proof(assistant: &Assistant, args: Args) -> Result<Told, Problem> {
    let proven = Proven::find(assistant, &args.name()?).await?;
    let (verdict, told) = proven.verdict(assistant);
    let line = event_text::line(&proven.view()?);
    let text = format!(
        "{told}\n\n{}",
        marked(&line, assistant.app.node().entropy())
    );
    Ok(Told {
        text,
        structured: proven.structured(assistant, verdict),
    })
}

pub(super) async fn explain(assistant: &Assistant, args: Args) -> Result<Told, Problem> {
    let proven = Proven::find(assistant, &args.name()?).await?;
    let (verdict, told) = proven.verdict(assistant);
    let record = proven.view()?;
    let mut facts = event_text::facts(&record);
    let content = content(assistant, &record, proven.seq).await?;
    facts.push_str(&content);
    let text = format!(
        "{}\n\n{told}",
        marked(&facts, assistant.app.node().entropy())
    );
    Ok(Told {
        text,
        structured: proven.structured(assistant, verdict),
    })
}

/// What went in and came out, as far as the key may see it and a conversation has room for it.
async fn content(
    assistant: &Assistant,
    record: &RecordView<'_>,
    seq: Seq,
) -> Result<String, Problem> {
    let Some(info) = &record.content else {
        return Ok("\ncontent: none".to_owned());
    };
    let bytes = info.bytes;
    if !assistant.caller.has(Scope::Content) {
        return Ok(format!(
            "\ncontent: {bytes} bytes, withheld: the key lacks scope content"
        ));
    }
    let engine = assistant.engine();
    let content = assistant
        .app
        .read(move || Ok(engine.snapshot()?.get(seq)?.and_then(|event| event.content)))
        .await?;
    let caller = &assistant.caller;
    caller.audit_one(&assistant.app, What::Contents, seq);
    let content = content.unwrap_or_default();
    let text = String::from_utf8_lossy(&content);
    let members = Json::new(&text).members().take(MEMBERS);
    let lines = members.map(|(name, value)| {
        let name = name.decode();
        let value = match value.text() {
            Some(text) => Quoted(&text.decode()).to_string(),
            None => Quoted(value.as_str()).to_string(),
        };
        format!("\ncontent, {}: {value}", Quoted(&name))
    });
    Ok(format!(
        "\ncontent: {bytes} bytes{}",
        lines.collect::<String>()
    ))
}
