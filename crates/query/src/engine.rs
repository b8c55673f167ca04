use std::sync::Arc;

use ledger::Trail;

use crate::{QueryError, Snapshot};

/// Reads one trail.
#[derive(Clone)]
pub struct Engine {
    trail: Arc<Trail>,
}

impl Engine {
    /// The reader of a trail. Its segments become a second argument.
    #[must_use]
    pub fn new(trail: Arc<Trail>) -> Self {
        Self { trail }
    }

    /// Everything durable as of now; what comes later is not in it.
    ///
    /// # Errors
    /// If the trail's segments cannot be opened.
    pub fn snapshot(&self) -> Result<Snapshot, QueryError> {
        Ok(Snapshot::new(Arc::clone(&self.trail)))
    }
}
