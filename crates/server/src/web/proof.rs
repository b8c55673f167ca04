//! What this server itself finds when it checks an event against the signed log. It is the server's word; the same checks
//! run in the browser, on bytes that come with their proof.

use event::Leaf;
use ledger::SignedCheckpoint;
use maud::{Markup, html};
use query::{Event, QueryError, Snapshot};
use tlog::Hash;

use super::{
    glyph::{glyph, sized},
    number::{bytes, grouped},
    visit::Visit,
};
use crate::problem::Problem;

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// In the tree that the log signed.
    Verified,
    /// No checkpoint covers it yet.
    Pending,
    /// The bytes are not those that were logged, or the tree is not the one that was signed.
    Failed,
}

/// One check.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) about: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Good,
    Bad,
    Waiting,
    /// Nothing to check, or nothing to check it with.
    Open,
    Withheld,
}

/// Everything that was checked of one event.
pub(super) struct Checks {
    pub(super) verdict: Verdict,
    pub(super) list: Vec<Check>,
    pub(super) leaf_hash: Option<Hash>,
    pub(super) checkpoint: Option<Checkpoint>,
    /// Hashes from the leaf to the root, each with its side and how many leaves it stands for.
    pub(super) path: Vec<Step>,
}

/// The checkpoint that was checked against.
pub(super) struct Checkpoint {
    pub(super) size: u64,
    pub(super) root: Hash,
}

/// A hash of the audit path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Whether the sibling stands on the left.
    pub(super) is_left: bool,
    /// Leaves below the sibling.
    pub(super) leaves: u64,
}

