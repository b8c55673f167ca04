//! The integrator: one thread that extends the trees and signs checkpoints.

use std::{
    sync::{
        Arc, PoisonError,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use event::Seq;
use tlog::Checkpoint;

use crate::{
    checkpoints::SignedCheckpoint, committer::Trails, env::Env, error::LedgerError, ledger::Health,
    trail::Trail, tree::level_len,
};

/// What the thread works with.
pub(crate) struct Integrator {
    pub(crate) env: Env,
    pub(crate) trails: Trails,
    pub(crate) health: Arc<Health>,
    pub(crate) interval: Duration,
    /// Disconnected when the ledger shuts down.
    pub(crate) stop: Receiver<()>,
}

impl Integrator {
    /// Runs until the ledger shuts down; then once more, so that a clean stop leaves nothing unsigned.
    pub(crate) fn run(self) {
        loop {
            let last = !matches!(
                self.stop.recv_timeout(self.interval),
                Err(RecvTimeoutError::Timeout)
            );
            if self.health.is_stopped() {
                return;
            }
            let trails: Vec<_> = {
                let trails = self.trails.read().unwrap_or_else(PoisonError::into_inner);
                trails.values().cloned().collect()
            };
            for trail in trails {
                if let Err(error) = integrate(&self.env, &trail) {
                    self.health.stop("integrator", &error);
                    return;
                }
            }
            if last {
                return;
            }
        }
    }
}

/// Brings the tree of a trail up to its log and publishes a checkpoint: tiles durable, read back and hashed
/// again, then signed, then made durable, then shown.
pub(crate) fn integrate(env: &Env, trail: &Trail) -> Result<(), LedgerError> {
    let hot = trail.hot();
    let size = hot.end.0;
    if trail.checkpoint().map_or(0, |newest| newest.size) >= size {
        return Ok(());
    }
    let mut writer = trail.writer();
    let before = writer.size();
    for chunk in hot.chunks.iter() {
        let skip =
            usize::try_from(writer.size().saturating_sub(chunk.first().0)).unwrap_or(usize::MAX);
        if let Some(leaves) = chunk.leaves.get(skip..)
            && !leaves.is_empty()
        {
            if chunk.first().0 > writer.size() {
                return Err(hole(trail, writer.size(), chunk.first()));
            }
            writer.append(leaves)?;
        }
    }
    if writer.size() != size {
        return Err(hole(trail, writer.size(), hot.end));
    }
    writer.sync()?;
    check_tiles(trail, before, size)?;
    let root = trail.tree().root(size)?;
    if root != writer.root() {
        return Err(LedgerError::Root {
            trail: trail.id().clone(),
            size,
        });
    }
    let checkpoint = Checkpoint {
        origin: trail.origin().to_owned(),
        size,
        root,
    };
    let note = tlog::sign_checkpoint(&checkpoint, &trail.key)?.to_string();
    let signed = SignedCheckpoint { size, root, note };
    let signed = trail.checkpoints().publish(signed, env.clock.now())?;
    trail.publish_checkpoint(signed);
    Ok(())
}

/// Hashes every tile that became full since `before` and compares it with the hash stored one level up.
fn check_tiles(trail: &Trail, before: u64, size: u64) -> Result<(), LedgerError> {
    let full = |size, level| level_len(size, level + 1);
    for level in 0..7 {
        for n in full(before, level)..full(size, level) {
            if trail.tree().tile_root(level, n)? != trail.tree().hash(level + 1, n)? {
                return Err(LedgerError::Root {
                    trail: trail.id().clone(),
                    size,
                });
            }
        }
    }
    Ok(())
}

fn hole(trail: &Trail, expected: u64, found: Seq) -> LedgerError {
    LedgerError::Hole {
        trail: trail.id().clone(),
        expected: Seq(expected),
        found,
    }
}
