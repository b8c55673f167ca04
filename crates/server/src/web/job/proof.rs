//! The proof of a whole job: every event of it against the signed log.

use maud::{Markup, html};
use query::{QueryError, Snapshot};

use super::gather::{Found, Step};
use crate::{
    keys::Scope,
    problem::Problem,
    web::{
        export,
        glyph::{glyph, sized},
        number::{count_of, grouped},
        visit::Visit,
    },
};

/// What the checks of all steps found.
pub(super) struct Proven {
    good: u64,
    pending: u64,
    failed: Vec<u64>,
    size: u64,
    root: String,
}

impl Proven {
    /// Recomputes every leaf from its bytes and its way to the signed root.
    pub(super) fn of(visit: &Visit, view: &Snapshot, steps: &[Step]) -> Result<Self, Problem> {
        let trail = &visit.caller.trail;
        let newest = trail.checkpoint();
        let mut proven = Self {
            good: 0,
            pending: 0,
            failed: Vec::new(),
            size: newest.as_ref().map_or(0, |newest| newest.size),
            root: newest
                .as_ref()
                .map_or_else(String::new, |newest| newest.root.to_string()),
        };
        for step in steps {
            let Some(event) = view.get(event::Seq(step.seq))? else {
                continue;
            };
            let leaf = match view.leaf(&event) {
                Ok(leaf) => leaf,
                Err(QueryError::Leaf { .. }) => {
                    proven.failed.push(step.seq);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let Some(newest) = newest.as_ref().filter(|newest| newest.size > step.seq) else {
                proven.pending += 1;
                continue;
            };
            let hash = tlog::leaf_hash(&leaf.to_bytes());
            let path = trail.inclusion(event.seq, newest.size)?;
            match tlog::verify_inclusion(&hash, step.seq, newest.size, &newest.root, &path) {
                Ok(()) => proven.good += 1,
                Err(_) => proven.failed.push(step.seq),
            }
        }
        Ok(proven)
    }
}

pub(super) fn page(visit: &Visit, found: &Found) -> Markup {
    let Some(proven) = &found.proven else {
        return html! {};
    };
    let checked = found.steps.len() as u64;
    let (class, mark, line) = if !proven.failed.is_empty() {
        (
            "failed",
            "v-failed",
            count_of(
                proven.failed.len() as u64,
                "event does not verify",
                "events do not verify",
            ),
        )
    } else if proven.pending > 0 {
        (
            "",
            "v-pending",
            format!(
                "{} verified, {} wait for a checkpoint",
                grouped(proven.good),
                grouped(proven.pending)
            ),
        )
    } else {
        (
            "",
            "v-verified",
            format!(
                "{} of {} verified, not witnessed",
                grouped(proven.good),
                grouped(checked)
            ),
        )
    };
    html! {
        section.card {
            div.body.col.padded {
                div class={ "verdict " (class) } {
                    (sized(mark, "g verdict-mark"))
                    div { p.lead { (line) } p.small { "Every record and content was hashed again, and each leaf led to the root that the log signed." } }
                }
                dl.facts {
                    dt { "Events" } dd { (grouped(checked)) @if checked < found.summary.figures.count { " of " (grouped(found.summary.figures.count)) ", the first ones" } }
                    dt { "Checkpoint" } dd { (grouped(proven.size)) " events" }
                    dt { "Root" } dd { code.wrap { (proven.root) } }
                    dt { "Log" } dd { code.wrap { (visit.caller.trail.origin()) } }
                }
                @if !proven.failed.is_empty() {
                    ul.checks { @for seq in &proven.failed {
                        li.failed { span.bad { (glyph("error")) } a href=(visit.address.to("/events").with("event", seq).with("tab", "proof")) { "#" (grouped(seq)) } span.soft { "differs from what was logged" } }
                    } }
                }
                p.small.dim { "Checked by this server as the page was made. An export of the job carries every proof, and is checked without it." }
                @if visit.has(Scope::Export) { p { a.btn href=(export::everything(&super::events(visit, &found.summary.id, ""))) { (glyph("export")) "Evidence package of this job" } } }
            }
        }
    }
}
