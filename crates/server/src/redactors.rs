//! What takes secrets out of telemetry: one for each trail, whose key its hashes are made with.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use capture::{
    config::{ConfigError, read_text},
    redact::{Redactor, RuleFileError},
};
use event::TrailId;
use ledger::Trail;

/// Made when a trail first needs one.
#[derive(Debug)]
pub(crate) struct Redactors {
    /// `gateway.redaction_rules_file`
    rules: Option<PathBuf>,
    by_trail: RwLock<HashMap<TrailId, Arc<Redactor>>>,
}

/// Why nothing can be taken out, so that nothing may be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedactorError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Rules(#[from] RuleFileError),
}

impl Redactors {
    pub(crate) fn new(rules: Option<PathBuf>) -> Self {
        Self {
            rules,
            by_trail: RwLock::default(),
        }
    }

    /// The one of a trail.
    pub(crate) fn of(&self, trail: &Trail) -> Result<Arc<Redactor>, RedactorError> {
        let known = self.by_trail.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(redactor) = known.get(trail.id()) {
            return Ok(Arc::clone(redactor));
        }
        drop(known);
        let rules = self.rules.as_deref();
        let rules = rules
            .map(|path| read_text("gateway.redaction_rules_file", path))
            .transpose()?;
        let key = trail.dedup_key().redaction_key();
        let redactor = Arc::new(Redactor::new(rules.as_deref(), &[], &key)?);
        let mut known = self
            .by_trail
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(trail.id().clone(), Arc::clone(&redactor));
        Ok(redactor)
    }
}
