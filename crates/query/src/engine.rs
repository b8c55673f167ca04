use std::sync::{Arc, Mutex};

use ledger::Trail;
use store::Segments;
use tlog::Frontier;

use crate::{QueryError, Snapshot, group::Prefixes, names::Names, snapshot::HotColumns};

/// Reads one trail. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    trail: Arc<Trail>,
    shared: Arc<Shared>,
}

/// What all readers of a trail share.
pub(crate) struct Shared {
    pub(crate) segments: Arc<Segments>,
    /// Tree of a newest snapshot, from which that of the next one grows.
    pub(crate) frontier: Mutex<Frontier>,
    pub(crate) hot_columns: Mutex<HotColumns>,
    pub(crate) names: Names,
    pub(crate) prefixes: Prefixes,
}

impl Engine {
    /// The reader of a trail and of its segments.
    #[must_use]
    pub fn new(trail: Arc<Trail>, segments: Arc<Segments>) -> Self {
        let shared = Shared {
            segments,
            frontier: Mutex::default(),
            hot_columns: Mutex::default(),
            names: Names::default(),
            prefixes: Prefixes::default(),
        };
        Self {
            trail,
            shared: Arc::new(shared),
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
        let sealed = self.shared.segments.snapshot(self.trail.id())?;
        let trail = Arc::clone(&self.trail);
        Ok(Snapshot::new(trail, hot, sealed, Arc::clone(&self.shared)))
    }
}
