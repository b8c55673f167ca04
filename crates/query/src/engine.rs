use std::sync::{Arc, Mutex};

use ledger::Trail;
use store::Segments;
use tlog::Frontier;

use crate::{QueryError, Snapshot, snapshot::SharedHotColumns};

/// Reads one trail. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    trail: Arc<Trail>,
    segments: Arc<Segments>,
    /// Tree of a newest snapshot, from which that of the next one grows.
    frontier: Arc<Mutex<Frontier>>,
    hot_columns: SharedHotColumns,
}

impl Engine {
    /// The reader of a trail and of its segments.
    #[must_use]
    pub fn new(trail: Arc<Trail>, segments: Arc<Segments>) -> Self {
        Self {
            trail,
            segments,
            frontier: Arc::default(),
            hot_columns: Arc::default(),
        }
    }

    /// Everything durable as of now; what comes later is not in it.
    ///
    /// # Errors
    /// If the trail's manifest cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, QueryError> {
        // Events leave the hot tail only after they are in the manifest: taken in this order, none can
        // be in neither.
        let hot = self.trail.hot();
        let sealed = self.segments.snapshot(self.trail.id())?;
        Ok(Snapshot::new(
            Arc::clone(&self.trail),
            hot,
            sealed,
            Arc::clone(&self.segments),
            Arc::clone(&self.frontier),
            Arc::clone(&self.hot_columns),
        ))
    }
}