impl Checks {
    pub(super) fn of(
        visit: &Visit,
        view: &Snapshot,
        event: &Event,
        sees_content: bool,
    ) -> Result<Self, Problem> {
        let trail = &visit.caller.trail;
        let leaf = match view.leaf(event) {
            Ok(leaf) => Some(leaf),
            Err(QueryError::Leaf { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let newest = trail
            .checkpoint()
            .filter(|newest| newest.size > event.seq.0);
        let mut checks = vec![record(event, leaf.as_ref())];
        checks.extend(content(event, leaf.as_ref(), sees_content));
        let Some(newest) = newest else {
            checks
                .extend(["Inclusion", "Log signature"].map(|name| {
                    check(name, State::Waiting, "waiting for a checkpoint".to_owned())
                }));
            let verdict = if leaf.is_some() {
                Verdict::Pending
            } else {
                Verdict::Failed
            };
            return Ok(Self {
                verdict,
                list: checks,
                leaf_hash: leaf.map(|leaf| tlog::leaf_hash(&leaf.to_bytes())),
                checkpoint: None,
                path: Vec::new(),
            });
        };
        let leaf_hash = trail.leaf_hash(event.seq)?;
        let proof = trail.inclusion(event.seq, newest.size)?;
        let is_in =
            tlog::verify_inclusion(&leaf_hash, event.seq.0, newest.size, &newest.root, &proof)
                .is_ok();
        let is_signed = is_signed(&newest, visit);
        checks.push(check(
            "Inclusion",
            state(is_in),
            format!(
                "leaf {} is in the tree of {}",
                grouped(event.seq),
                grouped(newest.size)
            ),
        ));
        checks.push(check(
            "Log signature",
            state(is_signed),
            format!("by {}", trail.origin()),
        ));
        checks.push(check(
            "Witnesses",
            State::Open,
            others(newest.note.as_bytes()),
        ));
        let all_good = leaf.is_some() && is_in && is_signed;
        Ok(Self {
            verdict: if all_good {
                Verdict::Verified
            } else {
                Verdict::Failed
            },
            list: checks,
            leaf_hash: Some(leaf_hash),
            checkpoint: Some(Checkpoint {
                size: newest.size,
                root: newest.root,
            }),
            path: path(event.seq.0, newest.size),
        })
    }
}

fn record(event: &Event, leaf: Option<&Leaf>) -> Check {
    let length = bytes(event.record.len() as u64);
    match leaf {
        Some(leaf) => check(
            "Record hash",
            State::Good,
            format!("{length}, recomputed {}", short(&leaf.c_r)),
        ),
        None => check(
            "Record hash",
            State::Bad,
            format!("{length}, not what was logged"),
        ),
    }
}

fn content(event: &Event, leaf: Option<&Leaf>, sees_content: bool) -> Option<Check> {
    let content = event.content.as_ref()?;
    let length = bytes(content.len() as u64);
    Some(match leaf {
        Some(_) if !sees_content => check(
            "Content hash",
            State::Withheld,
            format!("{length}, withheld from your role"),
        ),
        Some(leaf) => check(
            "Content hash",
            State::Good,
            format!("{length}, recomputed {}", short(&leaf.c_c)),
        ),
        None => check(
            "Content hash",
            State::Open,
            format!("{length}, not told apart from the record"),
        ),
    })
}

fn is_signed(newest: &SignedCheckpoint, visit: &Visit) -> bool {
    let opened = tlog::open_checkpoint(
        newest.note.as_bytes(),
        visit.caller.trail.verifier_key(),
        &[],
    );
    opened.is_ok_and(|opened| {
        let signed = opened.checkpoint();
        (signed.size, signed.root) == (newest.size, newest.root)
    })
}

/// Who else signed a checkpoint; whose lines they are is not known here, so that they are counted and not believed.
fn others(note: &[u8]) -> String {
    let signatures = tlog::Note::parse(note).map_or(0, |note| note.signatures().len());
    match signatures.saturating_sub(1) {
        0 => "nobody else has signed this checkpoint".to_owned(),
        1 => "1 signature of a key that is not known here".to_owned(),
        count => format!("{count} signatures of keys that are not known here"),
    }
}

fn check(name: &'static str, state: State, about: String) -> Check {
    Check { name, state, about }
}

fn state(is_good: bool) -> State {
    if is_good { State::Good } else { State::Bad }
}

/// First and last bytes of a hash.
fn short(hash: &[u8; 32]) -> String {
    let hex = crate::keys::hex(hash);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{} {} … {}", part(0, 4), part(4, 8), part(60, 64))
}

/// The siblings from a leaf to the root (RFC 6962, section 2.1.1), lowest first.
fn path(index: u64, size: u64) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        // The largest power of two below the number of leaves.
        let half = 1_u64 << (end - start - 1).ilog2();
        let middle = start + half;
        if index < middle {
            steps.push(Step {
                is_left: false,
                leaves: end - middle,
            });
            end = middle;
        } else {
            steps.push(Step {
                is_left: true,
                leaves: half,
            });
            start = middle;
        }
    }
    steps.reverse();
    steps
}

/// The verdict in a box, with a place for what the browser finds itself.
pub(super) fn verdict(checks: &Checks, seq: u64, happened: &str) -> Markup {
    let (class, mark, headline, line) = match checks.verdict {
        Verdict::Verified => (
            "",
            "v-verified",
            "Verified by this server",
            format!(
                "Not a byte has changed since {happened}. Not witnessed; Proof checks it in your browser"
            ),
        ),
        Verdict::Pending => (
            "",
            "v-pending",
            "Recorded, proof pending",
            "A signed checkpoint covers it within 1 s".to_owned(),
        ),
        Verdict::Failed => (
            "failed",
            "v-failed",
            "Does not verify",
            "The record is not what was logged".to_owned(),
        ),
    };
    html! {
        div class={ "verdict " (class) } data-proof={ "/v1/events/" (seq) "/proof" } {
            (sized(mark, "g verdict-mark"))
            div { p.lead { (headline) } p.small { (line) } }
        }
    }
}

/// The checks in their one order.
pub(super) fn list(checks: &Checks) -> Markup {
    html! {
        ul.checks {
            @for check in &checks.list {
                @let (class, mark) = match check.state {
                    State::Good => ("ok", "tick"),
                    State::Bad => ("bad", "error"),
                    State::Waiting => ("dim", "clock"),
                    State::Open => ("dim", "unfinished"),
                    State::Withheld => ("dim", "lock"),
                };
                li class=[(check.state == State::Bad).then_some("failed")] {
                    span class=(class) { (glyph(mark)) }
                    span.medium { (check.name) }
                    span.soft.wrap { (check.about) }
                }
            }
        }
    }
}

/// The audit path: one dot a step, its sibling above (left) or below (right), larger with more leaves.
pub(super) fn audit_path(checks: &Checks, seq: u64) -> Markup {
    let Some(checkpoint) = &checks.checkpoint else {
        return html! {};
    };
    let count = checks.path.len() as u128;
    let at = |step: usize| super::chart::percent(step as u128 * 100 + 60, (count + 1) * 100 + 20);
    let root = checkpoint.root.to_string();
    html! {
        figure.audit-path {
            figcaption.between { span.dim { "Audit path" } span.dim.small { "larger circle, more leaves" } }
            svg width="100%" height="76" aria-hidden="true" {
                line.trunk x1=(at(0)) x2=(at(checks.path.len())) y1="38" y2="38" {}
                svg x=(at(0)) y="38" width="1" height="1" overflow="visible" { rect.leaf x="-5" y="-5" width="10" height="10" rx="2" {} }
                @for (index, step) in checks.path.iter().enumerate() {
                    @let radius = 2 + step.leaves.ilog2().min(20) / 3;
                    svg x=(at(index + 1)) y="38" width="1" height="1" overflow="visible" {
                        @let y = if step.is_left { -26 } else { 26 };
                        line.branch x1="0" y1="0" x2="-10" y2=(y) {}
                        circle.sibling cx="-10" cy=(y) r=(radius) {}
                        @if index + 1 < checks.path.len() { circle.step cx="0" cy="0" r="2.5" {} }
                    }
                }
                svg x=(at(checks.path.len())) y="38" width="1" height="1" overflow="visible" { circle.root cx="0" cy="0" r="6" {} }
            }
            p.between.small.dim { span { "leaf " (grouped(seq)) } span { (checks.path.len()) " hashes" } span { "root " (root.get(..6).unwrap_or_default()) "…" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_siblings_of_rfc_6962() {
        let step = |is_left, leaves| Step { is_left, leaves };
        assert_eq!(path(0, 1), []);
        assert_eq!(path(0, 7), [step(false, 1), step(false, 2), step(false, 3)]);
        assert_eq!(path(6, 7), [step(true, 2), step(true, 4)]);
        assert_eq!(path(4, 7), [step(false, 1), step(false, 1), step(true, 4)]);
        for size in 1..70 {
            for index in 0..size {
                let leaves: u64 = path(index, size).iter().map(|step| step.leaves).sum();
                assert_eq!(leaves, size - 1, "{index} of {size}");
            }
        }
        assert!(path(u64::MAX / 4, u64::MAX / 2).len() <= 64);
    }
}
