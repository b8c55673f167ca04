//! An event with its proof, for the card and in words.

use std::{sync::Arc, time::Duration};

use event::{RecordView, Seq, filter::TextField};
use export::Bundle;
use query::{Order, Query, QueryError, Snapshot, TimeRange};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::service::Assistant;
use crate::{
    api::{events::find, proof::Proof},
    problem::{Code, Problem},
};

/// How long a proof of something that was just recorded may take.
const COVER_PATIENCE: Duration = Duration::from_secs(3);
/// Steps that the card shows as glyphs.
const STEPS: usize = 5;

/// What is known of an event, and what proves it.
pub(super) struct Proven {
    pub(super) seq: Seq,
    /// The record's exact bytes.
    pub(super) record: Vec<u8>,
    /// None while no checkpoint covers it.
    bundle: Option<Vec<u8>>,
    context: Value,
}

impl Proven {
    /// The event that a client names, by number or id, with its proof as soon as there is one.
    pub(super) async fn find(assistant: &Assistant, name: &str) -> Result<Self, Problem> {
        let (engine, caller) = (assistant.engine(), assistant.caller.clone());
        let name = name.to_owned();
        let seq = assistant
            .app
            .read(move || Ok(find(&engine.snapshot()?, &name, &caller)?.seq))
            .await?;
        // Whether it is covered is told by the proof below.
        let covered = assistant.caller.trail.wait_integrated(seq.0 + 1);
        let _ = timeout(COVER_PATIENCE, covered).await;
        let (engine, trail) = (assistant.engine(), Arc::clone(&assistant.caller.trail));
        let project = assistant.caller.project().map(ToOwned::to_owned);
        let (app, caller) = (Arc::clone(&assistant.app), assistant.caller.clone());
        assistant
            .app
            .read(move || {
                let view = engine.snapshot()?;
                let event = view.get(seq)?.ok_or_else(Problem::not_found)?;
                let record = event.record.to_vec();
                let context = context(&view, seq, &record, project.as_deref())?;
                // Contents stay where they are: the proof of the record does not need them.
                let bundle = match Proof::make(&view, event, None, &trail) {
                    Ok(proof) => {
                        proof.note(&app, &caller, false);
                        Some(proof.to_bundle(false)?)
                    }
                    Err(problem) if problem.code() == Code::NotCoveredYet => None,
                    Err(problem) => return Err(problem),
                };
                Ok(Self {
                    seq,
                    record,
                    bundle,
                    context,
                })
            })
            .await
    }

    /// What came of the checks, made here with the log's own key, and the address of the event.
    pub(super) fn verdict(&self, assistant: &Assistant) -> (&'static str, String) {
        let seq = self.seq;
        let link = assistant.link(seq);
        let Some(bundle) = &self.bundle else {
            let text = format!(
                "Event #{seq}: recorded, proof pending. A signed checkpoint covers it within a second; ask again.\n{link}"
            );
            return ("pending", text);
        };
        let key = assistant.caller.trail.verifier_key();
        let checked = serde_json::from_slice::<Bundle>(bundle)
            .map_err(|error| error.to_string())
            .and_then(|bundle| bundle.verify(key).map_err(|error| error.to_string()));
        match checked {
            Ok((_, opened)) => {
                let size = opened.checkpoint().size;
                let text = format!(
                    "Event #{seq}: the proof holds. Record hash, inclusion and log signature were checked by the server itself, \
                     under its signed checkpoint of {size} events. The key is not pinned: to rely on nobody, check the card, or \
                     `indelible get {seq} --proof`, with a key of the log ({}) that you have from elsewhere.\n{link}",
                    key.name()
                );
                ("verified", text)
            }
            Err(why) => {
                let text = format!("Event #{seq}: the proof DOES NOT HOLD: {why}.\n{link}");
                ("failed", text)
            }
        }
    }

    /// What the card is drawn from.
    pub(super) fn structured(&self, assistant: &Assistant, verdict: &str) -> Value {
        let bundle = self.bundle.as_deref().map(String::from_utf8_lossy);
        json!({
            "seq": self.seq.0,
            "verdict": verdict,
            "link": assistant.link(self.seq),
            "bundle": bundle,
            "context": self.context,
        })
    }

    pub(super) fn view(&self) -> Result<RecordView<'_>, Problem> {
        let seq = self.seq;
        let view = RecordView::parse(&self.record);
        Ok(view.map_err(|source| QueryError::Record { seq, source })?)
    }
}

/// Where the event stands in its job, and by which ways the steps before it went; null without a job.
fn context(
    view: &Snapshot,
    seq: Seq,
    record: &[u8],
    project: Option<&str>,
) -> Result<Value, Problem> {
    let record = RecordView::parse(record).map_err(|source| QueryError::Record { seq, source })?;
    let Some(job) = record.job.as_deref().filter(|_| record.source != "system") else {
        return Ok(Value::Null);
    };
    let mut filter = event::filter::parse("-source:system")?.and_equal(TextField::Job, job);
    if let Some(project) = project {
        filter = filter.and_equal(TextField::Project, project);
    }
    let upto = view.at(seq.0 + 1)?;
    let query = Query {
        filter: filter.clone(),
        range: TimeRange::ALL,
        order: Order::Newest,
        limit: STEPS,
    };
    let mut sources = Vec::new();
    for row in upto.page(&query, None)?.rows {
        let step = RecordView::parse(&row.record);
        let step = step.map_err(|source| QueryError::Record {
            seq: row.seq,
            source,
        })?;
        sources.push(step.source.into_owned());
    }
    sources.reverse();
    Ok(json!({
        "step": upto.count(&filter, TimeRange::ALL)?,
        "of": view.count(&filter, TimeRange::ALL)?,
        "sources": sources,
    }))
}
