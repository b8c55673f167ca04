//! `search_audit`: the newest events that match a filter.

use event::RecordView;
use query::{Order, Query, QueryError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    event_text,
    service::{Assistant, Told},
    untrusted::marked,
};
use crate::{
    api::selection::Selection,
    audit::What,
    params::Params,
    problem::{Code, Problem},
};

/// Events that are listed if nobody says how many.
const DEFAULT_LIMIT: u64 = 10;
/// Most events: a conversation is no place for more.
const MAX_LIMIT: u64 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    #[serde(default)]
    q: String,
    from: Option<String>,
    to: Option<String>,
    limit: Option<u64>,
}

/// Events that were found.
pub(super) struct Found {
    /// How many match.
    pub(super) count: u64,
    /// Newest first.
    pub(super) lines: Vec<String>,
    pub(super) seqs: Vec<u64>,
}

impl Found {
    /// The newest events that a filter selects.
    pub(super) async fn look(
        assistant: &Assistant,
        selection: Selection,
        limit: u64,
    ) -> Result<Self, Problem> {
        let engine = assistant.engine();
        let asked = selection.asked.clone();
        let found = assistant
            .app
            .read(move || {
                let view = engine.snapshot()?;
                let count = view.count(&selection.filter, selection.range)?;
                let query = Query {
                    filter: selection.filter,
                    range: selection.range,
                    order: Order::Newest,
                    limit: usize::try_from(limit).unwrap_or(usize::MAX),
                };
                let mut found = Self {
                    count,
                    lines: Vec::new(),
                    seqs: Vec::new(),
                };
                for row in view.page(&query, None)?.rows {
                    let seq = row.seq;
                    let record = RecordView::parse(&row.record);
                    let record = record.map_err(|source| QueryError::Record { seq, source })?;
                    found.lines.push(event_text::line(&record));
                    found.seqs.push(seq.0);
                }
                Ok(found)
            })
            .await?;
        let audit = assistant.app.node().audit();
        let seqs = found.seqs.iter().copied();
        audit.note(&assistant.caller.key, What::Records, Some(&asked), seqs);
        Ok(found)
    }

    /// The lines for a model, marked as what they are.
    pub(super) fn to_text(&self, assistant: &Assistant) -> String {
        marked(&self.lines.join("\n"), assistant.app.node().entropy())
    }
}

/// A selection like that of the API.
pub(super) fn selection(
    assistant: &Assistant,
    q: &str,
    [from, to]: [Option<String>; 2],
) -> Result<Selection, Problem> {
    let params = Params::of(vec![("q", Some(q.to_owned())), ("from", from), ("to", to)]);
    Selection::read(&params, &assistant.caller, assistant.app.node().now_us())
}

pub(super) async fn search(assistant: &Assistant, args: Args) -> Result<Told, Problem> {
    let limit = args.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("1 to {MAX_LIMIT}");
        return Err(Problem::member(Code::InvalidBody, "limit", detail));
    }
    let (from, to) = (args.from.as_deref(), args.to.as_deref());
    let link = assistant.list(&[("q", Some(&args.q)), ("from", from), ("to", to)]);
    let selection = selection(assistant, &args.q, [args.from, args.to])?;
    let asked = selection.asked.clone();
    let found = Found::look(assistant, selection, limit).await?;
    let shown = found.lines.len() as u64;
    let text = match (found.count, shown) {
        (0, _) => "No event matches. Widen the period or take terms away.".to_owned(),
        (count, shown) => {
            let which = if shown < count {
                format!("{count} events match; the newest {shown}:")
            } else {
                format!("{count} events match, newest first:")
            };
            format!(
                "{which}\n{}\n\nAll of them: {link}",
                found.to_text(assistant)
            )
        }
    };
    let structured = json!({ "q": asked, "count": found.count, "seqs": found.seqs });
    Ok(Told { text, structured })
}

/// For the card's sake: nothing to show.
pub(super) fn nothing(text: &str) -> Told {
    Told {
        text: text.to_owned(),
        structured: Value::Null,
    }
}
