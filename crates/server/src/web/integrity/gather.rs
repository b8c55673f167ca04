//! Checks of the log as a whole.

use std::{sync::Arc, time::Instant};

use event::Seq;
use ledger::{KeptCheckpoint, Trail};
use query::Snapshot;
use tlog::Hash;

use crate::{
    numbers::{Known, Numbers},
    problem::Problem,
    web::{
        number::{count_of, grouped},
        visit::Visit,
    },
};

/// Checkpoints that are listed.
const KEPT: usize = 10;
/// Newest events whose bytes are hashed again: enough to see that hashing works, few enough for a page.
const RECORDS: u64 = 64;

/// What is asked.
pub(super) struct Asked {
    pub(super) trail: Arc<Trail>,
    pub(super) numbers: Arc<Numbers>,
    pub(super) seen: Option<Seen>,
}

/// What is found.
pub(super) struct Found {
    pub(super) kept: Vec<KeptCheckpoint>,
    pub(super) checks: Vec<Check>,
    pub(super) took_us: i64,
    pub(super) numbers: Known,
    pub(super) since: Option<(Seen, Since)>,
    pub(super) first_us: Option<i64>,
    pub(super) vkey: String,
    /// Events of the log, with those that no checkpoint covers yet.
    pub(super) log_size: u64,
}

/// One check.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) is_good: bool,
    pub(super) about: String,
    pub(super) took_us: i64,
}

/// A tree that a browser saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) trail: String,
    pub(super) size: u64,
    pub(super) root: String,
    pub(super) time_us: i64,
}

/// How today's log stands to one that was seen.
pub(super) enum Since {
    /// It grew out of it; the proof has so many hashes.
    Consistent(usize),
    Differs,
}

impl Seen {
    /// `trail.size.root.time`, as a cookie holds it: the root in base64url.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(4, '.');
        let (time, root, size, trail) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            trail: trail.to_owned(),
            size: crate::params::decimal(size)?,
            root: root.replace('-', "+").replace('_', "/"),
            time_us: i64::try_from(crate::params::decimal(time)?).ok()?,
        })
    }

    fn to_text(&self) -> String {
        let root = self.root.replace('+', "-").replace('/', "_");
        format!("{}.{}.{root}.{}", self.trail, self.size, self.time_us)
    }
}

impl Asked {
    pub(super) fn answer(self, view: &Snapshot) -> Result<Found, Problem> {
        let started = Instant::now();
        let trail = &self.trail;
        let kept = trail.kept_checkpoints(KEPT)?;
        let mut checks = Vec::new();
        let mut since = None;
        if let Some(newest) = kept.first().map(|kept| &kept.checkpoint) {
            checks.push(timed("Signature", || {
                let opened =
                    tlog::open_checkpoint(newest.note.as_bytes(), trail.verifier_key(), &[]);
                Ok((opened.is_ok(), format!("by {}", trail.origin())))
            })?);
            checks.push(timed("Tree", || {
                let root = trail.root(newest.size)?;
                Ok((
                    root == newest.root,
                    format!(
                        "{} leaves, root computed from the stored tiles",
                        grouped(newest.size)
                    ),
                ))
            })?);
            checks.push(timed("Growth", || growth(trail, &kept))?);
            checks.push(timed("Records", || records(view, newest.size))?);
            since = self.seen.map(|seen| {
                let stands = stands(trail, &seen, newest.size, newest.root)?;
                Ok::<_, Problem>((seen, stands))
            });
        }
        let first = view.row(Seq(0))?;
        let first = first.and_then(|row| {
            event::RecordView::parse(&row.record)
                .ok()
                .map(|record| record.recorded_at.0)
        });
        Ok(Found {
            checks,
            took_us: elapsed(started),
            numbers: self.numbers.look(view)?,
            since: since.transpose()?,
            first_us: first.and_then(|us| i64::try_from(us).ok()),
            vkey: trail.verifier_key().to_string(),
            log_size: view.size(),
            kept,
        })
    }
}

/// Each kept checkpoint is a prefix of the next one.
fn growth(trail: &Trail, kept: &[KeptCheckpoint]) -> Result<(bool, String), Problem> {
    let mut is_good = true;
    for pair in kept.windows(2) {
        let [newer, older] = pair else { continue };
        let (older, newer) = (&older.checkpoint, &newer.checkpoint);
        let proof = trail.consistency(older.size, newer.size)?;
        is_good &=
            tlog::verify_consistency(older.size, newer.size, &older.root, &newer.root, &proof)
                .is_ok();
    }
    Ok((
        is_good,
        format!(
            "the last {} grew out of each other",
            count_of(kept.len() as u64, "checkpoint", "checkpoints")
        ),
    ))
}

/// The newest events hash to their leaves.
fn records(view: &Snapshot, size: u64) -> Result<(bool, String), Problem> {
    let first = size.saturating_sub(RECORDS);
    let mut bad = 0;
    for seq in first..size {
        let Some(event) = view.get(Seq(seq))? else {
            continue;
        };
        match view.leaf(&event) {
            Ok(_) => {}
            Err(query::QueryError::Leaf { .. }) => bad += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let about = match bad {
        0 => format!(
            "the newest {}, hashed again from their bytes",
            grouped(size - first)
        ),
        _ => format!(
            "{} not what was logged",
            count_of(bad, "record is", "records are")
        ),
    };
    Ok((bad == 0, about))
}

fn stands(trail: &Trail, seen: &Seen, size: u64, root: Hash) -> Result<Since, Problem> {
    let Ok(then) = seen.root.parse::<Hash>() else {
        return Ok(Since::Differs);
    };
    if seen.size == 0 || seen.size > size {
        return Ok(Since::Differs);
    }
    let proof = trail.consistency(seen.size, size)?;
    let holds = tlog::verify_consistency(seen.size, size, &then, &root, &proof).is_ok();
    Ok(if holds {
        Since::Consistent(proof.len())
    } else {
        Since::Differs
    })
}

fn timed(
    name: &'static str,
    check: impl FnOnce() -> Result<(bool, String), Problem>,
) -> Result<Check, Problem> {
    let started = Instant::now();
    let (is_good, about) = check()?;
    Ok(Check {
        name,
        is_good,
        about,
        took_us: elapsed(started),
    })
}

fn elapsed(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX)
}

impl Found {
    pub(super) fn is_good(&self) -> bool {
        let differs = matches!(self.since, Some((_, Since::Differs)));
        self.checks.iter().all(|check| check.is_good) && !differs
    }

    /// Leaves of the newest checkpoint.
    pub(super) fn size(&self) -> u64 {
        self.kept.first().map_or(0, |kept| kept.checkpoint.size)
    }

    /// What the browser remembers from now on. A tree that does not follow on the one before is not remembered: it
    /// would be forgotten that it differed.
    pub(super) fn seen_now(&self, visit: &Visit) -> Option<String> {
        let newest = &self.kept.first()?.checkpoint;
        let differs = matches!(self.since, Some((_, Since::Differs)));
        let seen = Seen {
            trail: visit.caller.trail_id().to_string(),
            size: newest.size,
            root: newest.root.to_string(),
            time_us: visit.clock.now_us(),
        };
        (!differs).then(|| seen.to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_read_back() {
        let seen = Seen {
            trail: "acme.eu-west_1".to_owned(),
            size: 7,
            root: "a+b/c=".to_owned(),
            time_us: 5,
        };
        assert_eq!(Seen::parse(&seen.to_text()), Some(seen));
        for bad in ["", "a.b", "a.x.r.1", "a.1.r.-1"] {
            assert_eq!(Seen::parse(bad), None, "{bad}");
        }
    }
}
