//! `what_just_happened`: the newest events, of a job or of all, and the proof of the newest one.

use event::filter::TextField;
use serde::Deserialize;
use serde_json::Value;

use super::{
    proven::Proven,
    search::{Found, nothing, selection},
    service::{Assistant, Told},
};
use crate::problem::Problem;

/// Events that are listed.
const EVENTS: u64 = 10;
/// Reads, keys and exports are the server's own events, not what an agent did.
const OF_AGENTS: &str = "-source:system";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    job: Option<String>,
}

pub(super) async fn happened(assistant: &Assistant, args: Args) -> Result<Told, Problem> {
    let mut selection = selection(assistant, OF_AGENTS, [None, None])?;
    if let Some(job) = &args.job {
        selection.filter = selection.filter.and_equal(TextField::Job, job);
    }
    let found = Found::look(assistant, selection, EVENTS).await?;
    let Some(newest) = found.seqs.first() else {
        return Ok(nothing(match args.job {
            Some(_) => "No event of that job is recorded.",
            None => "Nothing is recorded yet.",
        }));
    };
    let proven = Proven::find(assistant, &newest.to_string()).await?;
    let (verdict, told) = proven.verdict(assistant);
    let of = if args.job.is_some() {
        "of that job "
    } else {
        ""
    };
    let text = format!(
        "{} events {of}are recorded; the newest {} first. The proof is of the newest one.\n{}\n\n{told}",
        found.count,
        found.lines.len(),
        found.to_text(assistant),
    );
    let mut structured = proven.structured(assistant, verdict);
    if let Some(members) = structured.as_object_mut() {
        members.insert("count".to_owned(), found.count.into());
        members.insert("seqs".to_owned(), Value::from(found.seqs));
    }
    Ok(Told { text, structured })
}
