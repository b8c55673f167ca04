//! The root of a view that may be ahead of the signed checkpoint.

use std::sync::PoisonError;

use tlog::{Frontier, Hash};

use super::Snapshot;
use crate::QueryError;

impl Snapshot {
    /// Root of the tree over these events, signed or not yet.
    ///
    /// # Errors
    /// If the tree cannot be read.
    pub fn root(&self) -> Result<Hash, QueryError> {
        let signed = self.trail.checkpoint().map_or(0, |signed| signed.size);
        if self.size <= signed {
            return Ok(self.trail.root(self.size)?);
        }
        let frontier = self.shared.frontier.lock();
        let mut kept = frontier.unwrap_or_else(PoisonError::into_inner);
        // Unsealed events are held until a checkpoint covers them, so the hot tail has what follows.
        if kept.size() < signed || kept.size() > self.size {
            *kept = self.signed_tree(signed)?;
        }
        for seq in kept.size()..self.size {
            kept.append(self.hot_event(seq)?.leaf_hash, |_, _| {});
        }
        Ok(kept.root())
    }

    fn signed_tree(&self, size: u64) -> Result<Frontier, QueryError> {
        let edge = tlog::right_edge(size, |tile| self.trail.tile(tile));
        let edge = edge.map_err(ledger::LedgerError::from)?;
        Ok(Frontier::restore(size, edge).map_err(ledger::LedgerError::from)?)
    }
}
